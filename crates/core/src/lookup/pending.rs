//! A record on its way to the disk.

use super::exchange_record::ExchangeRecord;
use super::suppressed::SuppressedRequests;

/// Why a record could not be made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordFailure {
    /// The audit log cannot be written (disk full, I/O error). The next record tries again.
    #[error("the audit log cannot be written")]
    Unwritable,
    /// The record is not durable on a second machine, or it is unknown whether it is.
    #[error("the audit log cannot be replicated")]
    Unreplicated,
    /// Another node received the same signed message before.
    #[error("another node received the same signed message before")]
    Replayed,
    /// The queue of the audit log is full.
    #[error("too many records wait to be written")]
    Overloaded,
    /// The audit log is closed, or dropped the record.
    #[error("the audit log is closed")]
    Closed,
}

/// Continuation that runs once a record is durable (with its sequence number) or has failed.
pub(super) type Settle = Box<dyn FnOnce(Result<u64, RecordFailure>) + Send>;

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are exchanges, and a box for each would cost more")]
pub enum RecordContent {
    /// An exchange with a caller.
    Exchange(ExchangeRecord),
    /// Requests that were refused before they were read.
    Suppressed(SuppressedRequests),
}

impl RecordContent {
    /// The exchange, if it is one.
    #[must_use]
    pub fn exchange(&self) -> Option<&ExchangeRecord> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Suppressed(_) => None,
        }
    }
}

/// A record that is not yet durable. The holder must settle it. If it is dropped, it settles itself
/// as [`RecordFailure::Closed`], so that no exchange waits forever.
pub struct Pending {
    record: RecordContent,
    settle: Option<Settle>,
}

impl Pending {
    /// Visible to the pipeline only: no other code can declare a record durable that no audit log
    /// received.
    pub(super) fn new(record: RecordContent, settle: Settle) -> Self {
        Self { record, settle: Some(settle) }
    }

    /// The record to write.
    #[must_use]
    pub fn record(&self) -> &RecordContent {
        &self.record
    }

    /// Reports that the record is durable under this sequence number: a crash from now on does not
    /// lose it.
    pub fn durable(mut self, sequence: u64) {
        self.settle_as(Ok(sequence));
    }

    /// Reports that the record could not be made durable.
    pub fn failed(mut self, failure: RecordFailure) {
        self.settle_as(Err(failure));
    }

    fn settle_as(&mut self, result: Result<u64, RecordFailure>) {
        if let Some(settle) = self.settle.take() {
            settle(result);
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
        f.debug_struct("Pending").field("record", &self.record).finish_non_exhaustive()
    }
}
