//! How the trail is: for readiness, and for whoever counts.
//!
//! Written by the thread that writes the trail, read by anybody; it decides nothing.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::keys::KeyError;
use super::record::Cause;

/// Whether evidence can be written; without it there are no answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last write was durable.
    Writable,
    /// The last write failed. It is tried anew with the next entry, and without one at every retry interval.
    Unwritable(Trouble),
    /// The trail was closed.
    Closed,
}

/// Why the trail cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Trouble {
    /// No space is left.
    #[error("no space is left")]
    DiskFull,
    /// The disk or the file system failed.
    #[error("the disk failed: {0}")]
    Io(io::ErrorKind),
    /// The segment is shorter than what was durable: somebody else changed it.
    #[error("the segment was cut by somebody else")]
    Cut,
    /// A key is missing or unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl Trouble {
    /// What an interruption records of it.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::DiskFull => Cause::DiskFull,
            Self::Io(_) | Self::Cut => Cause::Io,
            Self::Key(_) | Self::Random => Cause::Key,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::DiskFull,
            kind => Self::Io(kind),
        }
    }
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
pub(super) struct Status {
    health: Mutex<Health>,
    recorded: AtomicU64,
    batches: AtomicU64,
    unwritable: AtomicU64,
    overloaded: AtomicU64,
    writing_nanos: AtomicU64,
    sequence: AtomicU64,
}

impl Status {
    pub(super) fn new(sequence: u64) -> Self {
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

    pub(super) fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// All but those of checkpoints.
    pub(super) fn counters(&self) -> Counters {
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

    pub(super) fn count_batch(&self, entries: u64, writing: Duration, sequence: u64) {
        self.recorded.fetch_add(entries, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.writing_nanos.fetch_add(u64::try_from(writing.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.set_sequence(sequence);
    }

    pub(super) fn set_sequence(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    pub(super) fn count_unwritable(&self, entries: u64) {
        self.unwritable.fetch_add(entries, Ordering::Relaxed);
    }

    pub(super) fn count_overloaded(&self) {
        self.overloaded.fetch_add(1, Ordering::Relaxed);
    }
}
