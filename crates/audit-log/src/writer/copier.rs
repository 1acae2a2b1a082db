//! The copier: brings each checkpoint to the copy elsewhere, and checks what lies there.
//!
//! It has its own thread and state, so that a copy that hangs delays no checkpoint in the audit
//! log's folder, no start and no end. It waits for [`CheckpointCopy`], whose thread alone touches
//! the place, at most [`Checkpoints::copy_timeout`](super::settings::Checkpoints) for each call.
//!
//! What lies there and was not written by this process is compared before it is replaced. A
//! checkpoint of this key that the log does not have (more records, or others) proves that the log
//! was put back or is written elsewhere too: it is left there as evidence, nothing is written any
//! more, and the service is not ready. Anything else is reported and replaced.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use ehealth_core::model::Timestamp;

use super::recover;
use crate::format::note::{CheckpointKey, root_text};
use crate::storage::checkpoint_files::{CheckpointError, CheckpointLocation};
use crate::storage::copy_folder::CopyContent;
use crate::storage::copy_thread::{CheckpointCopy, Reply, TimedOut};
use crate::storage::disk::Disk;

/// Attempts in a row when something else lies there each time.
const ATTEMPTS: u32 = 3;

/// A checkpoint that is durable in the audit log's folder.
struct Wanted {
    size: u64,
    note: String,
    /// When its newest record was written.
    made: Timestamp,
}

struct State {
    wanted: Option<Wanted>,
    /// Number of records that the newest checkpoint in the copy signs.
    copied: u64,
    /// When the newest record of the first checkpoint was written that is not in the copy.
    uncopied_since: Option<Timestamp>,
    /// What lies there, as far as it was checked.
    known: CopyContent,
    is_failing: bool,
    contradiction: Option<CheckpointError>,
    is_closing: bool,
}

/// Why a checkpoint did not reach the copy.
enum Failure {
    TimedOut,
    Io(io::Error),
    Contradiction(CheckpointError),
    /// Another program writes there as well.
    Contested,
}

/// Brings checkpoints to the copy.
pub(crate) struct Copier {
    copy: CheckpointCopy,
    key: Arc<CheckpointKey>,
    /// Disk of the audit log, until it is closed.
    disk: Mutex<Option<Arc<dyn Disk>>>,
    timeout: Duration,
    /// Interval between attempts after a failure.
    retry: Duration,
    state: Mutex<State>,
    changed: Condvar,
    failures: AtomicU64,
}

impl Copier {
    pub(crate) fn new(
        copy: CheckpointCopy,
        key: Arc<CheckpointKey>,
        disk: Arc<dyn Disk>,
        timeout: Duration,
        retry: Duration,
    ) -> Self {
        let state = State {
            wanted: None,
            copied: 0,
            uncopied_since: None,
            known: CopyContent::Nothing,
            is_failing: false,
            contradiction: None,
            is_closing: false,
        };
        let (state, changed, failures) = (Mutex::new(state), Condvar::new(), AtomicU64::new(0));
        Self { copy, key, disk: Mutex::new(Some(disk)), timeout, retry, state, changed, failures }
    }

    /// Number of records that the newest checkpoint in the copy signs.
    pub(crate) fn copied(&self) -> u64 {
        self.state.lock().copied
    }

    /// When the newest record of the first checkpoint was written that is not in the copy.
    pub(crate) fn uncopied_since(&self) -> Option<Timestamp> {
        self.state.lock().uncopied_since
    }

    /// What the copy proves against the audit log.
    pub(crate) fn contradiction(&self) -> Option<CheckpointError> {
        self.state.lock().contradiction
    }

    /// Number of times that the copy could not be read or written.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Hands over a checkpoint that is durable in the audit log's folder. Never blocks for a disk.
    pub(crate) fn offer(&self, size: u64, note: &str, made: Timestamp) {
        let mut state = self.state.lock();
        state.uncopied_since.get_or_insert(made);
        state.wanted = Some(Wanted { size, note: note.to_owned(), made });
        self.changed.notify_all();
    }

    /// Brings the newest checkpoint to the copy, again and again, until it is closed.
    pub(crate) fn run(&self) {
        let mut state = self.state.lock();
        loop {
            let is_due = state.contradiction.is_none() && state.wanted.as_ref().is_some_and(|w| w.size > state.copied);
            if is_due && !(state.is_failing && state.is_closing) {
                drop(state);
                let is_copied = self.attempt();
                state = self.state.lock();
                if !is_copied && !state.is_closing {
                    self.changed.wait_for(&mut state, self.retry);
                }
            } else if state.is_closing {
                break;
            } else {
                self.changed.wait(&mut state);
            }
        }
        drop(state);
        *self.disk.lock() = None;
    }

    /// Lets [`Copier::run`] end after a last attempt.
    pub(crate) fn close(&self) {
        self.state.lock().is_closing = true;
        self.changed.notify_all();
    }

    /// Brings the newest checkpoint to the copy; returns whether it is there. `disk` is that of the
    /// audit log.
    pub(crate) fn copy_now(&self, disk: Arc<dyn Disk>) -> bool {
        *self.disk.lock() = Some(disk);
        let is_copied = self.attempt();
        *self.disk.lock() = None;
        is_copied
    }

    fn attempt(&self) -> bool {
        let (size, note, expected) = {
            let state = self.state.lock();
            let Some(wanted) = &state.wanted else { return true };
            (wanted.size, wanted.note.clone(), state.known.clone())
        };
        let result = self.replace(size, &note, expected);
        let mut state = self.state.lock();
        match result {
            Ok(()) => {
                state.copied = size;
                state.known = CopyContent::Bytes(note.into_bytes());
                let later = state.wanted.as_ref().filter(|wanted| wanted.size > size);
                state.uncopied_since = later.map(|wanted| wanted.made);
            }
            Err(Failure::Contradiction(error)) => state.contradiction = Some(error),
            Err(Failure::TimedOut | Failure::Io(_) | Failure::Contested) => {}
        }
        drop(state);
        self.note_result(&result);
        result.is_ok()
    }

    /// Replaces what lies there, after a check of everything that this process did not write.
    fn replace(&self, signed: u64, note: &str, mut expected: CopyContent) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let deadline = Instant::now().checked_add(self.timeout).unwrap_or_else(Instant::now);
            match self.copy.replace(expected, note.to_owned(), deadline)?? {
                Reply::Replaced => return Ok(()),
                Reply::Differs(CopyContent::Bytes(found)) if found == note.as_bytes() => return Ok(()),
                Reply::Differs(found) | Reply::Present(found) => {
                    self.check(&found, signed)?;
                    expected = found;
                }
            }
        }
        Err(Failure::Contested)
    }

    /// Compares what lies there with the log, of which `signed` records are under a checkpoint.
    fn check(&self, found: &CopyContent, signed: u64) -> Result<(), Failure> {
        let bytes = match found {
            CopyContent::Nothing => return Ok(()),
            CopyContent::Bytes(bytes) => bytes,
            CopyContent::Unusable(what) => {
                tracing::warn!(found = what, "the copy of the checkpoint is not a file; replacing it");
                self.failures.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        };
        let Some(head) = std::str::from_utf8(bytes).ok().and_then(|note| self.key.read(note)) else {
            let length = bytes.len();
            tracing::warn!(length, "the copy holds no checkpoint of this audit log and this key; replacing it");
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if head.size > signed {
            let error = CheckpointError::Truncated { signed: head.size, found: signed };
            return Err(Failure::Contradiction(error));
        }
        let disk = self.disk.lock().clone().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        match recover::root_at(&*disk, head.size)? {
            Some(root) if root_text(root) == head.root => Ok(()),
            Some(_) => Err(Failure::Contradiction(CheckpointError::Inconsistent { signed: head.size })),
            None => {
                let size = head.size;
                tracing::warn!(size, "the copy's checkpoint is older than the oldest record; replacing it");
                Ok(())
            }
        }
    }

    /// Counts every failure. Logs when the copy begins to fail and when it works again.
    fn note_result(&self, result: &Result<(), Failure>) {
        let location = CheckpointLocation::Copy;
        let was_failing = {
            let mut state = self.state.lock();
            std::mem::replace(&mut state.is_failing, result.is_err())
        };
        let Err(failure) = result else {
            if was_failing {
                tracing::info!(%location, "checkpoints can be written again");
            }
            return;
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        match failure {
            Failure::Contradiction(error) => tracing::error!(
                %error,
                "the copy's checkpoint contradicts the audit log: it is kept there as evidence, and no other is \
                 written; keep the folder of the audit log as it is, and verify it against the copy"
            ),
            Failure::TimedOut | Failure::Io(_) | Failure::Contested if was_failing => {}
            Failure::TimedOut => {
                tracing::warn!(%location, timeout = ?self.timeout, "checkpoints cannot be written: no response");
            }
            Failure::Io(error) => tracing::warn!(%location, reason = %error, "checkpoints cannot be written"),
            Failure::Contested => tracing::warn!(
                %location,
                "checkpoints cannot be written: another program writes this file as well; each audit log needs a \
                 copy of its own"
            ),
        }
    }
}

impl From<TimedOut> for Failure {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Debug for Copier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copier").field("copy", &self.copy).finish_non_exhaustive()
    }
}
