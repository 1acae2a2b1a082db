//! The composition root: makes the rooms out of the settings, puts them together, and takes them apart in order.
//!
//! The one place where a real clock, real files and real sockets come in. It holds no rule of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

mod backup;
mod confine;
mod notify;
mod overview;
mod reload;
mod verified;

use tokio::net::TcpListener;

use crate::admin::{self, AdminAccess, AdminError};
use crate::config::{FetchMode, Problems, Settings, read_policy};
use crate::server::tls::{self, OperatorSide, TlsError};
use crate::server::{ActiveConfig, Dependencies, Drained, RandomTickets, Readers, Service, listen, serve};
use audit_log::{AuditError, AuditLog};
use datasets::store::Watch;
use datasets::sync::{self, Feeds};
use ehealth_core::model::{Clock, Timestamp};
use overview::{Idle, Overview};

pub use backup::{BackedUp, BackupError, KeysToo, back_up, restore};
pub use confine::{Confined, Part, confine};
pub use notify::Notifier;
pub use reload::Reloader;
pub use verified::leave_verification;

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
fn load_in_force(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(ActiveConfig, Option<OperatorSide>), AppError> {
    let operators = settings.admin_tls.as_ref().map(|files| tls::load_for_operators(files, clock)).transpose();
    match (read_policy(&settings.policy), tls::load(&settings.tls, clock), operators) {
        (Ok(register), Ok((tls, gate)), Ok(operators)) => {
            let chain = tls::load_certificates(&settings.tls.certificate);
            let chain = chain.map_err(|error| AppError::Files { policy: None, tls: vec![error] })?;
            Ok((ActiveConfig { register, tls, client_verifier: gate, chain }, operators))
        }
        (policy, tls, operators) => {
            let tls = tls.err().unwrap_or_default().into_iter().chain(operators.err()).collect();
            Err(AppError::Files { policy: policy.err(), tls })
        }
    }
}

/// The operators' side of TLS, once it was read; it can be replaced.
#[derive(Clone, Default)]
struct ForOperators(Arc<RwLock<Option<OperatorSide>>>);

impl ForOperators {
    // Nobody can panic while holding the lock: a value is copied or set.
    fn replace(&self, side: Option<OperatorSide>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = side;
    }

    fn with<T>(&self, look: impl FnOnce(&OperatorSide) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    fn door(&self) -> AdminAccess {
        let operators = self.clone();
        AdminAccess::MutualTls(Arc::new(move || operators.with(|side| Arc::clone(&side.config))))
    }
}

/// A service that listens but does not answer yet.
pub struct App {
    bound: Bound,
    service: Arc<Service>,
    readers: Arc<Readers>,
    trail: Arc<AuditLog>,
    settings: Settings,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    notifier: Arc<Notifier>,
}

/// A bound socket: connections queue from now on.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<admin::Listener>,
    operators: ForOperators,
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
        Self::bind_or_take(settings, Vec::new()).await
    }

    /// The same, but a socket that was handed over for one of the addresses is taken instead of bound: under systemd the
    /// service need not be able to make any.
    ///
    /// # Errors
    /// As [`App::bind`].
    pub async fn bind_or_take(settings: &Settings, mut handed: Vec<std::net::TcpListener>) -> Result<Bound, AppError> {
        let mut take = |address: SocketAddr| {
            let place = handed.iter().position(|socket| socket.local_addr().is_ok_and(|bound| bound == address));
            let socket = place.map(|place| handed.swap_remove(place));
            socket.map(|socket| socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket))).transpose()
        };
        let failed = |reason| AppError::Listen { address: settings.listen, reason };
        let listener = match take(settings.listen).map_err(failed)? {
            Some(listener) => listener,
            None => listen(settings.listen, settings.listen_mode).map_err(failed)?,
        };
        let address = listener.local_addr().map_err(failed)?;
        let operators = ForOperators::default();
        let admin = match settings.admin {
            Some(admin) => {
                let door = if settings.admin_tls.is_some() { operators.door() } else { AdminAccess::Loopback };
                let failed = |reason| AdminError::Listen { address: admin.listen, reason };
                let bound = take(admin.listen).map_err(failed)?;
                Some(admin::Listener::bind(admin, bound, door).await?)
            }
            None => None,
        };
        for unused in handed {
            let address = unused.local_addr().ok().map(tracing::field::display);
            tracing::warn!(address, "a socket was handed over that no setting names");
        }
        Ok(Bound { listener, address, admin, operators })
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
        stage: impl FnOnce(Dependencies) -> Dependencies,
    ) -> Result<Self, AppError> {
        let (active_config, operators) = load_in_force(settings, &clock)?;
        bound.operators.replace(operators);
        let readers = Arc::new(Readers::new(Watch::open(&settings.sync.data)));
        let trail = Arc::new(AuditLog::open(&settings.audit_log, Arc::clone(&clock))?);
        let world = stage(Dependencies {
            lookups: Arc::clone(&readers) as _,
            audit: Arc::clone(&trail) as _,
            clock: Arc::clone(&clock),
            tickets: Arc::new(RandomTickets::default()),
        });
        let service = Service::new(settings.server.clone(), active_config, world);
        let feeds = Arc::new(Feeds::new(settings.sync.clone()));
        let (service, settings, started) = (Arc::new(service), settings.clone(), clock.now());
        let notifier = Arc::default();
        Ok(Self { bound, service, readers, trail, settings, feeds, clock, started, notifier })
    }

    /// The same service, that tells systemd how it is.
    #[must_use]
    pub fn telling(self, notifier: Notifier) -> Self {
        Self { notifier: Arc::new(notifier), ..self }
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
        let (service, clock) = (Arc::clone(&self.service), Arc::clone(&self.clock));
        Reloader { service, settings: self.settings.clone(), clock, operators: self.bound.operators.clone() }
    }

    /// The feeds that are followed while the service answers.
    #[must_use]
    pub fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    /// Answers until `stop` ends; then finishes what is in flight and closes the trail. Meanwhile it follows the feeds
    /// (unless they are fetched elsewhere), the datasets that other processes swap in, and the operator's files, when they change or SIGHUP says so. A
    /// feed's run that is under way at the end is broken off: the data stay what they were.
    ///
    /// Operators are answered until the end: while the service drains, it says that it is not ready.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let reloader = self.reloader();
        let feeds = self.feeds;
        let feeding = match self.settings.fetch_mode {
            FetchMode::InProcess => Some(tokio::spawn(sync::follow(Arc::clone(&feeds), Arc::clone(&self.clock)))),
            FetchMode::SeparateProcess => None,
        };
        let overview = Arc::new(Overview {
            service: Arc::clone(&self.service),
            readers: self.readers,
            trail: Arc::clone(&self.trail),
            operators: self.bound.operators,
            settings: self.settings,
            clock: self.clock,
            started: self.started,
            is_stopping: AtomicBool::new(false),
            idle: Mutex::new(Idle::default()),
        });
        let notifier = self.notifier;
        let following = tokio::spawn(reload::follow(reloader, Arc::clone(&overview), Arc::clone(&notifier)));
        let shown = Arc::clone(&overview);
        let source: admin::Source = Arc::new(move || shown.report());
        let for_operators =
            self.bound.admin.map(|listener| tokio::spawn(admin::serve(listener, source, std::future::pending())));
        let stop = async {
            stop.await;
            overview.is_stopping.store(true, Ordering::Relaxed);
            notifier.stopping();
            feeds.monitor().stop();
        };
        notifier.ready(&overview.sentence());
        let drained = serve(self.bound.listener, self.service, stop).await;
        feeds.monitor().stop();
        if let Some(feeding) = feeding
            && let Err(error) = feeding.await
        {
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
