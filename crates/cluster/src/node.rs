//! A node of the cluster: its threads, from the start to the end.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_log::replication::{Durability, Replication};
use ehealth_core::model::Clock;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::adopt::{AdoptError, Adopted, adopt};
use crate::connect::Connector;
use crate::join::{Identity, JoinError, OwnLog, open_session, reason};
use crate::lease_loop::{LeaseCounters, LeaseLoop};
use crate::presence::{Gateway, Presence, View};
use crate::replicator::{Replicator, TransactionCounters};
use crate::settings::Settings;

/// Reason why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no connection, or the server cannot be used.
    #[error("{}", reason(.0))]
    Join(#[from] JoinError),
    /// The own log cannot be brought up to the database.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The system starts no thread.
    #[error("no thread can be started: {0}")]
    Thread(io::ErrorKind),
}

/// A node whose own log is not behind the database. Open the audit log with its replication, then
/// [`Prepared::start`].
pub struct Prepared {
    settings: Settings,
    connector: Connector,
    own: OwnLog,
    wake: Arc<Notify>,
    replication: Arc<Replication>,
}

impl Prepared {
    /// Connects, checks the server, takes the node's name, and appends records to the own log that
    /// only the database has. Blocks; call it outside of an asynchronous task.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(settings: &Settings, own: OwnLog, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let connector = Connector::new(settings).map_err(JoinError::from)?;
        let adopted = runtime()?.block_on(reconcile(&connector, settings, &own))?;
        if let Some(Adopted { before, after, .. }) = adopted.filter(|adopted| adopted.after > adopted.before) {
            tracing::warn!(before, after, "the own audit log lacked records that the database has; they were restored");
        }
        let wake = Arc::new(Notify::new());
        let replication = {
            let wake = Arc::clone(&wake);
            let durability: Durability = settings.durability;
            Replication::new(durability, clock, move || wake.notify_one())
        };
        Ok(Self { settings: settings.clone(), connector, own, wake, replication })
    }

    /// The replication with which the audit log is opened.
    #[must_use]
    pub fn replication(&self) -> Arc<Replication> {
        Arc::clone(&self.replication)
    }

    /// Starts the node's thread.
    ///
    /// # Errors
    /// [`StartError::Thread`].
    pub fn start(self, identity: Identity, gateway: Arc<dyn Gateway>) -> Result<Node, StartError> {
        let Self { settings, connector, own, wake, replication } = self;
        let view = Arc::new(Mutex::new(View::default()));
        let counters = Arc::new(Mutex::new(TransactionCounters::default()));
        let lease_counters = Arc::new(Mutex::new(LeaseCounters::default()));
        let (end, ended) = oneshot::channel();
        let presence = Presence {
            settings: settings.clone(),
            connector: connector.clone(),
            folder: own.folder.clone(),
            gateway: Arc::clone(&gateway),
            view: Arc::clone(&view),
        };
        let leases = LeaseLoop {
            settings: settings.clone(),
            connector: connector.clone(),
            gateway,
            view: Arc::clone(&view),
            counters: Arc::clone(&lease_counters),
        };
        let replicator = Replicator {
            settings,
            connector,
            replication: Arc::clone(&replication),
            wake,
            identity,
            own,
            counters: Arc::clone(&counters),
        };
        let runtime = runtime()?;
        let guard = LostAtEnd(Arc::clone(&replication));
        let run = move || {
            let _guard = guard;
            runtime.block_on(async {
                tokio::select! {
                    () = replicator.run() => {}
                    () = presence.run() => {}
                    () = leases.run() => {}
                    _ = ended => {}
                }
                leases.end().await;
            });
        };
        let thread = thread::Builder::new().name("cluster".into()).spawn(run);
        let thread = thread.map_err(|error| StartError::Thread(error.kind()))?;
        Ok(Node { replication, view, counters, lease_counters, end: Mutex::new(Some((end, thread))) })
    }
}

/// However the thread ends: no exchange waits for it any more.
struct LostAtEnd(Arc<Replication>);

impl Drop for LostAtEnd {
    fn drop(&mut self) {
        self.0.lost("the thread of the node has ended; restart the service");
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| StartError::Thread(error.kind()))
}

/// Brings the own log up to the database. `None`: the database does not know the node yet.
async fn reconcile(connector: &Connector, settings: &Settings, own: &OwnLog) -> Result<Option<Adopted>, StartError> {
    let session = open_session(connector, settings).await?;
    let name = settings.node.as_str();
    match adopt(&session.client, name, &own.folder, (Some(&own.keys), None), |_| ()).await {
        Ok(adopted) => Ok(Some(adopted)),
        Err(AdoptError::NoNode(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A running node.
pub struct Node {
    replication: Arc<Replication>,
    view: Arc<Mutex<View>>,
    counters: Arc<Mutex<TransactionCounters>>,
    lease_counters: Arc<Mutex<LeaseCounters>>,
    end: Mutex<Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>>,
}

impl Node {
    /// The replication of its records.
    #[must_use]
    pub fn replication(&self) -> &Replication {
        &self.replication
    }

    /// Transactions of its records, since the start.
    #[must_use]
    pub fn counters(&self) -> TransactionCounters {
        *self.counters.lock()
    }

    /// Leases of quotas, since the start.
    #[must_use]
    pub fn lease_counters(&self) -> LeaseCounters {
        *self.lease_counters.lock()
    }

    /// What it last read of all nodes.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.lock().clone()
    }

    /// Waits until every record is replicated, at most this long, and ends the thread. Call it after
    /// the audit log was closed.
    pub fn end(&self, patience: Duration) {
        let Some((end, thread)) = self.end.lock().take() else { return };
        let began = Instant::now();
        while self.replication.status().lag() > 0 && began.elapsed() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        drop(end);
        // A thread that panicked has logged it.
        let _ = thread.join();
        self.replication.lost("the node has ended");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}
