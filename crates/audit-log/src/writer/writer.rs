//! The writer: takes what waits and writes it; whoever holds the batch then makes it durable, and only then says so.
//!
//! It holds no queue and no thread ([`super::AuditLog`] does), and is used by one thread at a time. After a failure nothing is
//! kept of what was not durable, and the next call tries again from the last durable byte. When a write succeeds again, an
//! interruption is recorded before anything else: the outage itself is evidence.

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ehealth_core::lookup::Pending;
use ehealth_core::model::{Clock, DatasetStates, Timestamp};

use super::batch::{Batch, MonthKeys};
use super::checkpointer::Checkpointer;
use super::error::PruneError;
use super::in_flight::{InFlightBatch, InFlightBatches, Outage, Reached};
use super::prune::{self, Pruned, Retention};
use super::recover::Recovered;
use super::status::Status;
use crate::format::encode;
use crate::format::frame::TooLong;
use crate::format::month::Month;
use crate::format::record::{Interruption, Pruning, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::tree::Frontier;
use crate::storage::disk::{Disk, DiskFile};
use crate::storage::keys::{KeyFolder, KeyName};
use crate::storage::segment::{self, MAX_AHEAD_BYTES, Segment};
use crate::storage::write_failure::Trouble;

/// Writes the trail.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    keys: KeyFolder,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    flights: Arc<InFlightBatches>,
    keeper: Arc<Checkpointer>,
    /// The tree of everything that was written.
    tree: Frontier,
    segment: Option<Segment>,
    /// How often a segment was opened: a handle of before is not to be used any more.
    opened: u64,
    /// The keys of the segment; absent until it was entered.
    month_keys: Option<MonthKeys>,
    /// A segment that got its name without becoming durable.
    stray: Option<SegmentName>,
    /// Which states of the datasets the newest exchange had read.
    datasets: DatasetStates,
    /// Kept from batch to batch for its memory alone.
    bytes: Vec<u8>,
    /// Zeros are written ahead up to the next multiple of this.
    ahead: u64,
}

/// A thread's own handle of the segment. Where writing back fails, the system tells each handle once: a handle that two
/// threads sync with would tell but one of them.
#[derive(Default)]
pub(crate) struct Hand(Option<(u64, Box<dyn DiskFile>)>);

impl Hand {
    /// Makes durable what was written with it, and everything before.
    pub(crate) fn sync(&self) -> Result<(), Trouble> {
        self.0.as_ref().map_or(Ok(()), |(_, file)| Ok(file.sync()?))
    }
}

/// What a [`Writer`] is made of besides what was recovered.
pub(crate) struct Tools {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) keys: KeyFolder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keeper: Arc<Checkpointer>,
    /// Zeros are written ahead up to the next multiple of this.
    pub(crate) ahead: u64,
    /// So long a sync runs alone before the next may begin beside it.
    pub(crate) apart: Duration,
}

impl Writer {
    /// Goes on from what was recovered, and begins the month's segment if it is not there yet.
    pub(crate) fn open(
        tools: Tools,
        recovered: Recovered,
        datasets: DatasetStates,
    ) -> Result<(Self, Arc<Status>), Trouble> {
        let Tools { disk, keys, clock, keeper, ahead, apart } = tools;
        let (now, tree) = (clock.now(), recovered.tree);
        let status = Arc::new(Status::new(tree.size()));
        let bytes = recovered.segment.as_ref().map_or(0, |segment| segment.written);
        let reached = Reached { tree: tree.clone(), bytes, datasets, made: now };
        let flights =
            InFlightBatches::new(reached, apart, Arc::clone(&clock), Arc::clone(&status), Arc::clone(&keeper));
        let mut writer = Self {
            disk,
            keys,
            clock,
            status: Arc::clone(&status),
            flights: Arc::new(flights),
            keeper,
            tree,
            segment: recovered.segment,
            opened: 0,
            month_keys: None,
            stray: None,
            datasets,
            bytes: Vec::new(),
            ahead: ahead.clamp(1, MAX_AHEAD_BYTES),
        };
        writer.enter(Month::new(now), now)?;
        writer.keeper.offer(&writer.tree, now, writer.datasets);
        Ok((writer, status))
    }

    /// Whether nothing is under way, and the last write did not fail.
    pub(crate) fn is_calm(&self) -> bool {
        self.flights.is_calm()
    }

    /// Whether the last write failed: then somebody should try again, with or without entries.
    pub(crate) fn is_down(&self) -> bool {
        self.flights.outage().is_some()
    }

    /// Writes what `next` gives, up to a batch full, and settles what cannot be written. The rest is settled when the
    /// flight is told what became of the sync of `hand`.
    pub(crate) fn commit(
        &mut self,
        hand: &mut Hand,
        mut next: impl FnMut() -> Option<Pending>,
    ) -> Option<InFlightBatch> {
        let flying = self.flights.begin();
        // Where processors are scarce, whoever is about to ask goes first: one sync for many is what makes syncs cheap.
        // Where they are not, this returns at once. A flight beside others has had the time to gather.
        if flying.is_alone {
            thread::yield_now();
        }
        let now = self.clock.now();
        let mut batch = Batch::new(mem::take(&mut self.bytes), Frontier::default(), self.datasets);
        let written = self.write(&flying, hand, now, &mut batch, |batch, keys| batch.fill(now, keys, &mut next));
        self.bytes = mem::take(&mut batch.bytes);
        self.status.count_unwritable(batch.too_long);
        match written {
            Ok(None) => {
                flying.cancel();
                None
            }
            Ok(reached) => {
                flying.load(batch.entries, reached);
                Some(flying)
            }
            Err(trouble) => {
                // All of them are taken before the first is told, so that whoever comes back at once is the next try.
                batch.entries.extend(std::iter::from_fn(next).map(|pending| (pending, u64::MAX)));
                flying.load(batch.entries, None);
                flying.end(Err(trouble));
                None
            }
        }
    }

    /// Fills a batch and writes it; how far the trail is with it, if there was anything to write.
    fn write(
        &mut self,
        flying: &InFlightBatch,
        hand: &mut Hand,
        now: Timestamp,
        batch: &mut Batch,
        fill: impl FnOnce(&mut Batch, &MonthKeys) -> Result<(), Trouble>,
    ) -> Result<Option<Reached>, Trouble> {
        self.resume(flying)?;
        let durable = self.enter_alone(flying, now)?;
        self.open_segment(hand)?;
        // All were set when the month was entered.
        let (Some(segment), Some(keys), Some((_, file))) = (&mut self.segment, &self.month_keys, &hand.0) else {
            return Err(Trouble::Cut);
        };
        (batch.tree, batch.durable, batch.room) = (self.tree.clone(), durable, flying.room);
        if let Some((Outage { since, trouble, refused }, _)) = flying.after {
            let what = Interruption { since, refused, cause: trouble.cause() };
            // An interruption has a fixed, short length.
            let appended = batch.append(now, |out, stamp| encode::interruption(out, stamp, &what))?;
            appended.map_err(|TooLong| Trouble::Cut)?;
        }
        fill(batch, keys)?;
        if batch.bytes.is_empty() {
            return Ok(None);
        }
        segment.append(&**file, &batch.bytes, self.ahead)?;
        (self.tree, self.datasets) = (mem::take(&mut batch.tree), batch.datasets);
        Ok(Some(self.reached(now)))
    }

    /// Prunes, if it can be recorded.
    pub(crate) fn prune(&mut self, retention: Retention) -> Result<Pruned, PruneError> {
        let (disk, keys, now) = (Arc::clone(&self.disk), self.keys.clone(), Month::new(self.clock.now()));
        prune::prune(&*disk, &keys, now, retention, |what| self.record_pruning(what))
    }

    /// Makes the record of a pruning durable; whether it is under a checkpoint.
    fn record_pruning(&mut self, what: &Pruning) -> Result<bool, Trouble> {
        self.flights.wait_for_all();
        if let Some(outage) = self.flights.outage() {
            return Err(outage.trouble);
        }
        let (flying, now, mut hand) = (self.flights.begin(), self.clock.now(), Hand::default());
        let mut batch = Batch::new(Vec::new(), Frontier::default(), self.datasets);
        let written = self.write(&flying, &mut hand, now, &mut batch, |batch, _| {
            batch.append(now, |out, stamp| encode::pruning(out, stamp, what))?.map_err(|TooLong| Trouble::Cut)
        });
        let outcome = written.and_then(|reached| {
            flying.load(Vec::new(), reached);
            hand.sync()
        });
        flying.end(outcome);
        outcome?;
        Ok(self.keeper.wait_for(self.tree.size()))
    }

    /// After an outage: goes back to what is durable, and cuts off the rest.
    fn resume(&mut self, flying: &InFlightBatch) -> Result<(), Trouble> {
        if let Some((_, durable)) = &flying.after {
            (self.tree, self.datasets) = (durable.tree.clone(), durable.datasets);
            if let Some(segment) = &mut self.segment {
                segment.repair(&*self.disk, durable.bytes)?;
                self.opened = self.opened.saturating_add(1);
            }
            segment::probe_space(&*self.disk)?;
        }
        Ok(())
    }

    /// Opens the segment once more, unless this was done.
    fn open_segment(&self, hand: &mut Hand) -> Result<(), Trouble> {
        let is_open = hand.0.as_ref().is_some_and(|(opened, _)| *opened == self.opened);
        if let (false, Some(segment)) = (is_open, &self.segment) {
            hand.0 = Some((self.opened, self.disk.open(&segment.name.to_string())?));
        }
        Ok(())
    }

    /// How far the trail is with all that was written.
    fn reached(&self, made: Timestamp) -> Reached {
        let bytes = self.segment.as_ref().map_or(0, |segment| segment.written);
        Reached { tree: self.tree.clone(), bytes, datasets: self.datasets, made }
    }

    /// Enters the month if it is another one, once everything before is durable; how many records are durable.
    fn enter_alone(&mut self, flying: &InFlightBatch, now: Timestamp) -> Result<u64, Trouble> {
        let month = Month::new(now);
        let is_there = self.segment.as_ref().is_some_and(|segment| segment.begun.month == month);
        if is_there && self.month_keys.is_some() {
            return Ok(flying.durable);
        }
        flying.wait_to_be_first()?;
        self.enter(month, now)?;
        Ok(self.tree.size())
    }

    /// Sees to it that the segment and the keys are those of the month.
    fn enter(&mut self, month: Month, now: Timestamp) -> Result<(), Trouble> {
        let current = self.segment.as_ref().map(|segment| &segment.begun);
        let same_month = current.is_some_and(|begun| begun.month == month);
        // A key that is in use is never made anew: a lost one must be noticed, not replaced.
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
            self.begin(month, now, &keys)?;
        }
        self.month_keys = Some(keys);
        Ok(())
    }

    /// Leaves the segment as long as its records are. If that fails, the next start does it.
    pub(crate) fn close(mut self) {
        self.flights.wait_for_all();
        if let (Some(segment), None) = (&mut self.segment, self.flights.outage()) {
            let _ = segment.trim();
        }
    }

    fn begin(&mut self, month: Month, now: Timestamp, keys: &MonthKeys) -> Result<(), Trouble> {
        if let Some(segment) = &mut self.segment {
            segment.trim()?;
        }
        let name = SegmentName { first: self.tree.size(), month };
        if let Some(stray) = self.stray.filter(|stray| *stray != name) {
            self.disk.remove(&stray.to_string())?;
            // Durably, before another segment takes its place.
            self.disk.sync_names()?;
            self.stray = None;
        }
        let begun = SegmentBegun {
            month,
            detail_key: keys.detail.id(),
            subject_key: keys.subject.id(),
            tree: self.tree.clone(),
        };
        let mut batch = Batch::new(Vec::new(), self.tree.clone(), self.datasets);
        let appended = batch.append(now, |out, stamp| encode::segment_begun(out, stamp, &begun))?;
        appended.map_err(|TooLong| Trouble::Cut)?;
        self.stray = Some(name);
        let segment = Segment::create(&*self.disk, name, begun, &batch.bytes)?;
        self.stray = None;
        self.segment = Some(segment);
        self.opened = self.opened.saturating_add(1);
        self.month_keys = None;
        self.tree = batch.tree;
        self.flights.set_durable(self.reached(now));
        Ok(())
    }
}
