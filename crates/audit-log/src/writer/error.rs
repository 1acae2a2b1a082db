//! Errors of opening and pruning an audit log, and of rotating its key.

use std::io;

use crate::format::damage::Damage;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::keys::KeyError;
use crate::storage::write_failure::WriteFailure;

/// Reason why an audit log cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuditError {
    /// Another process writes to this folder.
    #[error("another process writes this audit log")]
    InUse,
    /// The last segment is damaged. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The folder or the last segment cannot be read or repaired.
    #[error("the audit log cannot be read: {0}")]
    Io(io::ErrorKind),
    /// It is not the log that was signed, or there is no checkpoint to compare it with. Nothing was
    /// changed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The origin is not 1 to 200 visible ASCII characters without `+`.
    #[error("the audit log's origin is not 1 to 200 visible ASCII characters without '+'")]
    Origin,
    /// The key folder cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// It can be read, but not written.
    #[error("the audit log cannot be written: {0}")]
    Unwritable(#[from] WriteFailure),
    /// The copy of the checkpoint cannot be served.
    #[error("the copy of the checkpoint cannot be kept: {0}")]
    Copy(io::ErrorKind),
    /// The system refused a thread.
    #[error("the audit log's thread cannot be started: {0}")]
    Thread(io::ErrorKind),
}

impl AuditError {
    /// Error of opening the folder for exclusive writing.
    pub(crate) fn of_opening(error: io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::WouldBlock { Self::InUse } else { Self::Io(kind) }
    }
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Reason why the key of the checkpoints was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RotateError {
    /// A key cannot be read, generated or replaced.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The checkpoint that both keys signed could not be written to both locations.
    #[error("the checkpoint that both keys signed cannot be written to both locations: {0}")]
    Io(io::ErrorKind),
    /// The audit log was closed.
    #[error("the audit log is closed")]
    Closed,
}

/// Reason why nothing, or not everything, was pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PruneError {
    /// There is a legal hold.
    #[error("a legal hold is active: remove the file legal-hold from the audit log's folder to prune")]
    Held,
    /// The pruning could not be recorded. Nothing was removed.
    #[error("the pruning cannot be recorded: {0}")]
    Unwritable(#[from] WriteFailure),
    /// No checkpoint signs the record of the pruning. Nothing was removed.
    #[error("the record of the pruning cannot be signed by a checkpoint")]
    Unsigned,
    /// The first record of a remaining segment is damaged. Nothing was removed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A key could not be destroyed. The segments still exist.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read or removed.
    #[error("a file of the audit log cannot be read or removed: {0}")]
    Io(io::ErrorKind),
    /// The audit log was closed.
    #[error("the audit log is closed")]
    Closed,
}

impl From<io::Error> for PruneError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}
