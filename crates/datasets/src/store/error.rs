//! What can go wrong with the files of the store. No variant and no text holds a person's data: SQLite's own messages
//! name tables and columns, never values, because values are bound and not spelled.

use std::io;

/// Why a dataset's file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite says so: the disk is full, the file damaged.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A file or folder beside the database says so.
    #[error("the folder of the datasets failed")]
    Folder(#[from] io::Error),
    /// The file was written by a newer version of this program; it was not touched.
    #[error("the file has schema version {found}, this program knows {known}")]
    Newer {
        /// The file's version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The file was written by an older version of this program; a writer that opens it will migrate it.
    #[error("the file has schema version {found} and was not yet migrated to {known}")]
    Older {
        /// The file's version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The file is no SQLite database of this program, or holds another dataset.
    #[error("the file is not one of this dataset")]
    Foreign,
    /// The pointer does not hold the name of one of the dataset's files.
    #[error("the pointer to the dataset's file is damaged")]
    Pointer,
    /// Another run is writing this dataset.
    #[error("another run is writing this dataset")]
    Busy,
    /// A value in the file breaks the checks of [`ehealth_core::model`], which nothing that was written did.
    #[error("the file holds a value that was never written")]
    Value,
    /// The file holds numbers that replace each other in a circle, or more of them than a person can have.
    #[error("the replacements of a number do not end")]
    Cycle,
    /// Whoever was told how far the writing is wanted no more of it.
    #[error("the writing was stopped")]
    Stopped,
    /// A row or key of another dataset was handed in.
    #[error("the record belongs to another dataset")]
    Dataset,
}
