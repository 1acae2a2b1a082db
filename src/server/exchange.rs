//! One message, from bytes to bytes: read, decide, look up, record, write.
//!
//! The order is the pipeline's ([`ehealth_core::lookup`]) and cannot be changed here. Every SOAP answer, fault or not, leaves
//! with a receipt; the one exception is the fault that says that none could be had. What takes the processor is done in
//! two pieces, before the evidence ([`ExchangeContext::begin`]) and after it ([`ExchangeContext::write`]); between them is the one wait
//! ([`Begun::settle`]). Look-ups run on the thread that read the message: a warm one costs less than handing it to another
//! thread would.

use std::time::Duration;

use tokio::sync::oneshot;

use super::counters::{Stage, Stopwatch};
use super::fault_map;
use super::gate::ActiveConfig;
use super::service::{Peer, Service};
use ehealth_core::lookup::{
    Exchange, ExchangeRecord, Operation, Permission, Presented, RecordFailure, Recordable, Recorded, Resolved,
    Unrecorded, record,
};
use ehealth_core::model::{Customer, OutcomeCode, Question, Status, Ticket};
use ehealth_core::policy::{Refusal, THROTTLE_DELAY, Throttle};
use soap::{self, Addressing, Charset, ExchangeFault, Fault, Handling, Payload, RefusedRequest, Request};

/// What goes back to the caller, and what the log says of it.
#[derive(Debug)]
pub(super) struct Reply {
    /// The envelope.
    pub body: Vec<u8>,
    /// Whether it holds a fault (HTTP 500) or a response (HTTP 200).
    pub kind: ReplyKind,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
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
pub(super) struct ExchangeContext<'a> {
    pub service: &'a Service,
    /// The state under which the whole exchange is decided.
    pub active_config: &'a ActiveConfig,
    pub operation: Operation,
    pub exchange: Exchange,
    pub stopwatch: &'a Stopwatch,
}

/// An exchange whose outcome is known and not yet on record.
pub(super) struct Begun {
    awaited: Awaited,
    aside: Aside,
}

/// An exchange whose outcome may be told.
pub(super) struct Settled {
    outcome: Outcome,
    aside: Aside,
}

/// What an outcome is told with.
struct Aside {
    addressing: Addressing,
    refusal: Option<Refusal>,
    retry_after: Option<Duration>,
}

/// Recordable on its way.
enum Awaited {
    Answer(Awaiting<Resolved>),
    /// Its consumer is slowed: it is put on record later.
    Slowed(Box<Resolved>),
    Echo(Awaiting<Echoed>),
    Fault(Awaiting<Refused>),
}

/// What was put on record, or could not be.
enum Outcome {
    Answer(Durable<Resolved>),
    Echo(Durable<Echoed>),
    Fault(Durable<Refused>),
}

type Awaiting<T> = oneshot::Receiver<Result<Recorded<T>, Unrecorded<T>>>;

/// `None` for what was lost with a trail that was closed meanwhile.
type Durable<T> = Result<Recorded<T>, Unrecorded<Option<T>>>;

/// A fault, not yet recorded.
struct Refused {
    entry: ExchangeRecord,
    fault: Fault,
    customer: Option<Customer>,
}

impl Recordable for Refused {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

/// A test message's echo, not yet recorded.
struct Echoed {
    entry: ExchangeRecord,
    echo: String,
}

impl Recordable for Echoed {
    fn to_record(&self) -> ExchangeRecord {
        self.entry.clone()
    }
}

impl<'a> ExchangeContext<'a> {
    /// The beginning of an exchange: the message has come in now.
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

    /// Reads one message, and finds what it is to be told.
    pub fn begin(self, message: Message<'_>) -> Begun {
        let read = soap::read_request(message.body, message.charset, message.soap_actions, self.operation);
        self.stopwatch.lap(Stage::Read);
        match read {
            Ok(Request { payload: Payload::Test { echo }, addressing }) => {
                let entry = self.exchange.to_record(self.operation, Status::DataFound.outcome());
                let awaited = Awaited::Echo(self.put_on_record(Echoed { entry, echo }));
                Begun::new(awaited, addressing)
            }
            Ok(Request { payload: Payload::Consult(question), addressing }) => self.consult(question, addressing),
            Err(refused) => {
                let entry = self.exchange.to_record(self.operation, refused.fault.outcome());
                let RefusedRequest { fault, customer, addressing } = *refused;
                self.refuse(Refused { entry, fault, customer }, addressing)
            }
        }
    }

    /// Refuses a caller whose certificate no longer holds, before anything of its message is looked at.
    pub fn refuse_caller(self) -> Begun {
        let fault = Fault::from(ExchangeFault::UnknownCaller);
        let entry = self.exchange.to_record(self.operation, fault.outcome());
        self.refuse(Refused { entry, fault, customer: None }, Addressing::default())
    }

    fn consult(self, question: Question, addressing: Addressing) -> Begun {
        let identified = match Presented::new(self.exchange, question).identify(&self.active_config.register) {
            Ok(identified) => identified,
            Err(refused) => {
                self.stopwatch.lap(Stage::Decide);
                let (reason, presented) = *refused;
                return self.refuse_question(presented, fault_map::of_not_identified(reason), addressing);
            }
        };
        if let Err(wait) = self.service.rate_limits.take(identified.consumer(), self.exchange.received) {
            self.stopwatch.lap(Stage::Decide);
            let mut begun =
                self.refuse_question(identified.into_presented(), ExchangeFault::QuotaSpent.into(), addressing);
            begun.aside.retry_after = Some(wait);
            return begun;
        }
        let permission = identified.permit();
        self.stopwatch.lap(Stage::Decide);
        let permitted = match permission {
            Permission::Permitted(permitted) => permitted,
            Permission::Refused(resolved, refusal) => {
                let mut begun = self.tell(resolved, addressing);
                begun.aside.refusal = Some(refusal);
                return begun;
            }
        };
        let limits = &self.service.settings.freshness;
        let resolved = self.service.lookups.resolve(permitted, limits);
        self.stopwatch.lap(Stage::Resolve);
        match resolved {
            Ok(resolved) => self.tell(resolved, addressing),
            Err(error) => {
                let dataset = error.reason.dataset.code();
                tracing::error!(ticket = %self.exchange.ticket, dataset, reason = %error.reason, "cannot look up");
                let fault = fault_map::of_lookup_error(&error);
                self.refuse_question(error.presented, fault, addressing)
            }
        }
    }

    fn tell(self, resolved: Resolved, addressing: Addressing) -> Begun {
        let awaited =
            match self.service.rate_limits.note(resolved.consumer(), resolved.status(), self.exchange.received) {
                Throttle::AtOnce => Awaited::Answer(self.put_on_record(resolved)),
                Throttle::Slowed | Throttle::SlowedFromNow => Awaited::Slowed(Box::new(resolved)),
            };
        Begun::new(awaited, addressing)
    }

    fn refuse_question(self, presented: Presented, fault: Fault, addressing: Addressing) -> Begun {
        let entry = presented.to_record(fault.outcome());
        self.refuse(Refused { entry, fault, customer: Some(presented.into_customer()) }, addressing)
    }

    fn refuse(self, refused: Refused, addressing: Addressing) -> Begun {
        let awaited = Awaited::Fault(self.put_on_record(refused));
        Begun::new(awaited, addressing)
    }

    /// Hands something to the trail; what comes of it can be awaited.
    fn put_on_record<T: Recordable + Send + 'static>(self, told: T) -> Awaiting<T> {
        let (settled, outcome) = oneshot::channel();
        record(told, self.service.audit.as_ref(), move |recorded| {
            // Nobody waits any more if the caller went away; the record stands all the same.
            let _ = settled.send(recorded);
        });
        outcome
    }

    /// Writes what was put on record. No evidence, no answer: only the fault that says so.
    pub fn write(self, settled: Settled, peer: &Peer) -> Reply {
        let Settled { outcome, aside } = settled;
        let Aside { addressing, refusal, retry_after } = aside;
        let (body, kind, outcome) = match outcome {
            Outcome::Answer(Ok(answer)) => {
                let body = soap::write_answer(&answer, self.service.clock.now(), &addressing);
                (body, ReplyKind::Response, answer.status().outcome())
            }
            Outcome::Echo(Ok(recorded)) => {
                let body = self.write_test_reply(&recorded.outcome().echo, peer, &addressing);
                (body, ReplyKind::Response, Status::DataFound.outcome())
            }
            Outcome::Fault(Ok(recorded)) => {
                let Refused { fault, customer, .. } = recorded.outcome();
                self.write_fault(fault, customer.as_ref(), &addressing)
            }
            Outcome::Answer(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.map(Resolved::into_customer), &addressing)
            }
            Outcome::Echo(Err(Unrecorded { failure, .. })) => self.write_unrecorded(failure, None, &addressing),
            Outcome::Fault(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.and_then(|refused| refused.customer), &addressing)
            }
        };
        self.stopwatch.lap(Stage::Write);
        Reply { body, kind, outcome, refusal, retry_after }
    }

    fn write_test_reply(self, echo: &str, peer: &Peer, addressing: &Addressing) -> Vec<u8> {
        let register = &self.active_config.register;
        let consumer = peer.caller.organisation().and_then(|organisation| register.find(organisation));
        let consumer = consumer.map(|consumer| consumer.name.as_str());
        let reply = soap::TestReply { echo, ssl_certificate: peer.subject(), consumer };
        soap::write_test_reply(reply, self.handling(), addressing)
    }

    fn write_unrecorded(self, failure: RecordFailure, customer: Option<Customer>, addressing: &Addressing) -> Written {
        tracing::error!(ticket = %self.exchange.ticket, %failure, "no evidence, no answer");
        self.write_fault(&fault_map::of_record_failure(failure), customer.as_ref(), addressing)
    }

    fn write_fault(self, fault: &Fault, customer: Option<&Customer>, addressing: &Addressing) -> Written {
        let body = soap::write_fault(fault, self.operation, self.handling(), customer, addressing);
        (body, ReplyKind::Fault, fault.outcome())
    }

    fn handling(self) -> Handling {
        let Exchange { ticket, received, .. } = self.exchange;
        Handling { ticket, received, replied: self.service.clock.now() }
    }
}

/// An envelope, what it holds, and the code in it.
type Written = (Vec<u8>, ReplyKind, OutcomeCode);

impl Begun {
    fn new(awaited: Awaited, addressing: Addressing) -> Self {
        Self { awaited, aside: Aside { addressing, refusal: None, retry_after: None } }
    }

    /// Waits until the evidence is durable, or cannot be had.
    pub async fn settle(self, walk: ExchangeContext<'_>) -> Settled {
        let Self { awaited, aside } = self;
        let outcome = match awaited {
            Awaited::Answer(awaiting) => Outcome::Answer(settle(awaiting).await),
            Awaited::Slowed(resolved) => {
                tokio::time::sleep(THROTTLE_DELAY).await;
                walk.stopwatch.skip();
                Outcome::Answer(settle(walk.put_on_record(*resolved)).await)
            }
            Awaited::Echo(awaiting) => Outcome::Echo(settle(awaiting).await),
            Awaited::Fault(awaiting) => Outcome::Fault(settle(awaiting).await),
        };
        walk.stopwatch.lap(Stage::Record);
        Settled { outcome, aside }
    }
}

async fn settle<T: Recordable>(awaiting: Awaiting<T>) -> Durable<T> {
    match awaiting.await {
        Ok(Ok(recorded)) => Ok(recorded),
        Ok(Err(Unrecorded { failure, withheld })) => Err(Unrecorded { failure, withheld: Some(withheld) }),
        Err(_) => Err(Unrecorded { failure: RecordFailure::Closed, withheld: None }),
    }
}
