//! Requests to the ACME server: HTTPS alone, each limited in time and size.
//!
//! Each request has a connection of its own: an order needs about twelve.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::Builder;
use hyper::header::{CONNECTION, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tls_files::describe_error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest answer. A chain of certificates has about 8 KiB.
const MAX_BODY: usize = 256 * 1_024;
/// Longest head of an answer.
const MAX_HEAD: usize = 64 * 1_024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 64;
/// Longest wait that a server may ask for. `instant-acme` adds the number to the time of day, which panics on an
/// overflow; nothing waits for a day anyway.
const MAX_RETRY_AFTER: u64 = 86_400;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The URL is not one of HTTPS.
    #[error("the ACME server names the URL {0}; only https is used")]
    NotHttps(String),
    /// There is no connection.
    #[error("cannot connect to {host}: {reason}; see acme.directory, the name server and the firewall")]
    Connect {
        /// Host and port.
        host: String,
        /// Error of the system.
        reason: io::Error,
    },
    /// The TLS handshake failed.
    #[error("TLS with {host} failed: {reason}; for a private ACME server set acme.server_ca to its CA")]
    Tls {
        /// Host and port.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer broke off, or is too long.
    #[error("{host} sent no complete answer: {reason}; run the command again later")]
    Answer {
        /// Host and port.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// There was no answer in time.
    #[error("{host} did not answer within {} s (acme.timeout); run the command again later", .limit.as_secs())]
    Timeout {
        /// Host and port.
        host: String,
        /// Time limit.
        limit: Duration,
    },
}

/// The connections to one ACME server.
pub(crate) struct Transport {
    /// Trust.
    pub tls: Arc<ClientConfig>,
    /// Limit of one request, from the name to the last byte of the answer.
    pub limit: Duration,
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (tls, limit) = (Arc::clone(&self.tls), self.limit);
        Box::pin(async move {
            let host = host_of(request.uri());
            let answered = timeout(limit, exchange(tls, &host, request)).await;
            let answer = answered.unwrap_or(Err(TransportError::Timeout { host, limit }));
            answer.map(BytesResponse::from).map_err(|error| Error::Other(Box::new(error)))
        })
    }
}

/// Host and port, as messages and the header have it.
fn host_of(uri: &Uri) -> String {
    uri.authority().map_or_else(|| uri.to_string(), |authority| authority.as_str().to_owned())
}

async fn exchange(
    tls: Arc<ClientConfig>,
    host: &str,
    mut request: Request<BodyWrapper<Bytes>>,
) -> Result<Response<Full<Bytes>>, TransportError> {
    let uri = request.uri().clone();
    let not_https = || TransportError::NotHttps(uri.to_string());
    let name = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(not_https)?;
    let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
    let connect = |reason| TransportError::Connect { host: host.to_owned(), reason };
    let broken = |reason: String| TransportError::Answer { host: host.to_owned(), reason };
    let tcp = TcpStream::connect((name.as_str(), uri.port_u16().unwrap_or(443))).await.map_err(connect)?;
    let server = ServerName::try_from(name).map_err(|_| not_https())?;
    let secured = TlsConnector::from(tls).connect(server, tcp).await;
    let secured = secured.map_err(|error| TransportError::Tls { host: host.to_owned(), reason: tls_reason(&error) })?;
    let mut http = Builder::new();
    http.max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
    let (mut sender, connection) = http.handshake(TokioIo::new(secured)).await.map_err(|e| broken(e.to_string()))?;
    // Ends with the sender, which gets its errors too.
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| not_https())?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(host).map_err(|_| not_https())?);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| broken(error.to_string()))?;
    connection.abort();
    if let Some(wait) = head.headers.get(RETRY_AFTER).and_then(bounded_wait) {
        head.headers.insert(RETRY_AFTER, wait);
    }
    Ok(Response::from_parts(head, Full::new(body.to_bytes())))
}

/// A number of seconds that is not too large; `None` for a date.
fn bounded_wait(value: &HeaderValue) -> Option<HeaderValue> {
    let text = value.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| HeaderValue::from(text.parse().unwrap_or(MAX_RETRY_AFTER).min(MAX_RETRY_AFTER)))
}

fn tls_reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    inner.map_or_else(|| error.to_string(), describe_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_cut_and_a_date_is_kept() {
        let bounded = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a value");
            bounded_wait(&value).map(|value| value.to_str().expect("a number").to_owned())
        };
        assert_eq!(bounded("3").as_deref(), Some("3"));
        for long in ["86401", "18446744073709551615", "99999999999999999999999"] {
            assert_eq!(bounded(long).as_deref(), Some("86400"));
        }
        assert_eq!(bounded("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(bounded("-1"), None);
    }
}
