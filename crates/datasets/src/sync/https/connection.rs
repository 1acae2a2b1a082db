//! The connection to a publisher, and the runtime that drives it.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::settings::FeedUrl;
use crate::sync::monitor::Monitor;

pub(super) type Sender = SendRequest<Empty<Bytes>>;

/// A connection of one run.
pub(super) struct Connection<'a> {
    /// `None` only while this is dropped.
    runtime: Option<Runtime>,
    tls: Arc<ClientConfig>,
    /// The open connection, while no response is being read from it.
    idle: Mutex<Option<Sender>>,
    monitor: &'a Monitor,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // A name resolver that does not respond must not delay the run.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<'a> Connection<'a> {
    /// Prepares a connection. Nothing is sent yet.
    pub fn new(tls: ClientConfig, monitor: &'a Monitor) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), tls: Arc::new(tls), idle: Mutex::new(None), monitor })
    }

    /// Takes the open connection, if there is one.
    pub fn take_idle(&self) -> Option<Sender> {
        self.idle.lock().take()
    }

    /// Returns an open connection for the next request.
    pub fn put_idle(&self, sender: Sender) {
        *self.idle.lock() = Some(sender);
    }

    /// Connects: TCP, TLS and HTTP/1.1.
    pub async fn dial(&self, url: &FeedUrl) -> Result<Sender, Box<dyn Error + Send + Sync>> {
        let tcp = TcpStream::connect((url.host.as_str(), url.port)).await?;
        let name = ServerName::try_from(url.host.clone())?;
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await?;
        let (sender, connection) = Builder::new().max_headers(64).handshake(TokioIo::new(tls)).await?;
        // Ends with the sender, which gets its errors too.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Drives the connection until the future ends, the time is up, or the runs are stopped.
    pub fn drive<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        limit: Duration,
        future: impl Future<Output = Result<T, E>>,
    ) -> io::Result<T> {
        self.drive_until(after(limit), future)
    }

    /// Like [`Connection::drive`], with a point in time; `None` is no limit.
    pub fn drive_until<T, E: Into<Box<dyn Error + Send + Sync>>>(
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

/// Sends a request as soon as the connection is done with the one before.
pub(super) async fn send(sender: &mut Sender, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
    sender.ready().await?;
    sender.send_request(request).await
}

/// The time after this duration; `None` if it cannot be represented.
pub(super) fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}
