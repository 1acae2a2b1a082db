//! One message, from bytes to bytes: read, decide, look up, record, write.
//!
//! The order is the pipeline's ([`crate::lookup`]) and cannot be changed here. Every SOAP answer, fault or not, leaves
//! with a receipt; the one exception is the fault that says that none could be had. Look-ups run on the thread that
//! read the message: a warm one costs less than handing it to another thread would.

use std::time::Duration;

use tokio::sync::oneshot;

use super::counters::{Stage, Stopwatch};
use super::fault_map;
use super::gate::InForce;
use super::service::{Peer, Service};
use crate::lookup::{
    Answer, AuditLog, Entry, Evidence, Exchange, Operation, Permission, Presented, RecordFailure, Recorded, Resolved,
    Unrecorded, record,
};
use crate::model::{Customer, Question, Status, Ticket};
use crate::policy::{Pace, Refusal, SLOWED_BY};
use crate::soap::{self, Addressing, Charset, Fault, Handling, Payload, RefusedRequest};

/// What goes back to the caller, and what the log says of it.
#[derive(Debug)]
pub(super) struct Reply {
    /// The envelope.
    pub body: Vec<u8>,
    /// Whether it holds a fault (HTTP 500) or a response (HTTP 200).
    pub kind: ReplyKind,
    /// Code of the status or of the fault.
    pub outcome: &'static str,
    /// Which rule of policy refused, where one did.
    pub refusal: Option<Refusal>,
    /// When the same may be asked again, where the quota was spent.
    pub retry_after: Option<Duration>,
}

/// What an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyKind {
    /// A response.
    Response,
    /// A fault.
    Fault,
}

/// A message as it came through the HTTP door.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub body: &'a [u8],
    pub charset: Option<Charset>,
    pub soap_actions: &'a [&'a [u8]],
}

/// What every step of one exchange has at hand.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub service: &'a Service,
    /// The state under which the whole exchange is decided.
    pub in_force: &'a InForce,
    pub operation: Operation,
    pub exchange: Exchange,
    pub stopwatch: &'a Stopwatch,
}

/// A fault, not yet recorded.
struct Refused {
    entry: Entry,
    fault: Fault,
    customer: Option<Customer>,
}

impl Evidence for Refused {
    fn entry(&self) -> Entry {
        self.entry.clone()
    }
}

/// A test message's echo, not yet recorded.
struct Echoed {
    entry: Entry,
    echo: String,
}

impl Evidence for Echoed {
    fn entry(&self) -> Entry {
        self.entry.clone()
    }
}

impl<'a> Walk<'a> {
    /// The beginning of an exchange: the message has come in now.
    pub fn new(
        service: &'a Service,
        in_force: &'a InForce,
        peer: &Peer,
        ticket: Ticket,
        operation: Operation,
        stopwatch: &'a Stopwatch,
    ) -> Self {
        let exchange = Exchange { ticket, received: service.clock.now(), caller: peer.caller };
        Self { service, in_force, operation, exchange, stopwatch }
    }

    /// Answers one message.
    pub async fn answer(self, peer: &Peer, message: Message<'_>) -> Reply {
        let read = soap::read_request(message.body, message.charset, message.soap_actions, self.operation);
        self.stopwatch.lap(Stage::Read);
        match read {
            Ok(request) => match request.payload {
                Payload::Test { echo } => self.answer_test(peer, echo, &request.addressing).await,
                Payload::Consult(question) => self.consult(question, &request.addressing).await,
            },
            Err(refused) => {
                let entry = self.exchange.entry(self.operation, refused.fault.code());
                let RefusedRequest { fault, customer, addressing } = *refused;
                self.refuse(Refused { entry, fault, customer }, &addressing).await
            }
        }
    }

    /// Refuses a caller whose certificate no longer holds, before anything of its message is looked at.
    pub async fn refuse_caller(self) -> Reply {
        let fault = Fault::UnknownCaller;
        let entry = self.exchange.entry(self.operation, fault.code());
        self.refuse(Refused { entry, fault, customer: None }, &Addressing::default()).await
    }

    async fn answer_test(self, peer: &Peer, echo: String, addressing: &Addressing) -> Reply {
        let outcome = Status::DataFound.code();
        let echoed = Echoed { entry: self.exchange.entry(self.operation, outcome), echo };
        let recorded = match self.put_on_record(echoed).await {
            Ok(recorded) => recorded,
            Err(unrecorded) => return self.write_unrecorded(unrecorded.failure, None, addressing),
        };
        let register = &self.in_force.register;
        let consumer = peer.caller.organisation().and_then(|organisation| register.find(organisation));
        let reply = soap::TestReply {
            echo: &recorded.told().echo,
            ssl_certificate: &peer.subject,
            consumer: consumer.map(|consumer| consumer.name.as_str()),
        };
        let body = soap::write_test_reply(reply, self.handling(), addressing);
        self.stopwatch.lap(Stage::Write);
        Reply { body, kind: ReplyKind::Response, outcome, refusal: None, retry_after: None }
    }

    async fn consult(self, question: Question, addressing: &Addressing) -> Reply {
        let identified = match Presented::new(self.exchange, question).identify(&self.in_force.register) {
            Ok(identified) => identified,
            Err(refused) => {
                self.stopwatch.lap(Stage::Decide);
                let (reason, presented) = *refused;
                return self.refuse_question(presented, fault_map::of_not_identified(reason), addressing).await;
            }
        };
        if let Err(wait) = self.service.meters.take(identified.consumer(), self.exchange.received) {
            self.stopwatch.lap(Stage::Decide);
            let reply = self.refuse_question(identified.into_presented(), Fault::QuotaSpent, addressing).await;
            return Reply { retry_after: Some(wait), ..reply };
        }
        let permission = identified.permit();
        self.stopwatch.lap(Stage::Decide);
        let permitted = match permission {
            Permission::Permitted(permitted) => permitted,
            Permission::Refused(resolved, refusal) => {
                return Reply { refusal: Some(refusal), ..self.tell(resolved, addressing).await };
            }
        };
        let limits = &self.service.settings.freshness;
        let resolved = self.service.lookups.resolve(permitted, limits);
        self.stopwatch.lap(Stage::Resolve);
        match resolved {
            Ok(resolved) => self.tell(resolved, addressing).await,
            Err(error) => {
                let dataset = error.reason.dataset.code();
                tracing::error!(ticket = %self.exchange.ticket, dataset, reason = %error.reason, "cannot look up");
                let fault = fault_map::of_lookup_error(&error);
                self.refuse_question(error.presented, fault, addressing).await
            }
        }
    }

    /// Puts an outcome on record, then tells it.
    async fn tell(self, resolved: Resolved, addressing: &Addressing) -> Reply {
        match self.service.meters.note(resolved.consumer(), resolved.status(), self.exchange.received) {
            Pace::AtOnce => {}
            Pace::Slowed | Pace::SlowedFromNow => {
                tokio::time::sleep(SLOWED_BY).await;
                self.stopwatch.skip();
            }
        }
        match self.put_on_record(resolved).await {
            Ok(answer) => self.write_answer(&answer, addressing),
            Err(unrecorded) => {
                let customer = unrecorded.untold.map(Resolved::into_customer);
                self.write_unrecorded(unrecorded.failure, customer.as_ref(), addressing)
            }
        }
    }

    fn write_answer(self, answer: &Answer, addressing: &Addressing) -> Reply {
        let body = soap::write_answer(answer, self.service.clock.now(), addressing);
        self.stopwatch.lap(Stage::Write);
        Reply { body, kind: ReplyKind::Response, outcome: answer.status().code(), refusal: None, retry_after: None }
    }

    async fn refuse_question(self, presented: Presented, fault: Fault, addressing: &Addressing) -> Reply {
        let entry = presented.entry(fault.code());
        self.refuse(Refused { entry, fault, customer: Some(presented.into_customer()) }, addressing).await
    }

    /// Puts a fault on record, then tells it.
    async fn refuse(self, refused: Refused, addressing: &Addressing) -> Reply {
        match self.put_on_record(refused).await {
            Ok(recorded) => {
                let Refused { fault, customer, .. } = recorded.told();
                self.write_fault(fault, customer.as_ref(), addressing)
            }
            Err(unrecorded) => {
                let customer = unrecorded.untold.and_then(|refused| refused.customer);
                self.write_unrecorded(unrecorded.failure, customer.as_ref(), addressing)
            }
        }
    }

    /// No evidence, no answer: only the fault that says so.
    fn write_unrecorded(self, failure: RecordFailure, customer: Option<&Customer>, addressing: &Addressing) -> Reply {
        tracing::error!(ticket = %self.exchange.ticket, %failure, "no evidence, no answer");
        self.write_fault(&fault_map::of_record_failure(failure), customer, addressing)
    }

    fn write_fault(self, fault: &Fault, customer: Option<&Customer>, addressing: &Addressing) -> Reply {
        let body = soap::write_fault(fault, self.operation, self.handling(), customer, addressing);
        self.stopwatch.lap(Stage::Write);
        Reply { body, kind: ReplyKind::Fault, outcome: fault.code(), refusal: None, retry_after: None }
    }

    /// Hands something to the trail and waits until it is durable.
    async fn put_on_record<T: Evidence + Send + 'static>(self, told: T) -> Result<Recorded<T>, Unrecorded<Option<T>>> {
        let recorded = put_on_record(self.service.audit.as_ref(), told).await;
        self.stopwatch.lap(Stage::Record);
        recorded
    }

    fn handling(self) -> Handling {
        let Exchange { ticket, received, .. } = self.exchange;
        Handling { ticket, received, replied: self.service.clock.now() }
    }
}

async fn put_on_record<T: Evidence + Send + 'static>(
    audit: &dyn AuditLog,
    told: T,
) -> Result<Recorded<T>, Unrecorded<Option<T>>> {
    let (settled, outcome) = oneshot::channel();
    record(told, audit, move |recorded| {
        // Nobody waits any more if the caller went away; the record stands all the same.
        let _ = settled.send(recorded);
    });
    match outcome.await {
        Ok(Ok(recorded)) => Ok(recorded),
        Ok(Err(Unrecorded { failure, untold })) => Err(Unrecorded { failure, untold: Some(untold) }),
        Err(_) => Err(Unrecorded { failure: RecordFailure::Closed, untold: None }),
    }
}
