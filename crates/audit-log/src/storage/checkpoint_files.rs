//! Files of the newest checkpoint: one in the audit log's folder, and a copy elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::disk::{Disk, ReadFrom};
use super::file_names::CHECKPOINT;
use crate::format::note::{CheckpointKey, SignedHead};

/// Maximum length of a checkpoint that is read, in bytes. A checkpoint has about 500.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 8_192;
/// Reason why a checkpoint cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointError {
    /// The audit log has records, but no checkpoint.
    #[error("the audit log has records but no checkpoint")]
    Missing,
    /// The file is not a checkpoint that this log's key signed under this log's origin.
    #[error("{0} holds no checkpoint of this audit log and this key")]
    Foreign(CheckpointLocation),
    /// The audit log has fewer records than were signed.
    #[error("the audit log is truncated: a checkpoint signs {signed} records, but only {found} exist")]
    Truncated {
        /// Number of records under the checkpoint.
        signed: u64,
        /// Number of records that exist.
        found: u64,
    },
    /// The records are not those that were signed.
    #[error("the first {signed} records are not those that the checkpoint signs")]
    Inconsistent {
        /// Number of records under the checkpoint.
        signed: u64,
    },
    /// The copy cannot be read.
    #[error("the copy of the checkpoint cannot be read: {0}")]
    Io(io::ErrorKind),
}

/// Location of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointLocation {
    /// The audit log's folder.
    AuditLog,
    /// The copy elsewhere.
    Copy,
}

impl std::fmt::Display for CheckpointLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "the audit log's folder",
            Self::Copy => "the copy of the checkpoint",
        })
    }
}

/// Content of both files.
pub(crate) struct StoredCheckpoints {
    pub(crate) primary: Option<Vec<u8>>,
    pub(crate) copy: Option<Vec<u8>>,
}

impl StoredCheckpoints {
    /// Reads both files. A file that does not exist is `None`.
    pub(crate) fn read(disk: &dyn Disk, copy: Option<&Path>) -> io::Result<Result<Self, CheckpointError>> {
        let mut primary = Vec::new();
        let primary = match disk.open(CHECKPOINT) {
            Ok(file) => {
                ReadFrom { file, offset: 0 }.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut primary)?;
                Some(primary)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(match copy.map(read_bounded).transpose() {
            Ok(copy) => Ok(Self { primary, copy: copy.flatten() }),
            Err(error) => Err(CheckpointError::Io(error.kind())),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.primary.is_none() && self.copy.is_none()
    }

    /// Returns the newest checkpoint. Both must be signed by this key.
    pub(crate) fn newest(&self, key: &CheckpointKey) -> Result<Option<SignedHead>, CheckpointError> {
        let signed_head = |bytes: &Option<Vec<u8>>, location| {
            let read = |bytes| std::str::from_utf8(bytes).ok().and_then(|note| key.read(note));
            bytes.as_deref().map(|bytes| read(bytes).ok_or(CheckpointError::Foreign(location))).transpose()
        };
        let primary = signed_head(&self.primary, CheckpointLocation::AuditLog)?;
        let copy = signed_head(&self.copy, CheckpointLocation::Copy)?;
        Ok([primary, copy].into_iter().flatten().max_by_key(|head| head.size))
    }
}

fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file: afterwards it has the old or the new content, whole and durable.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
