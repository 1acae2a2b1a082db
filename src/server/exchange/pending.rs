//! An exchange on its way through the audit log: what is recorded, and what is kept for the reply.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::context::{ExchangeContext, RecordReceiver};
use crate::server::counters::Stage;
use crate::server::fault_map;
use crate::server::signatures;
use ehealth_core::explained::Explained;
use ehealth_core::lookup::{
    ExchangeRecord, MessageSignature, RecordFailure, Recordable, Recorded, Resolved, Unrecorded,
};
use ehealth_core::model::{Customer, FieldSet};
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
        let recorded = match outcome.into_replayed() {
            Ok(replayed) => RecordedExchange::replayed(replayed, details, context).await,
            Err(outcome) => RecordedExchange { outcome: *outcome, details },
        };
        context.stopwatch.lap(Stage::Record);
        recorded
    }
}

/// An exchange whose signed message another node received before, which the database found.
struct Replayed {
    entry: ExchangeRecord,
    customer: Option<Customer>,
}

impl RecordedOutcome {
    /// The exchange if its message is a replay, otherwise the outcome.
    fn into_replayed(self) -> Result<Replayed, Box<Self>> {
        let replay = RecordFailure::Replayed;
        match self {
            Self::Answer(Err(Unrecorded { failure, withheld: Some(resolved) })) if failure == replay => {
                Ok(Replayed { entry: resolved.to_record(), customer: Some(resolved.into_customer()) })
            }
            Self::Echo(Err(Unrecorded { failure, withheld: Some(echo) })) if failure == replay => {
                Ok(Replayed { entry: echo.entry, customer: None })
            }
            Self::Fault(Err(Unrecorded { failure, withheld: Some(refused) })) if failure == replay => {
                Ok(Replayed { entry: refused.entry, customer: refused.customer })
            }
            outcome @ (Self::Answer(_) | Self::Echo(_) | Self::Fault(_)) => Err(Box::new(outcome)),
        }
    }
}

impl RecordedExchange {
    /// Records that the message is refused as a replay. The record before it stays, and says what
    /// would have been answered.
    async fn replayed(replayed: Replayed, details: ReplyDetails, context: &ExchangeContext<'_>) -> Self {
        let problem = signatures::replayed();
        context.service.counters.count_refused_signature(problem.error);
        let fault = fault_map::of_signature(&problem, None);
        let rule = Rule::MessageSignature;
        let entry = ExchangeRecord {
            rule: Some(rule),
            replaced_by: None,
            fields: FieldSet::default(),
            disclosed: Vec::new(),
            outcome: fault.reason().outcome(),
            signature: None,
            ..replayed.entry
        };
        let refused = RefusedExchange { entry, fault, customer: replayed.customer };
        let outcome = RecordedOutcome::Fault(receive(context.start_recording(refused)).await);
        let details = ReplyDetails { rule: Some(rule), refusal: None, retry_after: None, ..details };
        Self { outcome, details }
    }
}

async fn receive<T: Recordable>(receiver: RecordReceiver<T>) -> RecordResult<T> {
    match receiver.await {
        Ok(Ok(recorded)) => Ok(recorded),
        Ok(Err(Unrecorded { failure, withheld })) => Err(Unrecorded { failure, withheld: Some(withheld) }),
        Err(_) => Err(Unrecorded { failure: RecordFailure::Closed, withheld: None }),
    }
}
