//! The files of the newest checkpoint: the one in the audit log's folder and its copy elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::disk::{Disk, ReadFrom};
use super::file_names::CHECKPOINT;
use crate::format::note::{CheckpointKey, Known};

/// A checkpoint has some 500 bytes; whatever is longer is none.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 8_192;
/// Whose checkpoint cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointFault {
    /// The trail has records, but no checkpoint.
    #[error("the trail has records but no checkpoint")]
    Missing,
    /// It is not one that this trail's key signed under this trail's name.
    #[error("{0} holds no checkpoint of this trail and this key")]
    Foreign(CheckpointPlace),
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
pub enum CheckpointPlace {
    /// In the trail's folder.
    AuditLog,
    /// In the second place.
    Copy,
}

impl std::fmt::Display for CheckpointPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "the trail's folder",
            Self::Copy => "the second place",
        })
    }
}

/// What the places hold.
pub(crate) struct Kept {
    pub(crate) trail: Option<Vec<u8>>,
    pub(crate) copy: Option<Vec<u8>>,
}

impl Kept {
    /// Reads both places; a place without a checkpoint is `None`.
    pub(crate) fn read(disk: &dyn Disk, copy: Option<&Path>) -> io::Result<Result<Self, CheckpointFault>> {
        let mut trail = Vec::new();
        let trail = match disk.open(CHECKPOINT) {
            Ok(file) => {
                ReadFrom { file, offset: 0 }.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut trail)?;
                Some(trail)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(match copy.map(read_bounded).transpose() {
            Ok(copy) => Ok(Self { trail, copy: copy.flatten() }),
            Err(error) => Err(CheckpointFault::Io(error.kind())),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.trail.is_none() && self.copy.is_none()
    }

    /// The newest of them; every one must be this key's.
    pub(crate) fn newest(&self, key: &CheckpointKey) -> Result<Option<Known>, CheckpointFault> {
        let known = |bytes: &Option<Vec<u8>>, place| {
            let read = |bytes| std::str::from_utf8(bytes).ok().and_then(|note| key.read(note));
            bytes.as_deref().map(|bytes| read(bytes).ok_or(CheckpointFault::Foreign(place))).transpose()
        };
        let trail = known(&self.trail, CheckpointPlace::AuditLog)?;
        let copy = known(&self.copy, CheckpointPlace::Copy)?;
        Ok([trail, copy].into_iter().flatten().max_by_key(|known| known.size))
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
