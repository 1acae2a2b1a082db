//! Connection pool: HTTP/1.1 over TLS.
//!
//! A connection serves one request at a time, and is reused if the reply was read completely. A
//! request is sent a second time only where [`Repeat`] allows it.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::{ClientError, Progress};
use super::not_understood::NotUnderstood;
use super::settings::{Repeat, Target};

/// Maximum size of a reply: 4 MiB. The service's largest answer has a few hundred kilobytes.
const MAX_REPLY_BYTES: usize = 4 << 20;
/// Maximum number of idle connections.
const MAX_IDLE: usize = 4;
/// Maximum idle time of a connection: shorter than that of usual firewalls, which drop a connection
/// silently.
const MAX_IDLE_TIME: Duration = Duration::from_secs(50);

type Sender = SendRequest<Full<Bytes>>;

/// A request that can be sent more than once.
pub(super) struct Outgoing {
    pub path: &'static str,
    /// SOAPAction, with quotes.
    pub soap_action: HeaderValue,
    pub envelope: Bytes,
}

/// A reply, read completely.
pub(super) struct Received {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Whether any byte of a request was sent: readable while the call runs, and after it was cancelled
/// at its deadline.
#[derive(Default)]
pub(super) struct SendProgress(AtomicBool);

impl SendProgress {
    pub(super) fn get(&self) -> Progress {
        if self.0.load(Ordering::Relaxed) { Progress::Sent } else { Progress::NotSent }
    }

    fn set(&self, progress: Progress) {
        self.0.store(progress == Progress::Sent, Ordering::Relaxed);
    }
}

/// Pool of connections to one service.
pub(super) struct Connections {
    target: Target,
    connect_timeout: Duration,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

/// Whether a connection has served a request before. Only then can its loss mean just that the
/// service closed it while it was idle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    New,
    Reused,
}

impl Connections {
    pub(super) fn new(target: Target, connect_timeout: Duration) -> Self {
        Self { target, connect_timeout, idle: Mutex::default() }
    }

    /// Sends a request and reads the reply.
    pub(super) async fn exchange(
        &self,
        outgoing: &Outgoing,
        repeat: Repeat,
        send_progress: &SendProgress,
    ) -> Result<Received, ClientError> {
        let mut was_sent_before = false;
        // Terminates: every iteration but one uses up an idle connection, and connections are kept
        // only after a reply.
        loop {
            let (mut sender, origin) = match self.take_idle().await {
                Some(sender) => (sender, Origin::Reused),
                None => (self.dial().await?, Origin::New),
            };
            send_progress.set(Progress::Sent);
            match send(&mut sender, self.request(outgoing)).await {
                Ok(response) => return self.receive(sender, response).await,
                Err(SendError::Unsent(_)) if origin == Origin::Reused && !was_sent_before => {
                    send_progress.set(Progress::NotSent);
                }
                Err(SendError::Unsent(reason)) => {
                    let progress = if was_sent_before { Progress::Sent } else { Progress::NotSent };
                    send_progress.set(progress);
                    return Err(classify(reason, progress));
                }
                Err(SendError::Sent(_))
                    if origin == Origin::Reused && repeat == Repeat::EvenIfAnswered && !was_sent_before =>
                {
                    was_sent_before = true;
                }
                Err(SendError::Sent(reason)) => return Err(classify(reason, Progress::Sent)),
            }
        }
    }

    fn request(&self, outgoing: &Outgoing) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(outgoing.envelope.clone()));
        *request.method_mut() = hyper::Method::POST;
        // The prefix is part of a parsed URL and the path is the contract's: joined they are a
        // valid URI.
        *request.uri_mut() = format!("{}{}", self.target.prefix, outgoing.path).parse().unwrap_or_default();
        let headers = request.headers_mut();
        if let Ok(host) = HeaderValue::from_str(&self.target.authority) {
            headers.insert(HOST, host);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("ehealth-attributes/", env!("CARGO_PKG_VERSION"))));
        headers.insert("SOAPAction", outgoing.soap_action.clone());
        request
    }

    /// Takes an idle connection that is still open.
    async fn take_idle(&self) -> Option<Sender> {
        loop {
            let mut kept = self.lock().pop()?;
            if kept.since.elapsed() < MAX_IDLE_TIME && kept.sender.ready().await.is_ok() {
                return Some(kept.sender);
            }
        }
    }

    async fn dial(&self) -> Result<Sender, ClientError> {
        match timeout(self.connect_timeout, self.dial_without_timeout()).await {
            Ok(dialled) => dialled,
            Err(_) => Err(ClientError::ConnectTimeout(self.connect_timeout)),
        }
    }

    async fn dial_without_timeout(&self) -> Result<Sender, ClientError> {
        let failed = |error| ClientError::Connect(Arc::new(error));
        let tcp = TcpStream::connect((self.target.host.as_str(), self.target.port)).await.map_err(failed)?;
        // One small message a round trip: Nagle's algorithm would only add latency.
        tcp.set_nodelay(true).map_err(failed)?;
        let connector = TlsConnector::from(Arc::clone(&self.target.tls));
        let tls =
            connector.connect(self.target.name.clone(), tcp).await.map_err(|error| match find_tls_error(&error) {
                Some(reason) => ClientError::Tls(reason),
                None => ClientError::Connect(Arc::new(error)),
            })?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|reason| classify(reason, Progress::NotSent))?;
        // Ends when the sender is dropped or the service closes the connection. The sender gets its
        // error as well.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn receive(&self, sender: Sender, response: Response<Incoming>) -> Result<Received, ClientError> {
        let (head, body) = response.into_parts();
        let is_soap = matches!(head.status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR);
        if !is_soap {
            // The body of a refusal adds nothing to its status. It is not read, so the connection
            // cannot be reused.
            return Ok(Received { status: head.status, headers: head.headers, body: Bytes::new() });
        }
        let body = match Limited::new(body, MAX_REPLY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(NotUnderstood::TooLarge.into()),
            Err(error) => {
                return Err(match error.downcast::<hyper::Error>() {
                    Ok(reason) => classify(*reason, Progress::Sent),
                    Err(_) => NotUnderstood::NotHttp.into(),
                });
            }
        };
        if !sender.is_closed() {
            self.keep(sender);
        }
        Ok(Received { status: head.status, headers: head.headers, body })
    }

    fn keep(&self, sender: Sender) {
        let mut idle = self.lock();
        idle.retain(|kept| kept.since.elapsed() < MAX_IDLE_TIME && !kept.sender.is_closed());
        if idle.len() < MAX_IDLE {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        // No code that runs under the lock leaves the list half changed.
        self.idle.lock()
    }
}

/// Loss of a connection while a request was sent.
enum SendError {
    /// No byte of the request was written.
    Unsent(hyper::Error),
    /// The request was written, in part or whole.
    Sent(hyper::Error),
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, SendError> {
    sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
        Some(_) => SendError::Unsent(error.into_error()),
        None => SendError::Sent(error.into_error()),
    })
}

/// Classifies the error of a lost connection. In TLS 1.3 a service refuses a client certificate
/// only after the client has begun to send, so that the refusal appears here.
fn classify(reason: hyper::Error, progress: Progress) -> ClientError {
    if let Some(tls) = find_tls_error(&reason) {
        return ClientError::Tls(tls);
    }
    if reason.is_parse() {
        return NotUnderstood::NotHttp.into();
    }
    ClientError::ConnectionLost { progress, reason: Arc::new(reason) }
}

/// Finds the error of the TLS library below the errors of the layers above.
fn find_tls_error(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    let mut error = Some(error);
    while let Some(layer) = error {
        if let Some(tls) = layer.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        // `source` of an I/O error skips the error that it wraps.
        error = match layer.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => layer.source(),
        };
    }
    None
}
