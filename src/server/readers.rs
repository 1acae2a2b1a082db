//! The pool of readers: one for each question that is being looked up at the same time.
//!
//! A look-up runs on the thread that read the question. Warm, it takes microseconds; handing it to another thread and
//! back would take longer than the look-up. Cold, it waits for the disk as that other thread would.

use std::sync::{Mutex, PoisonError};

use crate::lookup::{FreshnessLimits, LookupError, Permitted, Resolved};
use crate::store::{Reader, View, Watch};

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
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    /// A pool over the datasets that are watched. Connections are opened when they are first used.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self { watch, idle: Mutex::default() }
    }

    /// What is read: to be polled a few times a second, because another process may replace a dataset.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Looks something up in one state of the datasets.
    pub fn with_view<T>(&self, look_up: impl FnOnce(&mut View<'_>) -> T) -> T {
        // Nobody can panic while holding the lock: a reader is taken or put back.
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = taken.unwrap_or_else(|| self.watch.reader());
        let found = look_up(&mut reader.view());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        found
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
