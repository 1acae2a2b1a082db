//! Reasons why the audit log cannot be written.

use std::io;

use super::keys::KeyError;
use crate::format::record::InterruptionCause;

/// Reason why the audit log cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WriteFailure {
    /// No space is left.
    #[error("no space is left")]
    DiskFull,
    /// The disk or the file system failed.
    #[error("the disk failed: {0}")]
    Io(io::ErrorKind),
    /// The segment is shorter than what was durable: another program changed it.
    #[error("another program truncated the segment")]
    Truncated,
    /// A key is missing or cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system returned no random bytes.
    #[error("the system returned no random bytes")]
    Random,
}

impl WriteFailure {
    /// Cause that an interruption record states.
    pub(crate) fn cause(self) -> InterruptionCause {
        match self {
            Self::DiskFull => InterruptionCause::DiskFull,
            Self::Io(_) | Self::Truncated => InterruptionCause::Io,
            Self::Key(_) | Self::Random => InterruptionCause::Key,
        }
    }
}

impl From<io::Error> for WriteFailure {
    #[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::DiskFull,
            kind => Self::Io(kind),
        }
    }
}
