//! The audit log as the server uses it: a bounded queue, and the threads that empty it.
//!
//! Appending never waits for the disk. The caller is called back when its record is settled. A
//! thread takes what waits in the queue, writes it, passes the commit worker to the next thread,
//! and syncs. A record is settled when its batch and everything before it is durable, or has
//! failed. When [`AuditLog::close`] returns, every record that was accepted is settled.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use parking_lot::{Mutex, RwLock};

use ehealth_core::lookup::{AuditSink, Pending, RecordFailure};
use ehealth_core::model::Clock;

use super::checkpointer::Checkpointer;
use super::commit_worker::{Command, CommitWorker, SharedWorker, run};
use super::error::{AuditError, PruneError, RotateError};
use super::prune::{Pruned, Retention};
use super::recover;
use super::segment_writer::{Dependencies, SegmentWriter};
use super::settings::{MissingCheckpoint, Settings};
use super::status::{Counters, Health, Status};
use crate::format::note::is_origin;
use crate::storage::checkpoint_files::{CheckpointError, StoredCheckpoints};
use crate::storage::disk::{Disk, Folder};
use crate::storage::keys::{KeyFolder, KeyName};

/// Result of a key rotation. Keep both parts elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Checkpoint that both keys signed.
    pub note: String,
    /// New public key in the form of signed-note tools.
    pub verifying_key: String,
}

/// The durable log of all exchanges.
#[derive(Debug)]
pub struct AuditLog {
    queue: RwLock<Option<SyncSender<Command>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    checkpoint_thread: Mutex<Option<JoinHandle<()>>>,
    checkpointer: Arc<Checkpointer>,
    status: Arc<Status>,
    cut_bytes: u64,
    keys: KeyFolder,
    origin: String,
}

impl AuditLog {
    /// Opens the audit log for exclusive writing, truncates the torn end that a crash left, and
    /// starts the threads.
    ///
    /// # Errors
    /// [`AuditError`]. Nothing was changed then, except that a torn end may be gone and a month
    /// begun.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        let folder = Folder::open_alone(&settings.folder).map_err(|error| {
            let kind = error.kind();
            if kind == io::ErrorKind::WouldBlock { AuditError::InUse } else { AuditError::Io(kind) }
        })?;
        Self::open_on(Arc::new(folder), settings, clock)
    }

    /// Opens the audit log on a disk that nothing else writes to; ignores `settings.folder`.
    ///
    /// # Errors
    /// As [`AuditLog::open`], except [`AuditError::InUse`].
    pub fn open_on(disk: Arc<dyn Disk>, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        let keys = KeyFolder::open(&settings.keys, settings.missing_keys)?;
        let checkpoints = &settings.checkpoints;
        if !is_origin(&checkpoints.origin) {
            return Err(AuditError::Origin);
        }
        let stored = StoredCheckpoints::read(&*disk, checkpoints.copy.as_deref())??;
        // A key that has signed is never generated again: its loss must be noticed, not repaired.
        if stored.is_empty() {
            keys.provide(KeyName::Checkpoint)?;
        }
        let key = keys.checkpoint_key(&checkpoints.origin)?;
        let signed_head = stored.newest(&key)?;
        let recovered = recover::recover(&*disk, signed_head.as_ref())?;
        if signed_head.is_none() && recovered.has_records && checkpoints.missing == MissingCheckpoint::Refuse {
            return Err(CheckpointError::Missing.into());
        }
        let cut_bytes = recovered.cut_bytes;
        let (signed, datasets) = signed_head.map_or_else(Default::default, |head| (head.size, head.datasets));
        let checkpointer = Arc::new(Checkpointer::new(Arc::clone(&disk), key, checkpoints.clone(), &stored, signed));
        let dependencies = Dependencies {
            disk,
            keys: keys.clone(),
            clock,
            checkpointer: Arc::clone(&checkpointer),
            preallocate: settings.preallocate,
            overlap_after: settings.overlap_after,
        };
        let (writer, status) = SegmentWriter::open(dependencies, recovered, datasets)?;
        if stored.primary.is_none() {
            // Before the first record: from then on a missing checkpoint means that it was
            // removed.
            checkpointer.make()?;
        }
        let (queue, waiting) = mpsc::sync_channel(settings.queue);
        let worker = CommitWorker::new(writer, waiting, settings.retry);
        let shared = Arc::new((SharedWorker::new(Some(worker)), CloseOnDrop(Arc::clone(&status))));
        let spawn = |_| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("audit-log".into()).spawn(move || run(&shared.0))
        };
        let threads = (0..settings.max_syncs.max(1)).map(spawn).collect::<io::Result<_>>();
        let threads: Vec<_> = threads.map_err(|error| AuditError::Thread(error.kind()))?;
        let checkpoint_thread = {
            let checkpointer = Arc::clone(&checkpointer);
            let spawned = thread::Builder::new().name("checkpoints".into()).spawn(move || checkpointer.run());
            spawned.map_err(|error| AuditError::Thread(error.kind()))?
        };
        let (queue, threads) = (RwLock::new(Some(queue)), Mutex::new(threads));
        let (checkpoint_thread, origin) = (Mutex::new(Some(checkpoint_thread)), checkpoints.origin.clone());
        Ok(Self { queue, threads, checkpoint_thread, checkpointer, status, cut_bytes, keys, origin })
    }

    /// Whether records can be written.
    #[must_use]
    pub fn health(&self) -> Health {
        self.status.health()
    }

    /// Counts since the log was opened.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (signed, checkpoint_failures) = (self.checkpointer.signed(), self.checkpointer.failures());
        Counters { signed, checkpoint_failures, ..self.status.counters() }
    }

    /// Length of the torn end that was truncated at the start, in bytes: worth a line in the
    /// service log.
    #[must_use]
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// Public key of the checkpoints in the form of signed-note tools: all that an auditor needs
    /// besides the files.
    #[must_use]
    pub fn verifying_key(&self) -> String {
        self.checkpointer.verifying_key()
    }

    /// Waits until a checkpoint signs every durable record; returns whether it is in the audit
    /// log's folder.
    #[must_use]
    pub fn checkpoint_now(&self) -> bool {
        self.checkpointer.wait_for(self.status.counters().sequence)
    }

    /// Removes months past retention, and waits for the end of it. Records wait meanwhile.
    ///
    /// # Errors
    /// [`PruneError`].
    pub fn prune(&self, retention: Retention) -> Result<Pruned, PruneError> {
        let (reply, pruned) = mpsc::sync_channel(1);
        let queue = self.queue.read().clone().ok_or(PruneError::Closed)?;
        queue.send(Command::Prune(retention, reply)).map_err(|_| PruneError::Closed)?;
        drop(queue);
        pruned.recv().unwrap_or(Err(PruneError::Closed))
    }

    /// Closes the audit log and replaces the key of its checkpoints. First both keys sign the
    /// newest checkpoint, in both locations. Then the new key replaces the old one, whose file is
    /// overwritten. An interrupted rotation continues when this is called again.
    ///
    /// # Errors
    /// [`RotateError`]. The audit log can then be opened with the old key.
    pub fn rotate_checkpoint_key(self) -> Result<Rotated, RotateError> {
        let disk = self.checkpointer.disk().ok_or(RotateError::Closed)?;
        self.close();
        let next = self.keys.next_checkpoint_key(&self.origin)?;
        let note = self.checkpointer.rotate(disk, &next).map_err(|error| RotateError::Io(error.kind()))?;
        self.keys.replace_checkpoint_key()?;
        Ok(Rotated { note, verifying_key: next.verifying_key() })
    }

    /// Accepts no more records, waits until the accepted ones are settled and signed, and releases
    /// the folder.
    pub fn close(&self) {
        drop(self.queue.write().take());
        let threads = mem::take(&mut *self.threads.lock());
        // A thread that panicked has settled its batch by dropping it.
        threads.into_iter().for_each(|thread| drop(thread.join()));
        self.checkpointer.close();
        let checkpoint_thread = self.checkpoint_thread.lock().take();
        let _ = checkpoint_thread.map(JoinHandle::join);
    }
}

impl AuditSink for AuditLog {
    fn append(&self, pending: Pending) {
        let queue = self.queue.read();
        let Some(queue) = &*queue else { return pending.failed(RecordFailure::Closed) };
        match queue.try_send(Command::Record(pending)) {
            Err(TrySendError::Full(Command::Record(pending))) => {
                self.status.count_overloaded();
                pending.failed(RecordFailure::Overloaded);
            }
            Err(TrySendError::Disconnected(Command::Record(pending))) => pending.failed(RecordFailure::Closed),
            Ok(()) | Err(TrySendError::Full(Command::Prune(..)) | TrySendError::Disconnected(Command::Prune(..))) => {}
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reports the log as closed, however its threads end.
struct CloseOnDrop(Arc<Status>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.set_health(Health::Closed);
    }
}
