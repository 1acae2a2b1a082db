//! The checkpointer: signs the newest tree head, and puts the note into the audit log's folder,
//! into a copy elsewhere, and into the service log.
//!
//! It has its own thread, so that no exchange ever waits for it. The writer offers a tree head after
//! every durable batch. A checkpoint is made after a number of records or an interval, at most ten
//! times a second, and always at the end. A location that cannot be written is tried again at every
//! interval: the records are durable without a checkpoint.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use ehealth_core::model::{DatasetStates, Timestamp};

use super::settings::Checkpoints;
use crate::format::note::{CheckpointKey, Head, root_text};
use crate::format::tree::Frontier;
use crate::storage::checkpoint_files::{CheckpointLocation, StoredCheckpoints, replace};
use crate::storage::disk::Disk;
use crate::storage::file_names::{CHECKPOINT, CHECKPOINT_DRAFT};

/// Minimum interval between two checkpoints in the service log at level info.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// A tree head that the writer offered.
struct Offered {
    tree: Frontier,
    made: Timestamp,
    datasets: DatasetStates,
}

struct State {
    offered: Option<Offered>,
    /// Sizes of the newest checkpoint that was tried, that is durable in the audit log's folder,
    /// and that is durable in both locations.
    tried: u64,
    signed: u64,
    everywhere: u64,
    /// Locations that could not be written the last time.
    failing: Vec<CheckpointLocation>,
    /// Size of the checkpoint for which a caller waits.
    requested: u64,
    closing: bool,
}

impl State {
    /// Size of the newest tree that was offered.
    fn size(&self) -> u64 {
        self.offered.as_ref().map_or(0, |offered| offered.tree.size())
    }
}

/// Makes the checkpoints of one audit log.
pub(crate) struct Checkpointer {
    /// Released at the end, together with its lock.
    disk: Mutex<Option<Arc<dyn Disk>>>,
    key: CheckpointKey,
    settings: Checkpoints,
    state: Mutex<State>,
    changed: Condvar,
    failures: AtomicU64,
    last_logged: Mutex<Option<Instant>>,
}

impl Checkpointer {
    /// `stored` is the content of both locations, `signed` the size of the newest checkpoint in
    /// them.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        key: CheckpointKey,
        settings: Checkpoints,
        stored: &StoredCheckpoints,
        signed: u64,
    ) -> Self {
        let everywhere = if settings.copy.is_none() || stored.primary == stored.copy { signed } else { 0 };
        let failing = Vec::new();
        let state = State { offered: None, tried: signed, signed, everywhere, failing, requested: 0, closing: false };
        let (changed, failures, last_logged) = (Condvar::new(), AtomicU64::new(0), Mutex::new(None));
        let disk = Mutex::new(Some(disk));
        Self { disk, key, settings, state: Mutex::new(state), changed, failures, last_logged }
    }

    /// Public key in the form of signed-note tools.
    pub(crate) fn verifying_key(&self) -> String {
        self.key.verifying_key()
    }

    /// Size of the newest checkpoint in the audit log's folder.
    pub(crate) fn signed(&self) -> u64 {
        self.state.lock().signed
    }

    /// Number of times that a location could not be written.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Offers a durable tree. Never blocks for a disk.
    pub(crate) fn offer(&self, tree: &Frontier, made: Timestamp, datasets: DatasetStates) {
        let mut state = self.state.lock();
        let (was_missing, was_full) = (state.size() > state.everywhere, self.is_full(&state));
        state.offered = Some(Offered { tree: tree.clone(), made, datasets });
        // Otherwise the thread already knows when to wake.
        if !was_missing || was_full != self.is_full(&state) {
            self.changed.notify_all();
        }
    }

    /// Whether enough records came since the last checkpoint that the next one does not wait for
    /// the interval.
    fn is_full(&self, state: &State) -> bool {
        state.size().saturating_sub(state.tried) >= self.settings.records
    }

    /// Waits until a checkpoint of at least this size was tried; returns whether it is in the audit
    /// log's folder.
    pub(crate) fn wait_for(&self, size: u64) -> bool {
        let mut state = self.state.lock();
        state.requested = size.max(state.requested);
        self.changed.notify_all();
        let waits = |state: &mut State| state.tried < size && !state.closing;
        self.changed.wait_while(&mut state, waits);
        state.signed >= size
    }

    /// Lets [`Checkpointer::run`] end after a last checkpoint.
    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    /// Makes checkpoints until it is closed.
    pub(crate) fn run(&self) {
        let mut last = Instant::now();
        let mut state = self.state.lock();
        loop {
            let size = state.size();
            let new = size.saturating_sub(state.tried);
            let missing = size > state.everywhere && !(state.closing && new == 0);
            let interval = if self.is_full(&state) { self.settings.min_interval } else { self.settings.interval };
            let rest = interval.saturating_sub(last.elapsed());
            let due = rest.is_zero() || state.requested > state.tried || state.closing;
            if !missing {
                if state.closing {
                    *self.disk.lock() = None;
                    return;
                }
                self.changed.wait(&mut state);
            } else if !due {
                self.changed.wait_for(&mut state, rest);
            } else {
                drop(state);
                // The failure was counted and logged. The next checkpoint is the next attempt.
                let _ = self.make();
                last = Instant::now();
                state = self.state.lock();
            }
        }
    }

    /// Signs the newest offer and writes it to both locations. Fails if it is not in the audit
    /// log's folder.
    pub(crate) fn make(&self) -> io::Result<()> {
        let head = self.head()?;
        let note = self.key.sign(&head);
        self.publish(&head, &note)
    }

    /// Signs the newest head with this key and the next one, and writes the note to both locations;
    /// returns the note. No other checkpoint may be made meanwhile: this is the last one of this
    /// key.
    pub(crate) fn rotate(&self, disk: Arc<dyn Disk>, next: &CheckpointKey) -> io::Result<String> {
        let head = self.head()?;
        let note = next.sign_also(&self.key.sign(&head)).ok_or(io::ErrorKind::InvalidData)?;
        *self.disk.lock() = Some(disk);
        let put = self.publish(&head, &note);
        *self.disk.lock() = None;
        put?;
        if self.state.lock().everywhere < head.size {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(note)
    }

    /// The disk of the audit log, until it is closed.
    pub(crate) fn disk(&self) -> Option<Arc<dyn Disk>> {
        self.disk.lock().clone()
    }

    /// Tree head of the newest offer.
    fn head(&self) -> io::Result<Head> {
        match &self.state.lock().offered {
            Some(Offered { tree, made, datasets }) => {
                Ok(Head { size: tree.size(), root: tree.root(), made: *made, datasets: *datasets })
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Writes a note to both locations. Fails if it is not in the audit log's folder.
    fn publish(&self, head: &Head, note: &str) -> io::Result<()> {
        // The audit log's own file first: the copy is never ahead of it.
        let stored = self.write_primary(note);
        self.note_result(CheckpointLocation::AuditLog, &stored);
        let mut everywhere = stored.is_ok();
        if stored.is_ok() {
            if let Some(copy) = &self.settings.copy {
                let copied = replace(copy, note);
                self.note_result(CheckpointLocation::Copy, &copied);
                everywhere = copied.is_ok();
            }
            self.log(head, note);
        }
        let mut state = self.state.lock();
        state.tried = head.size;
        if stored.is_ok() {
            state.signed = head.size;
        }
        if everywhere {
            state.everywhere = head.size;
        } else {
            state.everywhere = state.everywhere.min(head.size.saturating_sub(1));
        }
        self.changed.notify_all();
        stored
    }

    fn write_primary(&self, note: &str) -> io::Result<()> {
        let disk = self.disk().ok_or(io::ErrorKind::BrokenPipe)?;
        let file = disk.create(CHECKPOINT_DRAFT)?;
        file.write_at(note.as_bytes(), 0)?;
        file.sync()?;
        disk.rename(CHECKPOINT_DRAFT, CHECKPOINT)?;
        disk.sync_names()
    }

    /// Counts every failure. Logs when a location begins to fail and when it works again.
    fn note_result(&self, location: CheckpointLocation, stored: &io::Result<()>) {
        let mut state = self.state.lock();
        let was_failing = state.failing.contains(&location);
        match stored {
            Ok(()) if was_failing => {
                state.failing.retain(|failing| *failing != location);
                tracing::info!(%location, "checkpoints can be written again");
            }
            Ok(()) => {}
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    state.failing.push(location);
                    tracing::warn!(%location, reason = %error.kind(), "checkpoints cannot be written");
                }
            }
        }
    }

    /// Logs the whole note, so that a service log kept elsewhere can verify the audit log.
    fn log(&self, head: &Head, note: &str) {
        let mut last_logged = self.last_logged.lock();
        let (size, root) = (head.size, root_text(head.root));
        if last_logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) || self.state.lock().closing {
            tracing::info!(size, root, note, "checkpoint");
            *last_logged = Some(Instant::now());
        } else {
            tracing::debug!(size, root, "checkpoint");
        }
    }
}

impl std::fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpointer").field("key", &self.key).finish_non_exhaustive()
    }
}
