//! What the writer of an audit log and its replicator share.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use ehealth_core::lookup::{Pending, RecordFailure};
use ehealth_core::model::{Clock, Digest, Timestamp};

use super::status::{Durability, Link, ReplicationStatus};
use crate::format::month::Month;

/// Maximum bytes that wait for the replicator. A database that is slower for longer has failed.
const MAX_QUEUED_BYTES: usize = 64 << 20;

/// Records of one write.
#[derive(Debug, Clone)]
pub struct SentBatch {
    /// Sequence of the first record.
    pub first: u64,
    /// Number of records.
    pub count: u64,
    /// Month of their segment.
    pub month: Month,
    /// Their frames, as they lie in the segment.
    pub bytes: Arc<[u8]>,
    /// Message signatures of these records (SHA-256 of the value), with their sequence: a signed
    /// message is accepted once.
    pub signatures: Vec<(u64, Digest)>,
}

impl SentBatch {
    /// Sequence after the last record.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// How records are written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Answered when they are confirmed.
    Confirmed,
    /// Answered when the own disk has them. They say so.
    Unreplicated,
    /// Not written: their exchanges are refused.
    Refused,
}

/// How a batch was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Submitted {
    /// How its records were written.
    pub(crate) mode: Mode,
    /// The connection that it was submitted to; `None` while there was none.
    pub(crate) epoch: Option<u64>,
}

/// Since when exchanges are refused, and how many were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) since: Timestamp,
    pub(crate) refused: u64,
}

/// Connects an audit log with the replicator that makes the second copy of its records.
pub struct Replication {
    durability: Durability,
    clock: Arc<dyn Clock>,
    shared: Mutex<Shared>,
    /// Whether exchanges are refused: read for each of them.
    is_refusing: AtomicBool,
    /// Called without a lock when the replicator has something to do.
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Shared {
    link: Link,
    /// Number of the connection. Batches of an older one are no longer confirmed.
    epoch: u64,
    queue: VecDeque<SentBatch>,
    queued_bytes: usize,
    /// Number of records that were written, that the own disk has, and that the copy has.
    written: u64,
    durable: u64,
    confirmed: u64,
    /// Exchanges whose record the own disk has, by its sequence.
    waiting: BTreeMap<u64, Pending>,
    /// Confirmed records of messages that another node received before.
    replayed: HashSet<u64>,
    stop: Option<Stop>,
    refused: u64,
    unreplicated: u64,
    unknown_outcomes: u64,
}

impl Replication {
    /// Constructs a replication without a connection. `wake` is called when the replicator has
    /// something to do; it must not block.
    #[must_use]
    pub fn new(durability: Durability, clock: Arc<dyn Clock>, wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        let shared = Shared {
            link: Link::Down("not connected yet".into()),
            epoch: 0,
            queue: VecDeque::new(),
            queued_bytes: 0,
            written: 0,
            durable: 0,
            confirmed: 0,
            waiting: BTreeMap::new(),
            replayed: HashSet::new(),
            stop: None,
            refused: 0,
            unreplicated: 0,
            unknown_outcomes: 0,
        };
        let is_refusing = AtomicBool::new(durability == Durability::Replicated);
        Arc::new(Self { durability, clock, shared: Mutex::new(shared), is_refusing, wake: Box::new(wake) })
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> ReplicationStatus {
        let shared = self.shared.lock();
        ReplicationStatus {
            link: shared.link.clone(),
            durability: self.durability,
            written: shared.written,
            confirmed: shared.confirmed,
            waiting: shared.waiting.len(),
            refused: shared.refused,
            unreplicated: shared.unreplicated,
            unknown_outcomes: shared.unknown_outcomes,
        }
    }

    fn set_link(&self, shared: &mut Shared, link: Link) {
        let is_refusing = self.durability == Durability::Replicated && link != Link::Confirmed;
        shared.link = link;
        self.is_refusing.store(is_refusing, Ordering::Relaxed);
    }
}

/// The replicator's side.
impl Replication {
    /// Begins a connection: every batch that is written from now on is submitted. Returns the
    /// number of records before them: the replicator brings the copy up to there from the segments.
    #[must_use]
    pub fn join(&self) -> u64 {
        let mut shared = self.shared.lock();
        shared.epoch = shared.epoch.saturating_add(1);
        shared.queue.clear();
        shared.queued_bytes = 0;
        self.set_link(&mut shared, Link::Joining);
        shared.written
    }

    /// Number of records that the own disk has.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.shared.lock().durable
    }

    /// The copy has every record before those that are submitted: from now on each record is
    /// confirmed before its answer leaves. `false` if the connection was lost meanwhile.
    #[must_use]
    pub fn complete_join(&self) -> bool {
        let mut shared = self.shared.lock();
        let is_joining = shared.link == Link::Joining;
        if is_joining {
            self.set_link(&mut shared, Link::Confirmed);
        }
        is_joining
    }

    /// Whether each record is confirmed before its answer leaves.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.shared.lock().link == Link::Confirmed
    }

    /// Takes waiting batches, up to about this number of bytes.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Vec<SentBatch> {
        let mut shared = self.shared.lock();
        let (mut taken, mut length) = (Vec::new(), 0_usize);
        while let Some(batch) = shared.queue.pop_front_if(|batch| {
            length = length.saturating_add(batch.bytes.len());
            length <= bytes || length == batch.bytes.len()
        }) {
            shared.queued_bytes = shared.queued_bytes.saturating_sub(batch.bytes.len());
            taken.push(batch);
        }
        taken
    }

    /// The copy has all records before `until`, on two machines. `replayed` are those of messages
    /// that another node received before: their exchanges are refused.
    pub fn confirm(&self, until: u64, replayed: &[u64]) {
        let mut shared = self.shared.lock();
        shared.confirmed = shared.confirmed.max(until);
        shared.replayed.extend(replayed);
        let later = shared.confirmed;
        let later = shared.waiting.split_off(&later);
        let confirmed = mem::replace(&mut shared.waiting, later);
        let settled: Vec<_> = confirmed
            .into_iter()
            .map(|(sequence, pending)| (pending, sequence, shared.replayed.remove(&sequence)))
            .collect();
        drop(shared);
        for (pending, sequence, is_replayed) in settled {
            if is_replayed { pending.failed(RecordFailure::Replayed) } else { pending.durable(sequence) }
        }
    }

    /// The connection is lost, for this reason. Exchanges whose record is not confirmed are refused.
    pub fn lost(&self, reason: &str) {
        self.disconnect(reason, 0);
    }

    /// As [`Replication::lost`], during a commit that may or may not have succeeded.
    pub fn lost_in_commit(&self, reason: &str) {
        self.disconnect(reason, 1);
    }

    fn disconnect(&self, reason: &str, unknown_outcomes: u64) {
        let mut shared = self.shared.lock();
        shared.epoch = shared.epoch.saturating_add(1);
        shared.queue.clear();
        shared.queued_bytes = 0;
        shared.unknown_outcomes = shared.unknown_outcomes.saturating_add(unknown_outcomes);
        self.set_link(&mut shared, Link::Down(reason.into()));
        let failed = mem::take(&mut shared.waiting);
        shared.refused = shared.refused.saturating_add(u64::try_from(failed.len()).unwrap_or(u64::MAX));
        drop(shared);
        failed.into_values().for_each(|pending| pending.failed(RecordFailure::Unreplicated));
    }
}

/// The writer's side.
impl Replication {
    /// The log has this number of records, all of them durable.
    pub(crate) fn open(&self, records: u64) {
        let mut shared = self.shared.lock();
        (shared.written, shared.durable) = (records, records);
    }

    /// How records are written now.
    pub(crate) fn mode(&self) -> Mode {
        match (&self.shared.lock().link, self.durability) {
            (Link::Confirmed, _) => Mode::Confirmed,
            (Link::Down(_) | Link::Joining, Durability::Local) => Mode::Unreplicated,
            (Link::Down(_) | Link::Joining, Durability::Replicated) => Mode::Refused,
        }
    }

    /// Whether exchanges are refused now.
    pub(crate) fn is_refusing(&self) -> bool {
        self.is_refusing.load(Ordering::Relaxed)
    }

    /// Refuses an exchange, and counts it.
    pub(crate) fn refuse(&self, pending: Pending) {
        let now = self.clock.now();
        let mut shared = self.shared.lock();
        let stop = shared.stop.get_or_insert(Stop { since: now, refused: 0 });
        stop.refused = stop.refused.saturating_add(1);
        shared.refused = shared.refused.saturating_add(1);
        drop(shared);
        pending.failed(RecordFailure::Unreplicated);
    }

    /// Exchanges that were refused and that no record says yet.
    pub(crate) fn stop(&self) -> Option<Stop> {
        self.shared.lock().stop
    }

    /// A record says that these were refused.
    pub(crate) fn note_stop_recorded(&self, recorded: Stop) {
        let mut shared = self.shared.lock();
        shared.stop = shared.stop.and_then(|stop| {
            let refused = stop.refused.saturating_sub(recorded.refused);
            (refused > 0).then_some(Stop { refused, ..stop })
        });
    }

    /// Submits a batch that was written and is not yet synced.
    pub(crate) fn submit(&self, batch: SentBatch, mode: Mode) -> Submitted {
        let mut shared = self.shared.lock();
        shared.written = shared.written.max(batch.end());
        let is_connected = match shared.link {
            Link::Joining | Link::Confirmed => true,
            Link::Down(_) => false,
        };
        if !is_connected {
            return Submitted { mode, epoch: None };
        }
        shared.queued_bytes = shared.queued_bytes.saturating_add(batch.bytes.len());
        let is_full = shared.queued_bytes > MAX_QUEUED_BYTES;
        shared.queue.push_back(batch);
        let submitted = Submitted { mode, epoch: Some(shared.epoch) };
        drop(shared);
        if is_full {
            self.lost("the database is slower than the records come");
        }
        (self.wake)();
        submitted
    }

    /// The own disk has this number of records.
    pub(crate) fn note_durable(&self, records: u64) {
        let mut shared = self.shared.lock();
        shared.durable = records;
        shared.written = shared.written.max(records);
        let is_joining = shared.link == Link::Joining;
        drop(shared);
        if is_joining {
            (self.wake)();
        }
    }

    /// Settles exchanges whose records the own disk has: now, or when they are confirmed.
    pub(crate) fn settle(&self, records: Vec<(Pending, u64)>, submitted: Submitted) {
        let mut settled = Vec::with_capacity(records.len());
        let mut shared = self.shared.lock();
        let is_current = submitted.epoch == Some(shared.epoch);
        for (pending, sequence) in records {
            let result = match submitted.mode {
                Mode::Unreplicated => {
                    shared.unreplicated = shared.unreplicated.saturating_add(1);
                    Some(Ok(sequence))
                }
                Mode::Confirmed | Mode::Refused if sequence < shared.confirmed => {
                    let is_replayed = shared.replayed.remove(&sequence);
                    Some(if is_replayed { Err(RecordFailure::Replayed) } else { Ok(sequence) })
                }
                Mode::Confirmed | Mode::Refused if is_current => None,
                Mode::Confirmed | Mode::Refused => {
                    shared.refused = shared.refused.saturating_add(1);
                    Some(Err(RecordFailure::Unreplicated))
                }
            };
            match result {
                Some(result) => settled.push((pending, result)),
                None => drop(shared.waiting.insert(sequence, pending)),
            }
        }
        drop(shared);
        for (pending, result) in settled {
            match result {
                Ok(sequence) => pending.durable(sequence),
                Err(failure) => pending.failed(failure),
            }
        }
    }
}

impl std::fmt::Debug for Replication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replication").field("status", &self.status()).finish_non_exhaustive()
    }
}
