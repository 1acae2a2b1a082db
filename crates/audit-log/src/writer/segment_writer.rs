//! Writes batches to the current segment. The thread that holds a batch then makes it durable, and
//! only then reports it as durable.
//!
//! The writer has no queue and no thread ([`AuditLog`](crate::AuditLog) has), and one thread at a
//! time uses it. After a failure nothing is kept that was not durable, and the next call resumes at
//! the last durable byte. When a write succeeds again, an interruption is recorded before anything
//! else: the outage itself belongs on record.

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ehealth_core::lookup::Pending;
use ehealth_core::model::{Clock, DatasetStates, Timestamp};

use super::batch::{Batch, MonthKeys};
use super::checkpointer::Checkpointer;
use super::in_flight::{Contents, InFlightBatch, InFlightBatches, Outage, Sent};
use super::position::LogPosition;
use super::read_back::FrameAt;
use super::recover::Recovered;
use super::status::Status;
use super::submit::submit;
use crate::format::encode;
use crate::format::frame::TooLong;
use crate::format::month::Month;
use crate::format::record::{Interruption, InterruptionCause, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::tree::Frontier;
use crate::replication::{Mode, Replication, rows};
use crate::storage::disk::{Disk, DiskFile};
use crate::storage::keys::{KeyFolder, KeyName};
use crate::storage::segment::{self, MAX_PREALLOCATION_BYTES, Segment};
use crate::storage::write_failure::WriteFailure;

/// Writes the records of an audit log.
pub(crate) struct SegmentWriter {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) keys: KeyFolder,
    pub(super) clock: Arc<dyn Clock>,
    status: Arc<Status>,
    pub(super) in_flight: Arc<InFlightBatches>,
    pub(super) checkpointer: Arc<Checkpointer>,
    /// Tree of everything that was written.
    pub(super) tree: Frontier,
    segment: Option<Segment>,
    /// Number of times that a segment was opened. Older handles must not be used any more.
    generation: u64,
    /// Keys of the segment; `None` until its month was entered.
    month_keys: Option<MonthKeys>,
    /// A segment that got its name but may not be durable.
    unconfirmed: Option<SegmentName>,
    /// Dataset states that the newest exchange had read.
    pub(super) datasets: DatasetStates,
    /// Where the newest record lies.
    last: Option<FrameAt>,
    /// Buffer that is reused from batch to batch.
    bytes: Vec<u8>,
    /// Zeros are written ahead up to the next multiple of this number of bytes.
    preallocate: u64,
    pub(super) replication: Option<Arc<Replication>>,
}

/// A thread's own handle of the segment. If write-back fails, Linux reports it once on each handle:
/// with a shared handle only one of two threads would learn of it.
#[derive(Default)]
pub(crate) struct SegmentHandle(Option<(u64, Box<dyn DiskFile>)>);

impl SegmentHandle {
    /// Makes durable what was written through it, and everything before.
    pub(crate) fn sync(&self) -> Result<(), WriteFailure> {
        self.0.as_ref().map_or(Ok(()), |(_, file)| Ok(file.sync()?))
    }
}

/// What a [`SegmentWriter`] needs besides the recovered log.
pub(crate) struct Dependencies {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) keys: KeyFolder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) checkpointer: Arc<Checkpointer>,
    /// Zeros are written ahead up to the next multiple of this number of bytes.
    pub(crate) preallocate: u64,
    /// How long a sync runs alone before the next may begin beside it.
    pub(crate) overlap_after: Duration,
    /// The second copy, if there is one.
    pub(crate) replication: Option<Arc<Replication>>,
}

impl SegmentWriter {
    /// Continues the recovered log, and begins the segment of the month if it does not exist.
    pub(crate) fn open(
        dependencies: Dependencies,
        recovered: Recovered,
        datasets: DatasetStates,
    ) -> Result<(Self, Arc<Status>), WriteFailure> {
        let Dependencies { disk, keys, clock, checkpointer, preallocate, overlap_after, replication } = dependencies;
        let (now, tree) = (clock.now(), recovered.tree);
        if let Some(replication) = &replication {
            replication.open(tree.size());
        }
        let status = Arc::new(Status::new(tree.size()));
        let bytes = recovered.segment.as_ref().map_or(0, |segment| segment.written);
        let last = recovered.last;
        let position = LogPosition { tree: tree.clone(), bytes, datasets, made: now, last };
        let in_flight = InFlightBatches::new(
            position,
            overlap_after,
            Arc::clone(&clock),
            Arc::clone(&status),
            Arc::clone(&checkpointer),
            replication.clone(),
        );
        let mut writer = Self {
            disk,
            keys,
            clock,
            status: Arc::clone(&status),
            in_flight: Arc::new(in_flight),
            checkpointer,
            tree,
            segment: recovered.segment,
            generation: 0,
            month_keys: None,
            unconfirmed: None,
            datasets,
            last,
            bytes: Vec::new(),
            preallocate: preallocate.clamp(1, MAX_PREALLOCATION_BYTES),
            replication,
        };
        writer.enter_month(Month::new(now), now)?;
        writer.checkpointer.offer(&writer.position(now));
        Ok((writer, status))
    }

    /// Whether nothing is in flight and the last write did not fail.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_idle()
    }

    /// Whether the last write failed. Then try again, with or without records.
    pub(crate) fn is_failing(&self) -> bool {
        self.in_flight.outage().is_some()
    }

    /// Writes what `next` returns, up to one batch, and settles what cannot be written. The rest is
    /// settled when the in-flight batch gets the result of the sync of `handle`.
    pub(crate) fn commit(
        &mut self,
        handle: &mut SegmentHandle,
        mut next: impl FnMut() -> Option<Pending>,
    ) -> Option<InFlightBatch> {
        let in_flight = self.in_flight.begin();
        // If processors are scarce, callers that are about to append go first: syncs are cheap
        // because many records share one. If they are not scarce, this returns at once. A batch
        // beside others has already had time to gather.
        if in_flight.is_alone {
            thread::yield_now();
        }
        let now = self.clock.now();
        let mut batch = Batch::new(mem::take(&mut self.bytes), Frontier::default(), self.datasets);
        let replication = self.replication.clone();
        let mode = replication.as_ref().map(|replication| replication.mode());
        let is_unreplicated = mode == Some(Mode::Unreplicated);
        // What came into the queue before exchanges were refused.
        let mut next = || match (&replication, mode) {
            (Some(replication), Some(Mode::Refused)) => {
                std::iter::from_fn(&mut next).for_each(|pending| replication.refuse(pending));
                None
            }
            (_, _) => next(),
        };
        let fill = |batch: &mut Batch, keys: &MonthKeys| batch.fill(now, keys, is_unreplicated, &mut next);
        let written = self.write(&in_flight, handle, now, (&mut batch, mode), fill);
        self.bytes = mem::take(&mut batch.bytes);
        self.status.count_unwritable(batch.too_long);
        match written {
            Ok(None) => {
                in_flight.cancel();
                None
            }
            Ok(Some((position, sent))) => {
                in_flight.set_contents(Contents { records: batch.records, position: Some(position), sent });
                Some(in_flight)
            }
            Err(failure) => {
                // All of them are taken before the first is settled, so that an exchange that comes
                // back at once is the next attempt.
                batch.records.extend(std::iter::from_fn(next).map(|pending| (pending, u64::MAX)));
                in_flight.set_contents(Contents { records: batch.records, ..Contents::default() });
                in_flight.end(Err(failure));
                None
            }
        }
    }

    /// Fills a batch, writes it and submits it to the replication; returns the new end of the log, or
    /// `None` if there was nothing to write.
    pub(super) fn write(
        &mut self,
        in_flight: &InFlightBatch,
        handle: &mut SegmentHandle,
        now: Timestamp,
        (batch, mode): (&mut Batch, Option<Mode>),
        fill: impl FnOnce(&mut Batch, &MonthKeys) -> Result<(), WriteFailure>,
    ) -> Result<Option<(LogPosition, Option<Sent>)>, WriteFailure> {
        self.resume(in_flight)?;
        let durable = self.enter_month_when_first(in_flight, now)?;
        self.open_segment(handle)?;
        // All were set when the month was entered.
        let (Some(segment), Some(keys), Some((_, file))) = (&mut self.segment, &self.month_keys, &handle.0) else {
            return Err(WriteFailure::Truncated);
        };
        (batch.tree, batch.durable, batch.capacity) = (self.tree.clone(), durable, in_flight.capacity);
        let outage = in_flight.after.as_ref().map(|(Outage { since, failure, refused }, _)| Interruption {
            since: *since,
            refused: *refused,
            cause: failure.cause(),
        });
        let stop = self.replication.as_ref().filter(|_| mode != Some(Mode::Refused)).and_then(|copy| copy.stop());
        let stopped = stop.map(|stop| Interruption {
            since: stop.since,
            refused: stop.refused,
            cause: InterruptionCause::NotReplicated,
        });
        for what in [outage, stopped].into_iter().flatten() {
            // An interruption record has a fixed, short length.
            let appended = batch.append(now, |out, header| encode::interruption(out, header, &what))?;
            appended.map_err(|TooLong| WriteFailure::Truncated)?;
        }
        fill(batch, keys)?;
        if batch.bytes.is_empty() {
            return Ok(None);
        }
        let (name, start, first) = (segment.name, segment.written, self.tree.size());
        segment.append(&**file, &batch.bytes, self.preallocate)?;
        let sent = self.replication.as_ref().map(|replication| {
            stop.into_iter().for_each(|stop| replication.note_stop_recorded(stop));
            submit(replication, batch, (first, name.month), mode)
        });
        let at = |(offset, leaf): (u64, _)| FrameAt { segment: name, offset: start.saturating_add(offset), leaf };
        self.last = batch.last.map(at);
        (self.tree, self.datasets) = (mem::take(&mut batch.tree), batch.datasets);
        Ok(Some((self.position(now), sent)))
    }

    /// Resumes after an outage: returns to the durable end and truncates the rest.
    fn resume(&mut self, in_flight: &InFlightBatch) -> Result<(), WriteFailure> {
        if let Some((_, durable)) = &in_flight.after {
            (self.tree, self.datasets, self.last) = (durable.tree.clone(), durable.datasets, durable.last);
            if let Some(segment) = &mut self.segment {
                segment.repair(&*self.disk, durable.bytes)?;
                self.generation = self.generation.saturating_add(1);
            }
            segment::probe_space(&*self.disk)?;
            self.write_retained()?;
        }
        Ok(())
    }

    /// Writes the frames again that the replication has and the own disk has not, durably.
    fn write_retained(&mut self) -> Result<(), WriteFailure> {
        let (retained, Some(segment)) = (self.in_flight.retained(), &mut self.segment) else { return Ok(()) };
        if retained.is_empty() {
            return Ok(());
        }
        let file = self.disk.open(&segment.name.to_string())?;
        for sent in retained {
            let (name, mut offset) = (segment.name, segment.written);
            segment.append(&*file, &sent.bytes, 1)?;
            for row in rows(&sent.bytes) {
                let row = row.map_err(|_| WriteFailure::Truncated)?;
                self.tree.push(row.leaf);
                self.last = Some(FrameAt { segment: name, offset, leaf: row.leaf });
                offset = offset.saturating_add(u64::try_from(row.frame.len()).unwrap_or(u64::MAX));
            }
        }
        file.sync()?;
        self.in_flight.set_durable(self.position(self.clock.now()));
        Ok(())
    }

    /// Opens the segment again, unless this handle is of the current generation.
    fn open_segment(&self, handle: &mut SegmentHandle) -> Result<(), WriteFailure> {
        let is_open = handle.0.as_ref().is_some_and(|(generation, _)| *generation == self.generation);
        if let (false, Some(segment)) = (is_open, &self.segment) {
            handle.0 = Some((self.generation, self.disk.open(&segment.name.to_string())?));
        }
        Ok(())
    }

    /// End of the log with everything that was written.
    fn position(&self, made: Timestamp) -> LogPosition {
        let bytes = self.segment.as_ref().map_or(0, |segment| segment.written);
        LogPosition { tree: self.tree.clone(), bytes, datasets: self.datasets, made, last: self.last }
    }

    /// Enters the month if it changed, after everything before is durable; returns the number of
    /// durable records.
    fn enter_month_when_first(&mut self, in_flight: &InFlightBatch, now: Timestamp) -> Result<u64, WriteFailure> {
        let month = Month::new(now);
        let is_there = self.segment.as_ref().is_some_and(|segment| segment.begun.month == month);
        if is_there && self.month_keys.is_some() {
            return Ok(in_flight.durable);
        }
        in_flight.wait_to_be_first()?;
        self.enter_month(month, now)?;
        Ok(self.tree.size())
    }

    /// Ensures that segment and keys are those of the month.
    fn enter_month(&mut self, month: Month, now: Timestamp) -> Result<(), WriteFailure> {
        let current = self.segment.as_ref().map(|segment| &segment.begun);
        let same_month = current.is_some_and(|begun| begun.month == month);
        // A key that is in use is never generated again: its loss must be noticed, not repaired.
        if !same_month {
            self.keys.provide(KeyName::Detail(month))?;
        }
        if current.is_none_or(|begun| begun.month.year() != month.year()) {
            self.keys.provide(KeyName::Subject(month.year()))?;
        }
        let keys = MonthKeys { detail: self.keys.detail_key(month)?, subject: self.keys.subject_key(month.year())? };
        let known = |begun: &SegmentBegun| {
            (begun.month, begun.detail_key, begun.subject_key) == (month, keys.detail.id(), keys.subject.id())
        };
        if !current.is_some_and(known) {
            self.begin_segment(month, now, &keys)?;
        }
        self.month_keys = Some(keys);
        Ok(())
    }

    /// Truncates the segment to its records. If that fails, the next start does it.
    pub(crate) fn close(mut self) {
        self.in_flight.wait_for_all();
        if let (Some(segment), None) = (&mut self.segment, self.in_flight.outage()) {
            let _ = segment.trim();
        }
    }

    fn begin_segment(&mut self, month: Month, now: Timestamp, keys: &MonthKeys) -> Result<(), WriteFailure> {
        if let Some(segment) = &mut self.segment {
            segment.trim()?;
        }
        let name = SegmentName { first: self.tree.size(), month };
        if let Some(unconfirmed) = self.unconfirmed.filter(|unconfirmed| *unconfirmed != name) {
            self.disk.remove(&unconfirmed.to_string())?;
            // Durably, before another segment gets its name.
            self.disk.sync_names()?;
            self.unconfirmed = None;
        }
        let begun = SegmentBegun {
            month,
            detail_key: keys.detail.id(),
            subject_key: keys.subject.id(),
            tree: self.tree.clone(),
        };
        let mut batch = Batch::new(Vec::new(), self.tree.clone(), self.datasets);
        let appended = batch.append(now, |out, header| encode::segment_begun(out, header, &begun))?;
        appended.map_err(|TooLong| WriteFailure::Truncated)?;
        self.unconfirmed = Some(name);
        let segment = Segment::create(&*self.disk, name, begun, &batch.bytes)?;
        self.unconfirmed = None;
        if let Some(replication) = &self.replication {
            submit(replication, &batch, (name.first, month), None);
        }
        self.segment = Some(segment);
        self.generation = self.generation.saturating_add(1);
        self.month_keys = None;
        self.tree = batch.tree;
        self.last = batch.last.map(|(offset, leaf)| FrameAt { segment: name, offset, leaf });
        self.in_flight.set_durable(self.position(now));
        Ok(())
    }
}
