//! One message, from bytes to bytes: read, decide, look up, record, write.
//!
//! The order is the pipeline's ([`ehealth_core::lookup`]) and cannot be changed here. Every SOAP
//! answer and fault is a recorded outcome. The one exception is the fault that says that the
//! exchange could not be recorded. Work on the processor is done in two pieces: before the record
//! ([`ExchangeContext::begin`]) and after it ([`ExchangeContext::write`]). Between them is the only
//! wait ([`PendingExchange::record`]). A lookup runs on the thread that read the message: with warm
//! caches it costs less than handing it to another thread.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::active_config::ActiveConfig;
use super::counters::{Stage, Stopwatch};
use super::fault_map;
use super::limits::consumer_limits::TakenQuestion;
use super::peer::Peer;
use super::service::Service;
use crate::peer_event;
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::{
    Exchange, ExchangeRecord, Identified, Operation, Permission, Permitted, Presented, RecordFailure, Recordable,
    Recorded, Resolved, Unrecorded, record,
};
use ehealth_core::model::{Customer, OutcomeCode, Question, Status, Ticket};
use ehealth_core::policy::{EndUserFault, Refusal, Rule};
use soap::{self, Addressing, Charset, ExchangeFault, Fault, Handling, Payload, RefusedRequest, Request};

/// Answer to the caller, and what the log says of it.
#[derive(Debug)]
pub(super) struct Reply {
    /// The envelope.
    pub body: Vec<u8>,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
    /// The fault that the body holds (HTTP 500), and its cause for the log; `None`: a response (HTTP
    /// 200).
    pub fault: Option<Explained<Fault>>,
    /// Rule that decided the exchange, if one did.
    pub rule: Option<Rule>,
    /// Why the policy refused the question, if it did and the answer is a status.
    pub refusal: Option<Refusal>,
    /// Time until the quota allows the question again, if it was exhausted.
    pub retry_after: Option<Duration>,
}

/// A message as HTTP delivered it.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub body: &'a [u8],
    pub charset: Option<Charset>,
    pub soap_actions: &'a [&'a [u8]],
    /// A question of the caller's quota, or the time until there is one; `None` if the caller has no
    /// quota.
    pub question: Option<Result<TakenQuestion, Duration>>,
}

/// State that every step of one exchange shares.
#[derive(Clone, Copy)]
pub(super) struct ExchangeContext<'a> {
    pub service: &'a Service,
    /// Configuration under which the whole exchange is decided.
    pub active_config: &'a ActiveConfig,
    pub operation: Operation,
    pub exchange: Exchange,
    pub stopwatch: &'a Stopwatch,
}

/// An exchange whose outcome is known and not yet recorded.
pub(super) struct PendingExchange {
    pending: PendingRecord,
    details: ReplyDetails,
}

/// An exchange whose outcome may be disclosed.
pub(super) struct RecordedExchange {
    outcome: RecordedOutcome,
    details: ReplyDetails,
}

/// What a reply needs besides the outcome.
struct ReplyDetails {
    addressing: Addressing,
    rule: Option<Rule>,
    refusal: Option<Refusal>,
    retry_after: Option<Duration>,
}

/// A record that the audit log is writing.
enum PendingRecord {
    Answer(RecordReceiver<Resolved>),
    /// Its consumer is slowed: recorded at this time.
    Delayed(Box<Resolved>, Instant),
    Echo(RecordReceiver<TestEcho>),
    Fault(RecordReceiver<RefusedExchange>),
}

/// What was recorded, or could not be.
enum RecordedOutcome {
    Answer(RecordResult<Resolved>),
    Echo(RecordResult<TestEcho>),
    Fault(RecordResult<RefusedExchange>),
}

type RecordReceiver<T> = oneshot::Receiver<Result<Recorded<T>, Unrecorded<T>>>;

/// Holds `None` if the audit log closed meanwhile and dropped the value.
type RecordResult<T> = Result<Recorded<T>, Unrecorded<Option<T>>>;

/// A question that the policy refuses.
enum RefusedQuestion {
    /// It is answered with a status.
    Status(Box<Resolved>, Refusal),
    /// It is answered with a fault.
    EndUser(Box<Presented>, EndUserFault),
}

/// A fault, not yet recorded.
struct RefusedExchange {
    entry: ExchangeRecord,
    fault: Explained<Fault>,
    customer: Option<Customer>,
}

impl Recordable for RefusedExchange {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

/// Echo of a test message, not yet recorded.
struct TestEcho {
    entry: ExchangeRecord,
    echo: String,
}

impl Recordable for TestEcho {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

impl<'a> ExchangeContext<'a> {
    /// Context of an exchange whose message arrives now.
    pub fn new(
        service: &'a Service,
        active_config: &'a ActiveConfig,
        peer: &Peer,
        ticket: Ticket,
        operation: Operation,
        stopwatch: &'a Stopwatch,
    ) -> Self {
        let exchange = Exchange { ticket, received: service.clock.now(), caller: peer.caller };
        Self { service, active_config, operation, exchange, stopwatch }
    }

    /// Reads a message and finds its outcome.
    pub fn begin(self, message: Message<'_>) -> PendingExchange {
        let read = soap::read_request(message.body, message.charset, message.soap_actions, self.operation);
        self.stopwatch.lap(Stage::Read);
        match read {
            Ok(Request { payload: Payload::Test { echo }, addressing }) => {
                let entry = self.exchange.to_record(self.operation, Status::DataFound.outcome());
                let pending = PendingRecord::Echo(self.start_recording(TestEcho { entry, echo }));
                PendingExchange::new(pending, addressing)
            }
            Ok(Request { payload: Payload::Consult(question), addressing }) => {
                self.consult(question, message.question, addressing)
            }
            Err(refused) => {
                let entry = self.exchange.to_record(self.operation, refused.fault.outcome());
                let RefusedRequest { fault, cause, customer, addressing } = *refused;
                self.refuse(RefusedExchange { entry, fault: Explained::new(fault, cause), customer }, addressing)
            }
        }
    }

    /// Refuses a caller whose certificate is no longer valid, before its message is read.
    pub fn refuse_caller(self) -> PendingExchange {
        let fault = Fault::from(ExchangeFault::UnknownCaller);
        let entry = self.exchange.to_record(self.operation, fault.outcome());
        let fault = Explained::new(fault, Cause::fixed("the certificate is no longer valid"));
        self.refuse(RefusedExchange { entry, fault, customer: None }, Addressing::default())
    }

    fn consult(
        self,
        question: Question,
        taken: Option<Result<TakenQuestion, Duration>>,
        addressing: Addressing,
    ) -> PendingExchange {
        let identified = match Presented::new(self.exchange, question, &self.active_config.register)
            .identify(&self.active_config.register)
        {
            Ok(identified) => identified,
            Err(refused) => {
                self.stopwatch.lap(Stage::Decide);
                let (reason, presented) = *refused;
                self.service.counters.count_not_identified(reason);
                let fault = fault_map::of_not_identified(reason, presented.customer().id);
                return self.refuse_question(presented, fault, reason.into(), addressing);
            }
        };
        match taken {
            Some(Ok(taken)) => taken.spend(),
            // An identified caller has a quota: the second case does not occur.
            spent @ (Some(Err(_)) | None) => {
                self.stopwatch.lap(Stage::Decide);
                let wait = spent.and_then(Result::err);
                let cause = Cause::number("retry after seconds", wait.unwrap_or_default().as_secs());
                let fault = Explained::new(ExchangeFault::QuotaSpent.into(), cause);
                let mut pending = self.refuse_question(identified.into_presented(), fault, Rule::Quota, addressing);
                pending.details.retry_after = wait;
                return pending;
            }
        }
        let permitted = match self.permit(identified) {
            Ok(permitted) => permitted,
            Err(refused) => return self.refuse_permission(refused, addressing),
        };
        let limits = &self.service.settings.freshness;
        let resolved = self.service.lookups.resolve(permitted, limits);
        self.stopwatch.lap(Stage::Resolve);
        match resolved {
            Ok(resolved) => self.answer(resolved, addressing),
            Err(error) => {
                let dataset = error.reason.dataset.code();
                peer_event!(self.service.peer_log, ERROR, "lookup failed", dataset, ();
                    ticket = %self.exchange.ticket, error = %error.reason);
                let fault = fault_map::of_lookup_error(&error);
                self.refuse_question(error.presented, fault, Rule::Granted, addressing)
            }
        }
    }

    fn refuse_permission(self, refused: RefusedQuestion, addressing: Addressing) -> PendingExchange {
        match refused {
            RefusedQuestion::Status(resolved, refusal) => {
                let mut pending = self.answer(*resolved, addressing);
                pending.details.refusal = Some(refusal);
                pending
            }
            RefusedQuestion::EndUser(presented, fault) => {
                self.refuse_question(*presented, fault_map::of_end_user(fault), fault.into(), addressing)
            }
        }
    }

    /// Decides whether the policy permits the question, and counts its days.
    fn permit(self, identified: Identified) -> Result<Permitted, RefusedQuestion> {
        let permission = identified.permit();
        self.stopwatch.lap(Stage::Decide);
        match permission {
            Permission::Permitted(permitted) => {
                match self.service.rate_limits.count_dates(&permitted, &self.service.peer_log) {
                    Ok(()) => Ok(permitted),
                    Err(dates) => {
                        let (resolved, refusal) = permitted.refuse_dates(dates);
                        Err(RefusedQuestion::Status(Box::new(resolved), refusal))
                    }
                }
            }
            Permission::Refused(resolved, refusal) => Err(RefusedQuestion::Status(Box::new(resolved), refusal)),
            Permission::EndUser(presented, fault) => Err(RefusedQuestion::EndUser(Box::new(presented), fault)),
        }
    }

    fn answer(self, resolved: Resolved, addressing: Addressing) -> PendingExchange {
        let rule = resolved.rule();
        let pending = match self.service.rate_limits.note(&resolved, &self.service.peer_log) {
            None => PendingRecord::Answer(self.start_recording(resolved)),
            Some(at) => PendingRecord::Delayed(Box::new(resolved), at),
        };
        let mut pending = PendingExchange::new(pending, addressing);
        pending.details.rule = Some(rule);
        pending
    }

    /// Ends an exchange with a fault, by this rule.
    fn refuse_question(
        self,
        presented: Presented,
        fault: Explained<Fault>,
        rule: Rule,
        addressing: Addressing,
    ) -> PendingExchange {
        let entry = presented.to_record(fault.reason().outcome(), rule);
        let mut pending =
            self.refuse(RefusedExchange { entry, fault, customer: Some(presented.into_customer()) }, addressing);
        pending.details.rule = Some(rule);
        pending
    }

    fn refuse(self, refused: RefusedExchange, addressing: Addressing) -> PendingExchange {
        let pending = PendingRecord::Fault(self.start_recording(refused));
        PendingExchange::new(pending, addressing)
    }

    /// Hands a value to the audit log; the receiver gets the result.
    fn start_recording<T: Recordable + Send + 'static>(self, value: T) -> RecordReceiver<T> {
        let (sender, receiver) = oneshot::channel();
        record(value, self.service.audit.as_ref(), move |recorded| {
            // Sending fails if the caller disconnected; the record stays.
            let _ = sender.send(recorded);
        });
        receiver
    }

    /// Writes the reply. Without a record there is no answer: only the fault that says so.
    pub fn write(self, recorded: RecordedExchange, peer: &Peer) -> Reply {
        let RecordedExchange { outcome, details } = recorded;
        let ReplyDetails { addressing, rule, refusal, retry_after } = details;
        let (body, outcome, fault) = match outcome {
            RecordedOutcome::Answer(Ok(answer)) => {
                let body = soap::write_answer(&answer, self.service.clock.now(), &addressing);
                (body, answer.status().outcome(), None)
            }
            RecordedOutcome::Echo(Ok(recorded)) => {
                let body = self.write_test_reply(&recorded.outcome().echo, peer, &addressing);
                (body, Status::DataFound.outcome(), None)
            }
            RecordedOutcome::Fault(Ok(recorded)) => {
                let RefusedExchange { fault, customer, .. } = recorded.outcome();
                self.write_fault(fault.clone(), customer.as_ref(), &addressing)
            }
            RecordedOutcome::Answer(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.map(Resolved::into_customer), &addressing)
            }
            RecordedOutcome::Echo(Err(Unrecorded { failure, .. })) => self.write_unrecorded(failure, None, &addressing),
            RecordedOutcome::Fault(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.and_then(|refused| refused.customer), &addressing)
            }
        };
        self.stopwatch.lap(Stage::Write);
        Reply { body, outcome, fault, rule, refusal, retry_after }
    }

    fn write_test_reply(self, echo: &str, peer: &Peer, addressing: &Addressing) -> Vec<u8> {
        let reply = soap::TestReply { echo, ssl_certificate: peer.subject() };
        soap::write_test_reply(reply, self.handling(), addressing)
    }

    fn write_unrecorded(self, failure: RecordFailure, customer: Option<Customer>, addressing: &Addressing) -> Written {
        let reason = fault_map::code_of_record_failure(failure);
        peer_event!(self.service.peer_log, ERROR, "cannot write the audit record; no answer is given", reason, ();
            ticket = %self.exchange.ticket, %failure);
        self.write_fault(fault_map::of_record_failure(failure), customer.as_ref(), addressing)
    }

    /// Writes the fault without its cause.
    fn write_fault(self, fault: Explained<Fault>, customer: Option<&Customer>, addressing: &Addressing) -> Written {
        let body = soap::write_fault(fault.reason(), self.operation, self.handling(), customer, addressing);
        (body, fault.reason().outcome(), Some(fault))
    }

    fn handling(self) -> Handling {
        let Exchange { ticket, received, .. } = self.exchange;
        Handling { ticket, received, replied: self.service.clock.now() }
    }
}

/// An envelope, the code in it, and its fault.
type Written = (Vec<u8>, OutcomeCode, Option<Explained<Fault>>);

impl PendingExchange {
    fn new(pending: PendingRecord, addressing: Addressing) -> Self {
        Self { pending, details: ReplyDetails { addressing, rule: None, refusal: None, retry_after: None } }
    }

    /// Waits until the record is durable, or has failed.
    pub async fn record(self, context: ExchangeContext<'_>) -> RecordedExchange {
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
