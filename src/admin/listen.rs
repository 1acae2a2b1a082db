//! The listener: plain HTTP/1.1 on a loopback address, GET alone, a handful of connections at a time.
//!
//! A browser on the same machine can be made to ask for any address by a stranger's page, which may even have its own
//! name resolve to 127.0.0.1; so a request whose `Host` is no loopback name is refused.

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
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::health::{judge, write_json};
use super::metrics::write_metrics;
use super::page::{STYLE, write_page};
use super::report::Report;

/// Connections at one time: a few tools and a few people. More wait in the listen queue.
const CONNECTIONS: usize = 32;
/// For the head of a request, and between two: a connection that says nothing gives its place back.
const HEAD: Duration = Duration::from_secs(10);
/// Waited after an accept that failed: trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Nothing but our own style sheet is loaded, nothing is run, nothing is sent, nobody frames it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the operator sets for this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens: a loopback address.
    pub listen: SocketAddr,
}

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is not loopback.
    #[error(
        "cannot listen on {0} for operators: only loopback addresses, because mutual TLS for others is not there yet"
    )]
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

/// A bound socket on a loopback address.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds the address of the settings.
    ///
    /// # Errors
    /// [`AdminError`]; an address that is not loopback is not even tried.
    pub async fn bind(settings: Settings) -> Result<Self, AdminError> {
        let address = settings.listen;
        if !address.ip().is_loopback() {
            return Err(AdminError::NotLoopback(address));
        }
        let failed = |reason| AdminError::Listen { address, reason };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
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
            accepted = accept(&listener.listener, &places) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, place)) => {
                let source = Arc::clone(&source);
                connections.spawn(async move {
                    let respond = service_fn(|request| ready(Ok::<_, Infallible>(respond(&source, &request))));
                    let connection = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEAD)
                        .serve_connection(TokioIo::new(stream), respond);
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "an operator's connection ended");
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

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

fn respond<B>(source: &Source, request: &Request<B>) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let mut response = if !host.is_some_and(names_loopback) {
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
