//! The audit log: a tamper-evident record of every exchange, durable before its answer leaves.
//!
//! [`AuditLog`] is the [`AuditSink`](ehealth_core::lookup::AuditSink) of a server. One thread at a
//! time writes. All waiting records go to the disk in one write and one `fdatasync`; only then are
//! their [`Pending`](ehealth_core::lookup::Pending) exchanges settled. A slow disk gets the next
//! write and sync meanwhile.
//!
//! [`Records`] reads the records, [`find`] those about a person, [`DetailKey`] decrypts their
//! details. [`report`] is what the person gets. [`prove()`] shows one record to a third party,
//! [`AuditLog::prune`] removes what is past retention. The crate `audit-verify` verifies an audit
//! log from its files alone.
//!
//! A [`replication`] makes a second copy of every record on other machines.
//!
//! This crate does not decide what a record says, and never rewrites one. The module `format`
//! describes the bytes; so does docs/reference/audit-log-format.md.

#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

// The bytes, the files, and the two sides that use them.
mod format;
mod query;
pub mod replication;
pub mod report;
mod storage;
mod writer;

// Records.
pub use format::decode::RecordError;
pub use format::detail::{DecryptError, Detail, DetailKey};
pub use format::frame::MAX_RECORD_BYTES;
pub use format::key_id::KeyId;
pub use format::month::Month;
pub use format::note::{checkpoint_size, root_text};
pub use format::outcome::{StoredOutcome, StoredRule};
pub use format::record::{
    Event, Exchange, Interruption, InterruptionCause, PrunedSegment, Pruning, Record, RecordHeader, SegmentBegun,
    Vouched,
};
pub use format::subject::{SubjectKey, SubjectToken};
pub use format::tree::Frontier;
pub use format::view::{ExchangeView, RecordView};

// Files and keys.
pub use format::damage::{Damage, DamageKind};
pub use format::frame::FrameError;
pub use format::segment_name::SegmentName;
pub use storage::checkpoint_files::{CheckpointError, CheckpointLocation};
pub use storage::copy::copy_audit_log;
pub use storage::copy_folder::{CopyContent, CopyPlace};
pub use storage::copy_thread::CheckpointCopy;
pub use storage::disk::{Disk, DiskFile, Folder};
pub use storage::file_names::LEGAL_HOLD;
pub use storage::keys::{KeyError, KeyFolder, KeyName, MissingKeys};
pub use storage::policy_text::{MAX_POLICY_BYTES, keep_policy_text, policy_text};
pub use storage::space::{free_bytes, probe_writing};
pub use storage::write_failure::WriteFailure;

// Writing.
pub use writer::check::OtherWriter;
pub use writer::error::{AuditError, PruneError, RotateError};
pub use writer::log::{AuditLog, Rotated};
pub use writer::prune::{Pruned, Retention, TooShort};
pub use writer::settings::{Checkpoints, MissingCheckpoint, Settings};
pub use writer::status::{Compromise, Counters, Health};

// Reading.
pub use query::prove::{FindSignatureError, ProveError, find_signature, prove};
pub use query::pruned::{first_sequence, pruned_until};
pub use query::read::{Position, ReadError, Reader, Records, parse_frame, parse_record};
pub use query::search::{CopyProblem, DetailError, Found, IndexUse, SearchError, Whom, find, open_frame, search};
pub use query::search_many::find_each;
pub use query::subtrees::{Subtrees, write_proof};
