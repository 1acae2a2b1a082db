//! Sends requests to a collector.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::client::conn::http1::Builder;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::rt::{Read, Write};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use super::otlp::refused_of;
use crate::cli::safe_text::make_safe;

/// Time for one request: connection, TLS, request and answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;
/// Characters of a collector's reason that are logged.
const MAX_REASON: usize = 200;
/// Longest pause that a collector may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A collector, and how to connect to it.
pub(super) struct Collector {
    pub endpoint: Endpoint,
    /// `None`: over plain HTTP.
    pub tls: Option<Arc<ClientConfig>>,
}

/// How a request ended.
pub(super) enum Sent {
    /// Accepted, except for a number of spans.
    Accepted { refused: u64, reason: String },
    /// Refused as a whole; the same request would be refused again.
    Refused(String),
    /// Not answered, or not now; the same request may succeed later, after this pause at the soonest.
    Later { reason: String, pause: Option<Duration> },
}

impl Collector {
    /// Sends one request.
    pub async fn send(&self, body: &Bytes) -> Sent {
        match timeout(TIMEOUT, self.exchange(body)).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => Sent::Later { reason: error.to_string(), pause: None },
            Err(_) => Sent::Later { reason: format!("no answer in {} s", TIMEOUT.as_secs()), pause: None },
        }
    }

    async fn exchange(&self, body: &Bytes) -> io::Result<Sent> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let tcp = TcpStream::connect((host.as_str(), *port)).await?;
        match &self.tls {
            None => self.post(TokioIo::new(tcp), body).await,
            Some(tls) => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                let tls = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await?;
                self.post(TokioIo::new(tls), body).await
            }
        }
    }

    async fn post(&self, stream: impl Read + Write + Send + Unpin + 'static, body: &Bytes) -> io::Result<Sent> {
        let (mut sender, connection) =
            Builder::new().max_headers(64).handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let request = Request::post(&self.endpoint.path)
            .header(HOST, self.endpoint.authority())
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(body.clone()))
            .map_err(io::Error::other)?;
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status();
        let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let pause = pause.map(|seconds| Duration::from_secs(seconds).min(MAX_PAUSE));
        // The status says enough: a request that was accepted is not repeated because of its answer's rest.
        let read = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let read = read.map(Collected::to_bytes).unwrap_or_default();
        Ok(outcome_of(status, pause, &read))
    }
}

/// OTLP/HTTP 1.x, "Failures": 429, 502, 503 and 504 may be repeated, others not.
fn outcome_of(status: StatusCode, pause: Option<Duration>, answer: &[u8]) -> Sent {
    if status.is_success() {
        let (refused, reason) = refused_of(answer);
        return Sent::Accepted { refused, reason: make_safe(&reason, MAX_REASON) };
    }
    let reason = format!("HTTP status {}", status.as_u16());
    let may_repeat = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    if may_repeat.contains(&status) { Sent::Later { reason, pause } } else { Sent::Refused(reason) }
}
