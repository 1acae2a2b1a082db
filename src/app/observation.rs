//! The observing thread: what it reads, and when.
//!
//! Everything here may wait for a disk, so no code that answers requests calls it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use tokio::sync::watch;

use super::platform::ProcessFiles;
use super::verification_report;
use crate::admin::{ProcessReport, Verification};
use crate::config::Settings;
use crate::server::Readers;
use audit_log::{AuditLog, Health, WriteFailure, free_bytes, probe_writing};
use datasets::store::DatasetStatus;
use ehealth_core::model::{Dataset, Timestamp};

/// Runs of each feed in an observation.
const RUNS: u32 = 10;
/// Interval between two observations that no operator asks for.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is observed.
pub(super) struct Observed {
    pub readers: Arc<Readers>,
    pub audit_log: Arc<AuditLog>,
    pub settings: Settings,
    pub process: ProcessFiles,
}

/// State of disks and files at one moment.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// Number of the observation, from 1.
    pub number: u64,
    began: Instant,
    /// Status of each dataset; `None` if it cannot be read (the log has the reason).
    pub datasets: [Option<DatasetStatus>; Dataset::ALL.len()],
    /// Error of the last write test of the audit log. Its own health is that of the last record,
    /// which may be old.
    pub trouble: Option<WriteFailure>,
    /// Time of the newest checkpoint.
    pub checkpoint: Option<Timestamp>,
    /// Free bytes on the disk of the audit log.
    pub free_bytes: Option<u64>,
    /// Result of the last verification of the audit log.
    pub verified: Option<Verification>,
    /// What the system says about the process.
    pub process: ProcessReport,
}

impl Observation {
    /// Time since the observation began.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }
}

/// The observing thread.
pub(super) struct Eye {
    observed: Observed,
    /// Number of observations that began.
    begun: Arc<AtomicU64>,
    probe: Probe,
    /// Datasets that could not be read at the last observation, in the order of [`Dataset::ALL`].
    is_unreadable: [bool; Dataset::ALL.len()],
}

/// The last write test of the audit log.
#[derive(Debug, Default)]
struct Probe {
    /// Batches at the last test.
    batches: u64,
    trouble: Option<WriteFailure>,
}

impl Eye {
    /// An observing thread that counts in `begun`.
    pub fn new(observed: Observed, begun: Arc<AtomicU64>) -> Self {
        Self { observed, begun, probe: Probe::default(), is_unreadable: [false; Dataset::ALL.len()] }
    }

    /// Observes once a second, and whenever it is requested, until the handle is dropped.
    pub fn observe_until_end(mut self, requested: &Receiver<()>, newest: &watch::Sender<Option<Arc<Observation>>>) {
        let mut next_probe = Instant::now();
        loop {
            let number = self.begun.fetch_add(1, Ordering::AcqRel).saturating_add(1);
            let began = Instant::now();
            if next_probe <= began {
                self.probe_audit_log();
                next_probe = began + INTERVAL;
            }
            newest.send_replace(Some(Arc::new(self.observe(number, began))));
            match requested.recv_timeout(next_probe.saturating_duration_since(Instant::now())) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tests whether the audit log is writable, if no batch was written since the last test.
    fn probe_audit_log(&mut self) {
        let audit_log = &self.observed.audit_log;
        let batches = audit_log.counters().batches;
        let is_idle = self.probe.batches == batches && audit_log.health() == Health::Writable;
        let folder = &self.observed.settings.audit_log.folder;
        let trouble = if is_idle { probe_writing(folder).err() } else { None };
        if let Some(trouble) = trouble.filter(|_| self.probe.trouble.is_none()) {
            tracing::error!(%trouble, "the audit log is not writable");
        }
        self.probe = Probe { batches, trouble };
    }

    fn observe(&mut self, number: u64, began: Instant) -> Observation {
        let settings = &self.observed.settings;
        let folder = &settings.audit_log.folder;
        let written = fs::metadata(folder.join("checkpoint")).and_then(|file| file.modified()).ok();
        let millis = written.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
        let verified = settings.verification_report.as_deref().and_then(verification_report::read);
        let free_bytes = free_bytes(folder).ok();
        let datasets = self.read_datasets();
        let (trouble, checkpoint) = (self.probe.trouble, millis.map(Timestamp::from_millis));
        let process = self.observed.process.read();
        Observation { number, began, datasets, trouble, checkpoint, free_bytes, verified, process }
    }

    /// Reads the status of each dataset. Logs when one becomes unreadable.
    fn read_datasets(&mut self) -> [Option<DatasetStatus>; Dataset::ALL.len()] {
        let mut was_unreadable = self.is_unreadable.iter_mut();
        Dataset::ALL.map(|dataset| {
            let status = self.observed.readers.with_view(|view| view.status(dataset, RUNS));
            let before = was_unreadable.next().map(|before| std::mem::replace(before, status.is_err()));
            match status {
                Ok(status) => Some(status),
                Err(error) => {
                    if before != Some(true) {
                        let (dataset, reason) = (dataset.code(), &error.reason);
                        tracing::warn!(dataset, %reason, "cannot read the status of a dataset");
                    }
                    None
                }
            }
        })
    }
}
