//! One connection: the handshake, the caller, and its requests one after the other, until either side has had enough.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::counters::Handshake;
use super::gate::ActiveConfig;
use super::handshakes::Underway;
use super::limits::Limits;
use super::places::Place;
use super::plain;
use super::respond::respond;
use super::service::{Peer, Service};
use super::wire::{Pause, Wire};

/// What the HTTP library may buffer. It is never reached: `framing` lets no longer head pass.
const BUFFER_BYTES: usize = 64 * 1_024;
/// Nor is this.
const MAX_HEADERS: usize = 100;

/// What the requests of one connection have in common.
pub(super) struct ConnectionContext {
    pub service: Arc<Service>,
    pub peer: Peer,
    /// Its place among its consumer's connections; without one it is told to come back.
    pub place: Option<Place>,
    /// Keeps the wire from hearing the next request.
    pub pause: Arc<Pause>,
    began: Instant,
    requests: AtomicUsize,
    is_parting: AtomicBool,
}

/// Whether another request may follow on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    AnotherMayFollow,
    Last,
}

impl ConnectionContext {
    /// Counts a request.
    pub fn count_request(&self) -> Turn {
        let limits = self.service.settings.limits;
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        let is_last = before.saturating_add(1) >= limits.requests
            || self.began.elapsed() >= limits.age
            || self.place.is_none()
            || self.is_parting.load(Ordering::Relaxed);
        if is_last { Turn::Last } else { Turn::AnotherMayFollow }
    }
}

/// Serves a connection until it ends, or until `stop` says that no further request is to be taken.
pub(super) async fn serve(service: Arc<Service>, stream: TcpStream, mut underway: Underway, stop: impl Future) {
    let limits = service.settings.limits;
    let active_config = service.active_config();
    let Some(tls) = shake_hands(&service, &active_config, stream, &mut underway).await else { return };
    drop(underway);
    let Some(peer) = read_peer(&tls, active_config) else { return };
    let taker = peer.caller.organisation();
    let place = service.connections.take(taker);
    let turned_away = if place.is_none() { service.turned_away.take(taker) } else { None };
    if place.is_none() && turned_away.is_none() {
        tracing::info!(caller = taker.map(tracing::field::display), "a connection too many is closed unread");
        return;
    }
    // One that is only to be told to come back is not waited for as long as the others.
    let idle = if place.is_some() { limits.idle } else { limits.idle.min(limits.head) };
    let pause = Arc::new(Pause::new());
    let mut wire = Wire::new(tls, Limits { idle, ..limits }, Arc::clone(&pause));
    let (requests, is_parting) = (AtomicUsize::new(0), AtomicBool::new(false));
    let course =
        Arc::new(ConnectionContext { service, peer, place, pause, began: Instant::now(), requests, is_parting });
    serve_requests(&mut wire, &course, stop).await;
    let last = wire.refusal().map(|refusal| {
        course.service.counters.count_refusal(refusal);
        plain::refuse_head(&course.peer, course.service.tickets.next_ticket(), refusal)
    });
    wire.close(last.unwrap_or_default().as_bytes()).await;
}

/// The handshake, counted however it ends.
async fn shake_hands(
    service: &Service,
    active_config: &ActiveConfig,
    stream: TcpStream,
    underway: &mut Underway,
) -> Option<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(Arc::clone(&active_config.tls));
    let began = Instant::now();
    let accepted = tokio::select! {
        // A handshake that is done is done, even if it was to give way in the same moment.
        biased;
        accepted = timeout(service.settings.limits.handshake, service.turns.accept(&acceptor, stream)) => Some(accepted),
        () = underway.give_way() => None,
    };
    let (handshake, tls) = match accepted {
        Some(Ok(Ok(tls))) => (Handshake::Accepted, Some(tls)),
        Some(Ok(Err(error))) => {
            tracing::info!(%error, "handshake refused");
            (Handshake::Refused, None)
        }
        Some(Err(_)) => {
            tracing::info!("handshake not finished in time");
            (Handshake::Late, None)
        }
        None => {
            tracing::debug!("handshake gave way to a newer one");
            (Handshake::Crowded, None)
        }
    };
    service.counters.count_handshake(handshake, began.elapsed());
    tls
}

async fn serve_requests(wire: &mut Wire<TlsStream<TcpStream>>, course: &Arc<ConnectionContext>, stop: impl Future) {
    let connection = http1::Builder::new()
        // The wire keeps the time, and nothing of a refused head reaches this far.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER_BYTES)
        // What was asked is answered, though the asker may have said that it asks nothing more.
        .half_close(true)
        .serve_connection(TokioIo::new(wire), service_fn(|request| respond(Arc::clone(course), request)));
    let mut connection = std::pin::pin!(connection);
    let part = async {
        stop.await;
        course.is_parting.store(true, Ordering::Relaxed);
        sleep(course.service.settings.limits.parting).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = part => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Who is at the other end; the handshake demanded a certificate.
fn read_peer(tls: &TlsStream<TcpStream>, active_config: Arc<ActiveConfig>) -> Option<Peer> {
    let (_, session) = tls.get_ref();
    let chain = session.peer_certificates()?;
    Peer::new(chain.iter().map(|sent| sent.clone().into_owned()).collect(), active_config)
}
