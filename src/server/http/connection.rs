//! One connection: the peer that its handshake admits, and its requests one after the other.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

use super::backoff::ReadBackoff;
use super::connection_context::ConnectionContext;
use super::handshake::{Arrival, handshake};
use super::plain;
use super::respond::respond;
use super::wire::Wire;
use crate::peer_event;
use crate::server::active_config::ActiveConfig;
use crate::server::fault_injection::FaultInjection;
use crate::server::limits::settings::Limits;
use crate::server::peer::Peer;
use crate::server::service::Service;

/// Buffer of the HTTP library. Never filled: `framing` lets no longer head through.
const BUFFER_BYTES: usize = 64 * 1_024;
/// Header fields that the HTTP library accepts. Never reached, for the same reason.
const MAX_HEADERS: usize = 100;

/// Serves a connection until it ends, or until `stop` completes and the last request is answered.
pub(super) async fn serve<F: FaultInjection>(service: Arc<Service>, faults: &F, arrival: Arrival, stop: impl Future) {
    let limits = service.settings.limits;
    let active_config = service.active_config();
    let Some(tls) = handshake(&service, &active_config, faults, arrival).await else { return };
    let Some(peer) = read_peer(&tls, &service, Arc::clone(&active_config)) else { return };
    let holder = peer.check(&active_config, &service).taker.holder;
    let slot = service.connections.try_acquire(holder);
    let excess = if slot.is_none() { service.excess_connections.try_acquire(holder) } else { None };
    if slot.is_none() && excess.is_none() {
        let caller = peer.caller.organisation().map(tracing::field::display);
        peer_event!(service.peer_log, INFO, "connection limit reached; closing", "limit", holder; caller);
        return;
    }
    // A connection that will only be answered `503` is not waited for as long as the others.
    let idle = if slot.is_some() { limits.idle } else { limits.idle.min(limits.head) };
    let backoff = Arc::new(ReadBackoff::new());
    let (stream, injected) = faults.connect(tls);
    let mut wire = Wire::new(stream, &Limits { idle, ..limits }, Arc::clone(&backoff));
    let context = Arc::new(ConnectionContext::new(service, peer, holder, slot, backoff));
    serve_requests(&mut wire, &context, (faults, &injected), stop).await;
    let last = wire.refusal().map(|refusal| {
        context.service.counters.count_refusal(*refusal.reason());
        plain::refuse_head(&context.service, &context.peer, context.service.tickets.next_ticket(), refusal)
    });
    wire.close(last.unwrap_or_default().as_bytes()).await;
}

async fn serve_requests<F: FaultInjection>(
    wire: &mut Wire<F::Stream>,
    context: &Arc<ConnectionContext>,
    (faults, injected): (&F, &F::Connection),
    stop: impl Future,
) {
    let answer = |request| {
        let seen = faults.receive(&request);
        let answered = faults.answer(injected, seen, respond(Arc::clone(context), request));
        async move { Ok::<_, Infallible>(answered.await) }
    };
    let connection = http1::Builder::new()
        // The wire keeps the time, and no part of a refused head reaches the library.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER_BYTES)
        // A request is answered although the client has closed its sending side.
        .half_close(true)
        .serve_connection(TokioIo::new(wire), service_fn(answer));
    let mut connection = std::pin::pin!(connection);
    let drain = async {
        stop.await;
        context.drain();
        sleep(context.service.settings.limits.last_request).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Reads the peer from its certificate, which the handshake required.
fn read_peer(tls: &TlsStream<TcpStream>, service: &Service, active_config: Arc<ActiveConfig>) -> Option<Peer> {
    let (_, session) = tls.get_ref();
    let chain = session.peer_certificates()?;
    Peer::new(chain.iter().map(|sent| sent.clone().into_owned()).collect(), active_config, service)
}
