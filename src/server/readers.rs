//! The pool of readers: one for each question that is being looked up at the same time.
//!
//! A look-up runs on the thread that read the question. Warm, it takes microseconds; handing it to another thread and
//! back would take longer than the look-up. Cold, it waits for the disk as that other thread would.
//!
//! A reader keeps the states that it pinned for the next question, because pinning the five datasets anew costs more than
//! looking up in them. No question reads a state that is older than [`HELD`]; a publisher's day is longer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datasets::store::{Reader, View, Watch};
use ehealth_core::lookup::{FreshnessLimits, LookupError, Permitted, Resolved};

/// So long the states of one look-up serve the next ones.
const HELD: Duration = Duration::from_millis(250);

/// Where permitted questions are looked up: in the datasets, or where a simulation sends them.
pub trait Lookups: Send + Sync {
    /// Looks one question up, in one state of the datasets.
    ///
    /// # Errors
    /// [`LookupError`] if a dataset that is there cannot be read.
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>>;
}

/// Readers that nobody uses at the moment. As many are made as are ever used at once: at most one a worker thread,
/// because a view is not held across a wait.
pub struct Readers {
    watch: Watch,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    /// Boxed, because it is taken and put back for every question, and is large.
    reader: Box<Reader>,
    /// When the first of the states that it keeps was pinned, or before.
    since: Instant,
}

impl Readers {
    /// A pool over the datasets that are watched. Connections are opened when they are first used.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self { watch, idle: Mutex::default() }
    }

    /// Learns which datasets another process replaced, and lets go of the states that are kept: to be called a few times a
    /// second. A state that nobody lets go of keeps the write-ahead log from being emptied.
    pub fn refresh(&self) {
        self.watch.poll();
        self.lock().iter_mut().for_each(|idle| idle.reader.release());
    }

    /// Looks something up in one state of the datasets.
    pub fn with_view<T>(&self, look_up: impl FnOnce(&mut View<'_>) -> T) -> T {
        let now = Instant::now();
        let taken = self.lock().pop();
        let mut idle = taken.unwrap_or_else(|| Idle { reader: Box::new(self.watch.reader()), since: now });
        if now.duration_since(idle.since) >= HELD {
            idle.reader.release();
            idle.since = now;
        }
        let mut view = idle.reader.view();
        let found = look_up(&mut view);
        view.keep();
        self.lock().push(idle);
        found
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nobody can panic while holding the lock: a reader is taken, put back or told to let go.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookups for Readers {
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>> {
        self.with_view(|view| permitted.resolve(view, limits))
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
