//! The last step: the exchange itself, its log line, its counters, and its HTTP response.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};

use super::request::{RequestContext, Turn};
use crate::server::counters::{self, Stage};
use crate::server::exchange::{Begun, ExchangeContext, Message, Reply};
use crate::server::http::plain::whole_seconds;
use crate::server::http::response::{HttpResponse, xml};
use crate::server::http::trace::{SpanId, TraceContext};
use crate::server::peer::Peer;
use ehealth_core::lookup::Operation;
use ehealth_core::model::OutcomeCode;
use ehealth_core::policy::{Consumer, Rule};
use soap::consumer_header;

/// Header of a test message's response: the name under which the caller is registered.
const CONSUMER: HeaderName = HeaderName::from_static("x-consumer");

/// Answers a message.
///
/// # Errors
/// A relay brought the message, and its signer is slowed and has another question in progress: the time
/// until it may ask again.
pub(super) async fn exchange(
    request: &RequestContext<'_>,
    operation: Operation,
    message: Message<'_>,
    trace: Option<TraceContext>,
) -> Result<HttpResponse, Duration> {
    let (context, begun) = request.begin_exchange(operation).begin(message, request.peer());
    // Held to the response, as the turn of the TLS client is.
    let mut turn = Turn::default();
    let pending = match begun {
        Begun::Pending(pending) => pending,
        Begun::Relayed(relayed) => {
            turn = request.begin_question_of(&relayed.consumer).await?;
            context.continue_relayed(relayed, turn.question.take())
        }
    };
    let recorded = pending.record(&context).await;
    let reply = context.write(recorded, request.peer());
    drop(turn);
    Ok(to_response(&context, request.peer(), reply, trace))
}

/// Refuses a caller whose certificate is no longer valid, and closes the connection.
pub(super) async fn refuse_caller(
    request: &RequestContext<'_>,
    operation: Operation,
    trace: Option<TraceContext>,
) -> HttpResponse {
    let context = request.begin_exchange(operation);
    let recorded = context.refuse_caller().record(&context).await;
    let reply = context.write(recorded, request.peer());
    let mut response = to_response(&context, request.peer(), reply, trace);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Logs and counts an exchange, and makes its HTTP response.
fn to_response(context: &ExchangeContext<'_>, peer: &Peer, reply: Reply, trace: Option<TraceContext>) -> HttpResponse {
    let ExchangeContext { service, active_config, operation, exchange, stopwatch, .. } = *context;
    let recognised = active_config.register.recognise(exchange.caller.certified).ok();
    let caller = recognised.map(|consumer| consumer.id());
    // A caller whom the policy knows has a line for each exchange. Any other holder of a certificate
    // could fill the disk with them.
    let is_known = caller.is_some() && reply.outcome != OutcomeCode::UnknownCaller;
    if is_known
        || service.peer_log.admit(tracing::Level::INFO, "answered", reply.outcome.code(), &peer.caller.fingerprint)
    {
        log_exchange(context, &reply, trace);
    }
    service.counters.count_exchange(counters::Exchange {
        operation,
        outcome: reply.outcome,
        caller,
        now: service.clock.now(),
        trace: trace.map(|context| context.trace),
        stopwatch,
    });
    let mut response = xml(reply.body);
    if reply.fault.is_some() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    } else if let Some(name) = consumer_name(operation, recognised.map(AsRef::as_ref)) {
        response.headers_mut().insert(CONSUMER, name);
    }
    if let Some(wait) = reply.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}

/// Value of `X-Consumer`: only in the response to a test message, and only for a caller whose pins
/// accept its certificate. A forged one learns no name.
fn consumer_name(operation: Operation, recognised: Option<&Consumer>) -> Option<HeaderValue> {
    match operation {
        Operation::SendTestMessage => HeaderValue::try_from(consumer_header::encode(&recognised?.name)).ok(),
        Operation::ConsultAttributes => None,
    }
}

/// Writes the log line of an exchange.
fn log_exchange(context: &ExchangeContext<'_>, reply: &Reply, trace: Option<TraceContext>) {
    let ExchangeContext { operation, exchange, stopwatch, .. } = *context;
    tracing::info!(
        ticket = %exchange.ticket,
        trace_id = trace.map(|context| tracing::field::display(context.trace)),
        span_id = trace.map(|_| tracing::field::display(SpanId::of_exchange(&exchange.ticket))),
        parent_span_id = trace.map(|context| tracing::field::display(context.parent)),
        trace_flags = trace.map(|context| tracing::field::display(context.flags)),
        operation = operation.code(),
        consumer = exchange.caller.organisation().map(tracing::field::display),
        relay = exchange.relay.map(|relay| tracing::field::display(relay.organisation)),
        application = exchange.caller.application().map(tracing::field::display),
        outcome = reply.outcome.code(),
        rule = reply.rule.map(Rule::code),
        refusal = reply.refusal.map(tracing::field::display),
        diagnostic = reply.fault.as_ref().map(|fault| fault.reason().diagnostic()),
        cause = reply.fault.as_ref().map(|fault| fault.cause().for_log()),
        duration = stopwatch.total_seconds(),
        read_seconds = stopwatch.seconds(Stage::Read),
        decide_seconds = stopwatch.seconds(Stage::Decide),
        resolve_seconds = stopwatch.seconds(Stage::Resolve),
        record_seconds = stopwatch.seconds(Stage::Record),
        write_seconds = stopwatch.seconds(Stage::Write),
        "answered"
    );
}
