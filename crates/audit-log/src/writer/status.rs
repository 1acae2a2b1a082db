//! How the trail is: for readiness, and for whoever counts.
//!
//! Written by the thread that writes the trail, read by anybody; it decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::storage::write_failure::WriteFailure;

/// Whether evidence can be written; without it there are no answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last write was durable.
    Writable,
    /// The last write failed. It is tried anew with the next entry, and without one at every retry interval.
    Unwritable(WriteFailure),
    /// The trail was closed.
    Closed,
}

/// What was counted since the trail was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Entries that became durable.
    pub recorded: u64,
    /// Writes that made them so.
    pub batches: u64,
    /// Entries that were refused because the trail could not be written.
    pub unwritable: u64,
    /// Entries that were refused because too many waited.
    pub overloaded: u64,
    /// Time spent in writes and syncs that succeeded.
    pub writing: Duration,
    /// Records in the trail: the sequence of the next one.
    pub sequence: u64,
    /// How many of them the newest checkpoint signs.
    pub signed: u64,
    /// How often a checkpoint could not be kept in one of its places.
    pub checkpoint_failures: u64,
}

/// Shared between the writing thread and everybody else.
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

    /// All but those of checkpoints.
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

    pub(crate) fn count_batch(&self, entries: u64, writing: Duration, sequence: u64) {
        self.recorded.fetch_add(entries, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.writing_nanos.fetch_add(u64::try_from(writing.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.set_sequence(sequence);
    }

    pub(crate) fn set_sequence(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    pub(crate) fn count_unwritable(&self, entries: u64) {
        self.unwritable.fetch_add(entries, Ordering::Relaxed);
    }

    pub(crate) fn count_overloaded(&self) {
        self.overloaded.fetch_add(1, Ordering::Relaxed);
    }
}
