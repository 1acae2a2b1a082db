//! Health and counters of the audit log, for readiness and metrics.
//!
//! The writing threads set them and any thread reads them. Nothing is decided here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use ehealth_core::model::Timestamp;

use crate::format::damage::Damage;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::write_failure::WriteFailure;

/// Whether records can be written. Without them there are no answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last write was durable.
    Writable,
    /// The last write failed. The next record tries again, and without one the next retry interval.
    Unwritable(WriteFailure),
    /// Records can be written, but evidence was destroyed or contradicted under this process. It
    /// stays so until the next start.
    Compromised(Compromise),
    /// The audit log was closed.
    Closed,
}

/// What happened to the evidence while this process wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Compromise {
    /// A record that a checkpoint signs was changed or removed.
    #[error("a signed record was changed or removed: {0}")]
    Damaged(#[from] Damage),
    /// The copy of the checkpoint signs another log, or more records than this one has.
    #[error("the copy of the checkpoint contradicts the audit log: {0}")]
    Contradicted(#[from] CheckpointError),
}

/// Counts since the audit log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Records that became durable.
    pub recorded: u64,
    /// Batches of these records.
    pub batches: u64,
    /// Records that were refused because the audit log could not be written.
    pub unwritable: u64,
    /// Records that were refused because the queue was full.
    pub overloaded: u64,
    /// Time spent in successful writes and syncs.
    pub writing: Duration,
    /// Number of records in the log: the sequence of the next one.
    pub sequence: u64,
    /// Number of records that the newest checkpoint signs.
    pub signed: u64,
    /// Number of times that a checkpoint could not be written to a location.
    pub checkpoint_failures: u64,
    /// When the oldest record was written that no checkpoint in the audit log's folder signs yet.
    pub unsigned_since: Option<Timestamp>,
    /// Number of records that the copy of the checkpoint signs; `None` without a copy.
    pub copied: Option<u64>,
    /// When the newest record of the oldest checkpoint was written that is not in the copy yet.
    pub uncopied_since: Option<Timestamp>,
}

/// Shared between the writing threads and the rest of the process.
#[derive(Debug)]
pub(crate) struct Status {
    health: Mutex<Health>,
    recorded: AtomicU64,
    batches: AtomicU64,
    unwritable: AtomicU64,
    overloaded: AtomicU64,
    writing_nanos: AtomicU64,
    sequence: AtomicU64,
}

impl Status {
    pub(crate) fn new(sequence: u64) -> Self {
        Self {
            health: Mutex::new(Health::Writable),
            recorded: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            unwritable: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            writing_nanos: AtomicU64::new(0),
            sequence: AtomicU64::new(sequence),
        }
    }

    pub(crate) fn health(&self) -> Health {
        *self.health.lock()
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    /// All counters except those of checkpoints.
    pub(crate) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            recorded: read(&self.recorded),
            batches: read(&self.batches),
            unwritable: read(&self.unwritable),
            overloaded: read(&self.overloaded),
            writing: Duration::from_nanos(read(&self.writing_nanos)),
            sequence: read(&self.sequence),
            ..Counters::default()
        }
    }

    pub(crate) fn count_batch(&self, records: u64, writing: Duration, sequence: u64) {
        self.recorded.fetch_add(records, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.writing_nanos.fetch_add(u64::try_from(writing.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.set_sequence(sequence);
    }

    pub(crate) fn set_sequence(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    pub(crate) fn count_unwritable(&self, records: u64) {
        self.unwritable.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn count_overloaded(&self) {
        self.overloaded.fetch_add(1, Ordering::Relaxed);
    }
}
