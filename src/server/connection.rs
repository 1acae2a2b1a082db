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
use super::gate::InForce;
use super::limits::Limits;
use super::places::Place;
use super::plain;
use super::respond::respond;
use super::service::{Peer, Service};
use super::wire::Wire;
use crate::cert::Facts;

/// What the HTTP library may buffer. It is never reached: `framing` lets no longer head pass.
const BUFFER_BYTES: usize = 64 * 1_024;
/// Nor is this.
const MAX_HEADERS: usize = 100;

/// What the requests of one connection have in common.
pub(super) struct Course {
    pub service: Arc<Service>,
    pub peer: Peer,
    /// Its place among its consumer's connections; without one it is told to come back.
    pub place: Option<Place>,
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

impl Course {
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
    let place = service.connections.take(peer.caller.organisation());
    // One that is only to be told to come back is not waited for as long as the others.
    let idle = if place.is_some() { limits.idle } else { limits.idle.min(limits.head) };
    let mut wire = Wire::new(tls, Limits { idle, ..limits });
    let (requests, is_parting) = (AtomicUsize::new(0), AtomicBool::new(false));
    let course = Arc::new(Course { service, peer, place, began: Instant::now(), requests, is_parting });
    serve_requests(&mut wire, &course, stop).await;
    let last = wire.refusal().map(|refusal| {
        course.service.counters.count_refusal(refusal);
        plain::refuse_head(&course.peer, course.service.tickets.next_ticket(), refusal)
    });
    wire.close(last.unwrap_or_default().as_bytes()).await;
}

async fn serve_requests(wire: &mut Wire<TlsStream<TcpStream>>, course: &Arc<Course>, stop: impl Future) {
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
