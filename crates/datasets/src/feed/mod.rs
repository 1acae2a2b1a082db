//! Reads and validates a publisher's feed: the notification, its signature, the data files, their
//! hashes and records.
//!
//! Shapes and rules are those of RFC 8182 (RRDP), applied to five datasets. This module reads from
//! anything that is [`std::io::Read`] and trusts nothing in it: every count, length and depth has a
//! limit, and no input reaches a panic (the lints below are denied). It does not know where bytes
//! come from (no HTTP, no folders), where records go (no SQL), or what follows from a validation:
//! [`crate::sync`] decides that.
//!
//! A data file is read in three steps. [`Content`] decompresses the bytes, and counts and hashes
//! them as they were stored. [`Records`] splits the result into records and validates each.
//! [`Content::finish`] returns the size and the hash of the stored file.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

// The notification: which files there are.
mod notification;
mod signature;
mod xml;

// The data files: what is in them.
mod content;
mod parse;
mod record;
mod records;
mod rows;

// The file of rejected records.
mod rejections;

pub use content::{CONTENT_BYTES_MAX, Compression, Content, FileDigest, UnpackedLimit, digest_of};
pub use notification::{FileKind, ListedFile, Notification, NotificationError, NotificationFault, Session, Uri};
pub use record::{Change, Entity, Key, Record, RejectReason, Validated};
pub use records::{PUT, Records, RecordsError, columns};
pub use rejections::Rejections;
pub use rows::RowError;
pub use signature::{SignatureError, SignedClaims, Signer};
