//! The TLS handshake of one connection: how it ended is counted, and logged as far as
//! [`crate::peer_log`] admits.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::Names;
use crate::peer_event;
use crate::peer_log::PeerLog;
use crate::server::active_config::ActiveConfig;
use crate::server::counters::HandshakeOutcome;
use crate::server::fault_injection::{FaultInjection, Handshake};
use crate::server::limits::handshakes::HandshakeSlot;
use crate::server::service::Service;
use crate::server::tls::handshake_failure::HandshakeFailure;
use crate::server::tls::refused_client::{RefusedClient, observe};

/// How a handshake ended.
enum Ended {
    Accepted(Box<TlsStream<TcpStream>>),
    Failed(io::Error, Option<RefusedClient>),
    Probe,
    TimedOut,
    Displaced,
}

/// Performs the handshake, and counts how it ended.
pub(super) async fn handshake<F: FaultInjection>(
    service: &Service,
    active_config: &ActiveConfig,
    faults: &F,
    stream: TcpStream,
    slot: &mut HandshakeSlot,
) -> Option<TlsStream<TcpStream>> {
    let began = Instant::now();
    let address = stream.peer_addr().ok();
    let ended = tokio::select! {
        // A handshake that completes stays complete, even if it is displaced in the same moment.
        biased;
        ended = timeout(service.settings.limits.handshake, accept(service, active_config, faults, stream)) => {
            ended.unwrap_or(Ended::TimedOut)
        }
        () = slot.displaced() => Ended::Displaced,
    };
    log(&service.peer_log, address, &ended);
    let (outcome, tls) = match ended {
        Ended::Accepted(tls) => (HandshakeOutcome::Accepted, Some(*tls)),
        Ended::Failed(..) => (HandshakeOutcome::Refused, None),
        Ended::Probe => (HandshakeOutcome::Probe, None),
        Ended::TimedOut => (HandshakeOutcome::TimedOut, None),
        Ended::Displaced => (HandshakeOutcome::Displaced, None),
    };
    service.counters.count_handshake(outcome, began.elapsed());
    tls
}

async fn accept<F: FaultInjection>(
    service: &Service,
    active_config: &ActiveConfig,
    faults: &F,
    stream: TcpStream,
) -> Ended {
    // The check of a load balancer connects and disconnects, and sends nothing.
    if !matches!(stream.peek(&mut [0]).await, Ok(1..)) {
        return Ended::Probe;
    }
    let acceptor = match faults.handshake(&active_config.tls) {
        Handshake::With(config) => TlsAcceptor::from(config),
        Handshake::Close => return Ended::Failed(io::Error::other("closed by fault injection"), None),
    };
    match observe(service.handshake_scheduler.accept(&acceptor, stream)).await {
        (Ok(tls), _) => Ended::Accepted(Box::new(tls)),
        (Err(error), refused) => Ended::Failed(error, refused),
    }
}

fn log(log: &PeerLog, address: Option<SocketAddr>, ended: &Ended) {
    let source = address.map(|address| address.ip());
    if matches!(ended, Ended::Probe) {
        log_probe(address);
    }
    let address = address.map(tracing::field::display);
    match ended {
        Ended::Accepted(_) | Ended::Probe => {}
        Ended::Failed(_, Some(RefusedClient { refused, certificate })) => {
            let name = |of: fn(&Names) -> &str| certificate.names.as_ref().map(of);
            peer_event!(log, INFO, "client certificate refused", refused.code(), certificate.fingerprint;
                address, %refused, subject = name(|names| &names.subject), issuer = name(|names| &names.issuer),
                serial = name(|names| &names.serial), fingerprint = %certificate.fingerprint);
        }
        Ended::Failed(error, None) => {
            peer_event!(log, INFO, "TLS handshake failed", HandshakeFailure::of(error).code(), source;
                address, %error);
        }
        Ended::TimedOut => {
            peer_event!(log, INFO, "TLS handshake timed out", "time-out", source; address);
        }
        Ended::Displaced => {
            peer_event!(log, INFO, "TLS handshake displaced by a newer one", "limit", source; address);
        }
    }
}

/// Logs a client that connected and sent nothing: a verbose log only, a load balancer does it often.
pub(super) fn log_probe(address: Option<SocketAddr>) {
    let address = address.map(tracing::field::display);
    tracing::debug!(address, "client disconnected before it sent a byte");
}
