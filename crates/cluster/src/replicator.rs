//! The replicator: brings the database up to date, then inserts each batch as it comes.
//!
//! One transaction at a time is on its way; what comes meanwhile is the next one. A transaction
//! whose outcome is not known confirms nothing: the connection is dropped, and the next one finds out
//! what the database has.

use std::sync::Arc;
use std::time::Duration;

use audit_log::replication::{Link, Replication, SegmentFrames};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::connect::Connector;
use crate::join::{CHUNK_BYTES, Identity, JoinError, OwnLog, open_session, reason, resume};
use crate::records::{RecordWriter, ReplicateError};
use crate::settings::Settings;

/// Bytes of records of one transaction.
const TRANSACTION_BYTES: usize = 2 << 20;

/// Records that may be missing in the database when batches begin to be submitted.
const NEAR: u64 = 4_096;

/// Pause before the next attempt to connect, doubled with each up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Longest time to find out what the database has. It may read an hour of the own log.
const LONGEST_RESUME: Duration = Duration::from_secs(180);

/// Interval in which an idle connection proves that commits are still confirmed.
const PROBE: Duration = Duration::from_secs(2);

/// Everything that the replicator needs.
pub(crate) struct Replicator {
    pub(crate) settings: Settings,
    pub(crate) connector: Connector,
    pub(crate) replication: Arc<Replication>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) identity: Identity,
    pub(crate) own: OwnLog,
    pub(crate) counters: Arc<Mutex<TransactionCounters>>,
}

/// Transactions of records that were confirmed, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransactionCounters {
    /// Number of transactions.
    pub count: u64,
    /// Number of records in them.
    pub records: u64,
    /// Time from their begin to their confirmation.
    pub duration: Duration,
}

/// Why a connection ended.
enum Ended {
    /// It could not be begun, or the own log cannot be read.
    Join(JoinError),
    /// A transaction failed, or a probe.
    Write(ReplicateError),
    /// A transaction, or a probe, was not confirmed in time.
    Timeout,
    /// The server accepted the connection, and then gave no answer.
    Silent,
}

impl From<JoinError> for Ended {
    fn from(error: JoinError) -> Self {
        Self::Join(error)
    }
}

impl From<ReplicateError> for Ended {
    fn from(error: ReplicateError) -> Self {
        Self::Write(error)
    }
}

impl Replicator {
    /// Replicates for ever. Dropping the future ends it.
    pub(crate) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let Err(ended) = self.connection().await;
            let was_confirmed = self.replication.status().link == Link::Confirmed;
            let (text, is_unknown) = match ended {
                Ended::Join(error) => (reason(&error), false),
                Ended::Write(error) => (error.to_string(), true),
                Ended::Silent => ("the database accepts connections and does not answer".to_owned(), false),
                Ended::Timeout => {
                    let limit = self.settings.timeout.as_secs();
                    (
                        format!(
                            "a commit was not confirmed within {limit} s: the network, the primary or the standby does not respond"
                        ),
                        true,
                    )
                }
            };
            if is_unknown && was_confirmed {
                self.replication.lost_in_commit(&text);
            } else {
                self.replication.lost(&text);
            }
            if was_confirmed || began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tracing::error!(reason = text, "records are not replicated");
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, from its begin to its end.
    async fn connection(&self) -> Result<std::convert::Infallible, Ended> {
        // It connects and waits for the node's name, each within the time limit, and asks a little.
        let limit = self.settings.timeout.saturating_mul(3);
        let session = timeout(limit, open_session(&self.connector, &self.settings)).await;
        let session = session.map_err(|_| Ended::Silent)??;
        let durable = self.replication.synced();
        let (mut writer, mut next) = {
            let resumed = resume(session, &self.settings, (&self.identity, &self.own), durable);
            timeout(LONGEST_RESUME, resumed).await.map_err(|_| Ended::Silent)??
        };
        // Far behind: without submitting, which would fill the queue meanwhile.
        loop {
            let until = self.replication.synced();
            if until.saturating_sub(next) <= NEAR {
                break;
            }
            next = self.catch_up(&mut writer, next, until).await?;
        }
        let joined = self.replication.join();
        while self.replication.synced() < joined {
            self.wake.notified().await;
        }
        next = self.catch_up(&mut writer, next, joined).await?;
        self.probe(&writer).await?;
        self.replication.confirm(next, &[]);
        if !self.replication.complete_join() {
            return Err(Ended::Write(ReplicateError::Slow));
        }
        tracing::info!(records = next, node = %self.settings.node, "records are replicated");
        loop {
            let batches = self.replication.take(TRANSACTION_BYTES);
            let (Some(first), Some(last)) = (batches.first(), batches.last()) else {
                if !self.replication.is_confirmed() {
                    return Err(Ended::Write(ReplicateError::Slow));
                }
                if timeout(PROBE, self.wake.notified()).await.is_err() {
                    self.probe(&writer).await?;
                }
                continue;
            };
            if first.first != next {
                return Err(Ended::Write(ReplicateError::Unsound(next)));
            }
            next = last.end();
            let began = Instant::now();
            let replayed = timeout(self.settings.timeout, writer.write(&batches)).await;
            self.count(next.saturating_sub(first.first), began.elapsed());
            self.replication.confirm(next, &replayed.map_err(|_| Ended::Timeout)??);
        }
    }

    fn count(&self, records: u64, duration: Duration) {
        let mut counters = self.counters.lock();
        counters.count = counters.count.saturating_add(1);
        counters.records = counters.records.saturating_add(records);
        counters.duration = counters.duration.saturating_add(duration);
    }

    /// Inserts the records of the own log up to `until`. Returns the sequence of the next one.
    async fn catch_up(&self, writer: &mut RecordWriter, next: u64, until: u64) -> Result<u64, Ended> {
        let mut next = next;
        if next >= until {
            return Ok(next);
        }
        let began = Instant::now();
        let first = next;
        let mut frames = SegmentFrames::open(&self.own.folder, next).map_err(JoinError::from)?;
        while let Some(batch) = frames.next(until, CHUNK_BYTES).map_err(JoinError::from)? {
            next = batch.end();
            let written = timeout(self.settings.timeout, writer.write(std::slice::from_ref(&batch))).await;
            let _: Vec<u64> = written.map_err(|_| Ended::Timeout)??;
            self.replication.confirm(next, &[]);
        }
        let (records, took) = (next.saturating_sub(first), began.elapsed());
        tracing::info!(records, ?took, "records were replicated later");
        Ok(next)
    }

    /// Proves that a commit is confirmed.
    async fn probe(&self, writer: &RecordWriter) -> Result<(), Ended> {
        timeout(self.settings.timeout, writer.probe()).await.map_err(|_| Ended::Timeout)??;
        Ok(())
    }
}
