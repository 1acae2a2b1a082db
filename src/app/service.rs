//! The service, from its start to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::bound::{self, Bound};
use super::check::Prepared;
use super::error::AppError;
use super::finding::Finding;
use super::follow::follow;
use super::notify::Notifier;
use super::reload::Reloader;
use super::reporter::{Probe, Reporter};
use crate::admin;
use crate::config::{FetchMode, Settings};
use crate::server::{Dependencies, Drained, RandomTickets, Readers, Service, serve};
use audit_log::AuditLog;
use datasets::store::Watch;
use datasets::sync::{self, Feeds};
use ehealth_core::model::{Clock, Timestamp};

/// A service that listens but does not answer yet.
pub struct App {
    bound: Bound,
    service: Arc<Service>,
    readers: Arc<Readers>,
    audit_log: Arc<AuditLog>,
    settings: Settings,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    notifier: Arc<Notifier>,
}

impl App {
    /// Binds the addresses of the settings.
    ///
    /// # Errors
    /// [`AppError`] for each address that is in use, or does not belong to this machine.
    pub async fn bind(settings: &Settings) -> Result<Bound, AppError> {
        bound::bind(settings, Vec::new()).await.map_err(AppError::from)
    }

    /// Opens everything that the settings name, for bound sockets.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn open_on(bound: Bound, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        Prepared::on(bound, settings, clock).map(Self::start)
    }

    /// Composes the service of what the check has opened, and logs what the check has found.
    #[must_use]
    pub fn start(prepared: Prepared) -> Self {
        Self::start_with(prepared, |dependencies| dependencies)
    }

    /// As [`App::start`], with dependencies that `replace` makes of the real ones: a simulation
    /// injects delays and faults into the audit log and the datasets, and predictable tickets.
    #[must_use]
    pub fn start_with(prepared: Prepared, replace: impl FnOnce(Dependencies) -> Dependencies) -> Self {
        let Prepared { bound, settings, clock, active_config, operators, audit_log, findings } = prepared;
        findings.iter().for_each(Finding::log);
        bound.operators.replace(operators);
        let readers = Arc::new(Readers::new(Watch::open(&settings.sync.data)));
        let audit_log = Arc::new(audit_log);
        let dependencies = replace(Dependencies {
            lookups: Arc::clone(&readers) as _,
            audit: Arc::clone(&audit_log) as _,
            clock: Arc::clone(&clock),
            tickets: Arc::new(RandomTickets::default()),
        });
        let service = Arc::new(Service::new(settings.server.clone(), active_config, dependencies));
        let feeds = Arc::new(Feeds::new(settings.sync.clone()));
        let (started, notifier) = (clock.now(), Arc::default());
        Self { bound, service, readers, audit_log, settings, feeds, clock, started, notifier }
    }

    /// The same service, which reports its state to systemd.
    #[must_use]
    pub fn with_notifier(self, notifier: Notifier) -> Self {
        Self { notifier: Arc::new(notifier), ..self }
    }

    /// Address for consumers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound.address
    }

    /// Address for operators, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.bound.admin_address()
    }

    /// Handle that reloads the operator's files while the service runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        let (service, clock) = (Arc::clone(&self.service), Arc::clone(&self.clock));
        Reloader { service, settings: self.settings.clone(), clock, operators: self.bound.operators.clone() }
    }

    /// Feeds that are followed while the service runs.
    #[must_use]
    pub fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    /// Answers requests until `stop` completes, then finishes open requests and closes the audit
    /// log. Meanwhile it follows the feeds (unless another process fetches them), the datasets that
    /// other processes replace, and the operator's files, which it reloads after a change and on
    /// SIGHUP. A run of a feed that is open at the end is aborted: the datasets stay as they were.
    ///
    /// Operators are answered until the end: during shutdown the service reports that it is not
    /// ready.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let reloader = self.reloader();
        let feeds = self.feeds;
        let fetching = match self.settings.fetch_mode {
            FetchMode::InProcess => Some(tokio::spawn(sync::follow(Arc::clone(&feeds), Arc::clone(&self.clock)))),
            FetchMode::SeparateProcess => None,
        };
        let reporter = Arc::new(Reporter {
            service: Arc::clone(&self.service),
            readers: self.readers,
            audit_log: Arc::clone(&self.audit_log),
            operators: self.bound.operators,
            settings: self.settings,
            clock: self.clock,
            started: self.started,
            is_stopping: AtomicBool::new(false),
            probe: Mutex::new(Probe::default()),
        });
        let notifier = self.notifier;
        let following = tokio::spawn(follow(reloader, Arc::clone(&reporter), Arc::clone(&notifier)));
        let shown = Arc::clone(&reporter);
        let source: admin::Source = Arc::new(move || shown.report());
        let admin =
            self.bound.admin.map(|listener| tokio::spawn(admin::serve(listener, source, std::future::pending())));
        let stop = async {
            stop.await;
            reporter.is_stopping.store(true, Ordering::Relaxed);
            notifier.stopping();
            feeds.monitor().stop();
        };
        notifier.ready(&reporter.summary());
        let drained = serve(self.bound.listener, self.service, stop).await;
        feeds.monitor().stop();
        if let Some(fetching) = fetching
            && let Err(error) = fetching.await
        {
            tracing::error!(%error, "the task that fetches the feeds failed");
        }
        if let Some(admin) = admin {
            admin.abort();
        }
        following.abort();
        self.audit_log.close();
        drained
    }
}
