//! The listener: HTTP/1.1, GET alone, a handful of connections at a time; plain on a loopback address, behind mutual
//! TLS anywhere.
//!
//! A browser on the same machine can be made to ask for any address by a stranger's page, which may even have its own
//! name resolve to 127.0.0.1; so a plain request whose `Host` is no loopback name is refused. Behind TLS the server's
//! certificate would not fit such a name.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::health::{judge, write_json};
use super::metrics::write_metrics;
use super::page::{STYLE, write_page};
use super::report::Report;

/// Connections at one time: a few tools and a few people. More wait in the listen queue.
const CONNECTIONS: usize = 32;
/// For a handshake, for the head of a request, and between two: a connection that says nothing gives its place back.
const HEAD: Duration = Duration::from_secs(10);
/// Waited after an accept that failed: trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Nothing but our own style sheet is loaded, nothing is run, nothing is sent, nobody frames it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the operator sets for this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
}

/// Who is let in.
#[derive(Clone)]
pub enum AdminAccess {
    /// Whoever is on this machine.
    Loopback,
    /// Whoever shows a certificate; nobody as long as there is no configuration. It is asked for with every connection,
    /// so that a new one acts at once.
    MutualTls(Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>),
}

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is not loopback, and nobody would be asked who they are.
    #[error("cannot listen on {0} for operators: without mutual TLS only loopback addresses are listened on")]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address} for operators: {reason}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
}

/// Makes a report of the present moment. Called for every request, on the thread that answers it.
pub type Source = Arc<dyn Fn() -> Report + Send + Sync>;

/// A bound socket, and who is let in by it.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    door: AdminAccess,
}

impl Listener {
    /// Binds the address of the settings, or takes a socket that is bound to it.
    ///
    /// # Errors
    /// [`AdminError`]; without mutual TLS an address that is not loopback is not even tried.
    pub async fn bind(settings: Settings, bound: Option<TcpListener>, door: AdminAccess) -> Result<Self, AdminError> {
        let address = settings.listen;
        match door {
            AdminAccess::Loopback if !address.ip().is_loopback() => return Err(AdminError::NotLoopback(address)),
            AdminAccess::Loopback | AdminAccess::MutualTls(_) => {}
        }
        let failed = |reason| AdminError::Listen { address, reason };
        let socket = match bound {
            Some(socket) => socket,
            None => TcpListener::bind(address).await.map_err(failed)?,
        };
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, door })
    }

    /// Where it listens: with port 0 in the settings, the port that was free.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers until `stop` ends. What is in flight then is cut: nothing here needs to be finished.
pub async fn serve(listener: Listener, source: Source, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = stop.as_mut() => return,
            accepted = accept(&listener.socket, &places) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, place)) => {
                let (source, door) = (Arc::clone(&source), listener.door.clone());
                connections.spawn(async move {
                    match door {
                        AdminAccess::Loopback => converse(stream, &source, Host::Loopback).await,
                        AdminAccess::MutualTls(config) => {
                            if let Some(config) = config() {
                                let accepted = timeout(HEAD, TlsAcceptor::from(config).accept(stream)).await;
                                converse_behind_tls(accepted, &source).await;
                            }
                        }
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an operator's connection cannot be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Which names of this machine a request may ask for.
#[derive(Debug, Clone, Copy)]
enum Host {
    Loopback,
    Any,
}

async fn converse_behind_tls(accepted: Result<io::Result<TlsStream<TcpStream>>, Elapsed>, source: &Source) {
    match accepted {
        Ok(Ok(stream)) => converse(stream, source, Host::Any).await,
        Ok(Err(error)) => tracing::info!(%error, "an operator's handshake was refused"),
        Err(_) => tracing::info!("an operator's handshake was not finished in time"),
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, source: &Source, host: Host) {
    let respond = service_fn(|request| ready(Ok::<_, Infallible>(respond(source, &request, host))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), respond);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an operator's connection ended");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

fn respond<B>(source: &Source, request: &Request<B>, names: Host) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = matches!(names, Host::Any) || host.is_some_and(names_loopback);
    let mut response = if !is_ours {
        answer(StatusCode::MISDIRECTED_REQUEST, TEXT, "Ask for localhost, 127.0.0.1 or [::1].\n")
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Only GET and HEAD are served here.\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else {
        match request.uri().path() {
            "/" => answer(StatusCode::OK, "text/html; charset=utf-8", write_page(&source())),
            "/style.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE),
            "/health/live" => answer(StatusCode::OK, TEXT, "live\n"),
            "/health/ready" => {
                let reasons = judge(&source());
                let is_ready = reasons.is_empty();
                let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                answer(status, "application/json", write_json(&reasons))
            }
            "/metrics" => answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", write_metrics(&source())),
            _ => answer(StatusCode::NOT_FOUND, TEXT, "Here are /, /health/live, /health/ready and /metrics.\n"),
        }
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn answer(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Whether a `Host` field names this machine as itself sees it.
fn names_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_served() {
        for host in ["localhost", "LOCALHOST:9443", "127.0.0.1:80", "127.1.2.3", "[::1]:9443", "[::1]"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["", "example.be", "localhost.example.be:9443", "10.0.0.1:9443", "[::2]", "127.0.0.1.example.be"] {
            assert!(!names_loopback(host), "{host}");
        }
    }
}
