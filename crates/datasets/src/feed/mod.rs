//! What a publisher sends, read and judged: the notification, its signature, the data files, their hashes, their
//! records.
//!
//! Shapes and rules are those of RFC 8182 (RRDP) applied to five datasets. This room reads from anything that is
//! [`std::io::Read`] and trusts nothing in it: every count, length and depth has a limit, and no input reaches a panic
//! (the lints below are denied). It does not know where bytes come from (no HTTP, no folders), nor where records go
//! (no SQL), nor what is to be done with a judgement: that is [`crate::sync`]'s affair.
//!
//! A walk through a data file: [`Content`] unpacks the bytes while it counts and hashes them as they were stored,
//! [`Records`] splits and judges what comes out, and [`Content::seal`] tells afterwards what the file was.
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

mod digest;
mod markup;
mod notification;
mod record;
mod records;
mod rejections;
mod rows;
mod signature;

pub use digest::{Content, Packing, Seal, digest_of};
pub use notification::{FileKind, Listed, Notification, NotificationError, Session, Uri};
pub use record::{Change, Entity, Key, Reason, Record, Validated};
pub use records::{Records, RecordsError, columns};
pub use rejections::Rejections;
pub use rows::RowError;
pub use signature::{SignatureError, Signer, Vouched};
