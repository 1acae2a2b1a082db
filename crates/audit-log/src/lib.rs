//! The trail: evidence of every exchange, durable before its answer leaves, in a form that shows tampering.
//!
//! [`AuditLog`] is the [`AuditSink`](ehealth_core::lookup::AuditSink) that a server uses: one thread at a time writes, everything that
//! waits goes to the disk in one write and one `fdatasync`, and only then are the [`Pending`](ehealth_core::lookup::Pending)
//! entries settled. A slow disk is given the next write and sync meanwhile. [`Records`] reads what was written, [`find`] a person's records, [`DetailKey`] opens what
//! is sealed; [`report`] is what the person is handed. [`verify`](mod@verify) judges a trail from its files alone,
//! [`prove()`] shows one record to a third party, [`AuditLog::prune`] removes what is past retention. This room does not
//! decide what an entry says, and it never rewrites a record.
//!
//! # Files
//!
//! | file in the trail's folder | what it is |
//! |---|---|
//! | `….seg` | a month's records: the truth |
//! | `checkpoint` | the newest signed head of the tree |
//! | `….idx` | the index of a segment that is no longer written: can be removed at any time (`index.rs` has its form) |
//! | `lock` | locked by whoever writes |
//! | `legal-hold` | as long as it is there, nothing is pruned |
//!
//! A trail is a folder of *segments*, one a month by the calendar of Brussels, named
//! `<sequence of the first record>-<year>-<month>.seg`. A segment is nothing but *frames*, one a record; it is only
//! ever appended to. The last one may end with zeros (at most 16 MiB): they are written ahead of the records, so that a
//! sync has data to make durable and no length, which takes a file system's journal many times as long. Whoever leaves a
//! segment cuts them off. All numbers are big-endian.
//!
//! | bytes | frame |
//! |---|---|
//! | 4 | `KTR1` |
//! | 4 | length of the record, at most [`MAX_RECORD_BYTES`] |
//! | … | the record: the leaf data of RFC 6962 |
//! | 32 | the leaf hash: SHA-256 of `00` and the record (RFC 6962, 2.1) |
//!
//! | bytes | every record begins with |
//! |---|---|
//! | 1 | version: 1; 2 of an exchange about a number that was replaced |
//! | 1 | kind: 1 segment begun, 2 exchange, 3 interruption, 4 pruning |
//! | 8 | sequence: place in the trail and in the tree, from 0, without gaps |
//! | 4 | how many of the records before it were not yet known to be durable when it was written |
//! | 8 | recorded: milliseconds since 1970-01-01T00:00:00Z |
//! | 16 | salt, random: a leaf hash alone lets nobody guess a record |
//!
//! | bytes | kind 2, exchange |
//! |---|---|
//! | 8 | received: when the message had come in, in milliseconds |
//! | 16 | `ticketCBSS` |
//! | 32 | SHA-256 of the caller's certificate |
//! | 4 + 4 | enterprise numbers of the caller and of whom it acted for; 0: none |
//! | 1 | operation: 1 consultAttributes, 2 sendTestMessage |
//! | 1 | legal context: 0 none, 1 advisory physician, 2 prevention service, 3 eHealth platform |
//! | 2 | fields told, field 1 in the lowest bit |
//! | 4 + 4 | first and last day asked about, in days since 1970-01-01; both `80000000`: none |
//! | 1 + 32 | 1 and the subject token; 0 and zeros: nobody |
//! | 32 | version 2 alone: the subject token of the number that was told to replace the one asked about |
//! | 5 × (8 + 8) | serial and moment of each dataset that was read, in domain order; serial 0: not loaded |
//! | 1 + n | code of the status or fault |
//! | 1 + n | deliberation; length 0: none |
//! | 4 + n | length and sealed detail |
//!
//! The subject token is HMAC-SHA-256 of the SSIN's eleven digits under the key of the year. The sealed detail is
//! AES-256-GCM-SIV (RFC 8452) under the key of the month; its nonce is the salt's first twelve bytes, its associated
//! data everything of the record before its length. Inside are the SSIN, the one that was told to replace it, the enterprise numbers told and the caller's
//! own ticket (free text: a caller may have put a number of a person there), padded to a multiple of 32 bytes.
//!
//! | bytes | kind 1, segment begun |
//! |---|---|
//! | 2 + 1 | year and month |
//! | 8 + 8 | names of the month's key and of the year's key: the first bytes of their SHA-256 |
//! | 1 + 32 n | the tree before this record: roots of its full subtrees, largest first |
//!
//! | bytes | kind 3, interruption: the trail could not be written, and can again |
//! |---|---|
//! | 8 | since when, in milliseconds |
//! | 8 | how many entries were refused meanwhile (each got a fault, none an answer) |
//! | 1 | why: 1 disk full, 2 I/O error, 3 a key was missing or unusable |
//!
//! | bytes | kind 4, pruning: months past retention are being removed |
//! |---|---|
//! | 8 | sequence of the first record that stays |
//! | 2 | how many segments go; of each: |
//! | 8 + 2 + 1 + 32 | its first sequence, its year and month, the root of the tree at its end |
//!
//! # Checkpoints
//!
//! The file `checkpoint` is the newest signed head of the tree, as C2SP tlog-checkpoint has it; extension lines say when
//! it was made (`made 2026-11-22T05:19:00.123Z`) and which state of each dataset the newest exchange had read
//! (`dataset dimona 41 2026-11-01T03:00:00.000Z`). It is put into a second place and into the log as well. A trail that
//! is shorter than, or not the one of, the newest checkpoint in either place is not opened. Against somebody who can
//! change both places only a checkpoint kept elsewhere helps.
//!
//! A new key takes over with a checkpoint that both signed, the old one first ([`AuditLog::rotate_checkpoint_key`]). Whoever
//! holds the old public key judges that one with it, keeps it elsewhere, and goes on with the new key: it signs the same
//! records. Older checkpoints and proofs stay what they were under the old public key.
//!
//! # What a crash can do
//!
//! Each record says how many before it were durable when it was written. So a broken frame where record *n* should be is
//! damage if a record behind it says that *n* was durable; without such a proof it is the end of what was under way, of
//! which nobody was told: it is cut off at the next start with all that is behind it. At most a mebibyte and a record are
//! under way at once. A damaged trail is not opened for writing. Assumed of the disk: a sector that is written again does not lose the bytes that stay the same.

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

mod batch;
mod checkpoint;
mod copy;
mod decode;
mod disk;
mod encode;
mod flights;
mod frame;
mod index;
mod keeper;
mod keys;
mod month;
mod outcome;
mod prove;
mod prune;
mod read;
mod record;
mod recover;
pub mod report;
mod seal;
mod search;
mod segment;
mod space;
mod status;
mod trail;
mod tree;
mod turn;
mod writer;

pub use copy::copy_audit_log;
pub use decode::RecordFault;
pub use disk::{Disk, DiskFile, Folder};
pub use frame::{FrameFault, MAX_RECORD_BYTES};
pub use keeper::{CheckpointFault, CheckpointPlace, Checkpoints, MissingCheckpoint};
pub use keys::{KeyError, KeyFolder, KeyName, MissingKeys};
pub use month::Month;
pub use outcome::StoredOutcome;
pub use prove::{ProveError, prove};
pub use prune::{LEGAL_HOLD, PruneError, Pruned, Retention};
pub use read::{Damage, Flaw, ReadError, Records, parse_record};
pub use record::{
    Cause, Event, Exchange, Interruption, PrunedSegment, Pruning, Record, SegmentBegun, Stamp, SubjectToken,
};
pub use seal::{DecryptError, Detail, DetailKey, KeyId, SubjectKey};
pub use search::{Found, IndexUse, SealedDetail, SearchError, find, search};
pub use segment::SegmentName;
pub use space::{free_bytes, probe_writing};
pub use status::{Counters, Health, Trouble};
pub use trail::{AuditError, AuditLog, RotateError, Rotated, Settings};
pub use tree::Frontier;
