//! Errors of opening, pruning and rotating the key of an audit log.

use std::io;

use crate::format::damage::Damage;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::keys::KeyError;
use crate::storage::write_failure::WriteFailure;

/// Why a trail cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuditError {
    /// Somebody else writes into this folder.
    #[error("another process writes this trail")]
    InUse,
    /// The last segment is damaged. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The folder or the segment cannot be read or repaired.
    #[error("the trail cannot be read: {0}")]
    Io(io::ErrorKind),
    /// It is not the trail that was signed, or nothing tells. Nothing was changed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The trail's name is not one visible word without `+`.
    #[error("the trail's name is not one visible word without '+'")]
    Origin,
    /// The key folder cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// It can be read, but not written.
    #[error("the trail cannot be written: {0}")]
    Unwritable(#[from] WriteFailure),
    /// The system gives no thread.
    #[error("the trail's thread cannot be started: {0}")]
    Thread(io::ErrorKind),
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Why the key of the checkpoints was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RotateError {
    /// A key cannot be had, or not be put in its place.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The checkpoint that both keys signed could not be put in all its places.
    #[error("the checkpoint that both keys signed cannot be kept in all its places: {0}")]
    Io(io::ErrorKind),
    /// The trail was closed.
    #[error("the trail is closed")]
    Closed,
}

/// Why nothing, or not everything, was pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PruneError {
    /// There is a legal hold.
    #[error("a legal hold is in force: the file legal-hold lies in the trail's folder")]
    Held,
    /// The pruning could not be recorded; nothing was removed.
    #[error("the pruning cannot be recorded: {0}")]
    Unwritable(#[from] WriteFailure),
    /// The record of the pruning could not be signed; nothing was removed.
    #[error("the pruning cannot be put under a checkpoint")]
    Unsigned,
    /// A segment that stays is damaged at its beginning; nothing was removed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A key could not be destroyed; the files are still there.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read or removed.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// The trail was closed.
    #[error("the trail is closed")]
    Closed,
}

impl From<io::Error> for PruneError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}
