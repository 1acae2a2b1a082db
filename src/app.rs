//! The composition root: makes the rooms out of the settings, puts them together, and takes them apart in order.
//!
//! The one place where a real clock, real files and real sockets come in. It holds no rule of its own.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod overview;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::admin::{self, AdminError};
use crate::audit::{AuditError, Trail};
use crate::config::{Problems, Settings, read_policy};
use crate::model::{Clock, Timestamp};
use crate::server::tls::{self, RevocationFiles, TlsError, files_of};
use crate::server::{Drained, InForce, RandomTickets, Readers, Service, World, listen, serve};
use crate::store::Watch;
use crate::sync::{self, Feeds};
use overview::Overview;

/// How often the datasets' folder is looked at for a state that another process swapped in.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// The operator's files are looked at every so many of these intervals: once a second.
const TICKS_A_LOOK: u32 = 4;

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

/// Why the service cannot start, or not take a new state.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Files that the operator wrote or brought cannot stand: policy, certificates, keys, authorities, lists.
    #[error("{}", told(.policy.as_ref(), .tls))]
    Files {
        /// What is wrong with the policy file.
        policy: Option<Problems>,
        /// What is wrong with the files of TLS.
        tls: Vec<TlsError>,
    },
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
    /// The operators' address cannot be listened on.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

fn told(policy: Option<&Problems>, tls: &[TlsError]) -> String {
    let lines = policy.iter().map(ToString::to_string).chain(tls.iter().map(ToString::to_string));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads and judges everything that can be replaced while the service runs.
fn load_in_force(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<InForce, AppError> {
    match (read_policy(&settings.policy), tls::load(&settings.tls, clock)) {
        (Ok(register), Ok((tls, gate))) => {
            let chain = tls::load_certificates(&settings.tls.certificate);
            let chain = chain.map_err(|error| AppError::Files { policy: None, tls: vec![error] })?;
            Ok(InForce { register, tls, gate, chain })
        }
        (policy, tls) => Err(AppError::Files { policy: policy.err(), tls: tls.err().unwrap_or_default() }),
    }
}

/// A service that listens but does not answer yet.
pub struct App {
    bound: Bound,
    service: Arc<Service>,
    readers: Arc<Readers>,
    trail: Arc<Trail>,
    settings: Settings,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
}

/// A bound socket: connections queue from now on.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<admin::Listener>,
}

impl Bound {
    /// Where it listens: with port 0 in the settings, the port that was free.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators are answered, if the settings say so.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(admin::Listener::address)
    }
}

impl App {
    /// Binds the addresses of the settings: for callers, and for operators if there is one.
    ///
    /// # Errors
    /// [`AppError::Listen`] or [`AppError::Admin`] if one is taken, or not this machine's.
    pub async fn bind(settings: &Settings) -> Result<Bound, AppError> {
        let failed = |reason| AppError::Listen { address: settings.listen, reason };
        let listener = listen(settings.listen, settings.port).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let admin = match settings.admin {
            Some(settings) => Some(admin::Listener::bind(settings).await?),
            None => None,
        };
        Ok(Bound { listener, address, admin })
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
        Self::open_staged(bound, settings, clock, |world| world)
    }

    /// As [`App::open_on`], in a world that `stage` makes of the real one: a simulation puts its delays and faults before
    /// the trail and the data, and tickets that can be foreseen in place of random ones.
    ///
    /// # Errors
    /// As [`App::open`].
    pub fn open_staged(
        bound: Bound,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        stage: impl FnOnce(World) -> World,
    ) -> Result<Self, AppError> {
        let in_force = load_in_force(settings, &clock)?;
        let readers = Arc::new(Readers::new(Watch::open(&settings.sync.data)));
        let trail = Arc::new(Trail::open(&settings.trail, Arc::clone(&clock))?);
        let world = stage(World {
            lookups: Arc::clone(&readers) as _,
            audit: Arc::clone(&trail) as _,
            clock: Arc::clone(&clock),
            tickets: Arc::new(RandomTickets),
        });
        let service = Service::new(settings.server.clone(), in_force, world);
        let feeds = Arc::new(Feeds::new(settings.sync.clone()));
        let (service, settings, started) = (Arc::new(service), settings.clone(), clock.now());
        Ok(Self { bound, service, readers, trail, settings, feeds, clock, started })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound.address
    }

    /// Where operators are answered, if the settings say so.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.bound.admin_address()
    }

    /// What takes a new state in while the service runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader { service: Arc::clone(&self.service), settings: self.settings.clone(), clock: Arc::clone(&self.clock) }
    }

    /// The feeds that are followed while the service answers.
    #[must_use]
    pub fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    /// Answers until `stop` ends; then finishes what is in flight and closes the trail. Meanwhile it follows the feeds,
    /// the datasets that other processes swap in, and the operator's files, when they change or SIGHUP says so. A
    /// feed's run that is under way at the end is broken off: the data stay what they were.
    ///
    /// Operators are answered until the end: while the service drains, it says that it is not ready.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let following = tokio::spawn(follow(self.reloader(), Arc::clone(&self.readers)));
        let feeding = tokio::spawn(sync::follow(Arc::clone(&self.feeds), Arc::clone(&self.clock)));
        let feeds = self.feeds;
        let overview = Arc::new(Overview {
            service: Arc::clone(&self.service),
            readers: self.readers,
            trail: Arc::clone(&self.trail),
            settings: self.settings,
            clock: self.clock,
            started: self.started,
            is_stopping: AtomicBool::new(false),
        });
        let shown = Arc::clone(&overview);
        let source: admin::Source = Arc::new(move || shown.report());
        let for_operators =
            self.bound.admin.map(|listener| tokio::spawn(admin::serve(listener, source, std::future::pending())));
        let stop = async {
            stop.await;
            overview.is_stopping.store(true, Ordering::Relaxed);
            feeds.monitor().stop();
        };
        let drained = serve(self.bound.listener, self.service, stop).await;
        feeds.monitor().stop();
        if let Err(error) = feeding.await {
            tracing::error!(%error, "the feeds were no longer followed");
        }
        if let Some(for_operators) = for_operators {
            for_operators.abort();
        }
        following.abort();
        self.trail.close();
        drained
    }
}

/// Takes a new state in: built and judged aside, then swapped whole; a broken one leaves the old one in force.
pub struct Reloader {
    service: Arc<Service>,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Reloader {
    /// Reads the operator's files anew. A new list of revoked certificates acts on open connections too, with their
    /// next request.
    ///
    /// # Errors
    /// [`AppError::Files`] with everything that is wrong; the state before stays in force.
    pub fn reload(&self) -> Result<(), AppError> {
        self.service.replace(load_in_force(&self.settings, &self.clock)?);
        Ok(())
    }

    fn reload_and_log(&self) {
        match self.reload() {
            Ok(()) => tracing::info!("policy, certificates and revocation lists were read anew"),
            Err(error) => tracing::error!(%error, "the new state is refused; the one before stays in force"),
        }
    }

    /// Logs what is not as it should be, though the service runs.
    fn warn(&self) {
        if self.settings.tls.revocation == RevocationFiles::None {
            tracing::warn!("revocation = \"none\": revoked certificates are let in");
        }
    }

    /// The issuers whose callers are refused at this moment, and why.
    fn closed_issuers(&self) -> BTreeSet<(String, &'static str)> {
        let in_force = self.service.in_force();
        let closed = in_force.gate.trust().closed_issuers(self.clock.now());
        closed.map(|(issuer, why)| (issuer.subject_text(), why.code())).collect()
    }

    /// What the files look like from outside: when it changes, something was written.
    fn stamp(&self) -> Vec<(PathBuf, Option<(u64, SystemTime)>)> {
        let paths = self.settings.tls.paths().chain([&self.settings.policy]);
        let files = paths.flat_map(|path| files_of(path).unwrap_or_else(|_| vec![path.clone()]));
        let look = |file: &PathBuf| fs::metadata(file).and_then(|seen| Ok((seen.len(), seen.modified()?))).ok();
        files.map(|file| (file.clone(), look(&file))).collect()
    }
}

/// Follows what changes outside, for as long as the service runs.
async fn follow(reloader: Reloader, readers: Arc<Readers>) {
    reloader.warn();
    let mut hang_up = signal(SignalKind::hangup()).ok();
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    let (mut loaded, mut closed) = (reloader.stamp(), BTreeSet::new());
    let mut before = loaded.clone();
    let mut tick: u32 = 0;
    loop {
        let hung_up = async {
            match &mut hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hung_up => {
                reloader.reload_and_log();
                loaded = reloader.stamp();
            }
            _ = ticks.tick() => {
                readers.refresh();
                tick = tick.wrapping_add(1);
                if tick.is_multiple_of(TICKS_A_LOOK) {
                    // Taken once it stood still for a second: files are written one after the other.
                    let now = reloader.stamp();
                    if now != loaded && now == before {
                        reloader.reload_and_log();
                        loaded.clone_from(&now);
                    }
                    before = now;
                    let closed_now = reloader.closed_issuers();
                    for (issuer, why) in closed_now.difference(&closed) {
                        tracing::error!(issuer, why, "this issuer is closed: its callers are refused");
                    }
                    closed = closed_now;
                }
            }
        }
    }
}
