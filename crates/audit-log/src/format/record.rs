//! Records as they are read back from the audit log.
//!
//! Every fact is in the clear, except the encrypted detail: [`Exchange::decrypt`] needs the key of
//! the month.

use ehealth_core::lookup::{Operation, Relay, SuppressedRequests};
use ehealth_core::model::{
    Application, DatasetStates, Digest, EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window,
};
use ehealth_core::policy::Deliberation;

use super::detail::{DecryptError, Detail, DetailKey, EncryptedDetail};
use super::key_id::KeyId;
use super::month::Month;
use super::outcome::{StoredOutcome, StoredRule};
use super::subject::{SubjectToken, Tokens};
use super::tree::Frontier;

/// One record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The header: sequence, time and salt.
    pub header: RecordHeader,
    /// Content of the record.
    pub event: Event,
    /// Leaf hash in the tree (RFC 6962, section 2.1).
    pub leaf: Digest,
}

/// Header: the fields with which every record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// Index in the log and in the tree, from 0.
    pub sequence: u64,
    /// How many of the records before it were not yet known to be durable when it was written.
    pub unproven: u32,
    /// When it was written.
    pub recorded: Timestamp,
    /// Random bytes. Without them a leaf hash would allow to test guesses of a record.
    pub salt: [u8; 16],
}

impl RecordHeader {
    /// Number of records, from sequence 0, that were durable when this one was written.
    #[must_use]
    pub fn proven(&self) -> u64 {
        self.sequence.saturating_sub(u64::from(self.unproven))
    }

    /// Nonce of the record's encrypted detail: the first 12 bytes of the salt.
    pub(crate) fn nonce(&self) -> [u8; 12] {
        self.salt.first_chunk().copied().unwrap_or_default()
    }
}

/// Content of a record. `E` holds an exchange: [`ExchangeView`](crate::ExchangeView) borrows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<E = Box<Exchange>> {
    /// A segment was begun. It is the first record of every segment and occurs nowhere else.
    SegmentBegun(SegmentBegun),
    /// An exchange with a caller.
    Exchange(E),
    /// The audit log could not be written, and can be written again.
    Interruption(Interruption),
    /// Months past retention are removed.
    Pruning(Pruning),
    /// The log was opened with records and without any checkpoint, because the operator vouched
    /// for them.
    Vouched(Vouched),
    /// Requests that a rate limit refused before they were read.
    Suppressed(SuppressedRequests),
}

/// Keys of a segment, and the tree before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentBegun {
    /// Month of the segment.
    pub month: Month,
    /// Name of the key that encrypts its details.
    pub detail_key: KeyId,
    /// Name of the key of its subject tokens.
    pub subject_key: KeyId,
    /// Tree of all records before this one.
    pub tree: Frontier,
}

/// An exchange, from the fields of an [`ExchangeRecord`](ehealth_core::lookup::ExchangeRecord).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When the message had come in.
    pub received: Timestamp,
    /// `ticketCBSS` of the answer or fault.
    pub ticket: Ticket,
    /// SHA-256 of the caller's certificate (DER).
    pub fingerprint: Digest,
    /// Organisation in the caller's certificate.
    pub caller: Option<EnterpriseNumber>,
    /// Application in the caller's certificate.
    pub application: Option<Application>,
    /// Organisation for which the caller asked.
    pub organisation: Option<EnterpriseNumber>,
    /// Operation that was called.
    pub operation: Operation,
    /// Legal context of the question.
    pub context: Option<LegalContext>,
    /// Rule that decided the exchange; `None` if none did, and in records of version 0.1.
    pub rule: Option<StoredRule>,
    /// SHA-256 of the policy file under which it was decided.
    pub policy: Option<Digest>,
    /// Fields that were disclosed.
    pub fields: FieldSet,
    /// Days in the question.
    pub window: Option<Window>,
    /// Tokens of the person, of the SSIN that was disclosed as replacement, and of the end user.
    pub(crate) tokens: Tokens,
    /// Dataset states that were read.
    pub datasets: DatasetStates,
    /// Code of the status or fault.
    pub outcome: StoredOutcome,
    /// Deliberation on which the grant rests.
    pub deliberation: Option<Deliberation>,
    /// The relay that brought the message, if it is not the caller itself.
    pub relay: Option<Relay>,
    /// Whether the detail has the caller's signature of the message.
    pub is_signed: bool,
    /// Whether the answer left before another machine had the record (setting `cluster.durability`).
    pub is_unreplicated: bool,
    /// Detail that only the key of the month decrypts.
    pub(crate) encrypted: EncryptedDetail,
}

impl Exchange {
    /// Whether it is found under this token: of the SSIN in the question, of its replacement, or of
    /// the end user. A person and an end user never have the same token.
    pub(crate) fn has_token(&self, token: SubjectToken) -> bool {
        let Tokens { subject, successor, end_user } = self.tokens;
        [subject, successor, end_user].contains(&Some(token))
    }

    /// Token of the person in the question.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectToken> {
        self.tokens.subject
    }

    /// Token of the person under the SSIN that was disclosed as replacement.
    #[must_use]
    pub fn successor(&self) -> Option<SubjectToken> {
        self.tokens.successor
    }

    /// Token of the end user.
    #[must_use]
    pub fn end_user(&self) -> Option<SubjectToken> {
        self.tokens.end_user
    }

    /// Decrypts the detail.
    ///
    /// # Errors
    /// [`DecryptError`] if the key is another one, or the record was changed.
    pub fn decrypt(&self, key: &DetailKey) -> Result<Detail, DecryptError> {
        key.decrypt(self.encrypted.view())
    }
}

/// An outage: the audit log could not be written, and can be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// When a write first failed.
    pub since: Timestamp,
    /// Number of records that were refused meanwhile. Each of these exchanges ended with a fault,
    /// none with an answer.
    pub refused: u64,
    /// Why the first write failed.
    pub cause: InterruptionCause,
}

/// Removal of months past retention: their segments, and the keys that no remaining segment needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruning {
    /// Sequence of the first record that stays.
    pub until: u64,
    /// Removed segments, oldest first.
    pub segments: Vec<PrunedSegment>,
}

/// The operator vouches for records that no checkpoint protected any more (setting
/// `audit_log.missing_checkpoint = "sign"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Number of records before this one.
    pub records: u64,
    /// Root of their tree, as they were found.
    pub root: Digest,
}

/// A removed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunedSegment {
    /// Sequence of its first record.
    pub first: u64,
    /// Month of the segment.
    pub month: Month,
    /// Root of the tree at its end.
    pub root: Digest,
}

ehealth_core::closed_enum! {
    /// Why the audit log could not be written (docs/reference/audit-log-format.md "Interruption
    /// record").
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum InterruptionCause {
        /// No space was left.
        DiskFull,
        /// The disk or the file system failed.
        Io,
        /// A key was missing or unusable.
        Key,
        /// Records could not be replicated.
        NotReplicated,
    }
}
