//! A listener that answers challenges, and nothing else.
//!
//! It is open only while an order runs, often on the Internet: connections are bounded in number and time, each
//! answers one request, and no body is read.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::AcmeError;

/// Path of a challenge, before its token (RFC 8555, 8.3).
const PATH: &str = "/.well-known/acme-challenge/";
/// Maximum connections at one time; the next ones wait.
const CONNECTIONS: usize = 256;
/// Limit of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Longest head of a request.
const MAX_HEAD: usize = 16 * 1_024;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;
/// Wait after a connection that could not be accepted, for example because no descriptor is free.
const PAUSE: Duration = Duration::from_millis(50);

/// Tokens with their answers.
type Answers = Arc<Mutex<Vec<(String, String)>>>;

/// The listener; it closes when this is dropped.
pub(crate) struct Listener {
    answers: Answers,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens on an address.
    pub async fn open(address: SocketAddr) -> Result<Self, AcmeError> {
        let listener = TcpListener::bind(address).await.map_err(|reason| AcmeError::Listen { address, reason })?;
        let answers = Answers::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&answers)));
        Ok(Self { answers, task })
    }

    /// Answers this token.
    pub fn put(&self, token: &str, answer: &str) {
        self.answers.lock().push((token.to_owned(), answer.to_owned()));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Ends its connections, too: they belong to the task.
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, answers: Answers) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = timeout(CONNECTION_TIME, serve(stream, Arc::clone(&answers)));
                connections.spawn(async move { drop(served.await) });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, answers: Answers) {
    let service = service_fn(|request| {
        let response = respond(&request, &answers);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = Builder::new();
    http.keep_alive(false).max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
    // An error of the caller: the ACME server says what it saw.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

fn respond(request: &Request<Incoming>, answers: &Answers) -> Response<Full<Bytes>> {
    let token = request.uri().path().strip_prefix(PATH).filter(|_| request.method() == Method::GET);
    let answers = answers.lock();
    let answer = answers.iter().find(|(of, _)| Some(of.as_str()) == token).map(|(_, answer)| answer.clone());
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::from(answer.unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(address: SocketAddr, line: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(format!("{line} HTTP/1.1\r\nHost: a.example\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("UTF-8");
        answer
    }

    #[tokio::test]
    async fn only_known_tokens_are_answered() {
        let bound = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = bound.local_addr().expect("bound");
        drop(bound);
        let listener = Listener::open(address).await.expect("free");
        listener.put("one", "one.thumbprint");
        let answer = ask(address, "GET /.well-known/acme-challenge/one").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\none.thumbprint"), "{answer}");
        for other in [
            "GET /",
            "GET /.well-known/acme-challenge/",
            "GET /.well-known/acme-challenge/two",
            "GET /.well-known/acme-challenge/one/",
            "POST /.well-known/acme-challenge/one",
        ] {
            assert!(ask(address, other).await.starts_with("HTTP/1.1 404 Not Found\r\n"), "{other}");
        }
        let error = Listener::open(address).await.err().expect("the port is in use").to_string();
        assert!(error.starts_with(&format!("acme.listen: cannot listen on {address}: ")), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_sends_nothing_is_cut_off() {
        let bound = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = bound.local_addr().expect("bound");
        drop(bound);
        let _listener = Listener::open(address).await.expect("free");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        // The paused clock advances when nothing else can happen.
        assert_eq!(stream.read(&mut [0; 1]).await.expect("closed"), 0);
    }
}
