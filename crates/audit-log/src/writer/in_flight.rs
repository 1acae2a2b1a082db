//! In-flight batches: written, but not yet fsynced. Several syncs run at once; the batches complete
//! in the order of their records.
//!
//! A slow disk gets the next sync before it has completed the last one. A record counts as durable
//! only when every record before it is durable. If a batch fails, all batches written after it fail
//! too, and writing resumes at the last durable byte. A fast disk has one sync at a time, and
//! batches gather meanwhile.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use ehealth_core::lookup::{Pending, RecordFailure};
use ehealth_core::model::{Clock, Timestamp};

use super::checkpointer::Checkpointer;
use super::position::LogPosition;
use super::status::{Health, Status};
use crate::replication::{Replication, Submitted};
use crate::storage::tail::BATCH_BYTES;
use crate::storage::write_failure::WriteFailure;

/// A disk whose syncs take at least this long gets the next sync meanwhile.
const SLOW: Duration = Duration::from_millis(1);
/// A faster disk is stalled when a sync takes this many times as long as usual.
const STALL: u32 = 20;

/// Since when nothing can be written, why, and how many records were refused meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    pub(crate) since: Timestamp,
    pub(crate) failure: WriteFailure,
    pub(crate) refused: u64,
}

/// What a batch contains.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) records: Vec<(Pending, u64)>,
    /// End of the log with this batch; `None` if it could not be written whole.
    pub(crate) position: Option<LogPosition>,
    /// How it was submitted to the replication, if there is one.
    pub(crate) sent: Option<Sent>,
}

/// Frames that were submitted to the replication.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) submitted: Submitted,
    /// Sequence of the first record.
    pub(crate) first: u64,
    pub(crate) bytes: Arc<[u8]>,
}

struct BatchState {
    begun: Instant,
    contents: Contents,
    /// Result of its sync; `None` while the sync runs.
    outcome: Option<Result<(), WriteFailure>>,
    /// Failure of a batch before it.
    failed_before: Option<WriteFailure>,
}

struct State {
    durable: LogPosition,
    outage: Option<Outage>,
    /// Frames that the replication may have and the own disk has not: they are written again first.
    retained: Vec<Sent>,
    /// In the order of their records.
    batches: VecDeque<BatchState>,
    /// Number of the first batch.
    first: u64,
    /// Duration of the fastest recent sync: the disk's own time. Others may have waited for a
    /// processor.
    fastest_sync: Option<Duration>,
}

impl State {
    /// Returns the batch with this number.
    fn batch(&mut self, number: u64) -> Option<&mut BatchState> {
        self.batches.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// How long the youngest batch is left alone. A fast disk gets a second sync only when it
    /// stalls.
    fn overlap_delay(&self, overlap_after: Duration) -> Duration {
        let fast = self.fastest_sync.filter(|fastest_sync| *fastest_sync < SLOW);
        fast.map_or(overlap_after, |fastest_sync| overlap_after.max(fastest_sync.saturating_mul(STALL)))
    }

    /// Bytes that were written and are not known to be durable.
    fn bytes_in_flight(&self) -> u64 {
        let newest = self.batches.iter().rev().find_map(|batch| batch.contents.position.as_ref());
        newest.map_or(0, |newest| newest.bytes.saturating_sub(self.durable.bytes))
    }
}

/// All in-flight batches.
pub(crate) struct InFlightBatches {
    state: Mutex<State>,
    changed: Condvar,
    /// How long a sync runs alone before the next may begin beside it.
    overlap_after: Duration,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    checkpointer: Arc<Checkpointer>,
    replication: Option<Arc<Replication>>,
}

impl InFlightBatches {
    pub(crate) fn new(
        durable: LogPosition,
        overlap_after: Duration,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
        checkpointer: Arc<Checkpointer>,
        replication: Option<Arc<Replication>>,
    ) -> Self {
        let (batches, retained) = (VecDeque::new(), Vec::new());
        let state = State { durable, outage: None, retained, batches, first: 0, fastest_sync: None };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            overlap_after,
            clock,
            status,
            checkpointer,
            replication,
        }
    }

    /// Whether nothing is in flight and nothing failed: then nothing happens until a record comes.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.outage.is_none() && state.batches.is_empty()
    }

    /// The current outage, if any.
    pub(crate) fn outage(&self) -> Option<Outage> {
        self.state.lock().outage
    }

    /// Begins a batch as soon as another one may be in flight: at once if none is; otherwise when
    /// the youngest has run long enough, or has ended. During an outage there is never more than
    /// one. Only one thread at a time may call this.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlightBatch {
        let mut state = self.state.lock();
        while let Some(youngest) = state.batches.back() {
            let rest = state.overlap_delay(self.overlap_after).saturating_sub(youngest.begun.elapsed());
            if state.outage.is_some() || state.bytes_in_flight() >= BATCH_BYTES {
                self.changed.wait(&mut state);
            } else if rest.is_zero() {
                break;
            } else {
                self.changed.wait_for(&mut state, rest);
            }
        }
        let number = state.first.saturating_add(u64::try_from(state.batches.len()).unwrap_or(u64::MAX));
        let contents = Contents::default();
        let durable = state.durable.tree.size();
        let is_alone = state.batches.is_empty();
        state.batches.push_back(BatchState { begun: Instant::now(), contents, outcome: None, failed_before: None });
        let capacity = BATCH_BYTES.saturating_sub(state.bytes_in_flight());
        let after = state.outage.map(|outage| (outage, state.durable.clone()));
        InFlightBatch { batches: Arc::clone(self), number: Some(number), durable, capacity, after, is_alone }
    }

    /// Waits until no batch is in flight.
    pub(crate) fn wait_for_all(&self) {
        let any_in_flight = |state: &mut State| !state.batches.is_empty();
        self.changed.wait_while(&mut self.state.lock(), any_in_flight);
    }

    /// Sets the durable end of the log after a write that was not a batch.
    pub(crate) fn set_durable(&self, position: LogPosition) {
        self.status.set_sequence(position.tree.size());
        let mut state = self.state.lock();
        self.set_durable_in(&mut state, position);
    }

    fn set_durable_in(&self, state: &mut State, position: LogPosition) {
        if let Some(replication) = &self.replication {
            let size = position.tree.size();
            replication.note_durable(size);
            state.retained.retain(|sent| sent.first >= size);
        }
        state.durable = position;
    }

    /// Frames that the replication may have and the own disk has not.
    pub(crate) fn retained(&self) -> Vec<Sent> {
        self.state.lock().retained.clone()
    }

    /// Stores the result of a batch, and settles every batch that no longer waits for another.
    fn end(&self, number: u64, outcome: Result<(), WriteFailure>) {
        let mut settled = Vec::new();
        let mut state = self.state.lock();
        if let Some(batch) = state.batch(number) {
            batch.outcome = Some(outcome);
        }
        while let Some(batch) = state.batches.pop_front_if(|batch| batch.outcome.is_some()) {
            state.first = state.first.saturating_add(1);
            let BatchState { begun, contents: Contents { records, position, sent }, outcome, failed_before } = batch;
            let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let outcome =
                failed_before.or(outcome.and_then(Result::err)).map_or(position.ok_or(WriteFailure::Truncated), Err);
            match outcome {
                Ok(position) => {
                    state.outage = None;
                    self.status.set_health(Health::Writable);
                    self.status.count_batch(count, begun.elapsed(), position.tree.size());
                    self.checkpointer.offer(&position);
                    self.set_durable_in(&mut state, position);
                    settled.push((records, Ok(sent)));
                }
                Err(failure) => {
                    state.batches.iter_mut().for_each(|later| later.failed_before = Some(failure));
                    self.status.set_health(Health::Unwritable(failure));
                    self.status.count_unwritable(count);
                    let begins = || Outage { since: self.clock.now(), failure, refused: 0 };
                    let outage = state.outage.get_or_insert_with(begins);
                    outage.refused = outage.refused.saturating_add(count);
                    // Also what was written before the connection: what follows it was numbered after it.
                    state.retained.extend(sent);
                    settled.push((records, Err(RecordFailure::Unwritable)));
                }
            }
        }
        drop(state);
        self.changed.notify_all();
        for (records, result) in settled {
            match (result, &self.replication) {
                (Ok(Some(sent)), Some(replication)) => replication.settle(records, sent.submitted),
                (Ok(_), _) => records.into_iter().for_each(|(pending, sequence)| pending.durable(sequence)),
                (Err(failure), _) => records.into_iter().for_each(|(pending, _)| pending.failed(failure)),
            }
        }
    }
}

/// One in-flight batch. It fails if it is dropped before its end.
pub(crate) struct InFlightBatch {
    batches: Arc<InFlightBatches>,
    /// `None` after the batch has ended.
    number: Option<u64>,
    /// Number of records that were durable when it began.
    pub(crate) durable: u64,
    /// No other batch was in flight.
    pub(crate) is_alone: bool,
    /// Number of bytes that may be written.
    pub(crate) capacity: u64,
    /// The outage until now, and the position at which to resume. No other batch is in flight then.
    pub(crate) after: Option<(Outage, LogPosition)>,
}

impl InFlightBatch {
    /// Waits until everything before it is durable.
    pub(crate) fn wait_to_be_first(&self) -> Result<(), WriteFailure> {
        let is_later = |state: &mut State| self.number.is_some_and(|number| state.first < number);
        let mut state = self.batches.state.lock();
        self.batches.changed.wait_while(&mut state, is_later);
        let batch = self.number.and_then(|number| state.batch(number));
        batch.and_then(|batch| batch.failed_before).map_or(Ok(()), Err)
    }

    /// Sets its contents.
    pub(crate) fn set_contents(&self, contents: Contents) {
        let mut state = self.batches.state.lock();
        if let Some(batch) = self.number.and_then(|number| state.batch(number)) {
            batch.contents = contents;
        }
    }

    /// Removes the batch: there was nothing to write.
    pub(crate) fn cancel(mut self) {
        self.number = None;
        // It is the newest batch, because only one thread at a time begins one.
        drop(self.batches.state.lock().batches.pop_back());
    }

    /// Syncs the batch, then settles it when every batch before it is settled.
    pub(crate) fn complete(self, sync: impl FnOnce() -> Result<(), WriteFailure>) {
        let started = Instant::now();
        let outcome = sync();
        let took = started.elapsed();
        let mut state = self.batches.state.lock();
        // A fast sync is forgotten after some hundred others.
        let slower = state.fastest_sync.and_then(|fastest_sync| fastest_sync.saturating_mul(65).checked_div(64));
        state.fastest_sync = Some(slower.map_or(took, |slower| took.min(slower)));
        drop(state);
        self.end(outcome);
    }

    /// Ends the batch with this result. It is settled when every batch before it is.
    pub(crate) fn end(mut self, outcome: Result<(), WriteFailure>) {
        if let Some(number) = self.number.take() {
            self.batches.end(number, outcome);
        }
    }
}

impl Drop for InFlightBatch {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.batches.end(number, Err(WriteFailure::Io(io::ErrorKind::Other)));
        }
    }
}
