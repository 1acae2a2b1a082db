//! The audit log as the server uses it: a bounded queue, and the threads that empty it.
//!
//! Appending never waits for the disk. The caller is called back when its record is settled. A
//! thread takes what waits in the queue, writes it, passes the commit worker to the next thread,
//! and syncs. A record is settled when its batch and everything before it is durable, or has
//! failed. When [`AuditLog::close`] returns, every record that was accepted is settled.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use durable_file::Directory;
use parking_lot::{Mutex, RwLock};

use ehealth_core::lookup::{AuditSink, Pending, RecordFailure};
use ehealth_core::model::Clock;

use super::checkpointer::Checkpointer;
use super::commit_worker::{Command, CommitWorker, SharedWorker, run};
use super::copier::Copier;
use super::error::{AuditError, PruneError, RotateError};
use super::prune::{Pruned, Retention};
use super::recover;
use super::segment_writer::{Dependencies, SegmentWriter};
use super::settings::{MissingCheckpoint, Settings};
use super::status::{Counters, Health, Status};
use super::stored::Stored;
use crate::format::note::is_origin;
use crate::replication::Replication;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::copy_thread::CheckpointCopy;
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
    /// Threads of the checkpointer and, after it, of the copier.
    checkpoint_threads: Mutex<Vec<JoinHandle<()>>>,
    checkpointer: Arc<Checkpointer>,
    status: Arc<Status>,
    cut_bytes: u64,
    keys: KeyFolder,
    origin: String,
    replication: Option<Arc<Replication>>,
}

impl AuditLog {
    /// Opens the audit log for exclusive writing, truncates the torn end that a crash left, and
    /// starts the threads.
    ///
    /// # Errors
    /// [`AuditError`]. Nothing was changed then, except that a torn end may be gone and a month
    /// begun.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        Self::open_with_copy(settings, clock, Self::start_copy(settings, |_| ())?)
    }

    /// Starts the thread that writes the copy of the checkpoint, if the settings name one. Call it
    /// before the process is confined; `confine` confines the thread to the folder of the copy.
    ///
    /// # Errors
    /// [`AuditError::Copy`] if the setting names no file, or the system refuses a thread.
    pub fn start_copy(
        settings: &Settings,
        confine: impl FnOnce(&Directory) + Send + 'static,
    ) -> Result<Option<CheckpointCopy>, AuditError> {
        let Some(copy) = &settings.checkpoints.copy else { return Ok(None) };
        let own = [settings.folder.clone(), settings.keys.clone()];
        CheckpointCopy::start(copy, own, confine).map(Some).map_err(|error| AuditError::Copy(error.kind()))
    }

    /// As [`AuditLog::open`], with the copy that [`AuditLog::start_copy`] started.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn open_with_copy(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        copy: Option<CheckpointCopy>,
    ) -> Result<Self, AuditError> {
        Self::open_with_copies(settings, clock, copy, None)
    }

    /// As [`AuditLog::open_with_copy`], with a second copy of every record.
    ///
    /// # Errors
    /// As [`AuditLog::open`].
    pub fn open_with_copies(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        copy: Option<CheckpointCopy>,
        replication: Option<Arc<Replication>>,
    ) -> Result<Self, AuditError> {
        let folder = Folder::open_alone(&settings.folder).map_err(AuditError::of_opening)?;
        Self::open_on_with_copies(Arc::new(folder), settings, clock, (copy, replication))
    }

    /// Opens the audit log on a disk that nothing else writes to; ignores `settings.folder`.
    ///
    /// # Errors
    /// As [`AuditLog::open`], except [`AuditError::InUse`].
    pub fn open_on(disk: Arc<dyn Disk>, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        Self::open_on_with_copy(disk, settings, clock, Self::start_copy(settings, |_| ())?)
    }

    /// As [`AuditLog::open_on`], with this copy of the checkpoint.
    ///
    /// # Errors
    /// As [`AuditLog::open_on`].
    pub fn open_on_with_copy(
        disk: Arc<dyn Disk>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        copy: Option<CheckpointCopy>,
    ) -> Result<Self, AuditError> {
        Self::open_on_with_copies(disk, settings, clock, (copy, None))
    }

    /// As [`AuditLog::open_on`], with the copies of the checkpoint and of the records.
    ///
    /// # Errors
    /// As [`AuditLog::open_on`].
    pub fn open_on_with_copies(
        disk: Arc<dyn Disk>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        (copy, replication): (Option<CheckpointCopy>, Option<Arc<Replication>>),
    ) -> Result<Self, AuditError> {
        let keys = KeyFolder::open(&settings.keys, settings.missing_keys)?;
        let checkpoints = &settings.checkpoints;
        if !is_origin(&checkpoints.origin) {
            return Err(AuditError::Origin);
        }
        let stored = Stored::read(&*disk, copy.as_ref(), checkpoints.copy_timeout)?;
        // A key that has signed is never generated again: its loss must be noticed, not repaired.
        if stored.has_none(&checkpoints.origin) {
            keys.provide(KeyName::Checkpoint)?;
        }
        let key = Arc::new(keys.checkpoint_key(&checkpoints.origin)?);
        let heads = stored.heads(&key, clock.now())?;
        let recovered = recover::recover(&*disk, heads.newest())?;
        let is_unsigned = heads.newest().is_none() && recovered.has_records;
        if is_unsigned && checkpoints.missing == MissingCheckpoint::Refuse {
            return Err(CheckpointError::Missing.into());
        }
        let cut_bytes = recovered.cut_bytes;
        let datasets = heads.newest().map_or_else(Default::default, |head| head.datasets);
        let copier = copy.map(|copy| {
            let (key, disk) = (Arc::clone(&key), Arc::clone(&disk));
            Arc::new(Copier::new(copy, key, disk, checkpoints.copy_timeout, checkpoints.interval))
        });
        let signed = heads.primary.as_ref().map_or(0, |head| head.size);
        let of_thread = (Arc::clone(&key), copier.clone(), checkpoints.clone());
        let checkpointer = Checkpointer::new(Arc::clone(&disk), of_thread, signed, recovered.last);
        let checkpointer = Arc::new(checkpointer);
        let dependencies = Dependencies {
            disk,
            keys: keys.clone(),
            clock,
            checkpointer: Arc::clone(&checkpointer),
            preallocate: settings.preallocate,
            overlap_after: settings.overlap_after,
            replication: replication.clone(),
        };
        let (mut writer, status) = SegmentWriter::open(dependencies, recovered, datasets)?;
        if is_unsigned {
            writer.record_vouched()?;
        }
        match (&heads.primary, &stored.primary, &copier) {
            // Before the first record: from then on a missing checkpoint means that it was
            // removed.
            (None, ..) => checkpointer.make()?,
            // The copy may lack it.
            (Some(head), Some(note), Some(copier)) if Some(head) == heads.newest() => {
                copier.offer(head.size, &String::from_utf8_lossy(note), head.made);
            }
            (Some(_), ..) => {}
        }
        Self::start(settings, (writer, status, replication), (checkpointer, copier), (keys, cut_bytes))
    }

    /// Starts the threads.
    fn start(
        settings: &Settings,
        (writer, status, replication): (SegmentWriter, Arc<Status>, Option<Arc<Replication>>),
        (checkpointer, copier): (Arc<Checkpointer>, Option<Arc<Copier>>),
        (keys, cut_bytes): (KeyFolder, u64),
    ) -> Result<Self, AuditError> {
        let (queue, waiting) = mpsc::sync_channel(settings.queue);
        let worker = CommitWorker::new(writer, waiting, settings.retry);
        let shared = Arc::new((SharedWorker::new(Some(worker)), CloseOnDrop(Arc::clone(&status))));
        let spawn_writer = |_| {
            let shared = Arc::clone(&shared);
            spawn("audit-log", move || run(&shared.0))
        };
        let threads = (0..settings.max_syncs.max(1)).map(spawn_writer).collect::<Result<_, _>>()?;
        let mut checkpoint_threads = Vec::new();
        let of_thread = Arc::clone(&checkpointer);
        checkpoint_threads.push(spawn("checkpoints", move || of_thread.run())?);
        if let Some(copier) = copier {
            checkpoint_threads.push(spawn("copier", move || copier.run())?);
        }
        let (queue, threads) = (RwLock::new(Some(queue)), Mutex::new(threads));
        let (checkpoint_threads, origin) = (Mutex::new(checkpoint_threads), settings.checkpoints.origin.clone());
        Ok(Self { queue, threads, checkpoint_threads, checkpointer, status, cut_bytes, keys, origin, replication })
    }

    /// Whether records can be written.
    #[must_use]
    pub fn health(&self) -> Health {
        match (self.status.health(), self.checkpointer.compromise()) {
            (Health::Writable, Some(compromise)) => Health::Compromised(compromise),
            (health, _) => health,
        }
    }

    /// Counts since the log was opened.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let copier = self.checkpointer.copier();
        Counters {
            signed: self.checkpointer.signed(),
            checkpoint_failures: self.checkpointer.failures(),
            unsigned_since: self.checkpointer.unsigned_since(),
            copied: copier.map(Copier::copied),
            uncopied_since: copier.and_then(Copier::uncopied_since),
            ..self.status.counters()
        }
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
        for thread in mem::take(&mut *self.checkpoint_threads.lock()) {
            let _ = thread.join();
            // The checkpointer's thread comes first: the copier has its last checkpoint then.
            if let Some(copier) = self.checkpointer.copier() {
                copier.close();
            }
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, AuditError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|error| AuditError::Thread(error.kind()))
}

impl AuditSink for AuditLog {
    fn append(&self, pending: Pending) {
        if let Some(replication) = self.replication.as_ref().filter(|replication| replication.is_refusing()) {
            return replication.refuse(pending);
        }
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
