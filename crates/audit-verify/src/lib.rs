//! Verifies an audit log from its files alone: every segment and every checkpoint, with only the
//! public key.
//!
//! This crate shares no code with `audit-log`. Its decoder, Merkle tree, base64 and signed notes
//! are written from `docs/reference/audit-log-format.md`, so that an error in both would have to be
//! made twice. It changes no file, needs no secret, and decrypts nothing.
//!
//! The checkpoint decides what a verdict is worth. The checkpoint in the audit log's folder can be
//! replaced, together with the audit log, by an older pair of both. Only a checkpoint kept
//! elsewhere shows that records are missing at the end; a [`Verdict`] says whether it had one
//! ([`Truncation`]). The holder of the signing key can rewrite all records after the newest
//! checkpoint that is kept elsewhere, and none before it.
//!
//! The package also has a binary, `audit-verify`, for auditors who do not have the gateway.

// The format: signed notes, the Merkle tree, records and segments.
mod base64;
mod compact_range;
mod key;
mod note;
mod record;
mod segment;

// Verification of a folder: its files, the chain of segments, the checkpoints.
mod chain;
mod compare;
mod coverage;
mod finding;
mod folder;
mod verdict;
mod verify;

// Verification of one record, without the audit log.
mod proof;

// Text and JSON.
mod report;

pub use coverage::{Coverage, MonthRecords, VerifiedCheckpoint};
pub use finding::{CheckpointSource, Finding, Notice};
pub use folder::VerifyError;
pub use key::{KeyFileError, VerifyingKey, VerifyingKeyError};
pub use proof::{ProofError, Proven, verify_proof};
pub use segment::SegmentDamage;
pub use verdict::{Truncation, Verdict};
pub use verify::{verify, verify_at};
