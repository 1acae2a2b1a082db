//! Recorded before answered: an outcome is disclosed only after its record is durable.
//!
//! Every outcome that goes out to a caller is [`Recordable`]. [`record`] consumes it, hands its
//! [`ExchangeRecord`] to an [`AuditSink`], and returns it as [`Recorded`] once the record is
//! durable. There is no other way to a [`Recorded`]. [`record`] holds the outcome meanwhile, so
//! that a record cannot stand for another exchange.

use super::exchange_record::ExchangeRecord;
use super::pending::{Pending, RecordContent, RecordFailure};
use super::ports::AuditSink;
use super::suppressed::SuppressedRequests;

/// An outcome that may be disclosed once it is recorded.
pub trait Recordable {
    /// Returns the record of this outcome.
    fn to_record(&self) -> ExchangeRecord;
}

/// A record is its own outcome where nothing else is disclosed.
impl Recordable for ExchangeRecord {
    fn to_record(&self) -> ExchangeRecord {
        self.clone()
    }
}

/// An outcome whose record is durable: it may be disclosed.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded<T> {
    outcome: T,
    sequence: u64,
}

impl<T> Recorded<T> {
    /// The outcome to disclose.
    pub fn outcome(&self) -> &T {
        &self.outcome
    }

    /// Position of the record in the audit log, from 0.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// An outcome that could not be recorded, and so must not be disclosed.
#[derive(Debug)]
pub struct Unrecorded<T> {
    /// Why it could not be recorded.
    pub failure: RecordFailure,
    /// The outcome that is withheld. The fault that is sent in its place may take the customer from
    /// it.
    pub withheld: T,
}

/// Records `outcome` in `log`. Returns it through `settle`, which is called once, on any thread,
/// and must not block.
pub fn record<T: Recordable + Send + 'static>(
    outcome: T,
    log: &dyn AuditSink,
    settle: impl FnOnce(Result<Recorded<T>, Unrecorded<T>>) + Send + 'static,
) {
    let record = outcome.to_record();
    let settle = Box::new(move |durable: Result<u64, RecordFailure>| {
        settle(match durable {
            Ok(sequence) => Ok(Recorded { outcome, sequence }),
            Err(failure) => Err(Unrecorded { failure, withheld: outcome }),
        });
    });
    log.append(Pending::new(RecordContent::Exchange(record), settle));
}

/// Records requests that were refused before they were read. `failed` gets them back if they could
/// not be recorded; it is called at most once, on any thread, and must not block.
pub fn record_suppressed(
    requests: SuppressedRequests,
    log: &dyn AuditSink,
    failed: impl FnOnce(SuppressedRequests) + Send + 'static,
) {
    let record = RecordContent::Suppressed(requests.clone());
    let settle = Box::new(move |durable: Result<u64, RecordFailure>| {
        if durable.is_err() {
            failed(requests);
        }
    });
    log.append(Pending::new(record, settle));
}
