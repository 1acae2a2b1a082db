//! Error that ends a run before it reaches the publisher's serial.

use std::io;

use crate::feed::{NotificationError, SignatureError};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::store::StoreError;

/// Why a run did not reach the publisher's serial.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("the publisher's data are refused")]
    Refused(Refusal),
    #[error("the notification is refused")]
    Notification(#[source] NotificationError),
    #[error("the notification's signature is refused")]
    Signature(#[source] SignatureError),
    #[error("the feed cannot be read")]
    Source(#[source] io::Error),
    #[error("the dataset cannot be read or written")]
    Store(#[from] StoreError),
    #[error("the file of rejected records cannot be written")]
    Rejected(#[source] io::Error),
}

impl RunError {
    /// Outcome of a run that ends with this error.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(refusal) => Outcome::Refused(*refusal),
            Self::Signature(_) => Outcome::Refused(Refusal::Signature),
            Self::Notification(NotificationError::Uri) => Outcome::Refused(Refusal::Uri),
            Self::Notification(
                NotificationError::TooLong
                | NotificationError::Markup
                | NotificationError::Structure
                | NotificationError::Value
                | NotificationError::Chain,
            ) => Outcome::Refused(Refusal::Notification),
            Self::Source(_) => Outcome::Failed(Failure::Source),
            Self::Store(_) | Self::Rejected(_) => Outcome::Failed(Failure::Store),
        }
    }
}
