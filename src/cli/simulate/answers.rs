//! Fault injection into connections and answers of a simulation, as its plan says.
//!
//! The service answers every request as always, and records it. Then the plan decides what the
//! caller sees of the answer.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::handshakes::FailingHandshakes;
use super::plan::LivePlan;
use super::stream::{ConnectionState, FaultyStream, StreamEffect};
use crate::server::{FaultInjection, Handshake};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{OutcomeCode, Ssin, Ticket, Timestamp};
use soap::{Addressing, ExchangeFault, Fault, Handling, names};
use testkit::{AnswerFailure, Breakage};

/// Header that names the exchange.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Time for which a silent answer holds its connection.
const SILENCE: Duration = Duration::from_mins(10);

/// Page of a proxy that answers in place of the service.
const PROXY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Bad Gateway</title></head><body>\n<h1>Bad Gateway</h1>\n\
                          <p>Fault injection of the simulation.</p>\n<br></body></html>\n";

tokio::task_local! {
    /// Person of the question that the current task answers.
    static SUBJECT: Cell<Option<Ssin>>;
}

/// Keeps the person of the question that the current task answers, for the plan.
pub(super) fn note_subject(subject: Option<Ssin>) {
    // Fails outside a request: nothing asks for it there.
    let _ = SUBJECT.try_with(|kept| kept.set(subject));
}

/// Fault injection by a plan.
pub(super) struct PlannedFaults {
    pub plan: Arc<LivePlan>,
    pub handshakes: FailingHandshakes,
    /// Time of the simulation.
    pub now: Timestamp,
}

impl FaultInjection for PlannedFaults {
    type Stream = FaultyStream;
    type Connection = Arc<ConnectionState>;
    /// Operation of a message; `None`: a GET.
    type Request = Option<Operation>;

    fn handshake(&self, active: &Arc<ServerConfig>) -> Handshake {
        let failure = self.plan.take_handshake();
        failure.map_or_else(|| Handshake::With(Arc::clone(active)), |failure| self.handshakes.of(failure))
    }

    fn connect(&self, tls: TlsStream<TcpStream>) -> (FaultyStream, Arc<ConnectionState>) {
        FaultyStream::new(tls, &self.plan)
    }

    fn receive(&self, request: &Request<Incoming>) -> Option<Operation> {
        if request.method() == Method::POST { names::operation_at(request.uri().path()) } else { None }
    }

    async fn answer(
        &self,
        connection: &Arc<ConnectionState>,
        operation: Option<Operation>,
        answer: impl Future<Output = Response<Full<Bytes>>> + Send,
    ) -> Response<Full<Bytes>> {
        connection.begin();
        let answered = async { (answer.await, SUBJECT.with(Cell::get)) };
        let (response, subject) = SUBJECT.scope(Cell::new(None), answered).await;
        let failure = self.plan.take_answer(operation, subject, response.status().as_u16());
        let (mut response, effect) = self.apply(failure, operation, response).await;
        if self.plan.fails_handshakes() {
            // The next request needs a handshake.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        connection.write(effect);
        response
    }
}

impl PlannedFaults {
    async fn apply(
        &self,
        failure: AnswerFailure,
        operation: Option<Operation>,
        response: Response<Full<Bytes>>,
    ) -> (Response<Full<Bytes>>, StreamEffect) {
        match failure {
            AnswerFailure::None => (response, StreamEffect::None),
            AnswerFailure::Http { status, retry_after } => (refuse(status, retry_after, response), StreamEffect::None),
            AnswerFailure::Fault { code, retry_after } => {
                (self.fault(code, retry_after, operation, response), StreamEffect::None)
            }
            AnswerFailure::BrokenXml(breakage) => (break_body(breakage, response).await, StreamEffect::None),
            AnswerFailure::Reset { after_bytes } => (response, StreamEffect::End { left: after_bytes, is_reset: true }),
            AnswerFailure::Cut { after_bytes } => (response, StreamEffect::End { left: after_bytes, is_reset: false }),
            AnswerFailure::Slow { delay, bytes_per_second } => {
                tokio::time::sleep(delay).await;
                (response, bytes_per_second.map_or(StreamEffect::None, StreamEffect::Rate))
            }
            AnswerFailure::Silent => {
                tokio::time::sleep(SILENCE).await;
                (response, StreamEffect::End { left: 0, is_reset: true })
            }
        }
    }

    /// The fault in place of the answer. A GET has no fault; its answer stays.
    fn fault(
        &self,
        code: OutcomeCode,
        retry_after: Option<u16>,
        operation: Option<Operation>,
        response: Response<Full<Bytes>>,
    ) -> Response<Full<Bytes>> {
        let reason = ExchangeFault::ALL.into_iter().find(|fault| fault.outcome() == code);
        let (Some(reason), Some(operation)) = (reason, operation) else { return response };
        let ticket = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(Ticket::parse);
        let handling =
            Handling { ticket: ticket.unwrap_or(Ticket::new([0; 16])), received: self.now, replied: self.now };
        let body = soap::write_fault(&Fault::from(reason), operation, handling, None, &Addressing::default());
        let (mut head, _) = response.into_parts();
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        set_retry_after(&mut head.headers, retry_after);
        Response::from_parts(head, Full::new(Bytes::from(body)))
    }
}

/// A refusal below SOAP in place of the answer.
fn refuse(status: u16, retry_after: Option<u16>, response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (mut head, _) = response.into_parts();
    // Every number that a plan may hold is a status.
    head.status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    set_retry_after(&mut head.headers, retry_after);
    Response::from_parts(head, Full::new(Bytes::from_static(b"Fault injection of the simulation.\n")))
}

fn set_retry_after(headers: &mut hyper::HeaderMap, retry_after: Option<u16>) {
    match retry_after {
        Some(seconds) => headers.insert(RETRY_AFTER, HeaderValue::from(seconds)),
        None => headers.remove(RETRY_AFTER),
    };
}

/// Breaks the body of an answer. `Content-Length` is that of the broken body.
async fn break_body(breakage: Breakage, response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (head, body) = response.into_parts();
    let Ok(collected) = body.collect().await;
    let bytes = collected.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let broken = match breakage {
        Breakage::Empty => Bytes::new(),
        Breakage::Html => Bytes::from_static(PROXY_PAGE.as_bytes()),
        Breakage::Truncated => bytes.slice(..truncated_length(&text)),
        Breakage::UnknownElement => match text.find("<status>").or_else(|| text.find("</soap:Body>")) {
            Some(at) => {
                let (before, after) = text.split_at(at);
                Bytes::from(format!("{before}<unexpected>1</unexpected>{after}"))
            }
            None => bytes.clone(),
        },
        Breakage::MissingElement => Bytes::from(without_required_element(&text)),
    };
    Response::from_parts(head, Full::new(broken))
}

/// Length of the text up to the middle of a tag after its half: an odd length of a UTF-8 text.
fn truncated_length(text: &str) -> usize {
    let half = text.floor_char_boundary(text.len() / 2);
    text.get(half..).and_then(|rest| rest.find("</")).map_or(half, |at| half + at + 2)
}

/// The text without the first of the elements that every response or fault has.
fn without_required_element(text: &str) -> String {
    for name in ["status", "echo", "reasonCode", "faultcode"] {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        if let Some((before, rest)) = text.split_once(&start)
            && let Some((_, after)) = rest.split_once(&end)
        {
            return format!("{before}{after}");
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn broken(breakage: Breakage, text: &'static str) -> String {
        let response = break_body(breakage, Response::new(Full::new(Bytes::from_static(text.as_bytes())))).await;
        let Ok(collected) = response.into_body().collect().await;
        String::from_utf8(collected.to_bytes().to_vec()).expect("UTF-8")
    }

    #[tokio::test]
    async fn each_breakage_changes_the_answer() {
        let answer = "<a><status><code>é</code></status><result>1</result></a>";
        for (breakage, expected) in [
            (Breakage::Empty, ""),
            (Breakage::Truncated, "<a><status><code>é</code></status><result>1</"),
            (Breakage::MissingElement, "<a><result>1</result></a>"),
            (
                Breakage::UnknownElement,
                "<a><unexpected>1</unexpected><status><code>é</code></status><result>1</result></a>",
            ),
            (Breakage::Html, PROXY_PAGE),
        ] {
            assert_eq!(broken(breakage, answer).await, expected, "{breakage:?}");
        }
    }
}
