//! One request, from its head to its HTTP response, in four steps: admit, route, read the body,
//! exchange.

// Step 1, admit, and the state of the request. Step 2 is `route`.
mod request;

// Step 3, read the body.
mod body;

// Step 4, exchange: a SOAP message, or a document that is asked for with GET.
mod documents;
mod soap_answer;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Version};

use super::connection_context::{ConnectionContext, RequestPosition};
use super::refusal::Refusal;
use super::response::HttpResponse;
use super::route::{Route, read_charset, route, soap_actions};
use super::trace::read_trace;
use crate::server::counters::Overload;
use crate::server::exchange::Message;
use body::{read_body, skip_body};
use ehealth_core::lookup::Operation;
use request::{Refused, RequestContext, overloaded};

/// Response header by which an operator finds the exchange again (docs/reference/contract.md "HTTP
/// details").
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For how long the connection may stay idle (RFC 2068, section 19.7.1.1): a client that keeps it for
/// longer writes its next request into a connection that closes.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Answers a request.
pub(super) async fn respond(connection: Arc<ConnectionContext>, request: Request<Incoming>) -> HttpResponse {
    let ticket = connection.service.tickets.next_ticket();
    let (head, body) = request.into_parts();
    let request = RequestContext::new(&connection, ticket);
    let position = connection.count_request(request.holder());
    let mut response = match answer(&request, &head, body).await {
        Ok(response) => response,
        Err(refused) => request.refuse(refused),
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&ticket.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    if position == RequestPosition::Last || head.version < Version::HTTP_11 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if !headers.contains_key(CONNECTION) {
        headers.insert(KEEP_ALIVE, request.keep_alive());
    }
    response
}

async fn answer(request: &RequestContext<'_>, head: &Parts, body: Incoming) -> Result<HttpResponse, Refused> {
    request.check_connection_slot()?;
    let route = match route(head) {
        Ok(route) => route,
        Err(refusal) => {
            request.admit_document(head)?;
            return Err(refuse_and_skip(request, refusal, body).await);
        }
    };
    match route {
        Route::Message(operation) => answer_message(request, operation, head, body).await,
        Route::Wsdl(_) | Route::SingleWsdl(_) | Route::Schema(..) | Route::Page(_) | Route::Services | Route::Codes => {
            request.admit_document(head)?;
            // The body of a GET means nothing, but the next request begins behind it.
            skip_body(request.limits(), body).await.map_err(Refused::in_part)?;
            documents::answer(request.service(), &route, head).map_err(Refused::whole)
        }
    }
}

/// Answers a SOAP message. A body takes memory only while the request holds a message slot: of one
/// that waits for a slot, only what the HTTP library read with its head.
async fn answer_message(
    request: &RequestContext<'_>,
    operation: Operation,
    head: &Parts,
    body: Incoming,
) -> Result<HttpResponse, Refused> {
    let trace = read_trace(&head.headers);
    if let Err((refusal, wait)) = request.take_from_rate_limit() {
        return Err(refuse_and_skip(request, refusal, body).await.until(wait));
    }
    // Held from here to the response.
    let _slot = match request.acquire_message_slot().await {
        Ok(slot) => slot,
        Err(refusal) => return Err(refuse_and_skip(request, refusal, body).await),
    };
    if !request.is_admitted() {
        // Read and dropped, so that the client gets to reading the response.
        let _ = skip_body(request.limits(), body).await;
        return Ok(soap_answer::refuse_caller(request, operation, trace).await);
    }
    let charset = match read_charset(&head.headers) {
        Ok(charset) => charset,
        Err(refusal) => return Err(refuse_and_skip(request, refusal, body).await),
    };
    let body = read_body(request.limits(), body).await.map_err(Refused::in_part)?;
    let mut turn = match request.begin_question(operation).await {
        Ok(turn) => turn,
        Err(wait) => return Err(Refused::whole(overloaded(Overload::Slowed)).until(wait)),
    };
    let soap_actions = soap_actions(&head.headers);
    let question = turn.question.take();
    let message = Message { body: &body, charset, soap_actions: &soap_actions, question };
    let answered = soap_answer::exchange(request, operation, message, trace).await;
    // Only now may the next question of a slowed consumer begin.
    drop(turn);
    answered.map_err(|wait| Refused::whole(overloaded(Overload::Slowed)).until(wait))
}

/// Refuses a request. If the connection may continue, reads and drops the body first.
async fn refuse_and_skip(request: &RequestContext<'_>, refusal: Refusal, body: Incoming) -> Refused {
    if !refusal.reason().keeps_connection() {
        return Refused::in_part(refusal);
    }
    match skip_body(request.limits(), body).await {
        Ok(()) => Refused::whole(refusal),
        Err(_) => Refused::in_part(refusal),
    }
}
