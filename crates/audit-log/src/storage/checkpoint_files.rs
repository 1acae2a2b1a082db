//! The file of the newest checkpoint in the audit log's folder, and why a checkpoint is refused.

use std::io::{self, Read};

use super::disk::{Disk, ReadFrom};
use super::file_names::CHECKPOINT;

/// Maximum length of a checkpoint that is read, in bytes. A checkpoint has about 500.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 8_192;

/// Reason why a checkpoint cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointError {
    /// The audit log has records, but no checkpoint.
    #[error("the audit log has records but no checkpoint")]
    Missing,
    /// The audit log's own file is not a checkpoint that this log's key signed under this log's
    /// origin.
    #[error("{} holds no checkpoint of this audit log and this key", CheckpointLocation::AuditLog)]
    Foreign,
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

/// Reads the checkpoint in the audit log's folder; `None` if it does not exist.
pub(crate) fn read_primary(disk: &dyn Disk) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match disk.open(CHECKPOINT) {
        Ok(file) => ReadFrom { file, offset: 0 }.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(bytes))
}
