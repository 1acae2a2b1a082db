//! Client of one run: requests the files of a feed.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};

use super::body::Body;
use super::conditional::{Condition, condition, validator};
use super::connection::{Connection, Sender, send};
use super::settings::HttpsFeed;
use super::tls::configure;
use crate::feed::Notification;
use crate::store::CachedNotification;
use crate::sync::bounded::read_at_most;
use crate::sync::error::{FileFault, RunError};
use crate::sync::monitor::Monitor;
use ehealth_core::model::Timestamp;

/// Client of one feed during one run.
pub(in crate::sync) struct FeedClient<'a> {
    feed: &'a HttpsFeed,
    connection: Arc<Connection<'a>>,
    now: Timestamp,
}

impl<'a> FeedClient<'a> {
    /// Reads the feed's PEM files. Nothing is sent yet.
    pub fn new(feed: &'a HttpsFeed, monitor: &'a Monitor, now: Timestamp) -> io::Result<Self> {
        let connection = Connection::new(configure(feed, now)?, monitor)?;
        Ok(Self { feed, connection: Arc::new(connection), now })
    }

    /// Requests the notification. Returns at most one byte more than its maximum length, and the
    /// notification to cache. If the server says that `cached` is still current, returns that
    /// document.
    pub fn notification(
        &self,
        cached: Option<CachedNotification>,
    ) -> Result<(Vec<u8>, Option<CachedNotification>), RunError> {
        let url = self.feed.url.to_string();
        let cached = cached.filter(|cached| cached.url == url);
        let condition = cached.as_ref().and_then(condition);
        let is_conditional = condition.is_some();
        let (sender, response) = self.request(Notification::FILE_NAME, condition)?;
        if let (StatusCode::NOT_MODIFIED, true, Some(cached)) = (response.status(), is_conditional, cached) {
            self.body(sender, response).finish();
            return Ok((cached.document.clone(), Some(cached)));
        }
        let validator = validator(response.headers(), self.now);
        self.check_status(Notification::FILE_NAME, response.status())?;
        let document = read_at_most(self.body(sender, response), Notification::BYTES_MAX + 1)
            .map_err(|source| self.unreadable(Notification::FILE_NAME, source))?;
        let cached = validator.map(|validator| CachedNotification { url, validator, document: document.clone() });
        Ok((document, cached))
    }

    /// Requests a file of the feed, by its path inside the feed.
    pub fn open(&self, path: &str) -> Result<Body<'a>, RunError> {
        let (sender, response) = self.request(path, None)?;
        self.check_status(path, response.status())?;
        Ok(self.body(sender, response))
    }

    /// URL of a file of the feed.
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.feed.url)
    }

    fn body(&self, sender: Sender, response: Response<Incoming>) -> Body<'a> {
        Body::new(Arc::clone(&self.connection), sender, response.into_body(), self.feed.limits)
    }

    fn request(&self, path: &str, condition: Option<Condition>) -> Result<(Sender, Response<Incoming>), RunError> {
        let limits = self.feed.limits;
        if let Some(mut sender) = self.connection.take_idle() {
            let request = self.build_request(path, condition.clone())?;
            let response = self.connection.drive(limits.silence, send(&mut sender, request));
            // A publisher may close an idle connection; the request on a new connection is not a
            // second attempt.
            if let Ok(response) = response {
                return Ok((sender, response));
            }
        }
        let request = self.build_request(path, condition)?;
        let dial = self.connection.dial(&self.feed.url);
        let mut sender = self.connection.drive(limits.connect, dial).map_err(|source| self.unreadable(path, source))?;
        let response = self.connection.drive(limits.silence, send(&mut sender, request));
        Ok((sender, response.map_err(|source| self.unreadable(path, source))?))
    }

    fn build_request(&self, path: &str, condition: Option<Condition>) -> Result<Request<Empty<Bytes>>, RunError> {
        let mut request = Request::get(format!("{}{path}", self.feed.url.folder))
            .header(HOST, &self.feed.url.authority)
            .header(USER_AGENT, concat!("ehealth-attributes/", env!("CARGO_PKG_VERSION")))
            // Hashes are of the file as stored: no proxy may compress it.
            .header(ACCEPT_ENCODING, "identity");
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        request.body(Empty::new()).map_err(|error| self.unreadable(path, io::Error::other(error)))
    }

    /// Maps the status of a response without the file to an error.
    fn check_status(&self, path: &str, status: StatusCode) -> Result<(), RunError> {
        let refused = |reason| Err(RunError::File { file: self.url_of(path), reason });
        match status {
            StatusCode::OK => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE => refused(FileFault::Missing),
            // A redirect does not lead to a file of this feed.
            status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => refused(FileFault::Redirect),
            status => Err(self.unreadable(path, io::Error::other(UnexpectedStatus(status)))),
        }
    }

    fn unreadable(&self, path: &str, source: io::Error) -> RunError {
        RunError::Source { file: self.url_of(path), source }
    }
}

#[derive(Debug)]
struct UnexpectedStatus(StatusCode);

impl fmt::Display for UnexpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the publisher's server responded with status {}", self.0)
    }
}

impl Error for UnexpectedStatus {}
