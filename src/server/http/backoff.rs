//! A pause in reading a connection whose client was answered `503`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Time until which the next request of a connection is not read.
#[derive(Debug)]
pub(super) struct ReadBackoff {
    created: Instant,
    /// End of the pause in milliseconds after `created`; 0: no pause.
    until: AtomicU64,
}

impl ReadBackoff {
    pub fn new() -> Self {
        Self { created: Instant::now(), until: AtomicU64::new(0) }
    }

    /// Pauses reading for `length` from now on.
    pub fn begin(&self, length: Duration) {
        let until = self.created.elapsed().saturating_add(length).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Time that is left of the pause.
    pub fn left(&self) -> Option<Duration> {
        match self.until.load(Ordering::Relaxed) {
            0 => None,
            until => Duration::from_millis(until).checked_sub(self.created.elapsed()),
        }
    }
}
