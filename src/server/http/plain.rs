//! Responses to requests that are refused below SOAP: a short plain text with status and ticket.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::StatusCode;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};

use super::refusal::{HttpRefusal, Refusal};
use super::response::HttpResponse;
use crate::peer_event;
use crate::server::peer::Peer;
use crate::server::service::Service;
use ehealth_core::model::Ticket;

/// How much of a refused request's body was read. After a part of it the connection cannot
/// continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyRead {
    Whole,
    InPart,
}

/// Response to a refused request whose head was read. The ticket is added to every response later.
/// `retry_after` is that of a `503`.
pub(super) fn refuse(
    service: &Service,
    peer: &Peer,
    ticket: Ticket,
    refusal: Refusal,
    body: BodyRead,
    retry_after: Duration,
) -> HttpResponse {
    write(log(service, peer, ticket, refusal), body, retry_after)
}

fn write(refusal: HttpRefusal, body: BodyRead, retry_after: Duration) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from_static(refusal.text().as_bytes())));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if refusal == HttpRefusal::Method {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    if refusal == HttpRefusal::ContentEncoding {
        // RFC 9110, section 15.5.16.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    } else if refusal.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
    }
    if refusal == HttpRefusal::Overloaded {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after).max(1)));
    }
    if body == BodyRead::InPart || !refusal.keeps_connection() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A duration in seconds, rounded up.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// Response to a head that never reached the HTTP library: the last bytes of its connection.
pub(super) fn refuse_head(service: &Service, peer: &Peer, ticket: Ticket, refusal: Refusal) -> String {
    let refusal = log(service, peer, ticket, refusal);
    let (status, text) = (refusal.status(), refusal.text());
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         x-request-id: {ticket}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// Logs a refusal with its cause. Returns what the caller may learn of it.
fn log(service: &Service, peer: &Peer, ticket: Ticket, refusal: Refusal) -> HttpRefusal {
    let (refusal, cause) = refusal.split();
    let caller = peer.caller.organisation().map(tracing::field::display);
    peer_event!(service.peer_log, INFO, "request refused below SOAP", refusal.code(), peer.caller.fingerprint;
        %ticket, caller, status = refusal.status().as_u16(), diagnostic = refusal.text().trim_ascii_end(),
        cause = cause.for_log());
    refusal
}
