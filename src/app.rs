//! The composition root: makes the rooms out of the settings, puts them together, and takes them apart in order.
//!
//! The one place where a real clock, real files and real sockets come in. It holds no rule of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;

use crate::audit::{AuditError, Trail};
use crate::config::{Problems, Settings, read_policy};
use crate::lookup::AuditLog;
use crate::model::{Clock, Timestamp};
use crate::server::tls::{self, TlsError};
use crate::server::{Drained, Readers, Service, serve};
use crate::store::Watch;
use crate::sync::{self, Feeds};

/// How often the datasets' folder is looked at for a state that another process swapped in.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 reads as 1970: certificates and freshness then refuse by themselves.
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A file that the operator wrote has mistakes.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// TLS cannot be set up.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The trail cannot be opened.
    #[error("{0}")]
    Audit(#[from] AuditError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
}

/// A service that listens but does not answer yet.
pub struct App {
    bound: Bound,
    tls: Arc<rustls::ServerConfig>,
    service: Arc<Service>,
    readers: Arc<Readers>,
    trail: Arc<Trail>,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
}

/// A bound socket: connections queue from now on.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Where it listens: with port 0 in the settings, the port that was free.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl App {
    /// Binds the address of the settings.
    ///
    /// # Errors
    /// [`AppError::Listen`] if it is taken, or not this machine's.
    pub async fn bind(settings: &Settings) -> Result<Bound, AppError> {
        let failed = |reason| AppError::Listen { address: settings.listen, reason };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Bound { listener, address })
    }

    /// Opens everything that the settings name, and listens where they say.
    ///
    /// # Errors
    /// [`AppError`] of the first thing that is wrong; the files of the operator are judged whole.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        Self::open_on(Self::bind(settings).await?, settings, clock)
    }

    /// Opens everything that the settings name, for a socket that is bound already.
    ///
    /// # Errors
    /// As [`App::open`].
    pub fn open_on(bound: Bound, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let register = read_policy(&settings.policy)?;
        let tls = tls::load(&settings.tls, Arc::clone(&clock))?;
        tracing::warn!("revocation = \"none\": revoked certificates are let in");
        let readers = Arc::new(Readers::new(Watch::open(&settings.sync.data)));
        let trail = Arc::new(Trail::open(&settings.trail, Arc::clone(&clock))?);
        let audit: Arc<dyn AuditLog> = Arc::clone(&trail) as _;
        let service = Service::new(settings.server.clone(), register, Arc::clone(&readers), audit, Arc::clone(&clock));
        let feeds = Arc::new(Feeds::new(settings.sync.clone()));
        Ok(Self { bound, tls, service: Arc::new(service), readers, trail, feeds, clock })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound.address
    }

    /// The feeds that are followed while the service answers.
    #[must_use]
    pub fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    /// Answers, and follows the feeds, until `stop` ends; then finishes what is in flight and closes the trail. A run
    /// that is under way then is broken off: the data stay what they were.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let readers = Arc::clone(&self.readers);
        let watch = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(WATCH_INTERVAL);
            loop {
                ticks.tick().await;
                readers.watch().poll();
            }
        });
        let following = tokio::spawn(sync::follow(Arc::clone(&self.feeds), self.clock));
        let feeds = self.feeds;
        let stop = async {
            stop.await;
            feeds.monitor().stop();
        };
        let drained = serve(self.bound.listener, self.tls, self.service, stop).await;
        feeds.monitor().stop();
        if let Err(error) = following.await {
            tracing::error!(%error, "the feeds were no longer followed");
        }
        watch.abort();
        self.trail.close();
        drained
    }
}
