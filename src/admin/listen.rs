//! The listeners for operators and for scrapers: HTTP/1.1, GET and HEAD only; plain HTTP on a loopback
//! address or for listed networks, mutual TLS on any address.
//!
//! No client can silence it. Handshakes and connections have limits of their own, in which the
//! newest displaces the oldest. Each handshake, each head, each blocked write and each connection
//! has a time-out.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::places::Places;
use super::respond::{Host, Pages, Source, respond};
use super::write_timeout::WriteTimeout;
use crate::peer_event;
use crate::peer_log::PeerLog;

/// Maximum open connections after their handshake: a few tools and a few people. One more displaces
/// the oldest.
const CONNECTIONS: usize = 32;
/// Maximum handshakes in progress. One more displaces the oldest: clients without a certificate
/// take nothing from those that have one.
const HANDSHAKES: usize = 64;
/// Time-out of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Time-out of the head of a request, and between requests: an idle connection gives its place
/// back.
const HEAD: Duration = Duration::from_secs(10);
/// Time-out of a blocked write.
const WRITE: Duration = Duration::from_secs(10);
/// Age after which a connection ends with the response that is being written.
const AGE: Duration = Duration::from_secs(30);
/// Time-out of that response.
const LAST_RESPONSE: Duration = Duration::from_secs(10);
/// Pause after a failed accept; without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Settings of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
}

/// Authentication of operators and scrapers.
#[derive(Clone)]
pub enum AdminAccess {
    /// None: every user of this machine has access.
    Loopback,
    /// A client certificate. Without a TLS configuration every connection is closed. The function
    /// is called for every connection, so that a new configuration applies at once.
    MutualTls(Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>),
    /// An address with one of these prefixes; any other connection is closed unread.
    Networks(Vec<IpNet>),
}

impl AdminAccess {
    /// Whether a peer may use the listener, or at least begin a handshake.
    fn admits(&self, peer: IpAddr) -> bool {
        match self {
            Self::Loopback | Self::MutualTls(_) => true,
            Self::Networks(networks) => networks.iter().any(|network| network.contains(&peer.to_canonical())),
        }
    }
}

/// Why the listener cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is not a loopback address, and there is no mutual TLS.
    #[error("cannot listen on {0}: an address other than loopback needs certificate, key and client_ca")]
    NotLoopback(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Address of the settings.
        address: SocketAddr,
        /// Error of the system.
        reason: io::Error,
    },
}

/// A bound socket with its authentication.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    access: AdminAccess,
    pages: Pages,
}

impl Listener {
    /// Binds the address of the settings, or uses a socket that is already bound to it.
    ///
    /// # Errors
    /// [`AdminError`]; without mutual TLS, [`AdminError::NotLoopback`] comes before any attempt to
    /// bind.
    pub async fn bind(settings: Settings, bound: Option<TcpListener>, access: AdminAccess) -> Result<Self, AdminError> {
        let address = settings.listen;
        match access {
            AdminAccess::Loopback if !address.ip().is_loopback() => return Err(AdminError::NotLoopback(address)),
            AdminAccess::Loopback | AdminAccess::MutualTls(_) | AdminAccess::Networks(_) => {}
        }
        let failed = |reason| AdminError::Listen { address, reason };
        let socket = match bound {
            Some(socket) => socket,
            None => TcpListener::bind(address).await.map_err(failed)?,
        };
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, access, pages: Pages::All })
    }

    /// The same listener, which has nothing but metrics and health.
    #[must_use]
    pub fn for_scrapers(self) -> Self {
        Self { pages: Pages::Metrics, ..self }
    }

    /// Bound address: port 0 in the settings is replaced by the chosen port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers requests until `stop` completes, then closes all connections: no response here has to be
/// finished.
pub async fn serve(listener: Listener, source: Source, log: Arc<PeerLog>, stop: impl Future<Output = ()>) {
    let Listener { socket, access, pages, .. } = listener;
    let shared = Arc::new(Shared {
        source,
        access,
        pages,
        log,
        handshakes: Places::new(HANDSHAKES),
        connections: Places::new(CONNECTIONS),
    });
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = stop.as_mut() => return,
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move { shared.serve(stream, address).await });
            }
            Err(error) => {
                peer_event!(shared.log, WARN, "cannot accept an operator's connection", "accept", (); %error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections share.
struct Shared {
    source: Source,
    access: AdminAccess,
    pages: Pages,
    log: Arc<PeerLog>,
    handshakes: Arc<Places>,
    connections: Arc<Places>,
}

impl Shared {
    async fn serve(&self, stream: TcpStream, address: SocketAddr) {
        if !self.access.admits(address.ip()) {
            let (log, source) = (&self.log, address.ip());
            peer_event!(log, INFO, "connection of a scraper refused: its address has no prefix of metrics.networks", "network", source; %address);
            return;
        }
        match &self.access {
            AdminAccess::Loopback => self.serve_requests(stream, Host::Loopback).await,
            AdminAccess::Networks(_) => self.serve_requests(stream, Host::Any).await,
            AdminAccess::MutualTls(config) => {
                let Some(config) = config() else { return };
                if let Some(stream) = self.accept(TlsAcceptor::from(config), stream, address).await {
                    self.serve_requests(stream, Host::Any).await;
                }
            }
        }
    }

    /// Performs a handshake; logs why it failed.
    async fn accept(
        &self,
        acceptor: TlsAcceptor,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let mut place = self.handshakes.take();
        let accepted = tokio::select! {
            // A handshake that completes stays complete, even if it is displaced in the same moment.
            biased;
            accepted = timeout(HANDSHAKE, acceptor.accept(stream)) => Some(accepted),
            () = place.displaced() => None,
        };
        let (log, source) = (&self.log, address.ip());
        match accepted {
            Some(Ok(Ok(stream))) => return Some(stream),
            Some(Ok(Err(error))) => {
                peer_event!(log, INFO, "TLS handshake with an operator failed", "tls", source; %address, %error);
            }
            Some(Err(_)) => {
                peer_event!(log, INFO, "TLS handshake with an operator timed out", "time-out", source; %address);
            }
            None => {
                peer_event!(log, INFO, "TLS handshake with an operator displaced", "limit", source; %address);
            }
        }
        None
    }

    /// Answers the requests of one connection.
    async fn serve_requests(&self, stream: impl AsyncRead + AsyncWrite + Unpin, host: Host) {
        let mut place = self.connections.take();
        let respond = service_fn(|request: Request<Incoming>| async move {
            let (head, _) = request.into_parts();
            Ok::<_, Infallible>(respond(&self.source, &head, host, self.pages).await)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(WriteTimeout::new(stream, WRITE)), respond);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = place.displaced() => {
                tracing::debug!("operator's connection displaced by a newer one");
                return;
            }
            () = sleep(AGE) => {
                connection.as_mut().graceful_shutdown();
                match timeout(LAST_RESPONSE, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "operator's connection ended with an error");
        }
    }
}
