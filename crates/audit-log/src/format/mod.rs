//! The bytes of the audit log (docs/reference/audit-log-format.md).
//!
//! # Files
//!
//! | file in the audit log's folder | content |
//! |---|---|
//! | `….seg` | a segment: the records of one month. The truth. |
//! | `checkpoint` | the newest signed tree head |
//! | `….idx` | the index of a segment that is no longer written. It can be removed at any time; its form is in `query/index.rs`. |
//! | `policy-….toml` | the text of a policy file, named by its SHA-256 |
//! | `lock` | locked by the process that writes |
//! | `legal-hold` | while it exists, nothing is pruned |
//!
//! An audit log is a folder of *segments*, one for each month by the calendar of Brussels, named
//! `<sequence of the first record>-<year>-<month>.seg`. A segment consists of *frames*, one for
//! each record, and is only ever appended to. The last segment may end with zeros, at most 16 MiB.
//! They are written ahead of the records: a sync then makes data durable and no new length, which
//! takes a file system's journal many times as long. They are truncated when the next segment
//! begins and at an orderly end. All numbers are big-endian.
//!
//! # Frame
//!
//! | bytes | field |
//! |---|---|
//! | 4 | `KTR1` |
//! | 4 | length of the record, at most [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES) |
//! | … | the record: the leaf data of RFC 6962 |
//! | 32 | leaf hash: SHA-256 of `00` and the record (RFC 6962, section 2.1) |
//!
//! # Record
//!
//! | bytes | field with which every record begins |
//! |---|---|
//! | 1 | version: 4 for an exchange, up to program version 0.1 1 or 2; 3 for kinds 5 and 6; 1 for the others |
//! | 1 | kind: 1 segment begun, 2 exchange, 3 interruption, 4 pruning, 5 vouched, 6 suppressed requests |
//! | 8 | sequence: index in the log and in the tree, from 0, without gaps |
//! | 4 | unproven: how many of the records before it were not yet known to be durable when it was written |
//! | 8 | recorded: milliseconds since 1970-01-01T00:00:00Z |
//! | 16 | salt, random. Without it a leaf hash would allow to test guesses of a record. |
//!
//! # Exchange record
//!
//! | bytes | kind 2 |
//! |---|---|
//! | 8 | received: when the message had come in, in milliseconds |
//! | 16 | `ticketCBSS` |
//! | 32 | SHA-256 of the caller's certificate |
//! | 4 + 4 | enterprise numbers of the caller and of the organisation for which it asked; 0: none |
//! | 1 | operation: 1 consultAttributes, 2 sendTestMessage |
//! | 1 | version 4: which of the four parts below are present, and whether the detail has a message signature; 1 and 2: number of the legal context |
//! | 2 | disclosed fields, field 1 in the lowest bit |
//! | 4 + 4 | first and last day of the question, in days since 1970-01-01; both `80000000`: none |
//! | 1 + 32 | 1 and the subject token; or 0 and zeros |
//! | 32 | subject token of the SSIN that was disclosed as replacement, if present |
//! | 32 | token of the end user, if present |
//! | 32 | SHA-256 of the policy file, if present |
//! | 4 + 32 | enterprise number and SHA-256 of the certificate of the relay, if present |
//! | 5 × (8 + 8) | serial and moment of each dataset state that was read, in the order of `Dataset::ALL`; serial 0: not loaded |
//! | 1 + n | length and code of the status or fault |
//! | 1 + n | length and number of the deliberation; length 0: none |
//! | 3 × (1 + n) | version 4: length and text of the legal context, the application and the rule |
//! | 4 + n | length and encrypted detail |
//!
//! The subject token is HMAC-SHA-256 of the SSIN's eleven digits under the key of the year.
//!
//! The encrypted detail is AES-256-GCM-SIV (RFC 8452) under the key of the month. Its nonce is the
//! first 12 bytes of the salt; its associated data is the record up to the detail's length. The
//! plaintext is the SSIN, the SSIN that was disclosed as replacement, the disclosed enterprise
//! numbers, the caller's own ticket, the end user, and the message signature, padded to a multiple of 32 bytes. The ticket is encrypted
//! because a caller may have put a person's number into this free text.
//!
//! # Segment-begun record
//!
//! | bytes | kind 1 |
//! |---|---|
//! | 2 + 1 | year and month |
//! | 8 + 8 | names of the month's detail key and of the year's subject key: the first bytes of their SHA-256 |
//! | 1 + 32 n | the tree before this record: roots of its full subtrees, largest first |
//!
//! # Interruption record
//!
//! | bytes | kind 3: the log could not be written, and can be written again |
//! |---|---|
//! | 8 | since when, in milliseconds |
//! | 8 | how many records were refused meanwhile; each exchange ended with a fault, none with an answer |
//! | 1 | cause: 1 disk full, 2 I/O error, 3 a key was missing or unusable, 4 records could not be replicated |
//!
//! # Pruning record
//!
//! | bytes | kind 4: months past retention are being removed |
//! |---|---|
//! | 8 | sequence of the first record that stays |
//! | 2 | number of segments that are removed; for each: |
//! | 8 + 2 + 1 + 32 | its first sequence, its year and month, the root of the tree at its end |
//!
//! # Suppressed-requests record
//!
//! | bytes | version 3, kind 6: requests of one caller that a rate limit refused before they were read |
//! |---|---|
//! | 8 + 8 | time of the first and of the last of them, in milliseconds |
//! | 32 | SHA-256 of the certificate of the last of them |
//! | 4 | enterprise number of the caller; 0: none, or several callers together |
//! | 8 | number of requests |
//!
//! # Checkpoint
//!
//! The file `checkpoint` is the newest signed tree head, a C2SP tlog-checkpoint. Extension lines
//! say when it was made (`made 2026-11-22T05:19:00.123Z`) and which state of each dataset the
//! newest exchange had read (`dataset dimona 41 2026-11-01T03:00:00.000Z`). It is also written to a
//! copy elsewhere and to the service log. A log that is shorter than the newest checkpoint in
//! either location, or is not the log that it signs, is not opened. Against a person who can change
//! both locations only a checkpoint that was kept elsewhere helps.
//!
//! # Key rotation
//!
//! A new key takes over with a checkpoint that both keys signed, the old one first
//! ([`AuditLog::rotate_checkpoint_key`](crate::AuditLog::rotate_checkpoint_key)). Verify it with
//! the old public key, keep it elsewhere, and continue with the new public key: it signs the same
//! records. Older checkpoints and proofs stay valid under the old public key.
//!
//! # Crash recovery
//!
//! Each record says how many of the records before it were durable when it was written. So a broken
//! frame where record *n* is expected is damage if a later record proves that *n* was durable.
//! Without such a proof it is the end of a write whose exchanges were never answered; the next
//! start truncates it with everything after it. At most 1 MiB and one record are in flight at once.
//! A damaged log is not opened for writing. The assumption about the disk: writing a sector again
//! does not lose the bytes that stay the same.

// A segment: frames, the records in them, and what is wrong with it.
pub(crate) mod damage;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod record;
pub(crate) mod segment_name;
pub(crate) mod view;

// The parts of a record.
pub(crate) mod codes;
pub(crate) mod enterprise;
pub(crate) mod month;
pub(crate) mod outcome;

// Keys and what they protect.
pub(crate) mod detail;
pub(crate) mod key_id;
pub(crate) mod locked_key;
pub(crate) mod subject;

// The tree over the records, and the notes that sign it.
pub(crate) mod note;
pub(crate) mod tree;
