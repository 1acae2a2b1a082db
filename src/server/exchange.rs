//! One message, from bytes to bytes: read, decide, look up, record, write.
//!
//! The order is the pipeline's ([`crate::lookup`]) and cannot be changed here. Every SOAP answer, fault or not, leaves
//! with a receipt; the one exception is the fault that says that none could be had. Look-ups run on the thread that
//! read the message: a warm one costs less than handing it to another thread would.

use tokio::sync::oneshot;

use super::fault_map;
use super::service::{Peer, Service};
use crate::lookup::{
    Answer, AuditLog, Entry, Exchange, Operation, Pending, Permission, Presented, Receipt, RecordFailure, Resolved,
};
use crate::model::{Customer, Question, Ticket};
use crate::policy::Refusal;
use crate::soap::{self, Charset, Fault, Payload};

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
    pub operation: Operation,
    pub body: &'a [u8],
    pub charset: Option<Charset>,
    pub soap_actions: &'a [&'a [u8]],
}

/// A fault on its way out: what the caller is told besides.
struct Refused {
    fault: Fault,
    customer: Option<Customer>,
    relates_to: Option<String>,
}

/// Answers one message.
pub(super) async fn answer(service: &Service, peer: &Peer, ticket: Ticket, message: Message<'_>) -> Reply {
    let exchange = Exchange { ticket, received: service.clock.now(), caller: peer.caller };
    let request = match soap::read_request(message.body, message.charset, message.soap_actions, message.operation) {
        Ok(request) => request,
        Err(refused) => {
            let entry = exchange.entry(message.operation, refused.fault.code());
            let refused = *refused;
            let refused =
                Refused { fault: refused.fault, customer: refused.customer, relates_to: refused.relates_to };
            return refuse(service, exchange, entry, refused).await;
        }
    };
    let relates_to = request.addressing.relates_to;
    match request.payload {
        Payload::Test { echo } => answer_test(service, peer, exchange, &echo, relates_to).await,
        Payload::Consult(question) => consult(service, exchange, question, relates_to).await,
    }
}

async fn answer_test(
    service: &Service,
    peer: &Peer,
    exchange: Exchange,
    echo: &str,
    relates_to: Option<String>,
) -> Reply {
    let outcome = crate::model::Status::DataFound.code();
    let entry = exchange.entry(Operation::SendTestMessage, outcome);
    match record(service.audit.as_ref(), entry).await {
        Ok(_receipt) => {
            let register = service.register();
            let consumer = peer.caller.organisation.and_then(|organisation| register.find(organisation));
            let reply = soap::TestReply {
                exchange,
                echo,
                certificate: &peer.subject,
                consumer: consumer.map(|consumer| consumer.name.as_str()),
            };
            let body = soap::write_test_reply(&reply, service.clock.now(), relates_to.as_deref());
            Reply { body, kind: ReplyKind::Response, outcome, refusal: None }
        }
        Err(failure) => unrecorded(service, exchange, failure, None, relates_to),
    }
}

async fn consult(
    service: &Service,
    exchange: Exchange,
    question: Question,
    relates_to: Option<String>,
) -> Reply {
    let identified = match Presented::new(exchange, question).identify(&service.register()) {
        Ok(identified) => identified,
        Err(refused) => {
            let (reason, presented) = *refused;
            let fault = fault_map::of_not_identified(reason);
            let entry = presented.entry(fault.code());
            let refused = Refused { fault, customer: Some(presented.into_customer()), relates_to };
            return refuse(service, exchange, entry, refused).await;
        }
    };
    match identified.permit() {
        Permission::Refused(resolved, refusal) => {
            let reply = tell(service, exchange, resolved, relates_to).await;
            Reply { refusal: Some(refusal), ..reply }
        }
        Permission::Permitted(permitted) => {
            let resolved = service.readers.with_view(|view| permitted.resolve(view, &service.settings.freshness));
            match resolved {
                Ok(resolved) => tell(service, exchange, resolved, relates_to).await,
                Err(error) => {
                    tracing::error!(ticket = %exchange.ticket, dataset = error.reason.dataset.code(), reason = %error.reason, "a dataset cannot be read");
                    let fault = fault_map::of_lookup_error(&error);
                    let entry = error.presented.entry(fault.code());
                    let refused = Refused { fault, customer: Some(error.presented.into_customer()), relates_to };
                    refuse(service, exchange, entry, refused).await
                }
            }
        }
    }
}

/// Puts an outcome on record, then tells it.
async fn tell(service: &Service, exchange: Exchange, resolved: Resolved, relates_to: Option<String>) -> Reply {
    let receipt = match record(service.audit.as_ref(), resolved.entry()).await {
        Ok(receipt) => receipt,
        Err(failure) => {
            return unrecorded(service, exchange, failure, Some(resolved.into_customer()), relates_to);
        }
    };
    match resolved.release(&receipt) {
        Ok(answer) => write_answer(service, &answer, relates_to.as_deref()),
        // A receipt of another exchange: a mistake in this program, at which nothing is told.
        Err(mistake) => {
            tracing::error!(ticket = %exchange.ticket, %mistake, "an answer was held back");
            write_fault(service, exchange, &Refused { fault: Fault::Internal, customer: None, relates_to })
        }
    }
}

fn write_answer(service: &Service, answer: &Answer, relates_to: Option<&str>) -> Reply {
    Reply {
        body: soap::write_answer(answer, service.clock.now(), relates_to),
        kind: ReplyKind::Response,
        outcome: answer.status().code(),
        refusal: None,
    }
}

/// Puts a fault on record, then tells it.
async fn refuse(service: &Service, exchange: Exchange, entry: Entry, refused: Refused) -> Reply {
    match record(service.audit.as_ref(), entry).await {
        Ok(_receipt) => write_fault(service, exchange, &refused),
        Err(failure) => unrecorded(service, exchange, failure, refused.customer, refused.relates_to),
    }
}

/// No evidence, no answer: only the fault that says so.
fn unrecorded(
    service: &Service,
    exchange: Exchange,
    failure: RecordFailure,
    customer: Option<Customer>,
    relates_to: Option<String>,
) -> Reply {
    tracing::error!(ticket = %exchange.ticket, %failure, "no evidence, no answer");
    write_fault(service, exchange, &Refused { fault: fault_map::of_record_failure(failure), customer, relates_to })
}

fn write_fault(service: &Service, exchange: Exchange, refused: &Refused) -> Reply {
    let Refused { fault, customer, relates_to } = refused;
    let body =
        soap::write_fault(fault, exchange, customer.as_ref(), service.clock.now(), relates_to.as_deref());
    Reply { body, kind: ReplyKind::Fault, outcome: fault.code(), refusal: None }
}

/// Hands the entry to the trail and waits until it is durable.
async fn record(audit: &dyn AuditLog, entry: Entry) -> Result<Receipt, RecordFailure> {
    let (settled, outcome) = oneshot::channel();
    let pending = Pending::new(&entry, move |result| {
        // Nobody waits any more if the caller went away; the record stands all the same.
        let _ = settled.send(result);
    });
    audit.append(entry, pending);
    outcome.await.unwrap_or(Err(RecordFailure::Closed))
}
