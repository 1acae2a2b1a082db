//! The folder of the datasets: file names, the pointer to the current file, and the write lock.
//!
//! | name | content |
//! |---|---|
//! | `dimona.current` | the pointer: name of the current file and a line end |
//! | `dimona-1891f0….sqlite` | a file of the dataset; with `-wal` and `-shm` while it is open |
//! | `dimona.lock` | locked by the dataset's writer; empty |
//!
//! A file name is never used twice, so SQLite's companion files of one database cannot meet
//! another. The pointer is replaced in one step ([`durable_file::replace`]): a crash leaves the old
//! one or the new one. Every other file of the dataset in the folder is a leftover, and the next
//! writer removes it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use ehealth_core::model::Dataset;

/// Permission bits of the files: the fetching and the answering process may be two users of one group,
/// and SQLite's companion files get the same. The folder, with mode 0700 or 0770, keeps others out.
const FILE_MODE: u32 = 0o660;

/// The folder with the files of all datasets.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// Exclusive right to write a dataset, across all processes. The operating system releases it when
/// the process ends, also after a crash.
#[derive(Debug)]
pub(super) struct WriteLock(File);

impl Drop for WriteLock {
    /// Releases the lock itself. Closing the file is not enough: a program that another thread starts in
    /// this moment has a copy of it until it runs.
    fn drop(&mut self) {
        // Then the system releases it when the last copy is closed.
        let _ = self.0.unlock();
    }
}

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Creates the folder if it does not exist, with access for its owner only.
    pub fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// The current file; `None` if the dataset never had one.
    pub fn current(&self, dataset: Dataset) -> Result<Option<PathBuf>, StoreError> {
        let text = match fs::read_to_string(self.pointer(dataset)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(StoreError::Pointer),
            Err(error) => return Err(error.into()),
        };
        let name = text.strip_suffix('\n').ok_or(StoreError::Pointer)?;
        let number = name.strip_prefix(dataset.code()).and_then(|name| name.strip_prefix('-'));
        let number = number.and_then(|name| name.strip_suffix(".sqlite")).ok_or(StoreError::Pointer)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(StoreError::Pointer);
        }
        Ok(Some(self.0.join(name)))
    }

    /// Makes a file of the dataset the current one, durably. The file itself must be durable.
    pub fn point_to(&self, dataset: Dataset, file: &Path) -> io::Result<()> {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(durable_file::replace(&self.pointer(dataset), format!("{name}\n").as_bytes(), 0o640)?)
    }

    /// Creates an empty file of the dataset under a new name.
    pub fn create_file(&self, dataset: Dataset) -> io::Result<PathBuf> {
        loop {
            // The hasher's keys are random numbers of the operating system.
            let random = RandomState::new().hash_one(dataset);
            let path = self.0.join(format!("{}-{random:016x}.sqlite", dataset.code()));
            match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path) {
                Ok(file) => {
                    // Whatever the umask is.
                    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the dataset's lock.
    pub fn lock(&self, dataset: Dataset) -> Result<WriteLock, StoreError> {
        let path = self.0.join(format!("{}.lock", dataset.code()));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        // Whatever the umask is. Only its owner can, and has done so.
        let _ = file.set_permissions(Permissions::from_mode(FILE_MODE));
        match file.try_lock() {
            Ok(()) => Ok(WriteLock(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Removes the files that a crashed writer left behind. The caller must hold the lock.
    pub fn remove_leftovers(&self, dataset: Dataset, _lock: &WriteLock) -> Result<(), StoreError> {
        let current = self.current(dataset)?;
        let current = current.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
        let prefix = format!("{}-", dataset.code());
        let pointer = format!("{}.current", dataset.code());
        // Version 0.1 wrote the new pointer under this name.
        let old_draft = format!("{pointer}.new");
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_draft = durable_file::draft_target(&name) == Some(OsStr::new(&pointer));
            let Some(name) = name.to_str() else { continue };
            let is_current = current.is_some_and(|current| name.starts_with(current));
            if (name.starts_with(&prefix) && !is_current) || is_draft || name == old_draft {
                tracing::info!(dataset = dataset.code(), file = name, "removing a leftover file");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn pointer(&self, dataset: Dataset) -> PathBuf {
        self.0.join(format!("{}.current", dataset.code()))
    }
}

/// Creates a file for reading and writing, and removes its name: the file disappears when it is
/// closed.
pub(super) fn create_unnamed(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Removes a database file and its SQLite companion files.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    for companion in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
