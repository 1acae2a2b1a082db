//! Keeps checkpoints: signs the newest head of the tree and puts the note in two places and into the log.
//!
//! A thread of its own does this, so that no receipt ever waits for it. The writer offers a head after every write; a
//! checkpoint is made when so many records or so much time came since the last one, but no more than ten times a second,
//! and always at the end. A place that cannot be written is tried again at every interval: the evidence itself is
//! durable without.

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

/// At most one line a minute goes into the log, however many checkpoints are made.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What the writer tells of its tree.
struct Offered {
    tree: Frontier,
    made: Timestamp,
    datasets: DatasetStates,
}

struct State {
    offered: Option<Offered>,
    /// Sizes of the newest checkpoint that was tried, that is durable in the trail's folder, that is everywhere.
    tried: u64,
    signed: u64,
    everywhere: u64,
    /// The places that could not be written the last time.
    failing: Vec<CheckpointLocation>,
    /// Somebody waits for a checkpoint of this size.
    wanted: u64,
    closing: bool,
}

impl State {
    /// The size of the newest tree that was offered.
    fn size(&self) -> u64 {
        self.offered.as_ref().map_or(0, |offered| offered.tree.size())
    }
}

/// Keeps the checkpoints of one trail.
pub(crate) struct Checkpointer {
    /// Let go of at the end, with its lock.
    disk: Mutex<Option<Arc<dyn Disk>>>,
    key: CheckpointKey,
    settings: Checkpoints,
    state: Mutex<State>,
    changed: Condvar,
    failures: AtomicU64,
    last_logged: Mutex<Option<Instant>>,
}

impl Checkpointer {
    /// `stored` is what the places hold, `signed` the size of the newest of them.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        key: CheckpointKey,
        settings: Checkpoints,
        stored: &StoredCheckpoints,
        signed: u64,
    ) -> Self {
        let everywhere = if settings.copy.is_none() || stored.primary == stored.copy { signed } else { 0 };
        let failing = Vec::new();
        let state = State { offered: None, tried: signed, signed, everywhere, failing, wanted: 0, closing: false };
        let (changed, failures, last_logged) = (Condvar::new(), AtomicU64::new(0), Mutex::new(None));
        let disk = Mutex::new(Some(disk));
        Self { disk, key, settings, state: Mutex::new(state), changed, failures, last_logged }
    }

    /// The public key, in the form of signed-note tools.
    pub(crate) fn verifying_key(&self) -> String {
        self.key.verifying_key()
    }

    /// The size of the newest checkpoint in the trail's folder.
    pub(crate) fn signed(&self) -> u64 {
        self.state.lock().signed
    }

    /// How often one of the places could not be written.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Tells of a tree that is durable. Never blocks for a disk.
    pub(crate) fn offer(&self, tree: &Frontier, made: Timestamp, datasets: DatasetStates) {
        let mut state = self.state.lock();
        let (was_missing, was_full) = (state.size() > state.everywhere, self.is_full(&state));
        state.offered = Some(Offered { tree: tree.clone(), made, datasets });
        // Else the thread knows already when to wake.
        if !was_missing || was_full != self.is_full(&state) {
            self.changed.notify_all();
        }
    }

    /// Whether so many records came since the last checkpoint that the next one does not wait for the interval.
    fn is_full(&self, state: &State) -> bool {
        state.size().saturating_sub(state.tried) >= self.settings.records
    }

    /// Waits until a checkpoint of at least this size was tried; whether it is in the trail's folder.
    pub(crate) fn wait_for(&self, size: u64) -> bool {
        let mut state = self.state.lock();
        state.wanted = size.max(state.wanted);
        self.changed.notify_all();
        let waits = |state: &mut State| state.tried < size && !state.closing;
        self.changed.wait_while(&mut state, waits);
        state.signed >= size
    }

    /// Lets [`Checkpointer::run`] come to its end, after a last checkpoint.
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
            let due = rest.is_zero() || state.wanted > state.tried || state.closing;
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
                // A failure was counted and logged; the next checkpoint is the next try.
                let _ = self.make();
                last = Instant::now();
                state = self.state.lock();
            }
        }
    }

    /// Signs what was offered last and puts it everywhere; an error if it is not in the trail's folder.
    pub(crate) fn make(&self) -> io::Result<()> {
        let head = self.head()?;
        let note = self.key.sign(&head);
        self.publish(&head, &note)
    }

    /// Has the newest head signed by this key and the next, and puts the note everywhere; the note. Nobody else may make
    /// any meanwhile, so that this is the last of this key.
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

    /// The disk of the trail, as long as it is open.
    pub(crate) fn disk(&self) -> Option<Arc<dyn Disk>> {
        self.disk.lock().clone()
    }

    /// What was offered last.
    fn head(&self) -> io::Result<Head> {
        match &self.state.lock().offered {
            Some(Offered { tree, made, datasets }) => {
                Ok(Head { size: tree.size(), root: tree.root(), made: *made, datasets: *datasets })
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Puts a note about this head everywhere; an error if it is not in the trail's folder.
    fn publish(&self, head: &Head, note: &str) -> io::Result<()> {
        // First the trail's own: a copy elsewhere is never ahead of it.
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

    /// Counts every failure, and logs when a place begins to fail and when it is well again.
    fn note_result(&self, location: CheckpointLocation, stored: &io::Result<()>) {
        let mut state = self.state.lock();
        let was_failing = state.failing.contains(&location);
        match stored {
            Ok(()) if was_failing => {
                state.failing.retain(|failing| *failing != location);
                tracing::info!(%location, "checkpoints can be kept again");
            }
            Ok(()) => {}
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    state.failing.push(location);
                    tracing::warn!(%location, reason = %error.kind(), "checkpoints cannot be kept");
                }
            }
        }
    }

    /// The whole note goes into the log, so that a log kept elsewhere can judge the trail.
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
