//! The service, from its start to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::audit_space::watch_space;
use super::bound::{self, Bound};
use super::check::Prepared;
use super::error::AppError;
use super::finding::Finding;
use super::follow::{Follower, stay_alive};
use super::history_file::{self, HistoryFile};
use super::nodes;
use super::notify::Notifier;
use super::observation::Observed;
use super::observer::Observer;
use super::quota_file::QuotaFile;
use super::reload::{LastReload, Reloader};
use super::reporter::Reporter;
use crate::admin;
use crate::config::{FetchMode, Settings};
use crate::server::{
    Dependencies, Drained, FaultInjection, NoFaults, RandomTickets, Readers, ReplayMemory, Service, serve,
};
use audit_log::AuditLog;
use cluster::Node;
use datasets::store::Watch;
use datasets::sync::{self, Feeds};
use ehealth_core::model::{Clock, Timestamp};

/// Time that the end waits until the last records are replicated. The next start replicates what is
/// missing then.
const END_OF_NODE: Duration = Duration::from_secs(5);

/// A service that listens but does not answer yet.
pub struct App {
    bound: Bound,
    service: Arc<Service>,
    audit_log: Arc<AuditLog>,
    settings: Settings,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    notifier: Arc<Notifier>,
    last_reload: LastReload,
    dropped_log_lines: Arc<AtomicU64>,
    observer: Observer,
    follower: Follower,
    /// `None` in a cluster, where the database has the counts.
    quota_file: Option<QuotaFile>,
    history_file: HistoryFile,
    node: Option<Arc<Node>>,
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
        Prepared::on(bound, settings, clock).and_then(Self::start)
    }

    /// Composes the service of what the check has opened, and logs what the check has found.
    ///
    /// # Errors
    /// [`AppError`] if the system starts no thread.
    pub fn start(prepared: Prepared) -> Result<Self, AppError> {
        Self::start_with(prepared, |dependencies, _| dependencies)
    }

    /// As [`App::start`], with dependencies that `replace` makes of the real ones and of the datasets:
    /// a simulation injects delays and faults into the audit log and the datasets, and predictable
    /// tickets.
    ///
    /// # Errors
    /// As [`App::start`].
    pub fn start_with(
        prepared: Prepared,
        replace: impl FnOnce(Dependencies, &Arc<Readers>) -> Dependencies,
    ) -> Result<Self, AppError> {
        let Prepared { bound, settings, clock, active_config, operators, audit_log, node, process, findings } =
            prepared;
        findings.iter().for_each(Finding::log);
        bound.operators.replace(operators);
        let readers = Arc::new(Readers::new(Watch::open(&settings.sync.data)));
        let audit_log = Arc::new(audit_log);
        let dependencies = Dependencies {
            lookups: Arc::clone(&readers) as _,
            audit: Arc::clone(&audit_log) as _,
            clock: Arc::clone(&clock),
            tickets: Arc::new(RandomTickets::default()),
            replay: Arc::new(ReplayMemory::default()),
            explainer: None,
        };
        let service = Arc::new(Service::new(settings.server.clone(), active_config, replace(dependencies, &readers)));
        let quota_file = start_counts(&service, &settings, node.is_some())?;
        let started = clock.now();
        let last_reload = LastReload::at_start(started);
        let reloader = Reloader {
            last_reload: last_reload.clone(),
            service: Arc::clone(&service),
            settings: settings.clone(),
            clock: Arc::clone(&clock),
            operators: bound.operators.clone(),
        };
        let observed = Observed {
            readers: Arc::clone(&readers),
            audit_log: Arc::clone(&audit_log),
            settings: settings.clone(),
            process,
        };
        let observer = Observer::start(observed).map_err(AppError::of_thread)?;
        let history_file = start_history(&service, &audit_log, &clock, &observer, &settings)?;
        let of_node = (&service, &audit_log, &clock);
        let start_node = |prepared| nodes::start(prepared, &settings, of_node, observer.observations());
        let node = node.map(start_node).transpose()?;
        let follower = Follower::start(reloader, readers).map_err(AppError::of_thread)?;
        Ok(Self {
            bound,
            service,
            audit_log,
            feeds: Arc::new(Feeds::new(settings.sync.clone())),
            settings,
            clock,
            started,
            notifier: Arc::default(),
            last_reload,
            dropped_log_lines: Arc::default(),
            observer,
            follower,
            quota_file,
            history_file,
            node,
        })
    }

    /// The same service, which reports its state to systemd.
    #[must_use]
    pub fn with_notifier(self, notifier: Notifier) -> Self {
        Self { notifier: Arc::new(notifier), ..self }
    }

    /// The same service, which reports this number of dropped log lines.
    #[must_use]
    pub fn with_dropped_log_lines(self, dropped_log_lines: Arc<AtomicU64>) -> Self {
        Self { dropped_log_lines, ..self }
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

    /// Address for scrapers, if they have one of their own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.bound.metrics_address()
    }

    /// Handle that reloads the operator's files while the service runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader {
            last_reload: self.last_reload.clone(),
            service: Arc::clone(&self.service),
            settings: self.settings.clone(),
            clock: Arc::clone(&self.clock),
            operators: self.bound.operators.clone(),
        }
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
        self.run_with(NoFaults, stop).await
    }

    /// As [`App::run`], with fault injection into connections and responses: of a simulation.
    pub async fn run_with<F: FaultInjection>(self, faults: F, stop: impl Future<Output = ()>) -> Drained {
        let feeds = self.feeds;
        let fetching = match self.settings.fetch_mode {
            FetchMode::InProcess => Some(tokio::spawn(sync::follow(Arc::clone(&feeds), Arc::clone(&self.clock)))),
            FetchMode::SeparateProcess => None,
        };
        let space = watch_space(self.settings.audit_log.folder.clone(), Arc::clone(&self.service));
        let reporter = Arc::new(Reporter {
            service: Arc::clone(&self.service),
            audit_log: Arc::clone(&self.audit_log),
            operators: self.bound.operators,
            settings: self.settings,
            clock: self.clock,
            started: self.started,
            is_stopping: AtomicBool::new(false),
            observer: self.observer,
            last_reload: self.last_reload,
            dropped_log_lines: self.dropped_log_lines,
            node: self.node.clone(),
            history: self.history_file.history().clone(),
        });
        // The first report needs an observation.
        let _ = reporter.observer.observe().await;
        let (notifier, follower, hangups) = (self.notifier, Arc::new(self.follower), self.bound.hangups);
        let operators = answer_operators([self.bound.admin, self.bound.metrics], &reporter);
        let watching = {
            let (follower, reporter, notifier) = (Arc::clone(&follower), Arc::clone(&reporter), Arc::clone(&notifier));
            tokio::spawn(async move {
                tokio::join!(stay_alive(&reporter, &notifier), follower.answer_hangups(hangups, &reporter, &notifier));
            })
        };
        let stop = async {
            stop.await;
            reporter.is_stopping.store(true, Ordering::Relaxed);
            notifier.stopping();
            feeds.monitor().stop();
        };
        notifier.ready(&reporter.summary());
        let drained = serve(self.bound.listener, self.service, faults, stop).await;
        feeds.monitor().stop();
        if let Some(fetching) = fetching
            && let Err(error) = fetching.await
        {
            tracing::error!(%error, "the task that fetches the feeds failed");
        }
        for task in operators.into_iter().chain([watching]) {
            task.abort();
            let _ = task.await;
        }
        reporter.service.peer_log().finish();
        follower.end().await;
        reporter.observer.end().await;
        drop(space);
        // Before the audit log is closed: until then no other process serves from these folders.
        end_files(self.quota_file, self.history_file).await;
        self.audit_log.close();
        end_node(self.node).await;
        drained
    }
}

/// Has the quotas' counts survive a restart: in a file, or in a cluster in the database.
fn start_counts(service: &Arc<Service>, settings: &Settings, in_cluster: bool) -> Result<Option<QuotaFile>, AppError> {
    if in_cluster {
        service.rate_limits().share_counts();
        return Ok(None);
    }
    QuotaFile::start(service, &settings.sync.data).map(Some).map_err(AppError::of_thread)
}

/// Has the history survive a restart, in a file.
fn start_history(
    service: &Arc<Service>,
    audit_log: &Arc<AuditLog>,
    clock: &Arc<dyn Clock>,
    observer: &Observer,
    settings: &Settings,
) -> Result<HistoryFile, AppError> {
    let sources = history_file::Sources {
        service: Arc::clone(service),
        audit_log: Arc::clone(audit_log),
        clock: Arc::clone(clock),
        observations: observer.observations(),
    };
    HistoryFile::start(sources, &settings.sync.data).map_err(AppError::of_thread)
}

/// Has the files of the counts and of the history written a last time.
async fn end_files(quota_file: Option<QuotaFile>, history_file: HistoryFile) {
    for ended in quota_file.and_then(QuotaFile::end).into_iter().chain([history_file.end()]) {
        // Fails if the thread panicked.
        let _ = ended.await;
    }
}

/// Ends the node, if the service is one of a cluster: waits until its last records are replicated.
async fn end_node(node: Option<Arc<Node>>) {
    if let Some(node) = node {
        // It blocks. The task fails only if it panicked.
        let _ = tokio::task::spawn_blocking(move || node.end(END_OF_NODE)).await;
    }
}

/// Answers operators and scrapers until the tasks are aborted.
fn answer_operators(listeners: [Option<admin::Listener>; 2], reporter: &Arc<Reporter>) -> Vec<JoinHandle<()>> {
    let answer = |listener| {
        let (reporter, log) = (Arc::clone(reporter), Arc::clone(reporter.service.peer_log()));
        let source: admin::Source = Arc::new(move || {
            let reporter = Arc::clone(&reporter);
            Box::pin(async move { reporter.report_now().await })
        });
        tokio::spawn(admin::serve(listener, source, log, std::future::pending()))
    };
    listeners.into_iter().flatten().map(answer).collect()
}
