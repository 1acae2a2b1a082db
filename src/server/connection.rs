//! One connection: the handshake, the caller, and its requests one after the other.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::counters::{self, Handshake, Stage, Stopwatch};
use super::door::{self, HttpRefusal, Wanted};
use super::exchange::{self, Message, Reply, ReplyKind};
use super::gate::InForce;
use super::service::{Peer, Service, new_ticket};
use crate::cert::Facts;
use crate::lookup::Operation;
use crate::model::Ticket;
use crate::soap::{self, limits};

/// The header by which an operator finds an exchange again (contract.md "answer").
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's head may have this many fields: the longest that a SOAP stack sends has some fifteen.
const MAX_HEADERS: usize = 64;
/// Bytes that are buffered of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1_024;

type HttpResponse = Response<Full<Bytes>>;

/// Serves a connection until it ends, or until `stop` says that no further request is to be taken.
pub(super) async fn serve(service: Arc<Service>, stream: TcpStream, stop: impl Future) {
    let limits = service.settings.limits;
    let in_force = service.in_force();
    let acceptor = TlsAcceptor::from(Arc::clone(&in_force.tls));
    let began = Instant::now();
    let accepted = timeout(limits.handshake, acceptor.accept(stream)).await;
    let handshake = match &accepted {
        Ok(Ok(_)) => Handshake::Accepted,
        Ok(Err(_)) => Handshake::Refused,
        Err(_) => Handshake::Late,
    };
    service.counters.count_handshake(handshake, began.elapsed());
    let tls = match accepted {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => {
            tracing::info!(%error, "handshake refused");
            return;
        }
        Err(_) => {
            tracing::info!("handshake not finished in time");
            return;
        }
    };
    let Some(peer) = read_peer(&tls, in_force) else { return };
    let peer = Arc::new(peer);
    let respond = service_fn(|request| respond(Arc::clone(&service), Arc::clone(&peer), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(tls), respond);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Who is at the other end. The handshake demanded a certificate, so that one that cannot be read is a surprise.
fn read_peer(tls: &TlsStream<TcpStream>, in_force: Arc<InForce>) -> Option<Peer> {
    let (_, session) = tls.get_ref();
    let chain = session.peer_certificates()?;
    match Facts::from_der(chain.first()?) {
        Ok(facts) => {
            if let Err(error) = facts.organisation {
                tracing::warn!(fingerprint = %facts.fingerprint, code = error.code(), "a certificate names no organisation for certain");
            }
            Peer::new(facts, chain.iter().map(|sent| sent.clone().into_owned()).collect(), in_force)
        }
        Err(error) => {
            tracing::warn!(%error, "a verified certificate cannot be read");
            None
        }
    }
}

async fn respond(
    service: Arc<Service>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<HttpResponse, Infallible> {
    let stopwatch = Stopwatch::start();
    let ticket = new_ticket();
    let (head, body) = request.into_parts();
    let is_admitted = peer.is_admitted(&service.in_force(), service.clock.now());
    let mut response = match door::read_head(&head) {
        Ok(Wanted::Message(operation)) if !is_admitted => {
            // Read and dropped, so that the caller gets to reading the answer.
            let _ = read_body(&service, body).await;
            let reply = exchange::refuse_caller(&service, &peer, ticket, operation, &stopwatch).await;
            let mut response = soap_response(&service, &peer, ticket, operation, reply, &stopwatch);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
        _ if !is_admitted => refuse(&service, &peer, ticket, HttpRefusal::NotAdmitted, BodyRead::InPart),
        Ok(Wanted::Message(operation)) => {
            let charset = door::read_media_type(&head.headers);
            match (charset, read_body(&service, body).await) {
                (_, Err(refusal)) => refuse(&service, &peer, ticket, refusal, BodyRead::InPart),
                (Err(refusal), Ok(_)) => refuse(&service, &peer, ticket, refusal, BodyRead::Whole),
                (Ok(charset), Ok(body)) => {
                    let soap_actions = door::soap_actions(&head.headers);
                    let message = Message { operation, body: &body, charset, soap_actions: &soap_actions };
                    respond_soap(&service, &peer, ticket, message, &stopwatch).await
                }
            }
        }
        Ok(Wanted::Wsdl(operation)) => xml(soap::wsdl::wsdl(operation, &service.settings.public_url)),
        Ok(Wanted::Schema(operation, file)) => {
            match soap::wsdl::schema(operation, &file, &service.settings.public_url) {
                Some(schema) => xml(schema),
                None => refuse(&service, &peer, ticket, HttpRefusal::NotFound, BodyRead::Whole),
            }
        }
        Ok(Wanted::Page(operation)) => page(operation, &service.settings.public_url),
        Err(refusal) if refusal.keeps_connection() => match read_body(&service, body).await {
            Ok(_) => refuse(&service, &peer, ticket, refusal, BodyRead::Whole),
            Err(_) => refuse(&service, &peer, ticket, refusal, BodyRead::InPart),
        },
        Err(refusal) => refuse(&service, &peer, ticket, refusal, BodyRead::InPart),
    };
    if let Ok(value) = HeaderValue::from_str(&ticket.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(response)
}

async fn respond_soap(
    service: &Service,
    peer: &Peer,
    ticket: Ticket,
    message: Message<'_>,
    stopwatch: &Stopwatch,
) -> HttpResponse {
    let reply = exchange::answer(service, peer, ticket, message, stopwatch).await;
    soap_response(service, peer, ticket, message.operation, reply, stopwatch)
}

/// The one log line of an exchange, its place in the counters, and its answer over HTTP.
fn soap_response(
    service: &Service,
    peer: &Peer,
    ticket: Ticket,
    operation: Operation,
    reply: Reply,
    stopwatch: &Stopwatch,
) -> HttpResponse {
    let organisation = peer.caller.organisation();
    tracing::info!(
        %ticket,
        operation = operation.code(),
        consumer = organisation.map(tracing::field::display),
        outcome = reply.outcome,
        rule = reply.refusal.map(tracing::field::display),
        micros = u64::try_from(stopwatch.elapsed().as_micros()).unwrap_or(u64::MAX),
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
        is_fault: reply.kind == ReplyKind::Fault,
        caller: organisation.filter(|organisation| service.in_force().register.find(*organisation).is_some()),
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

/// Of a body over the size limit so much more is read and dropped: whoever is still writing when the connection closes
/// loses the answer that says why.
const LINGER_BYTES: usize = 1_024 * 1_024;

/// Reads a body to its end, within the limits of size and time.
async fn read_body(service: &Service, body: Incoming) -> Result<Bytes, HttpRefusal> {
    match timeout(service.settings.limits.body, collect(body)).await {
        Ok(collected) => collected,
        Err(_) => Err(HttpRefusal::TooSlow),
    }
}

async fn collect(mut body: Incoming) -> Result<Bytes, HttpRefusal> {
    let (mut whole, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        // Trailers are ignored.
        let Ok(data) = frame.map_err(|_| HttpRefusal::Framing)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > limits::DOCUMENT_BYTES.saturating_add(LINGER_BYTES) {
            break;
        }
        if seen > limits::DOCUMENT_BYTES {
            whole.clear();
        } else if whole.is_empty() && body.is_end_stream() {
            // The usual case: one piece, not copied.
            return Ok(data);
        } else {
            whole.extend_from_slice(&data);
        }
    }
    if seen > limits::DOCUMENT_BYTES { Err(HttpRefusal::TooLarge) } else { Ok(whole.freeze()) }
}

fn xml(body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}

/// How much of a refused request's body was read: after a part of it the connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyRead {
    Whole,
    InPart,
}

fn refuse(service: &Service, peer: &Peer, ticket: Ticket, refusal: HttpRefusal, body: BodyRead) -> HttpResponse {
    let consumer = peer.caller.organisation().map(tracing::field::display);
    tracing::info!(%ticket, consumer, status = refusal.status().as_u16(), ?refusal, "refused below SOAP");
    service.counters.count_refusal(refusal);
    let mut response = Response::new(Full::new(Bytes::from_static(refusal.text().as_bytes())));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if refusal == HttpRefusal::Method {
        headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if body == BodyRead::InPart || !refusal.keeps_connection() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What a person sees who opens a service path in a browser.
fn page(operation: Operation, public_url: &str) -> HttpResponse {
    let path = soap::names::path(operation);
    let text = format!(
        "ehealth-attributes: operation {}\n\nThis is a SOAP 1.1 service: POST an envelope as text/xml.\n\
         Its contract: {public_url}{path}?wsdl\n",
        operation.code()
    );
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
