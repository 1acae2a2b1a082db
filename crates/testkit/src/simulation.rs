//! Files of a running simulation: its folder, and the ready file that says how to reach it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

/// The folder of a simulation. One that the user named is kept; a temporary one is removed when
/// this value is dropped.
#[derive(Debug)]
pub struct SimulationFolder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl SimulationFolder {
    /// Takes the folder that the user named, which must be empty or not exist yet, so that no file
    /// of the user is lost or served.
    ///
    /// # Errors
    /// If the folder cannot be made or is not empty.
    pub fn named(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        if fs::read_dir(path)?.next().is_some() {
            return Err(io::Error::other("is not empty; name an empty folder or one that does not exist"));
        }
        Ok(Self { path: fs::canonicalize(path)?, temporary: None })
    }

    /// Makes a temporary folder that only this user can read.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn temporary() -> io::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("ehealth-attributes-").tempdir()?;
        Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) })
    }

    /// Absolute path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the folder when this value is dropped.
    pub fn keep(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = temporary.keep();
        }
    }
}

/// The file that says that the simulation answers: it exists while the simulation answers, and only
/// then.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
}

impl ReadyFile {
    /// Removes the file that an earlier simulation left, so that it is not taken for this one's.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn new(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the file beside its place and renames it: readers see all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, content: &Value) -> io::Result<()> {
        Ok(durable_file::replace(&self.path, format!("{content:#}\n").as_bytes(), 0o666)?)
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // It does not exist if the start failed before `write`.
        let _ = fs::remove_file(&self.path);
    }
}
