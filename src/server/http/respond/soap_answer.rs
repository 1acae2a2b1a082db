//! The last step: the exchange itself, its log line, its counters, and its HTTP response.

use hyper::StatusCode;
use hyper::header::{CONNECTION, HeaderValue, RETRY_AFTER};

use super::request::RequestContext;
use crate::server::counters::{self, Stage};
use crate::server::exchange::{ExchangeContext, Message, Reply, ReplyKind};
use crate::server::http::plain::whole_seconds;
use crate::server::http::response::{HttpResponse, xml};
use crate::server::http::trace::TraceId;
use crate::server::peer::Peer;
use ehealth_core::lookup::Operation;

/// Answers a message.
pub(super) async fn exchange(
    request: &RequestContext<'_>,
    operation: Operation,
    message: Message<'_>,
    trace: Option<TraceId>,
) -> HttpResponse {
    let context = request.begin_exchange(operation);
    let recorded = context.begin(message).record(context).await;
    let reply = context.write(recorded, request.peer());
    to_response(&context, request.peer(), reply, trace)
}

/// Refuses a caller whose certificate is no longer valid, and closes the connection.
pub(super) async fn refuse_caller(
    request: &RequestContext<'_>,
    operation: Operation,
    trace: Option<TraceId>,
) -> HttpResponse {
    let context = request.begin_exchange(operation);
    let recorded = context.refuse_caller().record(context).await;
    let reply = context.write(recorded, request.peer());
    let mut response = to_response(&context, request.peer(), reply, trace);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Logs and counts an exchange, and makes its HTTP response.
fn to_response(context: &ExchangeContext<'_>, peer: &Peer, reply: Reply, trace: Option<TraceId>) -> HttpResponse {
    let ExchangeContext { service, active_config, operation, exchange, stopwatch } = *context;
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
        caller: active_config.register.recognise(exchange.caller.certified).ok().map(|consumer| consumer.organisation),
        now: service.clock.now(),
        stopwatch,
    });
    let mut response = xml(reply.body);
    if let Some(wait) = reply.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    *response.status_mut() = match reply.kind {
        ReplyKind::Response => StatusCode::OK,
        ReplyKind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response
}
