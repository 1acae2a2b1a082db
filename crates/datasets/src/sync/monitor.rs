//! Progress and results of the runs: written by the runs, read by any thread, without waiting.
//!
//! It also carries the stop signal to the runs. Beyond this process, the history in the dataset's
//! file remembers the results ([`crate::store::View::history`]).

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::report::Report;
use ehealth_core::closed_enum;
use ehealth_core::model::{Dataset, Timestamp};

closed_enum! {
    /// Phase of a feed's run.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Phase {
        /// No run.
        Idle,
        /// Reading the notification.
        Asking,
        /// Reading and validating the records of a file.
        Reading,
        /// Writing the records into the tables.
        Writing,
    }
}

/// Progress of a run with its current file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Phase of the run.
    pub phase: Phase,
    /// Records read.
    pub records: u64,
    /// Records announced.
    pub records_announced: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Bytes announced.
    pub bytes_announced: u64,
    /// Rows written, of all tables.
    pub rows_written: u64,
}

/// Status of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Progress of the current run.
    pub progress: Progress,
    /// Report of the last run, and its end; `None` before the first run ends.
    pub last: Option<(Report, Timestamp)>,
    /// Runs since the last one that reached the publisher's serial.
    pub unsuccessful_runs: u32,
}

/// Monitor of all feeds.
#[derive(Debug)]
pub struct Monitor {
    stopped: watch::Sender<bool>,
    feeds: [Activity; 5],
}

/// Activity of one feed.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// A [`Phase`] as its number.
    phase: AtomicU8,
    records: AtomicU64,
    records_announced: AtomicU64,
    bytes: AtomicU64,
    bytes_announced: AtomicU64,
    rows_written: AtomicU64,
    ended: Mutex<Ended>,
}

/// Results of the runs so far.
#[derive(Debug, Clone, Default)]
struct Ended {
    last: Option<(Report, Timestamp)>,
    unsuccessful_runs: u32,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { stopped: watch::Sender::new(false), feeds: Default::default() }
    }
}

impl Monitor {
    /// Status of a dataset's feed. The numbers of its progress are read one by one, not as of one
    /// moment.
    #[must_use]
    pub fn status(&self, dataset: Dataset) -> Status {
        let activity = self.activity(dataset);
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let progress = Progress {
            phase: activity.phase(),
            records: count(&activity.records),
            records_announced: count(&activity.records_announced),
            bytes: count(&activity.bytes),
            bytes_announced: count(&activity.bytes_announced),
            rows_written: count(&activity.rows_written),
        };
        let Ended { last, unsuccessful_runs } = activity.ended.lock().clone();
        Status { progress, last, unsuccessful_runs }
    }

    /// Ends every run at its next step, and prevents new runs. The loaded data stay complete.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Whether [`Monitor::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits until [`Monitor::stop`] is called.
    pub async fn wait_for_stop(&self) {
        // Fails only if the sender is dropped, and `self` owns it.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    pub(super) fn activity(&self, dataset: Dataset) -> &Activity {
        &self.feeds[dataset as usize]
    }
}

impl Activity {
    fn phase(&self) -> Phase {
        let number = self.phase.load(Ordering::Relaxed);
        Phase::ALL.into_iter().find(|phase| *phase as u8 == number).unwrap_or(Phase::Idle)
    }

    /// Enters a phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Starts a file with these announced numbers.
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
        // The run is the only writer, so a plain load and store lose nothing and need no locked
        // instruction.
        self.records.store(self.records.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn set_rows_written(&self, rows: u64) {
        self.rows_written.store(rows, Ordering::Relaxed);
    }

    /// Ends a run.
    pub(super) fn end(&self, report: Report, at: Timestamp) {
        self.enter(Phase::Idle);
        let mut ended = self.ended.lock();
        let unsuccessful_runs =
            if report.outcome.is_up_to_date() { 0 } else { ended.unsuccessful_runs.saturating_add(1) };
        *ended = Ended { last: Some((report, at)), unsuccessful_runs };
    }
}
