//! What runs are doing and how the last ones ended: written by the runs, read by anybody, waiting for nobody.
//!
//! It also carries the one word in the other direction: that runs are to end. What is remembered beyond this process is
//! the history in the dataset's file ([`crate::store::View::history`]).

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::Report;
use ehealth_core::model::{Dataset, Timestamp};

/// What a feed's run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    Idle,
    /// Looking at the notification.
    Asking,
    /// Reading and judging a file's records.
    Reading,
    /// Writing what was read into the tables.
    Writing,
}

/// How far a run is with the file that it has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Records read.
    pub records: u64,
    /// Records that were announced.
    pub records_announced: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Bytes that were announced.
    pub bytes_announced: u64,
    /// Rows of all tables written.
    pub rows_written: u64,
}

/// How a feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// What is going on.
    pub progress: Progress,
    /// How the last run ended, and when; `None` before the first.
    pub last: Option<(Report, Timestamp)>,
    /// Runs since the last one that ended in step.
    pub troubles: u32,
}

/// Watches all feeds.
#[derive(Debug)]
pub struct Monitor {
    stopped: watch::Sender<bool>,
    feeds: [Activity; 5],
}

/// What one feed's run is doing.
#[derive(Debug, Default)]
pub(super) struct Activity {
    phase: AtomicU8,
    records: AtomicU64,
    records_announced: AtomicU64,
    bytes: AtomicU64,
    bytes_announced: AtomicU64,
    rows_written: AtomicU64,
    ended: Mutex<(Option<(Report, Timestamp)>, u32)>,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { stopped: watch::Sender::new(false), feeds: Default::default() }
    }
}

impl Monitor {
    /// How a dataset's feed stands. The numbers of its progress are each right, but not of one moment.
    #[must_use]
    pub fn status(&self, dataset: Dataset) -> Status {
        let activity = self.activity(dataset);
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let phase = match activity.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Asking,
            2 => Phase::Reading,
            _ => Phase::Writing,
        };
        let progress = Progress {
            phase,
            records: count(&activity.records),
            records_announced: count(&activity.records_announced),
            bytes: count(&activity.bytes),
            bytes_announced: count(&activity.bytes_announced),
            rows_written: count(&activity.rows_written),
        };
        let (last, troubles) = *activity.ended.lock().unwrap_or_else(PoisonError::into_inner);
        Status { progress, last, troubles }
    }

    /// Ends every run at its next step, and keeps new ones from beginning. What is loaded stays whole.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Whether [`Monitor::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Ends when [`Monitor::stop`] is called.
    pub async fn wait_for_stop(&self) {
        // Fails only if the sender is gone, and it is here.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    pub(super) fn activity(&self, dataset: Dataset) -> &Activity {
        &self.feeds[dataset as usize]
    }
}

impl Activity {
    pub(super) fn enter(&self, phase: Phase) {
        let number = match phase {
            Phase::Idle => 0,
            Phase::Asking => 1,
            Phase::Reading => 2,
            Phase::Writing => 3,
        };
        self.phase.store(number, Ordering::Relaxed);
    }

    /// A file is begun of which so much was announced.
    pub(super) fn begin_file(&self, records: u64, bytes: u64) {
        for (number, value) in [
            (&self.records, 0),
            (&self.bytes, 0),
            (&self.rows_written, 0),
            (&self.records_announced, records),
            (&self.bytes_announced, bytes),
        ] {
            number.store(value, Ordering::Relaxed);
        }
        self.enter(Phase::Reading);
    }

    pub(super) fn count_record(&self) {
        // There is one writer, so this loses nothing and needs no locked instruction.
        self.records.store(self.records.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn tell_written(&self, rows: u64) {
        self.rows_written.store(rows, Ordering::Relaxed);
    }

    pub(super) fn end(&self, report: Report, at: Timestamp) {
        self.enter(Phase::Idle);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let troubles = if report.outcome.is_in_step() { 0 } else { ended.1.saturating_add(1) };
        *ended = (Some((report, at)), troubles);
    }
}
