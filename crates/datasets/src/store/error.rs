//! Errors of the store. No variant and no text has personal data: SQLite's own messages name tables
//! and columns, never values, because values are bound and not written into the SQL text.

use std::io;
use std::path::PathBuf;

/// Why a dataset's file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reports an error, for example a full disk or a damaged file.
    #[error("SQLite reports an error")]
    Database(#[from] rusqlite::Error),
    /// A file or folder beside the database cannot be read or written.
    #[error("a file in the folder of the datasets cannot be read or written")]
    Folder(#[from] io::Error),
    /// A newer version of this program wrote the file; the file was not changed.
    #[error("the file has schema version {found}, this program supports {known}; install a newer version of it")]
    Newer {
        /// Schema version of the file.
        found: u32,
        /// Newest schema version that this program supports.
        known: u32,
    },
    /// An older version of this program wrote the file; the next writer migrates it.
    #[error("the file has schema version {found} and must be migrated to {known}; run `sync` once")]
    Older {
        /// Schema version of the file.
        found: u32,
        /// Schema version that this program reads.
        known: u32,
    },
    /// The file is not an SQLite database of this program, or holds another dataset.
    #[error("the file is not a database of this dataset")]
    Foreign,
    /// The pointer does not contain the name of one of the dataset's files.
    #[error("the pointer to the dataset's file is damaged")]
    Pointer,
    /// Another run has the dataset's lock.
    #[error("another run is writing this dataset")]
    Busy,
    /// A value in the file breaks the checks of [`ehealth_core::model`]; this program never wrote
    /// it.
    #[error("the file has an invalid value")]
    Value,
    /// The replacements in the file form a cycle, or are more than a person can have.
    #[error("the replacements of an SSIN form a cycle or are too many")]
    Cycle,
    /// The file system of a folder that is written has too little free space.
    #[error(
        "`{}` is on a disk with {free} bytes of free space, and this run needs {needed}; free space, or put the folder \
         on a larger disk",
        .folder.display()
    )]
    LowSpace {
        /// A folder on the file system.
        folder: PathBuf,
        /// Free space in bytes.
        free: u64,
        /// Bytes that must be free to go on.
        needed: u64,
    },
    /// The progress callback stopped the writing.
    #[error("the writing was stopped")]
    Stopped,
    /// The caller passed a row or key of another dataset.
    #[error("the record belongs to another dataset")]
    Dataset,
}
