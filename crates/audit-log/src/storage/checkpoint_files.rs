//! The files of the newest checkpoint: the one in the audit log's folder and its copy elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::disk::{Disk, ReadFrom};
use super::file_names::CHECKPOINT;
use crate::format::note::{CheckpointKey, SignedHead};

/// A checkpoint has some 500 bytes; whatever is longer is none.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 8_192;
/// Whose checkpoint cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointError {
    /// The trail has records, but no checkpoint.
    #[error("the trail has records but no checkpoint")]
    Missing,
    /// It is not one that this trail's key signed under this trail's name.
    #[error("{0} holds no checkpoint of this trail and this key")]
    Foreign(CheckpointLocation),
    /// The trail is shorter than it was.
    #[error("truncated: a checkpoint was signed over {signed} records, and {found} are there")]
    Truncated {
        /// So many records had it.
        signed: u64,
        /// So many are there.
        found: u64,
    },
    /// The trail's records are not those that were signed.
    #[error("the first {signed} records are not those that were signed")]
    Inconsistent {
        /// The size of the checkpoint.
        signed: u64,
    },
    /// The second place cannot be read.
    #[error("the second place of the checkpoint cannot be read: {0}")]
    Io(io::ErrorKind),
}

/// Where a checkpoint lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointLocation {
    /// In the trail's folder.
    AuditLog,
    /// In the second place.
    Copy,
}

impl std::fmt::Display for CheckpointLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "the trail's folder",
            Self::Copy => "the second place",
        })
    }
}

/// What the places hold.
pub(crate) struct StoredCheckpoints {
    pub(crate) primary: Option<Vec<u8>>,
    pub(crate) copy: Option<Vec<u8>>,
}

impl StoredCheckpoints {
    /// Reads both places; a place without a checkpoint is `None`.
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

    /// The newest of them; every one must be this key's.
    pub(crate) fn newest(&self, key: &CheckpointKey) -> Result<Option<SignedHead>, CheckpointError> {
        let signed_head = |bytes: &Option<Vec<u8>>, location| {
            let read = |bytes| std::str::from_utf8(bytes).ok().and_then(|note| key.read(note));
            bytes.as_deref().map(|bytes| read(bytes).ok_or(CheckpointError::Foreign(location))).transpose()
        };
        let primary = signed_head(&self.primary, CheckpointLocation::AuditLog)?;
        let copy = signed_head(&self.copy, CheckpointLocation::Copy)?;
        Ok([primary, copy].into_iter().flatten().max_by_key(|signed_head| signed_head.size))
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

/// Puts a text into the place of a file, whole and durable or not at all.
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
