//! The folder of the datasets: names, the pointer to the file in use, the lock of the one writer.
//!
//! | name | what it is |
//! |---|---|
//! | `dimona.current` | the pointer: the name of the file in use, and a line end |
//! | `dimona-1891f0….sqlite` | a file of the dataset; with `-wal` and `-shm` while it is in use |
//! | `dimona.lock` | held by whoever writes the dataset; empty |
//!
//! A file's name is never used twice, so that SQLite's companions of one file cannot meet another. The pointer is
//! replaced in one step (written beside, made durable, renamed, the folder made durable): whoever crashes leaves the
//! old one or the new one. Everything else of that dataset in the folder is a leftover, removed by the next writer.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;
use ehealth_core::model::Dataset;

/// The folder in which the files of all datasets lie.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// Held by the one that writes a dataset, in this process or another. The system lets go of it if the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct WriteLock(#[expect(dead_code, reason = "closing the file is what lets go")] File);

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder, readable by its owner alone, if it is not there.
    pub fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// The file in use; `None` if there never was one.
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

    /// Makes a file of the dataset the one in use. The file must be durable.
    pub fn point_to(&self, dataset: Dataset, file: &Path) -> io::Result<()> {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        let beside = self.0.join(format!("{}.current.new", dataset.code()));
        let mut pointer = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        pointer.write_all(format!("{name}\n").as_bytes())?;
        pointer.sync_all()?;
        fs::rename(&beside, self.pointer(dataset))?;
        File::open(&self.0)?.sync_all()
    }

    /// Makes an empty file of the dataset, readable by its owner alone, under a name that never was one.
    pub fn create_file(&self, dataset: Dataset) -> io::Result<PathBuf> {
        loop {
            // The hasher's keys are the system's random numbers.
            let random = RandomState::new().hash_one(dataset);
            let path = self.0.join(format!("{}-{random:016x}.sqlite", dataset.code()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the dataset's lock.
    pub fn lock(&self, dataset: Dataset) -> Result<WriteLock, StoreError> {
        let path = self.0.join(format!("{}.lock", dataset.code()));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(WriteLock(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Removes what a writer that crashed left behind. Whoever calls holds the lock.
    pub fn sweep(&self, dataset: Dataset, _lock: &WriteLock) -> Result<(), StoreError> {
        let current = self.current(dataset)?;
        let current = current.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
        let own = format!("{}-", dataset.code());
        let pointer_beside = format!("{}.current.new", dataset.code());
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let in_use = current.is_some_and(|current| name.starts_with(current));
            if (name.starts_with(&own) && !in_use) || name == pointer_beside {
                tracing::info!(dataset = dataset.code(), file = name, "removing a leftover");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn pointer(&self, dataset: Dataset) -> PathBuf {
        self.0.join(format!("{}.current", dataset.code()))
    }
}

/// Makes a file for reading and writing that has no name, and so goes when it is closed.
pub(super) fn create_unnamed(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Removes a database file and SQLite's companions of it.
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
