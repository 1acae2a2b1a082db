//! An exchange on its way through the audit log: what is recorded, and what is kept for the reply.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::context::{ExchangeContext, RecordReceiver};
use crate::server::counters::Stage;
use ehealth_core::explained::Explained;
use ehealth_core::lookup::{
    ExchangeRecord, MessageSignature, RecordFailure, Recordable, Recorded, Resolved, Unrecorded,
};
use ehealth_core::model::Customer;
use ehealth_core::policy::{Refusal, Rule};
use soap::{Addressing, Fault};

/// What every outcome of a message carries along.
pub(super) struct Signed {
    pub(super) addressing: Addressing,
    pub(super) signature: Option<Arc<MessageSignature>>,
}

/// An exchange whose outcome is known and not yet recorded.
pub(in crate::server) struct PendingExchange {
    pending: PendingRecord,
    pub(super) details: ReplyDetails,
}

/// An exchange whose outcome may be disclosed.
pub(in crate::server) struct RecordedExchange {
    pub(super) outcome: RecordedOutcome,
    pub(super) details: ReplyDetails,
}

/// What a reply needs besides the outcome.
pub(super) struct ReplyDetails {
    pub(super) addressing: Addressing,
    /// The signature of the request, which a signed response confirms.
    pub(super) signature: Option<Arc<MessageSignature>>,
    pub(super) rule: Option<Rule>,
    pub(super) refusal: Option<Refusal>,
    pub(super) retry_after: Option<Duration>,
}

/// A record that the audit log is writing.
pub(super) enum PendingRecord {
    Answer(RecordReceiver<Resolved>),
    /// Its consumer is slowed: recorded at this time.
    Delayed(Box<Resolved>, Instant),
    Echo(RecordReceiver<TestEcho>),
    Fault(RecordReceiver<RefusedExchange>),
}

/// What was recorded, or could not be.
pub(super) enum RecordedOutcome {
    Answer(RecordResult<Resolved>),
    Echo(RecordResult<TestEcho>),
    Fault(RecordResult<RefusedExchange>),
}

/// Holds `None` if the audit log closed meanwhile and dropped the value.
type RecordResult<T> = Result<Recorded<T>, Unrecorded<Option<T>>>;

/// A fault, not yet recorded.
pub(super) struct RefusedExchange {
    pub(super) entry: ExchangeRecord,
    pub(super) fault: Explained<Fault>,
    pub(super) customer: Option<Customer>,
}

impl Recordable for RefusedExchange {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

/// Echo of a test message, not yet recorded.
pub(super) struct TestEcho {
    pub(super) entry: ExchangeRecord,
    pub(super) echo: String,
}

impl Recordable for TestEcho {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

impl PendingExchange {
    pub(super) fn new(pending: PendingRecord, signed: Signed) -> Self {
        let Signed { addressing, signature } = signed;
        Self { pending, details: ReplyDetails { addressing, signature, rule: None, refusal: None, retry_after: None } }
    }

    /// Waits until the record is durable, or has failed.
    pub async fn record(self, context: &ExchangeContext<'_>) -> RecordedExchange {
        let Self { pending, details } = self;
        let outcome = match pending {
            PendingRecord::Answer(receiver) => RecordedOutcome::Answer(receive(receiver).await),
            PendingRecord::Delayed(resolved, at) => {
                tokio::time::sleep_until(at).await;
                context.stopwatch.skip();
                RecordedOutcome::Answer(receive(context.start_recording(*resolved)).await)
            }
            PendingRecord::Echo(receiver) => RecordedOutcome::Echo(receive(receiver).await),
            PendingRecord::Fault(receiver) => RecordedOutcome::Fault(receive(receiver).await),
        };
        context.stopwatch.lap(Stage::Record);
        RecordedExchange { outcome, details }
    }
}

async fn receive<T: Recordable>(receiver: RecordReceiver<T>) -> RecordResult<T> {
    match receiver.await {
        Ok(Ok(recorded)) => Ok(recorded),
        Ok(Err(Unrecorded { failure, withheld })) => Err(Unrecorded { failure, withheld: Some(withheld) }),
        Err(_) => Err(Unrecorded { failure: RecordFailure::Closed, withheld: None }),
    }
}
