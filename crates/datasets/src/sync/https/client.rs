//! A feed behind HTTPS: one connection a run, one request at a time, nothing but the feed's own files.
//!
//! A run blocks, so the connection has a small runtime of its own that is driven by whoever reads: a reader that is slow
//! slows the publisher, and nothing is held but what is on its way. Redirects are not followed: a file is where the
//! notification says, or it is not in the feed. The notification is asked for conditionally, in this process or a later
//! one, as long as the data are as it left them ([`CachedNotification`]); a publisher that says "not modified" is planned with as if it
//! had sent that document again.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{
    ACCEPT_ENCODING, DATE, ETAG, HOST, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    USER_AGENT,
};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Refusal;
use super::monitor::Monitor;
use super::run::Trouble;
use super::source::read_at_most;
use crate::feed::Notification;
use crate::store::{CachedNotification, Validator};
use ehealth_core::model::Timestamp;

/// A feed behind HTTPS, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsFeed {
    /// Where its files are.
    pub url: FeedUrl,
    /// The authorities of the publisher's certificate (PEM); read anew by every run.
    pub authorities: PathBuf,
    /// What we show the publisher; `None` if it does not ask. Read anew by every run.
    pub identity: Option<FeedIdentity>,
    /// How long things may take.
    pub limits: FeedLimits,
}

/// A client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedIdentity {
    /// The certificate, followed by those of its issuers (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

/// How long a publisher may take; each limit names what it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// For TCP and TLS. Stops a publisher that is not there.
    pub connect: Duration,
    /// For the head of an answer, and between two pieces of its body. Stops a connection that died without a word.
    pub silence: Duration,
    /// For a whole file. Stops one that comes a byte at a time.
    pub file: Duration,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30), file: Duration::from_secs(3_600) }
    }
}

/// `https://HOST[:PORT]/…/`: a folder on a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedUrl {
    host: String,
    port: u16,
    authority: String,
    /// Begins and ends with a slash.
    folder: String,
}

impl FeedUrl {
    /// Reads an address with neither user, query nor fragment; `None` for any other. A slash at its end is added.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url: Uri = text.parse().ok()?;
        let authority = url.authority()?;
        let is_plain = url.scheme_str() == Some("https") && url.query().is_none() && !text.contains('#');
        if !is_plain || authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        ServerName::try_from(host.as_str()).ok()?;
        Some(Self {
            host,
            port: authority.port_u16().unwrap_or(443),
            authority: authority.as_str().to_owned(),
            folder: format!("{}/", url.path().trim_end_matches('/')),
        })
    }
}

impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority, self.folder)
    }
}

type Sender = SendRequest<Empty<Bytes>>;

/// One run's dealings with a publisher.
pub(super) struct Visit<'a> {
    feed: &'a HttpsFeed,
    link: Arc<Link<'a>>,
}

/// The connection, with what drives it.
struct Link<'a> {
    /// There until this is dropped.
    runtime: Option<Runtime>,
    tls: Arc<ClientConfig>,
    /// The connection, while it is good and nobody uses it.
    kept: Mutex<Option<Sender>>,
    monitor: &'a Monitor,
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        // A resolver that does not answer must not hold up the run.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<'a> Visit<'a> {
    pub fn begin(feed: &'a HttpsFeed, monitor: &'a Monitor, now: Timestamp) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tls = Arc::new(set_up_tls(feed, now)?);
        let link = Link { runtime: Some(runtime), tls, kept: Mutex::new(None), monitor };
        Ok(Self { feed, link: Arc::new(link) })
    }

    /// The notification's bytes, one more than may be at most, and how to ask whether there is another. If there is none
    /// but the one that `last` holds, that one.
    pub fn notification(
        &self,
        last: Option<CachedNotification>,
    ) -> Result<(Vec<u8>, Option<CachedNotification>), Trouble> {
        let url = self.feed.url.to_string();
        let last = last.filter(|last| last.url == url);
        let condition = last.as_ref().and_then(condition);
        let is_conditional = condition.is_some();
        let (sender, response) = self.ask(Notification::FILE_NAME, condition)?;
        if let (StatusCode::NOT_MODIFIED, true, Some(last)) = (response.status(), is_conditional, last) {
            self.body(sender, response).finish();
            return Ok((last.document.clone(), Some(last)));
        }
        let validator = validator(&response);
        check_status(response.status())?;
        let document = read_at_most(self.body(sender, response), Notification::BYTES_MAX + 1)?;
        let notice = validator.map(|validator| CachedNotification { url, validator, document: document.clone() });
        Ok((document, notice))
    }

    /// A file of the feed, by its path inside it.
    pub fn open(&self, path: &str) -> Result<Body<'a>, Trouble> {
        let (sender, response) = self.ask(path, None)?;
        check_status(response.status())?;
        Ok(self.body(sender, response))
    }

    fn body(&self, sender: Sender, response: Response<Incoming>) -> Body<'a> {
        Body {
            link: Arc::clone(&self.link),
            sender: Some(sender),
            incoming: response.into_body(),
            piece: Bytes::new(),
            silence: self.feed.limits.silence,
            end: after(self.feed.limits.file),
        }
    }

    fn ask(
        &self,
        path: &str,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<(Sender, Response<Incoming>), Trouble> {
        let limits = self.feed.limits;
        let kept = self.link.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut sender) = kept {
            let request = self.request(path, condition.clone())?;
            let asked = self.link.drive(limits.silence, send(&mut sender, request));
            // A publisher may close a connection that it has served on; asking again on a new one is no second try.
            if let Ok(response) = asked {
                return Ok((sender, response));
            }
        }
        let request = self.request(path, condition)?;
        let mut sender = self.link.drive(limits.connect, self.dial()).map_err(Trouble::Source)?;
        let response = self.link.drive(limits.silence, send(&mut sender, request)).map_err(Trouble::Source)?;
        Ok((sender, response))
    }

    fn request(
        &self,
        path: &str,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Request<Empty<Bytes>>, Trouble> {
        let mut request = Request::get(format!("{}{path}", self.feed.url.folder))
            .header(HOST, &self.feed.url.authority)
            .header(USER_AGENT, concat!("ehealth-attributes/", env!("CARGO_PKG_VERSION")))
            // Hashes are of the file as stored: nobody is to pack it on the way.
            .header(ACCEPT_ENCODING, "identity");
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        request.body(Empty::new()).map_err(|error| Trouble::Source(io::Error::other(error)))
    }

    async fn dial(&self) -> Result<Sender, Box<dyn Error + Send + Sync>> {
        let url = &self.feed.url;
        let tcp = TcpStream::connect((url.host.as_str(), url.port)).await?;
        let name = ServerName::try_from(url.host.clone())?;
        let tls = TlsConnector::from(Arc::clone(&self.link.tls)).connect(name, tcp).await?;
        let (sender, connection) = Builder::new().max_headers(64).handshake(TokioIo::new(tls)).await?;
        // Ends with the sender; what it ends with, the sender hears as well.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Sends a request as soon as the connection is done with the one before.
async fn send(sender: &mut Sender, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
    sender.ready().await?;
    sender.send_request(request).await
}

impl Link<'_> {
    /// Drives the connection until the future ends, the time is over, or runs are to end.
    fn drive<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        limit: Duration,
        future: impl Future<Output = Result<T, E>>,
    ) -> io::Result<T> {
        self.drive_until(after(limit), future)
    }

    fn drive_until<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        end: Option<Instant>,
        future: impl Future<Output = Result<T, E>>,
    ) -> io::Result<T> {
        let Some(runtime) = &self.runtime else { return Err(io::ErrorKind::NotConnected.into()) };
        runtime.block_on(async {
            let limited = async {
                match end {
                    Some(end) => timeout_at(end, future).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut)),
                    None => Ok(future.await),
                }
            };
            tokio::select! {
                done = limited => done?.map_err(io::Error::other),
                () = self.monitor.wait_for_stop() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        })
    }
}

/// The moment so far ahead; `None` if that is beyond all time.
fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}

/// A file on its way.
pub(super) struct Body<'a> {
    link: Arc<Link<'a>>,
    /// Kept for the next file once this one is read whole; a file that is not leaves bytes in the way.
    sender: Option<Sender>,
    incoming: Incoming,
    piece: Bytes,
    silence: Duration,
    end: Option<Instant>,
}

impl Body<'_> {
    /// Reads a body that has none.
    fn finish(mut self) {
        let _ = self.read(&mut [0]);
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let end = [after(self.silence), self.end].into_iter().flatten().min();
            let incoming = &mut self.incoming;
            let frame = self.link.drive_until(end, async { incoming.frame().await.transpose() })?;
            match frame {
                Some(frame) => self.piece = frame.into_data().unwrap_or_default(),
                None => {
                    // The end may be read more than once.
                    if let Some(sender) = self.sender.take() {
                        *self.link.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
                    }
                    return Ok(0);
                }
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Says what an answer without the file means.
fn check_status(status: StatusCode) -> Result<(), Trouble> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Trouble::Refused(Refusal::MissingFile)),
        // Wherever it leads: not to a file of this feed.
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => Err(Trouble::Refused(Refusal::Uri)),
        status => Err(Trouble::Source(io::Error::other(UnexpectedStatus(status)))),
    }
}

/// What the server will know the document by.
fn validator(response: &Response<Incoming>) -> Option<Validator> {
    let field = |name| response.headers().get(name).map(|value: &HeaderValue| value.as_bytes().to_vec());
    if let Some(tag) = field(ETAG) {
        return Some(Validator::EntityTag(tag));
    }
    // What changed in the second in which it was sent may change again in it, and keep its date (RFC 9110, 8.8.2.2).
    field(LAST_MODIFIED).filter(|modified| field(DATE).is_some_and(|sent| sent != *modified)).map(Validator::Date)
}

/// How to ask whether the document is still this one.
fn condition(notice: &CachedNotification) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = match &notice.validator {
        Validator::EntityTag(tag) => (IF_NONE_MATCH, tag),
        Validator::Date(date) => (IF_MODIFIED_SINCE, date),
    };
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

#[derive(Debug)]
struct UnexpectedStatus(StatusCode);

impl fmt::Display for UnexpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the publisher answered {}", self.0)
    }
}

impl Error for UnexpectedStatus {}

/// The moment by which a run judges its publisher's certificate.
#[derive(Debug)]
struct Moment(Option<UnixTime>);

impl TimeProvider for Moment {
    fn current_time(&self) -> Option<UnixTime> {
        self.0
    }
}

fn set_up_tls(feed: &HttpsFeed, now: Timestamp) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(&feed.authorities)? {
        roots.add(certificate).map_err(|error| in_file(&feed.authorities, error))?;
    }
    let seconds = u64::try_from(now.as_millis() / 1_000).ok();
    let moment = Moment(seconds.map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds))));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(moment))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match &feed.identity {
        None => builder.with_no_client_auth(),
        Some(FeedIdentity { certificate, key: file }) => {
            let key = PrivateKeyDer::from_pem_file(file).map_err(|error| in_file(file, error))?;
            let chain = read_certificates(certificate)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| in_file(certificate, error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn read_certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.map_err(|error| in_file(file, error))
}

fn in_file(file: &Path, error: impl fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_folder_behind_https() {
        let url = FeedUrl::parse("https://feeds.example.be:8443/a/dimona").expect("plain");
        assert_eq!((url.host.as_str(), url.port, url.folder.as_str()), ("feeds.example.be", 8443, "/a/dimona/"));
        let url = FeedUrl::parse("https://[::1]/").expect("plain");
        assert_eq!((url.host.as_str(), url.port, url.folder.as_str()), ("::1", 443, "/"));
        for wrong in [
            "",
            "feeds.example.be",
            "http://feeds.example.be/",
            "https://user@feeds.example.be/",
            "https://feeds.example.be/?a",
            "https://feeds.example.be/#a",
            "https://a b/",
        ] {
            assert_eq!(FeedUrl::parse(wrong), None, "{wrong}");
        }
    }
}
