//! The TLS handshake of one connection, and the header of a load balancer before it: how it ended is
//! counted, and logged as far as [`crate::peer_log`] admits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::proxy_protocol::{HeaderError, SIGNATURE, TEXT_SIGNATURE, is_balancer, read_header};
use crate::peer_event;
use crate::peer_log::PeerLog;
use crate::server::active_config::ActiveConfig;
use crate::server::counters::HandshakeOutcome;
use crate::server::fault_injection::{FaultInjection, Handshake};
use crate::server::limits::handshakes::HandshakeSlot;
use crate::server::service::Service;
use crate::server::tls::handshake_failure::HandshakeFailure;
use crate::server::tls::refused_client::{RefusedClient, observe};
use certificates::Names;

/// An accepted connection, before its handshake.
pub(super) struct Arrival {
    stream: TcpStream,
    /// Address of the client; of the load balancer, until its header is read.
    address: SocketAddr,
    is_of_balancer: bool,
    slot: HandshakeSlot,
}

/// How a handshake ended.
enum Ended {
    Accepted(Box<TlsStream<TcpStream>>),
    Failed(io::Error, Option<RefusedClient>),
    /// The client's first bytes are a PROXY protocol header, which its address may not send.
    UnlistedBalancer,
    NoHeader(HeaderError),
    Probe,
    TimedOut,
    Displaced,
}

impl Arrival {
    /// Takes the slot at once, so that the limit holds however late the connection's task runs.
    pub fn new(service: &Service, stream: TcpStream, address: SocketAddr) -> Self {
        let is_of_balancer = is_balancer(&service.settings.balancers, address.ip());
        let slot = if is_of_balancer {
            service.handshakes.begin_of_balancer(address.ip())
        } else {
            service.handshakes.begin(address.ip())
        };
        Self { stream, address, is_of_balancer, slot }
    }
}

/// Performs the handshake, and counts how it ended.
pub(super) async fn handshake<F: FaultInjection>(
    service: &Service,
    active_config: &ActiveConfig,
    faults: &F,
    mut arrival: Arrival,
) -> Option<TlsStream<TcpStream>> {
    let began = Instant::now();
    let deadline = began.checked_add(service.settings.limits.handshake).unwrap_or(began);
    let ended = match read_address(service, &mut arrival, deadline).await {
        Ok(()) => {
            let Arrival { stream, ref mut slot, .. } = arrival;
            // Pinned here: its state is in this future once.
            let accepted = pin!(accept(service, active_config, faults, stream));
            within(deadline, slot, accepted).await.unwrap_or_else(|ended| ended)
        }
        Err(ended) => ended,
    };
    log(&service.peer_log, arrival.address, &ended);
    let (outcome, tls) = match ended {
        Ended::Accepted(tls) => (HandshakeOutcome::Accepted, Some(*tls)),
        Ended::Failed(..) | Ended::UnlistedBalancer => (HandshakeOutcome::Refused, None),
        Ended::NoHeader(_) => (HandshakeOutcome::NoProxyHeader, None),
        Ended::Probe => (HandshakeOutcome::Probe, None),
        Ended::TimedOut => (HandshakeOutcome::TimedOut, None),
        Ended::Displaced => (HandshakeOutcome::Displaced, None),
    };
    service.counters.count_handshake(outcome, began.elapsed());
    tls
}

/// Replaces the address of a load balancer by that of the client, and takes a slot for the client.
async fn read_address(service: &Service, arrival: &mut Arrival, deadline: Instant) -> Result<(), Ended> {
    if !arrival.is_of_balancer {
        return Ok(());
    }
    let Arrival { stream, slot, .. } = arrival;
    let header = async {
        // A check that connects and disconnects has no header.
        let is_probe = !matches!(stream.peek(&mut [0]).await, Ok(1..));
        if is_probe { Err(Ended::Probe) } else { read_header(stream).await.map_err(Ended::NoHeader) }
    };
    // If the balancer checks the service itself, what follows is its own handshake, or the end: a probe.
    if let Some(client) = within(deadline, slot, header).await?? {
        arrival.address = client;
        arrival.slot = service.handshakes.begin(client.ip());
    }
    Ok(())
}

/// Completes the future before the deadline, unless a newer handshake displaces this one.
async fn within<T>(deadline: Instant, slot: &mut HandshakeSlot, future: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::select! {
        // A handshake that completes stays complete, even if it is displaced in the same moment.
        biased;
        done = timeout_at(deadline, future) => done.map_err(|_| Ended::TimedOut),
        () = slot.displaced() => Err(Ended::Displaced),
    }
}

async fn accept<F: FaultInjection>(
    service: &Service,
    active_config: &ActiveConfig,
    faults: &F,
    stream: TcpStream,
) -> Ended {
    let mut first = [0; SIGNATURE.len()];
    match stream.peek(&mut first).await {
        // The check of a load balancer connects and disconnects, and sends nothing.
        Ok(0) | Err(_) => return Ended::Probe,
        Ok(_) if first == *SIGNATURE || first.starts_with(TEXT_SIGNATURE) => return Ended::UnlistedBalancer,
        Ok(_) => {}
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

fn log(log: &PeerLog, address: SocketAddr, ended: &Ended) {
    let source = address.ip();
    match ended {
        Ended::Accepted(_) => {}
        Ended::Probe => log_probe(address),
        Ended::Failed(_, Some(RefusedClient { refused, certificate })) => {
            let name = |of: fn(&Names) -> &str| certificate.names.as_ref().map(of);
            peer_event!(log, INFO, "client certificate refused", refused.code(), certificate.fingerprint;
                %address, %refused, subject = name(|names| &names.subject), issuer = name(|names| &names.issuer),
                serial = name(|names| &names.serial), fingerprint = %certificate.fingerprint);
        }
        Ended::Failed(error, None) => {
            peer_event!(log, INFO, "TLS handshake failed", HandshakeFailure::of(error).code(), source;
                %address, %error);
        }
        Ended::UnlistedBalancer => {
            peer_event!(log, WARN, "PROXY protocol header refused", "unlisted", source;
                %address, remedy = "if it is your load balancer, add its address to server.proxy_protocol");
        }
        Ended::NoHeader(error) => {
            peer_event!(log, WARN, "PROXY protocol header not accepted", error.code(), source; %address, %error);
        }
        Ended::TimedOut => {
            peer_event!(log, INFO, "TLS handshake timed out", "time-out", source; %address);
        }
        Ended::Displaced => {
            peer_event!(log, INFO, "TLS handshake displaced by a newer one", "limit", source; %address);
        }
    }
}

/// Logs a client that connected and sent nothing: a verbose log only, a load balancer does it often.
pub(super) fn log_probe(address: SocketAddr) {
    tracing::debug!(%address, "client disconnected before it sent a byte");
}
