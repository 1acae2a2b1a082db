//! The state file: how far an export is. It is replaced durably after each batch.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};

use durable_file::{Directory, Identity};
use serde_json::{Value, json};

use super::error::ExportError;
use super::line::LineFormat;
use ehealth_core::model::Digest;

/// Maximum size of a state file. One has about 300 bytes.
const MAX_BYTES: u64 = 1 << 16;

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// Sequence and hash of the last record that was written; `None` before the first.
    pub last: Option<(u64, Digest)>,
    /// Length of the file with that record.
    pub bytes: u64,
}

/// The folder and the name of a file. The folder is opened once, and a link under the name is an error.
pub(super) struct Place {
    pub path: PathBuf,
    pub directory: Directory,
    pub name: OsString,
}

impl Place {
    pub fn new(path: &Path) -> Result<Self, ExportError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| ExportError::NotAFile(path.to_owned()))?.to_owned();
        let directory = Directory::open(folder).map_err(ExportError::file(folder))?;
        Ok(Self { path: path.to_owned(), directory, name })
    }

    /// Whether two paths name one file.
    pub fn is(&self, other: &Self) -> Result<bool, ExportError> {
        let identity = |place: &Self| Identity::of_file(&place.directory).map_err(ExportError::file(&place.path));
        Ok(self.name == other.name && identity(self)? == identity(other)?)
    }
}

/// Locks a file, until it is closed.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), ExportError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ExportError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(ExportError::file(path)(error)),
    }
}

/// A state file, used by this export alone.
pub(super) struct StateFile {
    path: PathBuf,
    /// The state itself is replaced at each batch, so that its lock would be lost: another file has it.
    _lock: File,
}

impl StateFile {
    /// Locks the file and reads it; `None` if it is missing.
    pub fn open(place: &Place, format: &LineFormat) -> Result<(Self, Option<Progress>), ExportError> {
        let path = &place.path;
        let mut name = place.name.clone();
        name.push(OsStr::new(".lock"));
        let file = place.directory.open_or_create(&name, 0o600).map_err(ExportError::file(path))?;
        lock(&file, path)?;
        let progress = match place.directory.open_file(&place.name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(ExportError::file(path)(error)),
            Ok(file) => Some(read(&file, path, format)?),
        };
        Ok((Self { path: path.clone(), _lock: file }, progress))
    }

    /// Replaces the state, durably.
    pub fn write(&self, progress: &Progress, format: &LineFormat) -> Result<(), ExportError> {
        let state = json!({
            "log": format.log,
            "withEncryptedDetail": format.has_detail,
            "sequence": progress.last.map(|(sequence, _)| sequence),
            "hash": progress.last.map(|(_, hash)| hash.to_string()),
            "bytes": progress.bytes,
        });
        let replaced = durable_file::replace(&self.path, format!("{state}\n").as_bytes(), 0o600);
        replaced.map_err(|error| ExportError::State { path: self.path.clone(), problem: error.to_string() })
    }
}

fn read(file: &File, path: &Path, format: &LineFormat) -> Result<Progress, ExportError> {
    let in_file = ExportError::file(path);
    if !file.metadata().map_err(&in_file)?.is_file() {
        return Err(ExportError::NotAFile(path.to_owned()));
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(&in_file)?;
    let problem = |problem: String| ExportError::State { path: path.to_owned(), problem };
    let state: Value = serde_json::from_str(&text).map_err(|_| problem("no state of an export".to_owned()))?;
    if state.get("log").and_then(Value::as_str) != Some(&format.log) {
        return Err(problem(format!("the state of another log, not of {}", format.log)));
    }
    if state.get("withEncryptedDetail").and_then(Value::as_bool) != Some(format.has_detail) {
        return Err(problem("the state of an export with another --with-encrypted-detail".to_owned()));
    }
    let last = match (state.get("sequence"), state.get("hash")) {
        (Some(Value::Null), Some(Value::Null)) => Some(None),
        (Some(sequence), Some(hash)) => {
            sequence.as_u64().zip(hash.as_str().and_then(|hash| Digest::parse(hash).ok())).map(Some)
        }
        _ => None,
    };
    let bytes = state.get("bytes").and_then(Value::as_u64);
    let (last, bytes) = last.zip(bytes).ok_or_else(|| problem("no state of an export".to_owned()))?;
    Ok(Progress { last, bytes })
}
