//! A record as it is read back from the trail.
//!
//! It carries every fact in the clear except what is sealed; [`Exchange::decrypt`](super::Exchange::decrypt) opens that
//! with the month's key. Nothing here writes.

use ehealth_core::lookup::Operation;
use ehealth_core::model::{DatasetStates, Digest, EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window};
use ehealth_core::policy::Deliberation;

use super::Month;
use super::outcome::StoredOutcome;
use super::seal::{DecryptError, Detail, DetailKey, KeyId};

/// One record of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When and where it was written.
    pub stamp: Stamp,
    /// What it says.
    pub event: Event,
    /// The hash of its leaf in the tree (RFC 6962, 2.1).
    pub leaf: Digest,
}

/// What every record begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Place in the trail and in the tree, from 0.
    pub sequence: u64,
    /// How many of the records before it were not yet known to be durable when it was written.
    pub unproven: u32,
    /// When it was written.
    pub recorded: Timestamp,
    /// Random bytes: a leaf hash alone lets nobody guess a record.
    pub salt: [u8; 16],
}

impl Stamp {
    /// So many records, from 0 on, were durable when this was written.
    #[must_use]
    pub fn proven(&self) -> u64 {
        self.sequence.saturating_sub(u64::from(self.unproven))
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A segment was begun; its first record, and nowhere else.
    SegmentBegun(SegmentBegun),
    /// Somebody asked.
    Exchange(Box<Exchange>),
    /// The trail could not be written, and can again.
    Interruption(Interruption),
    /// Months past retention were removed.
    Pruning(Pruning),
}

/// What a segment is good for, and the tree on which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentBegun {
    /// The month.
    pub month: Month,
    /// Which key seals its details.
    pub detail_key: KeyId,
    /// Which key makes its subject tokens.
    pub subject_key: KeyId,
    /// The tree before this record.
    pub tree: super::Frontier,
}

/// An exchange, as [`ExchangeRecord`](ehealth_core::lookup::ExchangeRecord) told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When the message had come in.
    pub received: Timestamp,
    /// `ticketCBSS`.
    pub ticket: Ticket,
    /// SHA-256 of the caller's certificate.
    pub fingerprint: Digest,
    /// The organisation in the certificate.
    pub caller: Option<EnterpriseNumber>,
    /// The organisation for which was asked.
    pub organisation: Option<EnterpriseNumber>,
    /// The operation that was called.
    pub operation: Operation,
    /// The legal context.
    pub context: Option<LegalContext>,
    /// The fields that were told.
    pub fields: FieldSet,
    /// The days asked about.
    pub window: Option<Window>,
    /// Stands for the person.
    pub subject: Option<SubjectToken>,
    /// Stands for the person under the number that was told to replace the one asked about.
    pub successor: Option<SubjectToken>,
    /// Which states of the datasets were read.
    pub datasets: DatasetStates,
    /// Code of the status or of the fault.
    pub outcome: StoredOutcome,
    /// On which deliberation the grant rests.
    pub deliberation: Option<Deliberation>,
    /// What only the month's key opens.
    pub(super) sealed: Sealed,
}

/// The sealed detail with what is needed to open it, besides the key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) nonce: [u8; 12],
    pub(super) associated: Box<[u8]>,
    pub(super) ciphertext: Box<[u8]>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.ciphertext.len())
    }
}

impl Exchange {
    /// Whether it is about this person, under the number asked about or the one that replaced it.
    pub(super) fn is_about(&self, person: SubjectToken) -> bool {
        [self.subject, self.successor].contains(&Some(person))
    }

    /// Opens the sealed detail.
    ///
    /// # Errors
    /// [`DecryptError`] if this is another key, or the record is not as it was written.
    pub fn decrypt(&self, key: &DetailKey) -> Result<Detail, DecryptError> {
        key.decrypt(&self.sealed)
    }
}

/// Stands for a person: the same for the same person within a year, and nothing without the year's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectToken(pub(super) [u8; 32]);

/// The trail could not be written, and can again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// When a write failed first.
    pub since: Timestamp,
    /// How many entries were refused meanwhile. Each of them got a fault, none an answer.
    pub refused: u64,
    /// Why it failed first.
    pub cause: Cause,
}

/// Months past retention were removed: their segments, and the keys that nothing else needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruning {
    /// The sequence of the first record that stays.
    pub until: u64,
    /// What was removed, oldest first.
    pub segments: Vec<PrunedSegment>,
}

/// A segment that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunedSegment {
    /// The sequence of its first record.
    pub first: u64,
    /// Its month.
    pub month: Month,
    /// The root of the tree at its end.
    pub root: Digest,
}

/// Why the trail could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No space was left.
    DiskFull,
    /// The disk or the file system failed.
    Io,
    /// A key was missing or unusable.
    Key,
}
