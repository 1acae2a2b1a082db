//! What is recorded of an exchange, and the order that it enforces: what is not on record cannot be told.
//!
//! Whatever goes out to a caller is first something with [`Recordable`]. [`record`] takes it in, hands an [`ExchangeRecord`] of it
//! to an [`AuditSink`], and gives it back as [`Recorded`] once that entry is durable. There is no other way to a
//! [`Recorded`], and what it holds was held back meanwhile, so that an entry cannot stand for another exchange.

use crate::model::{DatasetStates, Digest, EnterpriseNumber, FieldSet, LegalContext, Ssin, Ticket, Timestamp, Window};
use crate::policy::Deliberation;

/// Where evidence goes. The real one makes it durable; tests have one that fails.
pub trait AuditSink: Send + Sync {
    /// Takes an entry and, once it is durable (or cannot be), settles it. Never blocks for the disk: many entries may
    /// wait for one write.
    fn append(&self, pending: Pending);
}

/// Something that may be told once it is on record.
pub trait Recordable {
    /// What is recorded of it.
    fn entry(&self) -> ExchangeRecord;
}

/// An entry stands for itself where nothing is told beside it.
impl Recordable for ExchangeRecord {
    fn entry(&self) -> ExchangeRecord {
        self.clone()
    }
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

/// Who, when, about whom, on what ground, which fields, from which state of the data (domain.md "Recordable").
///
/// What was not known when the exchange ended is absent: a message that could not be read has no subject. `Debug` shows
/// nothing of the caller's own ticket, a free text that may hold anything.
#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeRecord {
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
    /// The number that the answer tells to replace the one asked about (MSG00006).
    pub replaced_by: Option<Ssin>,
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

impl std::fmt::Debug for ExchangeRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExchangeRecord")
            .field("ticket", &self.ticket)
            .field("caller", &self.caller)
            .field("operation", &self.operation)
            .field("context", &self.context)
            .field("fields", &self.fields)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
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

/// Something that is on record, and may be told.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded<T> {
    told: T,
    sequence: u64,
}

impl<T> Recorded<T> {
    /// What may be told.
    pub fn told(&self) -> &T {
        &self.told
    }

    /// The record's place in the trail, from 0.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// Something that could not be put on record: it stays untold.
#[derive(Debug)]
pub struct Unrecorded<T> {
    /// Why.
    pub failure: RecordFailure,
    /// What was not told; it may say how to refuse, as a fault's customer does.
    pub untold: T,
}

/// Puts `told` on record in `log`; `settle` is given it back, once and by whichever thread, and must not block.
pub fn record<T: Recordable + Send + 'static>(
    told: T,
    log: &dyn AuditSink,
    settle: impl FnOnce(Result<Recorded<T>, Unrecorded<T>>) + Send + 'static,
) {
    let entry = told.entry();
    let settle = Box::new(move |durable: Result<u64, RecordFailure>| {
        settle(match durable {
            Ok(sequence) => Ok(Recorded { told, sequence }),
            Err(failure) => Err(Unrecorded { failure, untold: told }),
        });
    });
    log.append(Pending { entry, settle: Some(settle) });
}

/// What shall happen once an entry is durable (under its sequence number), or cannot be.
type Settle = Box<dyn FnOnce(Result<u64, RecordFailure>) + Send>;

/// An entry on its way to the disk. Whoever holds it must settle it; dropped, it settles itself as
/// [`RecordFailure::Closed`], so that nobody waits for ever.
pub struct Pending {
    entry: ExchangeRecord,
    settle: Option<Settle>,
}

impl Pending {
    /// What is to be recorded.
    #[must_use]
    pub fn entry(&self) -> &ExchangeRecord {
        &self.entry
    }

    /// The entry is durable under this sequence number: a crash from now on will not lose it.
    pub fn durable(mut self, sequence: u64) {
        self.settle_as(Ok(sequence));
    }

    /// The entry could not be made durable.
    pub fn failed(mut self, failure: RecordFailure) {
        self.settle_as(Err(failure));
    }

    fn settle_as(&mut self, outcome: Result<u64, RecordFailure>) {
        if let Some(settle) = self.settle.take() {
            settle(outcome);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.settle_as(Err(RecordFailure::Closed));
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("entry", &self.entry).finish_non_exhaustive()
    }
}
