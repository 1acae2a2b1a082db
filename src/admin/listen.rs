//! The listener: HTTP/1.1, GET and HEAD only, up to 32 connections; plain HTTP on a loopback
//! address, mutual TLS on any address.
//!
//! Against DNS rebinding, a plain request is refused unless its `Host` is a loopback name: a
//! malicious page can make a browser on the same machine request any address, even under a name of
//! its own that resolves to 127.0.0.1. With TLS the server certificate would not match such a name.

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

use super::health::{not_ready_reasons, write_json};
use super::page::{STYLE, write_page};
use super::report::Report;
use super::samples::write_metrics;

/// Maximum open connections: a few tools and a few people. Further connections wait in the listen
/// queue.
const CONNECTIONS: usize = 32;
/// Timeout for a handshake, for the head of a request, and between requests: an idle connection
/// gives its permit back.
const HEAD: Duration = Duration::from_secs(10);
/// Pause after a failed accept; without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Content security policy: only our style sheet; no scripts, no forms, no frames.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Settings of the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Address and port.
    pub listen: SocketAddr,
}

/// Authentication of operators.
#[derive(Clone)]
pub enum AdminAccess {
    /// None: every user of this machine has access.
    Loopback,
    /// A client certificate. Without a TLS configuration every connection is closed. The function
    /// is called for every connection, so that a new configuration applies at once.
    MutualTls(Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>),
}

/// Why the listener cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is not a loopback address, and there is no mutual TLS.
    #[error(
        "cannot listen on {0} for operators: an address other than loopback needs admin.certificate, admin.key and admin.client_ca"
    )]
    NotLoopback(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {address} for operators: {reason}")]
    Listen {
        /// Address of the settings.
        address: SocketAddr,
        /// Error of the system.
        reason: io::Error,
    },
}

/// Makes a report. Called for every request, on the thread that answers it.
pub type Source = Arc<dyn Fn() -> Report + Send + Sync>;

/// A bound socket with its authentication.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    access: AdminAccess,
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
            AdminAccess::Loopback | AdminAccess::MutualTls(_) => {}
        }
        let failed = |reason| AdminError::Listen { address, reason };
        let socket = match bound {
            Some(socket) => socket,
            None => TcpListener::bind(address).await.map_err(failed)?,
        };
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, access })
    }

    /// Bound address: port 0 in the settings is replaced by the chosen port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers requests until `stop` completes, then closes all connections: no response here has to be
/// finished.
pub async fn serve(listener: Listener, source: Source, stop: impl Future<Output = ()>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = stop.as_mut() => return,
            accepted = accept(&listener.socket, &permits) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (source, access) = (Arc::clone(&source), listener.access.clone());
                connections.spawn(async move {
                    match access {
                        AdminAccess::Loopback => serve_connection(stream, &source, Host::Loopback).await,
                        AdminAccess::MutualTls(config) => {
                            if let Some(config) = config() {
                                let accepted = timeout(HEAD, TlsAcceptor::from(config).accept(stream)).await;
                                serve_tls_connection(accepted, &source).await;
                            }
                        }
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept an operator's connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Accepted `Host` of a request.
#[derive(Debug, Clone, Copy)]
enum Host {
    Loopback,
    Any,
}

async fn serve_tls_connection(accepted: Result<io::Result<TlsStream<TcpStream>>, Elapsed>, source: &Source) {
    match accepted {
        Ok(Ok(stream)) => serve_connection(stream, source, Host::Any).await,
        Ok(Err(error)) => tracing::info!(%error, "TLS handshake with an operator failed"),
        Err(_) => tracing::info!("TLS handshake with an operator timed out"),
    }
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin, source: &Source, host: Host) {
    let respond = service_fn(|request| ready(Ok::<_, Infallible>(respond(source, &request, host))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), respond);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "operator's connection ended with an error");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

fn respond<B>(source: &Source, request: &Request<B>, accepted: Host) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = match accepted {
        Host::Any => true,
        Host::Loopback => host.is_some_and(names_loopback),
    };
    let mut response = if !is_ours {
        answer(StatusCode::MISDIRECTED_REQUEST, TEXT, "Use the host localhost, 127.0.0.1 or [::1].\n")
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Use GET or HEAD.\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else {
        match request.uri().path() {
            "/" => answer(StatusCode::OK, "text/html; charset=utf-8", write_page(&source())),
            "/style.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE),
            "/health/live" => answer(StatusCode::OK, TEXT, "live\n"),
            "/health/ready" => {
                let report = source();
                let reasons = not_ready_reasons(&report);
                let is_ready = reasons.is_empty();
                let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                answer(status, "application/json", write_json(&reasons, &report.unused_crls))
            }
            "/metrics" => answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", write_metrics(&source())),
            _ => {
                answer(StatusCode::NOT_FOUND, TEXT, "Not found. Available: /, /health/live, /health/ready, /metrics.\n")
            }
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

/// Whether a `Host` field is a loopback name or address.
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
    fn only_loopback_names_are_served() {
        for host in ["localhost", "LOCALHOST:9443", "127.0.0.1:80", "127.1.2.3", "[::1]:9443", "[::1]"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["", "example.be", "localhost.example.be:9443", "10.0.0.1:9443", "[::2]", "127.0.0.1.example.be"] {
            assert!(!names_loopback(host), "{host}");
        }
    }
}
