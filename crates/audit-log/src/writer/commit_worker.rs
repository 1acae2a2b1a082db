//! The commit worker: one thread at a time takes records from the queue and writes them. It passes
//! the worker on before it syncs.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use ehealth_core::lookup::Pending;

use super::error::PruneError;
use super::in_flight::InFlightBatch;
use super::prune::{Pruned, Retention};
use super::segment_writer::{SegmentHandle, SegmentWriter};

/// Command to the threads.
#[expect(clippy::large_enum_variant, reason = "nearly all are records, and a box for each would cost more")]
pub(crate) enum Command {
    Record(Pending),
    Prune(Retention, SyncSender<Result<Pruned, PruneError>>),
}

/// What one thread at a time holds: it takes records from the queue and writes them. It makes them
/// durable after it has passed this on.
pub(crate) struct CommitWorker {
    writer: SegmentWriter,
    queue: Receiver<Command>,
    /// A pruning that came while a batch was filled. It is next.
    deferred: Option<Command>,
    retry: Duration,
}

impl CommitWorker {
    pub(crate) fn new(writer: SegmentWriter, queue: Receiver<Command>, retry: Duration) -> Self {
        Self { writer, queue, deferred: None, retry }
    }

    /// Takes the next command. [`RecvTimeoutError`] if none comes while writing can fail or has
    /// failed.
    fn next(&mut self) -> Result<Command, RecvTimeoutError> {
        match self.deferred.take() {
            Some(command) => Ok(command),
            None if self.writer.is_idle() => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            None => self.queue.recv_timeout(self.retry),
        }
    }

    /// Writes what waits in the queue, this exchange first, unless a pruning precedes it.
    fn write(&mut self, handle: &mut SegmentHandle, mut first: Option<Pending>) -> Option<InFlightBatch> {
        let Self { writer, queue, deferred, .. } = self;
        writer.commit(handle, || match (first.take(), &deferred) {
            (Some(first), _) => Some(first),
            (None, Some(_)) => None,
            (None, None) => match queue.try_recv().ok()? {
                Command::Record(pending) => Some(pending),
                command @ Command::Prune(..) => {
                    *deferred = Some(command);
                    None
                }
            },
        })
    }
}

/// The commit worker that the threads share; `None` after the log was closed.
///
/// This is the standard library's mutex on purpose. If a thread panics while it holds the worker,
/// the mutex is poisoned, and no thread writes any more.
pub(crate) type SharedWorker = Mutex<Option<CommitWorker>>;

/// Runs one of the threads until the queue is closed and empty.
pub(crate) fn run(worker: &SharedWorker) {
    let mut handle = SegmentHandle::default();
    // If another thread panicked, dropping its batch settled it, and nothing more may be written.
    while let Ok(mut slot) = worker.lock() {
        let Some(worker) = &mut *slot else { return };
        let in_flight = match worker.next() {
            Ok(Command::Prune(retention, reply)) => {
                // The caller may have stopped waiting.
                let _ = reply.send(worker.writer.prune(retention));
                None
            }
            Ok(Command::Record(pending)) => worker.write(&mut handle, Some(pending)),
            Err(RecvTimeoutError::Timeout) if worker.writer.is_failing() => worker.write(&mut handle, None),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(worker) = slot.take() {
                    worker.writer.close();
                }
                return;
            }
        };
        drop(slot);
        if let Some(in_flight) = in_flight {
            in_flight.complete(|| handle.sync());
        }
    }
}
