//! What is recorded of an exchange, and the proof that it was: no [`Receipt`], no answer.
//!
//! A [`Receipt`] has no constructor that another room could call. It is born when the [`Pending`] that was handed to
//! an [`AuditLog`] together with the [`Entry`] is declared durable, and it is good for that exchange's ticket alone.

use crate::model::{DatasetStates, Digest, EnterpriseNumber, FieldSet, LegalContext, Ssin, Ticket, Timestamp, Window};
use crate::policy::Deliberation;

/// Where evidence goes. The real one makes it durable; tests have one that fails.
pub trait AuditLog: Send + Sync {
    /// Takes the entry and, once it is durable (or cannot be), settles `pending`. Never blocks for the disk: many
    /// entries may wait for one write.
    fn append(&self, entry: Entry, pending: Pending);
}

/// The operation that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `consultAttributes`.
    ConsultAttributes,
    /// `sendTestMessage`.
    SendTestMessage,
}

impl Operation {
    /// The operation's name on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ConsultAttributes => "consultAttributes",
            Self::SendTestMessage => "sendTestMessage",
        }
    }
}

/// Who, when, about whom, on what ground, which fields, from which state of the data (domain.md "Evidence").
///
/// What was not known when the exchange ended is absent: a message that could not be read has no subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Under which it is filed.
    pub ticket: Ticket,
    /// When the message had come in.
    pub received: Timestamp,
    /// The organisation in the caller's certificate; `None` if the certificate names none.
    pub caller: Option<EnterpriseNumber>,
    /// SHA-256 of the caller's certificate (DER).
    pub fingerprint: Digest,
    /// The operation of the path that was called.
    pub operation: Operation,
    /// The organisation for which was asked, once it was accepted.
    pub organisation: Option<EnterpriseNumber>,
    /// The legal context, if it was read and is one that the service knows.
    pub context: Option<LegalContext>,
    /// On which deliberation the grant rests, if one was found.
    pub deliberation: Option<Deliberation>,
    /// About whom was asked, if the number was one.
    pub subject: Option<Ssin>,
    /// The days asked about, if they were accepted.
    pub window: Option<Window>,
    /// The fields that the answer tells.
    pub fields: FieldSet,
    /// The enterprise numbers that the answer tells, in its order.
    pub told: Vec<EnterpriseNumber>,
    /// Which states of the datasets were read; empty if none was.
    pub datasets: DatasetStates,
    /// Code of the status or of the fault.
    pub outcome: &'static str,
    /// The caller's own ticket, if it gave one.
    pub customer_ticket: Option<String>,
}

/// Why an entry could not be made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordFailure {
    /// The trail cannot be written (disk full, I/O error). It is tried anew with the next entry.
    #[error("the trail cannot be written")]
    Unwritable,
    /// More entries wait than the trail will hold.
    #[error("too many entries wait to be written")]
    Overloaded,
    /// The trail was closed, or dropped the entry.
    #[error("the trail is closed")]
    Closed,
}

/// What shall happen once an entry is durable, or cannot be.
type Settle = Box<dyn FnOnce(Result<Receipt, RecordFailure>) + Send>;

/// An entry on its way to the disk. Whoever holds it must settle it; dropped, it settles itself as
/// [`RecordFailure::Closed`], so that nobody waits for ever.
pub struct Pending {
    ticket: Ticket,
    settle: Option<Settle>,
}

impl Pending {
    /// Binds the entry to what shall happen when it is settled. `settle` must not block.
    #[must_use]
    pub fn new(entry: &Entry, settle: impl FnOnce(Result<Receipt, RecordFailure>) + Send + 'static) -> Self {
        Self { ticket: entry.ticket, settle: Some(Box::new(settle)) }
    }

    /// The entry is durable under this sequence number: a crash from now on will not lose it.
    pub fn durable(mut self, sequence: u64) {
        let receipt = Receipt { ticket: self.ticket, sequence };
        self.settle_with(Ok(receipt));
    }

    /// The entry could not be made durable.
    pub fn failed(mut self, failure: RecordFailure) {
        self.settle_with(Err(failure));
    }

    fn settle_with(&mut self, outcome: Result<Receipt, RecordFailure>) {
        if let Some(settle) = self.settle.take() {
            settle(outcome);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.settle_with(Err(RecordFailure::Closed));
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// The proof that an exchange's evidence is durable.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    ticket: Ticket,
    sequence: u64,
}

impl Receipt {
    /// The exchange that was recorded.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The record's place in the trail, from 0.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}
