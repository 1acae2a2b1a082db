//! The checkpointer: signs the newest tree head, and puts the note into the audit log's folder and
//! into the service log. The [`Copier`] brings it to the copy elsewhere.
//!
//! It has its own thread, so that no exchange ever waits for it. The writer offers the end of the log
//! after every durable batch. A checkpoint is made after a number of records or an interval, at most
//! ten times a second, and always at the end. If it cannot be written, it is tried again at every
//! interval: the records are durable without a checkpoint. The last record is read back at each
//! checkpoint, and every ten seconds without one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use ehealth_core::model::Timestamp;

use super::copier::Copier;
use super::position::LogPosition;
use super::read_back::{FrameAt, ReadBack};
use super::settings::Checkpoints;
use super::status::Compromise;
use crate::format::note::{CheckpointKey, Head, root_text};
use crate::storage::checkpoint_files::CheckpointLocation;
use crate::storage::disk::{Disk, put_in_place};
use crate::storage::file_names::CHECKPOINT;

/// Minimum interval between two checkpoints in the service log at level info.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// Interval between two checks of the last record while no checkpoint is made.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

struct State {
    /// End of the log that the writer offered.
    offered: Option<LogPosition>,
    /// Sizes of the newest checkpoint that was tried, and that is durable in the audit log's folder.
    tried: u64,
    signed: u64,
    /// When the oldest record was written that `signed` does not include.
    unsigned_since: Option<Timestamp>,
    is_failing: bool,
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
    key: Arc<CheckpointKey>,
    copier: Option<Arc<Copier>>,
    settings: Checkpoints,
    state: Mutex<State>,
    changed: Condvar,
    failures: AtomicU64,
    last_logged: Mutex<Option<Instant>>,
    read_back: Mutex<ReadBack>,
}

impl Checkpointer {
    /// `signed` is the size of the checkpoint in the audit log's folder, `last` the last record.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        (key, copier, settings): (Arc<CheckpointKey>, Option<Arc<Copier>>, Checkpoints),
        signed: u64,
        last: Option<FrameAt>,
    ) -> Self {
        let state = State {
            offered: None,
            tried: signed,
            signed,
            unsigned_since: None,
            is_failing: false,
            requested: 0,
            closing: false,
        };
        let (changed, failures, last_logged) = (Condvar::new(), AtomicU64::new(0), Mutex::new(None));
        let (disk, read_back) = (Mutex::new(Some(disk)), Mutex::new(ReadBack::new(last)));
        Self { disk, key, copier, settings, state: Mutex::new(state), changed, failures, last_logged, read_back }
    }

    /// Public key in the form of signed-note tools.
    pub(crate) fn verifying_key(&self) -> String {
        self.key.verifying_key()
    }

    /// Size of the newest checkpoint in the audit log's folder.
    pub(crate) fn signed(&self) -> u64 {
        self.state.lock().signed
    }

    /// When the oldest record was written that no checkpoint in the audit log's folder signs.
    pub(crate) fn unsigned_since(&self) -> Option<Timestamp> {
        self.state.lock().unsigned_since
    }

    /// Number of times that a location could not be written.
    pub(crate) fn failures(&self) -> u64 {
        let of_copy = self.copier.as_ref().map_or(0, |copier| copier.failures());
        self.failures.load(Ordering::Relaxed).saturating_add(of_copy)
    }

    /// The copier, if there is a copy.
    pub(crate) fn copier(&self) -> Option<&Copier> {
        self.copier.as_deref()
    }

    /// What happened to the evidence since the log was opened.
    pub(crate) fn compromise(&self) -> Option<Compromise> {
        let damage = self.read_back.lock().damage().map(Compromise::Damaged);
        damage.or_else(|| self.copier.as_ref()?.contradiction().map(Compromise::Contradicted))
    }

    /// Offers the durable end of the log. Never blocks for a disk.
    pub(crate) fn offer(&self, position: &LogPosition) {
        let mut state = self.state.lock();
        let (was_missing, was_full) = (state.size() > state.signed, self.is_full(&state));
        state.offered = Some(position.clone());
        if state.size() > state.signed {
            state.unsigned_since.get_or_insert(position.made);
        }
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
            let missing = size > state.signed && !(state.closing && new == 0);
            let interval = if self.is_full(&state) { self.settings.min_interval } else { self.settings.interval };
            let rest = interval.saturating_sub(last.elapsed());
            let due = rest.is_zero() || state.requested > state.tried || state.closing;
            if !missing {
                if state.closing {
                    *self.disk.lock() = None;
                    return;
                }
                if self.changed.wait_for(&mut state, CHECK_INTERVAL).timed_out() {
                    drop(state);
                    self.check_last(None);
                    state = self.state.lock();
                }
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

    /// Signs the newest offer and writes it to the audit log's folder; the copier gets it then.
    pub(crate) fn make(&self) -> io::Result<()> {
        let (head, last) = self.head()?;
        self.check_last(last);
        let note = self.key.sign(&head).ok_or(io::ErrorKind::InvalidData)?;
        self.publish(&head, &note)
    }

    /// Signs the newest head with this key and the next one, and writes the note to both locations;
    /// returns the note. No other checkpoint may be made meanwhile: this is the last one of this
    /// key.
    pub(crate) fn rotate(&self, disk: Arc<dyn Disk>, next: &CheckpointKey) -> io::Result<String> {
        let (head, _) = self.head()?;
        let note = self.key.sign(&head).and_then(|note| next.sign_also(&note)).ok_or(io::ErrorKind::InvalidData)?;
        *self.disk.lock() = Some(Arc::clone(&disk));
        let put = self.publish(&head, &note);
        *self.disk.lock() = None;
        put?;
        if self.copier.as_ref().is_some_and(|copier| !copier.copy_now(disk)) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(note)
    }

    /// The disk of the audit log, until it is closed.
    pub(crate) fn disk(&self) -> Option<Arc<dyn Disk>> {
        self.disk.lock().clone()
    }

    /// Tree head of the newest offer, and its last record.
    fn head(&self) -> io::Result<(Head, Option<FrameAt>)> {
        match &self.state.lock().offered {
            Some(LogPosition { tree, made, datasets, last, bytes: _ }) => {
                Ok((Head { size: tree.size(), root: tree.root(), made: *made, datasets: *datasets }, *last))
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Reads back the last record under the previous checkpoint, and this one.
    fn check_last(&self, newest: Option<FrameAt>) {
        let Some(disk) = self.disk() else { return };
        match self.read_back.lock().check(&*disk, newest) {
            Ok(None) => {}
            Ok(Some(damage)) => tracing::error!(
                %damage,
                "a signed record was changed or removed by another program; the service is not ready. Keep the \
                 folder of the audit log as it is, verify it, and see the operations guide, \"A damaged audit log\""
            ),
            // It is read again at the next check.
            Err(error) => tracing::warn!(reason = %error, "the last record of the audit log cannot be read back"),
        }
    }

    /// Writes a note to the audit log's folder, and hands it to the copier.
    fn publish(&self, head: &Head, note: &str) -> io::Result<()> {
        let stored = self.write_primary(note);
        self.note_result(&stored);
        let mut state = self.state.lock();
        state.tried = head.size;
        if stored.is_ok() {
            state.signed = head.size;
            state.unsigned_since = (state.size() > head.size).then_some(head.made);
        }
        drop(state);
        self.changed.notify_all();
        if stored.is_ok() {
            // Only now: the copy is never ahead of the audit log's own file.
            if let Some(copier) = &self.copier {
                copier.offer(head.size, note, head.made);
            }
            self.log(head, note);
        }
        stored
    }

    fn write_primary(&self, note: &str) -> io::Result<()> {
        let disk = self.disk().ok_or(io::ErrorKind::BrokenPipe)?;
        put_in_place(&*disk, CHECKPOINT, note.as_bytes()).map(drop)
    }

    /// Counts every failure. Logs when the file begins to fail and when it works again.
    fn note_result(&self, stored: &io::Result<()>) {
        let location = CheckpointLocation::AuditLog;
        let was_failing = std::mem::replace(&mut self.state.lock().is_failing, stored.is_err());
        match stored {
            Ok(()) if was_failing => tracing::info!(%location, "checkpoints can be written again"),
            Ok(()) => {}
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    tracing::warn!(%location, reason = %error, "checkpoints cannot be written");
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
