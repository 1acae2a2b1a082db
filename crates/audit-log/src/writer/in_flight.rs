//! Batches that were written and whose syncs are under way: several at once, settled in the order of their records.
//!
//! A slow disk is given the next sync before it has done with the last one. Nobody is told of a record until everything
//! before it is durable; where a batch fails, all that were written behind it fail with it, and writing goes on from the
//! last byte that is durable. A fast disk has one sync to do at a time, and batches gather meanwhile.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use ehealth_core::lookup::{Pending, RecordFailure};
use ehealth_core::model::{Clock, DatasetStates, Timestamp};

use super::checkpointer::Checkpointer;
use super::status::{Health, Status};
use crate::format::tree::Frontier;
use crate::storage::tail::BATCH_BYTES;
use crate::storage::write_failure::WriteFailure;

/// A disk that takes so long for each sync is given the next meanwhile.
const SLOW: Duration = Duration::from_millis(1);
/// A faster one stalls where it takes so many times as long as usual.
const STALL: u32 = 20;

/// How far the trail is, or will be.
#[derive(Debug, Clone)]
pub(crate) struct LogPosition {
    /// The tree of all records.
    pub(crate) tree: Frontier,
    /// The end of the records in the segment.
    pub(crate) bytes: u64,
    /// Which states of the datasets the newest exchange had read.
    pub(crate) datasets: DatasetStates,
    /// When the newest record was written.
    pub(crate) made: Timestamp,
}

/// Since when nothing could be written, and how many entries were refused for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    pub(crate) since: Timestamp,
    pub(crate) failure: WriteFailure,
    pub(crate) refused: u64,
}

/// What a batch brings with it.
struct Contents {
    records: Vec<(Pending, u64)>,
    /// How far the trail is with it; `None` if it could not be written whole.
    position: Option<LogPosition>,
}

struct BatchState {
    begun: Instant,
    contents: Contents,
    /// What became of its sync; `None` while that is under way.
    outcome: Option<Result<(), WriteFailure>>,
    /// Something before it failed.
    failed_before: Option<WriteFailure>,
}

struct State {
    durable: LogPosition,
    outage: Option<Outage>,
    /// In the order of their records.
    batches: VecDeque<BatchState>,
    /// The number of the first of them.
    first: u64,
    /// What the quickest of the last syncs took: the disk's own time. Others may have waited for a processor.
    fastest_sync: Option<Duration>,
}

impl State {
    /// Where this flight stands now.
    fn batch(&mut self, number: u64) -> Option<&mut BatchState> {
        self.batches.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// So long the youngest flight is left alone. A fast disk is given a second sync only when it stalls.
    fn overlap_delay(&self, overlap_after: Duration) -> Duration {
        let fast = self.fastest_sync.filter(|fastest_sync| *fastest_sync < SLOW);
        fast.map_or(overlap_after, |fastest_sync| overlap_after.max(fastest_sync.saturating_mul(STALL)))
    }

    /// Bytes that were written and are not known to be durable.
    fn bytes_under_way(&self) -> u64 {
        let newest = self.batches.iter().rev().find_map(|batch| batch.contents.position.as_ref());
        newest.map_or(0, |newest| newest.bytes.saturating_sub(self.durable.bytes))
    }
}

/// All that are under way.
pub(crate) struct InFlightBatches {
    state: Mutex<State>,
    changed: Condvar,
    /// So long a sync runs alone before the next may begin beside it.
    overlap_after: Duration,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    checkpointer: Arc<Checkpointer>,
}

impl InFlightBatches {
    pub(crate) fn new(
        durable: LogPosition,
        overlap_after: Duration,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
        checkpointer: Arc<Checkpointer>,
    ) -> Self {
        let state = State { durable, outage: None, batches: VecDeque::new(), first: 0, fastest_sync: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), overlap_after, clock, status, checkpointer }
    }

    /// Whether nothing is under way, and nothing failed: then nothing happens until an entry comes.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.outage.is_none() && state.batches.is_empty()
    }

    /// Why nothing can be written, if so.
    pub(crate) fn outage(&self) -> Option<Outage> {
        self.state.lock().outage
    }

    /// Begins a flight as soon as there may be another one: at once if none is under way; else when the youngest is not
    /// young any more, or has ended. During an outage there is never more than one. Only one thread at a time may do this.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlightBatch {
        let mut state = self.state.lock();
        while let Some(youngest) = state.batches.back() {
            let rest = state.overlap_delay(self.overlap_after).saturating_sub(youngest.begun.elapsed());
            if state.outage.is_some() || state.bytes_under_way() >= BATCH_BYTES {
                self.changed.wait(&mut state);
            } else if rest.is_zero() {
                break;
            } else {
                self.changed.wait_for(&mut state, rest);
            }
        }
        let number = state.first.saturating_add(u64::try_from(state.batches.len()).unwrap_or(u64::MAX));
        let contents = Contents { records: Vec::new(), position: None };
        let durable = state.durable.tree.size();
        let is_alone = state.batches.is_empty();
        state.batches.push_back(BatchState { begun: Instant::now(), contents, outcome: None, failed_before: None });
        let capacity = BATCH_BYTES.saturating_sub(state.bytes_under_way());
        let after = state.outage.map(|outage| (outage, state.durable.clone()));
        InFlightBatch { batches: Arc::clone(self), number: Some(number), durable, capacity, after, is_alone }
    }

    /// Waits until none is under way.
    pub(crate) fn wait_for_all(&self) {
        let under_way = |state: &mut State| !state.batches.is_empty();
        self.changed.wait_while(&mut self.state.lock(), under_way);
    }

    /// Tells how far the trail is, where that was made durable without a flight.
    pub(crate) fn set_durable(&self, position: LogPosition) {
        self.status.set_sequence(position.tree.size());
        self.state.lock().durable = position;
    }

    /// Notes what became of one, and settles what this leaves nothing to wait for.
    fn end(&self, number: u64, outcome: Result<(), WriteFailure>) {
        let mut settled = Vec::new();
        let mut state = self.state.lock();
        if let Some(batch) = state.batch(number) {
            batch.outcome = Some(outcome);
        }
        while let Some(batch) = state.batches.pop_front_if(|batch| batch.outcome.is_some()) {
            state.first = state.first.saturating_add(1);
            let BatchState { begun, contents: Contents { records, position }, outcome, failed_before } = batch;
            let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let outcome =
                failed_before.or(outcome.and_then(Result::err)).map_or(position.ok_or(WriteFailure::Truncated), Err);
            match outcome {
                Ok(position) => {
                    state.outage = None;
                    self.status.set_health(Health::Writable);
                    self.status.count_batch(count, begun.elapsed(), position.tree.size());
                    self.checkpointer.offer(&position.tree, position.made, position.datasets);
                    state.durable = position;
                    settled.push((records, true));
                }
                Err(failure) => {
                    state.batches.iter_mut().for_each(|later| later.failed_before = Some(failure));
                    self.status.set_health(Health::Unwritable(failure));
                    self.status.count_unwritable(count);
                    let begins = || Outage { since: self.clock.now(), failure, refused: 0 };
                    let outage = state.outage.get_or_insert_with(begins);
                    outage.refused = outage.refused.saturating_add(count);
                    settled.push((records, false));
                }
            }
        }
        drop(state);
        self.changed.notify_all();
        for (records, is_durable) in settled {
            for (pending, sequence) in records {
                if is_durable { pending.durable(sequence) } else { pending.failed(RecordFailure::Unwritable) }
            }
        }
    }
}

/// One that is under way. Let go of before its end, it failed.
pub(crate) struct InFlightBatch {
    batches: Arc<InFlightBatches>,
    /// `None` once it has ended.
    number: Option<u64>,
    /// So many records were durable when it began.
    pub(crate) durable: u64,
    /// Nothing else was under way.
    pub(crate) is_alone: bool,
    /// So many bytes may be written.
    pub(crate) capacity: u64,
    /// Why nothing could be written until now, and where to go on; then nothing else is under way.
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

    /// Takes in who waits, and how far the trail is with them: `None` if they could not be written.
    pub(crate) fn contents(&self, records: Vec<(Pending, u64)>, position: Option<LogPosition>) {
        let mut state = self.batches.state.lock();
        if let Some(batch) = self.number.and_then(|number| state.batch(number)) {
            batch.contents = Contents { records, position };
        }
    }

    /// There was nothing to write.
    pub(crate) fn cancel(mut self) {
        self.number = None;
        // The newest of all: only one thread at a time begins them.
        drop(self.batches.state.lock().batches.pop_back());
    }

    /// Makes it durable, and settles it when what was before it is.
    pub(crate) fn complete(self, sync: impl FnOnce() -> Result<(), WriteFailure>) {
        let started = Instant::now();
        let outcome = sync();
        let took = started.elapsed();
        let mut state = self.batches.state.lock();
        // A quick one is forgotten after some hundred others.
        let slower = state.fastest_sync.and_then(|fastest_sync| fastest_sync.saturating_mul(65).checked_div(64));
        state.fastest_sync = Some(slower.map_or(took, |slower| took.min(slower)));
        drop(state);
        self.end(outcome);
    }

    /// Settles it, now or when what was before it is.
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
