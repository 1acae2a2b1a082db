//! The turn: what waits is taken and written by one thread at a time, which passes the turn on before it syncs.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use ehealth_core::lookup::Pending;

use super::error::PruneError;
use super::in_flight::InFlightBatch;
use super::prune::{Pruned, Retention};
use super::segment_writer::{SegmentHandle, SegmentWriter};

/// What the threads are asked to do.
#[expect(clippy::large_enum_variant, reason = "nearly all are entries, and a box for each would cost more")]
pub(crate) enum Command {
    Record(Pending),
    Prune(Retention, SyncSender<Result<Pruned, PruneError>>),
}

/// What one thread at a time has: it takes what waits and writes it, and makes it durable when it has passed this on.
pub(crate) struct CommitWorker {
    writer: SegmentWriter,
    queue: Receiver<Command>,
    /// A pruning that came while a batch was being filled: it is next.
    deferred: Option<Command>,
    retry: Duration,
}

impl CommitWorker {
    pub(crate) fn new(writer: SegmentWriter, queue: Receiver<Command>, retry: Duration) -> Self {
        Self { writer, queue, deferred: None, retry }
    }

    /// What is to be done next. If nothing comes while writing may fail, or has failed, that is a [`RecvTimeoutError`].
    fn next(&mut self) -> Result<Command, RecvTimeoutError> {
        match self.deferred.take() {
            Some(command) => Ok(command),
            None if self.writer.is_idle() => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            None => self.queue.recv_timeout(self.retry),
        }
    }

    /// Writes what waits, this entry first, unless something else comes before it.
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

/// The commit worker that the threads share; `None` once the log is closed.
///
/// This is the standard library's mutex on purpose: it is poisoned where a thread panics while it holds the worker, and
/// then no thread writes any more.
pub(crate) type SharedWorker = Mutex<Option<CommitWorker>>;

/// What each of the threads does, until the queue is closed and empty.
pub(crate) fn run(worker: &SharedWorker) {
    let mut handle = SegmentHandle::default();
    // Where another thread panicked, what it deferred was settled, and nothing more is to be written.
    while let Ok(mut slot) = worker.lock() {
        let Some(worker) = &mut *slot else { return };
        let in_flight = match worker.next() {
            Ok(Command::Prune(retention, reply)) => {
                // Whoever asked may have left.
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
