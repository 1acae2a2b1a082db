//! Connections to the service: made when needed, kept while they are good, never trusted with a second try by accident.
//!
//! Knows HTTP and TLS; knows no message. A connection serves one request at a time and is kept afterwards, if the reply
//! was read whole. A request goes out a second time only where [`Repeat`] allows it.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::{ClientError, NotUnderstood, Progress};
use super::settings::{Repeat, Target};

/// The largest reply that is read. The service's largest answer is a few hundred kilobytes.
const REPLY_AT_MOST: usize = 4 << 20;
/// How many connections are kept for later.
const IDLE_AT_MOST: usize = 4;
/// How long a connection is kept: shorter than the patience of the usual firewall, which forgets it without a word.
const IDLE_FOR_AT_MOST: Duration = Duration::from_secs(50);

type Sender = SendRequest<Full<Bytes>>;

/// A request that can be sent more than once.
pub(super) struct Outgoing {
    pub path: &'static str,
    /// With its quotes.
    pub soap_action: HeaderValue,
    pub envelope: Bytes,
}

/// A reply, read whole.
pub(super) struct Received {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Whether anything of a call's request went out: readable from outside while the call is under way, and after it was cut
/// off at its deadline.
#[derive(Default)]
pub(super) struct Journey(AtomicBool);

impl Journey {
    pub(super) fn progress(&self) -> Progress {
        if self.0.load(Ordering::Relaxed) { Progress::Sent } else { Progress::NotSent }
    }

    fn note(&self, progress: Progress) {
        self.0.store(progress == Progress::Sent, Ordering::Relaxed);
    }
}

/// The connections to one service.
pub(super) struct Connections {
    target: Target,
    connect_timeout: Duration,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

/// Whether a connection has served before: only then may its loss mean no more than that it had grown old.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    Kept,
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
        journey: &Journey,
    ) -> Result<Received, ClientError> {
        let mut was_sent_before = false;
        // Ends: every turn but one uses up a kept connection, and new ones are kept only after a reply.
        loop {
            let (mut sender, age) = match self.take_kept().await {
                Some(sender) => (sender, Age::Kept),
                None => (self.dial().await?, Age::Fresh),
            };
            journey.note(Progress::Sent);
            match send(&mut sender, self.request(outgoing)).await {
                Ok(response) => return self.receive(sender, response).await,
                Err(Lost::Unsent(_)) if age == Age::Kept && !was_sent_before => journey.note(Progress::NotSent),
                Err(Lost::Unsent(reason)) => {
                    let progress = if was_sent_before { Progress::Sent } else { Progress::NotSent };
                    journey.note(progress);
                    return Err(explain(reason, progress));
                }
                Err(Lost::Sent(_)) if age == Age::Kept && repeat == Repeat::EvenIfAnswered && !was_sent_before => {
                    was_sent_before = true;
                }
                Err(Lost::Sent(reason)) => return Err(explain(reason, Progress::Sent)),
            }
        }
    }

    fn request(&self, outgoing: &Outgoing) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(outgoing.envelope.clone()));
        *request.method_mut() = hyper::Method::POST;
        // The prefix was part of a parsed URL and the path is the contract's: together they are one.
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

    /// A connection that has served before and still seems good.
    async fn take_kept(&self) -> Option<Sender> {
        loop {
            let mut kept = self.lock().pop()?;
            if kept.since.elapsed() < IDLE_FOR_AT_MOST && kept.sender.ready().await.is_ok() {
                return Some(kept.sender);
            }
        }
    }

    async fn dial(&self) -> Result<Sender, ClientError> {
        match timeout(self.connect_timeout, self.dial_without_hurry()).await {
            Ok(dialled) => dialled,
            Err(_) => Err(ClientError::ConnectTimeout(self.connect_timeout)),
        }
    }

    async fn dial_without_hurry(&self) -> Result<Sender, ClientError> {
        let failed = |error| ClientError::Connect(Arc::new(error));
        let tcp = TcpStream::connect((self.target.host.as_str(), self.target.port)).await.map_err(failed)?;
        // One small message a round: waiting for more to send would only cost time.
        tcp.set_nodelay(true).map_err(failed)?;
        let connector = TlsConnector::from(Arc::clone(&self.target.tls));
        let tls =
            connector.connect(self.target.name.clone(), tcp).await.map_err(|error| match find_tls_error(&error) {
                Some(reason) => ClientError::Tls(reason),
                None => ClientError::Connect(Arc::new(error)),
            })?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|reason| explain(reason, Progress::NotSent))?;
        // Ends when the sender is dropped or the service hangs up; what it ends with, the sender hears as well.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn receive(&self, sender: Sender, response: Response<Incoming>) -> Result<Received, ClientError> {
        let (head, body) = response.into_parts();
        let is_soap = matches!(head.status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR);
        if !is_soap {
            // What a refusal says in its body adds nothing to its status; the connection goes with it.
            return Ok(Received { status: head.status, headers: head.headers, body: Bytes::new() });
        }
        let body = match Limited::new(body, REPLY_AT_MOST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(NotUnderstood::TooLarge.into()),
            Err(error) => {
                return Err(match error.downcast::<hyper::Error>() {
                    Ok(reason) => explain(*reason, Progress::Sent),
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
        idle.retain(|kept| kept.since.elapsed() < IDLE_FOR_AT_MOST && !kept.sender.is_closed());
        if idle.len() < IDLE_AT_MOST {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing that is done under the lock leaves the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a request was lost.
enum Lost {
    /// Nothing of it was written.
    Unsent(hyper::Error),
    /// It was written, in part or whole.
    Sent(hyper::Error),
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Lost> {
    sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
        Some(_) => Lost::Unsent(error.into_error()),
        None => Lost::Sent(error.into_error()),
    })
}

/// What a broken connection means. In TLS 1.3 a service refuses a client's certificate only after the client has begun to
/// send, so the refusal comes to light here.
fn explain(reason: hyper::Error, progress: Progress) -> ClientError {
    if let Some(tls) = find_tls_error(&reason) {
        return ClientError::Tls(tls);
    }
    if reason.is_parse() {
        return NotUnderstood::NotHttp.into();
    }
    ClientError::ConnectionLost { progress, reason: Arc::new(reason) }
}

/// The TLS library's own error, below those of the layers above.
fn find_tls_error(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    let mut error = Some(error);
    while let Some(layer) = error {
        if let Some(tls) = layer.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        // An I/O error hands out the source of what it wraps, but not that itself.
        error = match layer.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => layer.source(),
        };
    }
    None
}
