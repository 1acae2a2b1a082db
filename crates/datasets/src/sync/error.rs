//! Error that ends a run before it reaches the publisher's serial.

use std::io;
use std::path::PathBuf;

use crate::feed::{NotificationError, NotificationFault, RecordsError, RowError, SignatureError};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::store::StoreError;

/// Why a run did not reach the publisher's serial.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// The files that the notification lists do not continue the loaded state.
    #[error("the publisher's data are refused")]
    Refused(Refusal),
    /// A file of the feed is refused.
    #[error("`{file}`: {reason}")]
    File { file: String, reason: FileFault },
    #[error("`{file}`: {error}")]
    Notification { file: String, error: NotificationError },
    #[error("the notification's signature is refused")]
    Signature(#[source] SignatureError),
    /// A delta is refused, and the snapshot is older than it.
    #[error("the delta to serial {serial} is refused, and the snapshot is older than it ({})", .error.outcome().code())]
    BadDelta {
        serial: u64,
        #[source]
        error: Box<RunError>,
    },
    #[error("the folder of the feed, `{}`, does not exist", .folder.display())]
    NoFeed { folder: PathBuf },
    #[error("`{file}` cannot be read")]
    Source {
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("the dataset cannot be read or written")]
    Store(#[from] StoreError),
    #[error("the file of rejected records cannot be written")]
    Rejected(#[source] io::Error),
}

/// What is wrong with a file of a feed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    #[error("the file does not exist")]
    Missing,
    #[error("the path leads over a symbolic link")]
    Link,
    #[error("not a regular file")]
    NotAFile,
    #[error("the server redirects to another address")]
    Redirect,
    #[error("the notification is one of the dataset {0}")]
    OtherDataset(&'static str),
    #[error("the file has more than the {announced} bytes that the notification announces")]
    TooLong { announced: u64 },
    #[error("the file has {found} bytes, the notification announces {announced}: it is being uploaded, or was cut")]
    TooShort { found: u64, announced: u64 },
    #[error("the SHA-256 of the file is {found}, the notification announces {announced}")]
    Hash { found: String, announced: String },
    #[error("the notification announces {announced} bytes, more than the 16 GiB that a file may have")]
    TooLarge { announced: u64 },
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error("{rejected} records are rejected, more than the limit; `{}` has them", .list.display())]
    TooManyWrong { rejected: u64, list: PathBuf },
    #[error("a record deletes a key that does not exist")]
    UnknownKey,
    #[error("the dataset would lose {lost} of its {before} records")]
    Shrunk { lost: u64, before: u64 },
}

impl FileFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Missing => Refusal::MissingFile,
            Self::Link | Self::NotAFile | Self::Redirect => Refusal::Uri,
            Self::OtherDataset(_) => Refusal::Notification,
            Self::TooLong { .. } => Refusal::Bytes,
            Self::TooShort { .. } => Refusal::Incomplete,
            Self::Hash { .. } => Refusal::Hash,
            Self::Records(RecordsError::Count { .. }) => Refusal::Records,
            Self::TooLarge { .. } | Self::Records(RecordsError::Row(RowError::TooLarge { .. })) => Refusal::TooLarge,
            Self::Records(RecordsError::Row(_) | RecordsError::Header | RecordsError::Columns { .. }) => {
                Refusal::Malformed
            }
            Self::TooManyWrong { .. } => Refusal::TooManyWrong,
            Self::UnknownKey => Refusal::BadDelta,
            Self::Shrunk { .. } => Refusal::Shrunk,
        }
    }
}

impl RunError {
    /// Outcome of a run that ends with this error.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(refusal) => Outcome::Refused(*refusal),
            Self::File { reason, .. } => Outcome::Refused(reason.refusal()),
            Self::Signature(_) => Outcome::Refused(Refusal::Signature),
            Self::BadDelta { .. } => Outcome::Refused(Refusal::BadDelta),
            Self::Notification { error, .. } => Outcome::Refused(match error.reason {
                NotificationFault::Uri => Refusal::Uri,
                NotificationFault::Incomplete => Refusal::Incomplete,
                NotificationFault::TooLong
                | NotificationFault::Utf8
                | NotificationFault::Markup
                | NotificationFault::Element(_)
                | NotificationFault::End
                | NotificationFault::Attributes(_)
                | NotificationFault::Value(_)
                | NotificationFault::Created
                | NotificationFault::Chain => Refusal::Notification,
            }),
            Self::NoFeed { .. } => Outcome::Failed(Failure::NoFeed),
            Self::Source { .. } => Outcome::Failed(Failure::Source),
            Self::Store(StoreError::LowSpace { .. }) => Outcome::Failed(Failure::DiskSpace),
            Self::Store(_) | Self::Rejected(_) => Outcome::Failed(Failure::Store),
        }
    }

    /// The refusal of the publisher's data; `None` for a failure.
    pub fn refusal(&self) -> Option<Refusal> {
        match self.outcome() {
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Nothing | Outcome::Deltas | Outcome::Snapshot(_) | Outcome::Failed(_) | Outcome::Skipped => None,
        }
    }
}
