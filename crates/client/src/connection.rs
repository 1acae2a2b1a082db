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
use rustls::pki_types::CertificateDer;
use rustls::time_provider::TimeProvider;
use soap::limits::REPLY_BYTES;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::{ClientError, Progress};
use super::not_understood::NotUnderstood;
use super::settings::{Repeat, Target};
use super::signing::{RequestSigner, SignedEnvelope, now};

/// Maximum number of idle connections.
const MAX_IDLE: usize = 4;
/// Maximum idle time of a connection: shorter than that of usual firewalls, which drop a connection
/// silently.
const MAX_IDLE_TIME: Duration = Duration::from_secs(50);

type Sender = SendRequest<Full<Bytes>>;

/// A request that can be sent more than once.
pub(super) struct Outgoing<'a> {
    pub path: &'static str,
    /// SOAPAction, with quotes.
    pub soap_action: HeaderValue,
    /// The envelope, not signed.
    pub envelope: Bytes,
    pub signer: Option<&'a RequestSigner>,
    pub time: &'a dyn TimeProvider,
}

impl Outgoing<'_> {
    /// The envelope for one attempt. A signed one must not be sent a second time: the service refuses
    /// a signature that it received before.
    fn envelope(&self) -> Result<SignedEnvelope, ClientError> {
        match self.signer {
            Some(signer) => signer.sign(&self.envelope, now(self.time)?),
            None => Ok(SignedEnvelope { bytes: self.envelope.clone(), signature: None }),
        }
    }
}

/// A reply, read completely.
pub(super) struct Received {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Certificate that the server presented on this connection.
    pub server_certificate: Option<CertificateDer<'static>>,
    /// Value of the signature of the request that was answered.
    pub request_signature: Option<Vec<u8>>,
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

/// An open connection.
struct Connection {
    sender: Sender,
    server_certificate: Option<CertificateDer<'static>>,
}

struct Idle {
    connection: Connection,
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
        outgoing: &Outgoing<'_>,
        repeat: Repeat,
        send_progress: &SendProgress,
    ) -> Result<Received, ClientError> {
        let mut was_sent_before = false;
        // Terminates: every iteration but one uses up an idle connection, and connections are kept
        // only after a reply.
        loop {
            let (mut connection, origin) = match self.take_idle().await {
                Some(connection) => (connection, Origin::Reused),
                None => (self.dial().await?, Origin::New),
            };
            let SignedEnvelope { bytes, signature } = outgoing.envelope()?;
            send_progress.set(Progress::Sent);
            match send(&mut connection.sender, self.request(outgoing, bytes)).await {
                Ok(response) => {
                    let received = self.receive(connection, response).await?;
                    return Ok(Received { request_signature: signature, ..received });
                }
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

    fn request(&self, outgoing: &Outgoing<'_>, envelope: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(envelope));
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
    async fn take_idle(&self) -> Option<Connection> {
        loop {
            let Idle { mut connection, since } = self.lock().pop()?;
            if since.elapsed() < MAX_IDLE_TIME && connection.sender.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn dial(&self) -> Result<Connection, ClientError> {
        match timeout(self.connect_timeout, self.dial_without_timeout()).await {
            Ok(dialled) => dialled,
            Err(_) => Err(ClientError::ConnectTimeout(self.connect_timeout)),
        }
    }

    async fn dial_without_timeout(&self) -> Result<Connection, ClientError> {
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
        let presented = tls.get_ref().1.peer_certificates();
        let server_certificate = presented.and_then(<[_]>::first).map(|leaf| leaf.clone().into_owned());
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|reason| classify(reason, Progress::NotSent))?;
        // Ends when the sender is dropped or the service closes the connection. The sender gets its
        // error as well.
        tokio::spawn(connection);
        Ok(Connection { sender, server_certificate })
    }

    async fn receive(&self, connection: Connection, response: Response<Incoming>) -> Result<Received, ClientError> {
        let (head, body) = response.into_parts();
        let server_certificate = connection.server_certificate.clone();
        let received = |body| Received {
            status: head.status,
            headers: head.headers,
            body,
            server_certificate,
            request_signature: None,
        };
        let is_soap = matches!(head.status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR);
        if !is_soap {
            // The body of a refusal adds nothing to its status. It is not read, so the connection
            // cannot be reused.
            return Ok(received(Bytes::new()));
        }
        let body = match Limited::new(body, REPLY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(NotUnderstood::TooLarge.into()),
            Err(error) => {
                return Err(match error.downcast::<hyper::Error>() {
                    Ok(reason) => classify(*reason, Progress::Sent),
                    Err(_) => NotUnderstood::NotHttp.into(),
                });
            }
        };
        if !connection.sender.is_closed() {
            self.keep(connection);
        }
        Ok(received(body))
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.lock();
        idle.retain(|kept| kept.since.elapsed() < MAX_IDLE_TIME && !kept.connection.sender.is_closed());
        if idle.len() < MAX_IDLE {
            idle.push(Idle { connection, since: Instant::now() });
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
