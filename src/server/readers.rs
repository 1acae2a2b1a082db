//! Pool of dataset readers: one for each lookup that runs at the same time.
//!
//! A lookup runs on the thread that read the question. With warm caches it takes microseconds;
//! handing it to another thread and back would take longer. With cold caches it waits for the disk,
//! as that other thread would.
//!
//! A reader keeps its pinned snapshots for the next question, because pinning the five datasets
//! again costs more than the lookup. No question reads a snapshot that was pinned more than
//! [`MAX_PINNED`] ago; publishers update once a day.

use std::time::{Duration, Instant};

use super::equal_time::equalise;
use datasets::store::{Reader, View, Watch};
use ehealth_core::lookup::{FreshnessLimits, LookupError, Permitted, Resolved};
use parking_lot::Mutex;

/// Time for which pinned snapshots serve further lookups.
const MAX_PINNED: Duration = Duration::from_millis(250);

/// Looks up permitted questions: in the datasets, or through fault injection.
pub trait Lookups: Send + Sync {
    /// Looks up one question in one snapshot of the datasets.
    ///
    /// # Errors
    /// [`LookupError`] if a loaded dataset cannot be read.
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>>;
}

/// Pool of idle readers. It grows to the number that is in use at once: at most one per worker
/// thread, because a view is never held across an `await`.
pub struct Readers {
    watch: Watch,
    idle: Mutex<Vec<IdleReader>>,
}

struct IdleReader {
    /// Boxed, because it is taken and put back for every question, and is large.
    reader: Box<Reader>,
    /// Lower bound of the moment at which its first snapshot was pinned.
    pinned_since: Instant,
}

impl Readers {
    /// Pool over the watched datasets. Connections are opened on first use.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self { watch, idle: Mutex::default() }
    }

    /// Detects datasets that another process replaced, and releases pinned snapshots. Call it a few
    /// times a second: a snapshot that stays pinned keeps the write-ahead log from being truncated.
    pub fn refresh(&self) {
        self.watch.poll();
        self.idle.lock().iter_mut().for_each(|idle| idle.reader.release());
    }

    /// Runs a lookup in one snapshot of the datasets.
    pub fn with_view<T>(&self, look_up: impl FnOnce(&mut View<'_>) -> T) -> T {
        let now = Instant::now();
        let taken = self.idle.lock().pop();
        let mut idle = taken.unwrap_or_else(|| IdleReader { reader: Box::new(self.watch.reader()), pinned_since: now });
        if now.duration_since(idle.pinned_since) >= MAX_PINNED {
            idle.reader.release();
            idle.pinned_since = now;
        }
        let mut view = idle.reader.view();
        let found = look_up(&mut view);
        view.keep();
        self.idle.lock().push(idle);
        found
    }
}

impl Lookups for Readers {
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>> {
        let began = Instant::now();
        let resolved = self.with_view(|view| permitted.resolve(view, limits));
        if let Ok(resolved) = &resolved {
            equalise(resolved, began);
        }
        resolved
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
