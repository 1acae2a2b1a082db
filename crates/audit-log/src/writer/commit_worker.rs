//! The turn: what waits is taken and written by one thread at a time, which passes the turn on before it syncs.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use ehealth_core::lookup::Pending;

use super::error::PruneError;
use super::in_flight::InFlightBatch;
use super::prune::{Pruned, Retention};
use super::writer::{Hand, Writer};

/// What the threads are asked to do.
#[expect(clippy::large_enum_variant, reason = "nearly all are entries, and a box for each would cost more")]
pub(crate) enum Task {
    Record(Pending),
    Prune(Retention, SyncSender<Result<Pruned, PruneError>>),
}

/// What one thread at a time has: it takes what waits and writes it, and makes it durable when it has passed this on.
pub(crate) struct Turn {
    writer: Writer,
    waiting: Receiver<Task>,
    /// A pruning that came while a batch was being filled: it is next.
    held: Option<Task>,
    retry: Duration,
}

impl Turn {
    pub fn new(writer: Writer, waiting: Receiver<Task>, retry: Duration) -> Self {
        Self { writer, waiting, held: None, retry }
    }

    /// What is to be done next. If nothing comes while writing may fail, or has failed, that is a [`RecvTimeoutError`].
    fn next(&mut self) -> Result<Task, RecvTimeoutError> {
        match self.held.take() {
            Some(task) => Ok(task),
            None if self.writer.is_calm() => self.waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
            None => self.waiting.recv_timeout(self.retry),
        }
    }

    /// Writes what waits, this entry first, unless something else comes before it.
    fn write(&mut self, hand: &mut Hand, mut first: Option<Pending>) -> Option<InFlightBatch> {
        let Self { writer, waiting, held, .. } = self;
        writer.commit(hand, || match (first.take(), &held) {
            (Some(first), _) => Some(first),
            (None, Some(_)) => None,
            (None, None) => match waiting.try_recv().ok()? {
                Task::Record(pending) => Some(pending),
                task @ Task::Prune(..) => {
                    *held = Some(task);
                    None
                }
            },
        })
    }
}

/// What each of the threads does, until the queue is closed and empty.
pub(crate) fn run(turn: &Mutex<Option<Turn>>) {
    let mut hand = Hand::default();
    // Where another thread panicked, what it held was settled, and nothing more is to be written.
    while let Ok(mut place) = turn.lock() {
        let Some(turn) = &mut *place else { return };
        let flying = match turn.next() {
            Ok(Task::Prune(retention, reply)) => {
                // Whoever asked may have left.
                let _ = reply.send(turn.writer.prune(retention));
                None
            }
            Ok(Task::Record(pending)) => turn.write(&mut hand, Some(pending)),
            Err(RecvTimeoutError::Timeout) if turn.writer.is_down() => turn.write(&mut hand, None),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(turn) = place.take() {
                    turn.writer.close();
                }
                return;
            }
        };
        drop(place);
        if let Some(flying) = flying {
            flying.land(|| hand.sync());
        }
    }
}
