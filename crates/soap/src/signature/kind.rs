//! Kinds of messages, and their limits.

use super::octets::{CANONICAL_WORK, REPLY_CANONICAL_WORK};
use crate::reader::ReaderLimits;

/// Kind of a message: only a response confirms the signature of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A request.
    Request,
    /// A response or a fault.
    Response,
}

impl MessageKind {
    /// Limits of the reader.
    pub(super) fn limits(self) -> ReaderLimits {
        match self {
            Self::Request => ReaderLimits::REQUEST,
            Self::Response => ReaderLimits::REPLY,
        }
    }

    /// Maximum canonical octets.
    pub(super) fn canonical_work(self) -> usize {
        match self {
            Self::Request => CANONICAL_WORK,
            Self::Response => REPLY_CANONICAL_WORK,
        }
    }
}
