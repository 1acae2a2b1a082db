//! One request: from its head to its answer over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout_at;

use super::connection::{ConnectionContext, Turn};
use super::counters::{self, Stage, Stopwatch};
use super::door::{self, HttpRefusal, Route};
use super::exchange::{ExchangeContext, Message, Reply, ReplyKind};
use super::limits::Limits;
use super::page;
use super::plain::{self, BodyRead};
use super::service::{Peer, Service};
use super::trace::{TraceId, read_trace};
use ehealth_core::lookup::Operation;
use ehealth_core::model::Ticket;
use soap::{self, limits};

/// The header by which an operator finds an exchange again (contract.md "answer").
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type HttpResponse = Response<Full<Bytes>>;

/// Answers a request.
pub(super) async fn respond(
    course: Arc<ConnectionContext>,
    request: Request<Incoming>,
) -> Result<HttpResponse, Infallible> {
    let turn = course.count_request();
    let ticket = course.service.tickets.next_ticket();
    let (head, body) = request.into_parts();
    let mut response = answer(&course, ticket, &head, body).await;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&ticket.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    if turn == Turn::Last {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn answer(course: &ConnectionContext, ticket: Ticket, head: &Parts, body: Incoming) -> HttpResponse {
    let stopwatch = Stopwatch::start();
    let ConnectionContext { service, peer, place: of_connection, .. } = course;
    let limits = &service.settings.limits;
    // One and the same from admission to the count, whatever is put in force meanwhile.
    let active_config = service.active_config();
    let is_admitted = peer.is_admitted(&active_config, service.clock.now());
    let refuse = |refusal, read| {
        service.counters.count_refusal(refusal);
        if refusal == HttpRefusal::Overloaded {
            course.pause.begin(limits.retry_after);
        }
        plain::refuse(peer, ticket, refusal, read, limits)
    };
    let refuse_and_skip = async |refusal: HttpRefusal, body| match skip_body(limits, body).await {
        Ok(()) => refuse(refusal, BodyRead::Whole),
        Err(_) => refuse(refusal, BodyRead::InPart),
    };
    if of_connection.is_none() {
        return refuse(HttpRefusal::Overloaded, BodyRead::InPart);
    }
    let wanted = match door::read_head(head) {
        Ok(wanted) => wanted,
        Err(_) if !is_admitted => return refuse(HttpRefusal::NotAdmitted, BodyRead::InPart),
        Err(refusal) if refusal.keeps_connection() => return refuse_and_skip(refusal, body).await,
        Err(refusal) => return refuse(refusal, BodyRead::InPart),
    };
    let Route::Message(operation) = wanted else {
        if !is_admitted {
            return refuse(HttpRefusal::NotAdmitted, BodyRead::InPart);
        }
        // A GET may have a body; it means nothing, but the next request begins behind it.
        return match skip_body(limits, body).await {
            Ok(()) => tell(service, &wanted, head).unwrap_or_else(|refusal| refuse(refusal, BodyRead::Whole)),
            Err(refusal) => refuse(refusal, BodyRead::InPart),
        };
    };
    let trace = read_trace(&head.headers);
    // From here to the answer; a body takes memory only with a place.
    let Some(_place) = service.messages.take(peer.caller.organisation()) else {
        return refuse_and_skip(HttpRefusal::Overloaded, body).await;
    };
    if !is_admitted {
        // Read and dropped, so that the caller gets to reading the answer.
        let _ = skip_body(limits, body).await;
        let walk = ExchangeContext::new(service, &active_config, peer, ticket, operation, &stopwatch);
        let reply = walk.write(walk.refuse_caller().settle(walk).await, peer);
        let mut response = soap_response(&walk, peer, reply, trace);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let charset = match door::read_media_type(&head.headers) {
        Ok(charset) => charset,
        Err(refusal) => return refuse_and_skip(refusal, body).await,
    };
    match read_body(limits, body).await {
        Ok(body) => {
            let soap_actions = door::soap_actions(&head.headers);
            let message = Message { body: &body, charset, soap_actions: &soap_actions };
            let walk = ExchangeContext::new(service, &active_config, peer, ticket, operation, &stopwatch);
            let settled = walk.begin(message).settle(walk).await;
            let reply = walk.write(settled, peer);
            soap_response(&walk, peer, reply, trace)
        }
        Err(refusal) => refuse(refusal, BodyRead::InPart),
    }
}

/// What is told to whoever asks with GET.
fn tell(service: &Service, wanted: &Route, head: &Parts) -> Result<HttpResponse, HttpRefusal> {
    let url = &service.settings.public_url;
    match wanted {
        Route::Wsdl(operation) => Ok(xml(soap::wsdl::wsdl(*operation, url))),
        Route::Schema(operation, file) => {
            soap::wsdl::schema(*operation, file, url).map(xml).ok_or(HttpRefusal::NotFound)
        }
        Route::Page(operation) if page::wants_page(&head.headers) => Ok(show_page(*operation, url)),
        Route::Page(operation) => Ok(show_text(*operation, url)),
        Route::Message(_) => Err(HttpRefusal::Method),
    }
}

/// The one log line of an exchange, its place in the counters, and its answer over HTTP.
fn soap_response(walk: &ExchangeContext<'_>, peer: &Peer, reply: Reply, trace: Option<TraceId>) -> HttpResponse {
    let ExchangeContext { service, active_config, operation, exchange, stopwatch } = *walk;
    let organisation = peer.caller.organisation();
    tracing::info!(
        ticket = %exchange.ticket,
        trace = trace.map(tracing::field::display),
        operation = operation.code(),
        consumer = organisation.map(tracing::field::display),
        outcome = reply.outcome.code(),
        rule = reply.refusal.map(tracing::field::display),
        micros = stopwatch.total_micros(),
        read = stopwatch.micros(Stage::Read),
        decide = stopwatch.micros(Stage::Decide),
        resolve = stopwatch.micros(Stage::Resolve),
        record = stopwatch.micros(Stage::Record),
        write = stopwatch.micros(Stage::Write),
        "answered"
    );
    service.counters.count_exchange(counters::Exchange {
        operation,
        outcome: reply.outcome,
        caller: organisation.filter(|organisation| active_config.register.find(*organisation).is_some()),
        now: service.clock.now(),
        stopwatch,
    });
    let mut response = xml(reply.body);
    if let Some(wait) = reply.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    *response.status_mut() = match reply.kind {
        ReplyKind::Response => StatusCode::OK,
        ReplyKind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response
}

/// Reads a body to its end and keeps it.
///
/// # Errors
/// [`HttpRefusal`] for a body that is too large, too slow or broken.
async fn read_body(limits: &Limits, body: Incoming) -> Result<Bytes, HttpRefusal> {
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    follow_body(limits, body, |piece| {
        if first.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
    })
    .await?;
    // The usual case: one piece, not copied.
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Reads a body to its end and drops it.
///
/// # Errors
/// As [`read_body`].
async fn skip_body(limits: &Limits, body: Incoming) -> Result<(), HttpRefusal> {
    follow_body(limits, body, drop).await
}

async fn follow_body(limits: &Limits, mut body: Incoming, mut take: impl FnMut(Bytes)) -> Result<(), HttpRefusal> {
    let largest = u64::try_from(limits::DOCUMENT_BYTES).unwrap_or(u64::MAX);
    if body.size_hint().lower() > largest {
        // Not asked for, where the caller waits to be asked (RFC 9110, section 10.1.1).
        return Err(HttpRefusal::TooLarge);
    }
    let began = tokio::time::Instant::now();
    let mut seen = 0_u64;
    while !body.is_end_stream() {
        let due = limits.body_start.saturating_add(time_of(seen, limits.body_rate)).min(limits.body);
        let Some(frame) = timeout_at(began + due, body.frame()).await.map_err(|_| HttpRefusal::TooSlow)? else { break };
        // Trailers are ignored.
        let Ok(piece) = frame.map_err(|_| HttpRefusal::Framing)?.into_data() else { continue };
        seen = seen.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if seen > largest {
            return Err(HttpRefusal::TooLarge);
        }
        take(piece);
    }
    Ok(())
}

/// How long so many bytes take at this rate a second.
fn time_of(bytes: u64, rate: u32) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1_000) / u64::from(rate.max(1)))
}

fn xml(body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}

/// What a browser shows of a service path.
fn show_page(operation: Operation, public_url: &str) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from(page::write_page(operation, public_url))));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page::POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a program is told that gets a service path.
fn show_text(operation: Operation, public_url: &str) -> HttpResponse {
    let path = soap::names::path(operation);
    let text = format!(
        "ehealth-attributes: operation {}\n\nThis is a SOAP 1.1 service: POST an envelope as text/xml.\n\
         Its contract: {public_url}{path}?wsdl\n",
        operation.code()
    );
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}
