//! The one writer: takes what waits, makes it durable in one write and one sync, and only then says so.
//!
//! It holds no queue and no thread ([`super::Trail`] does). After a failure nothing of the failed batch is kept, every
//! entry of it is settled as failed, and the next call tries again from the last durable byte. When a write succeeds
//! again, an interruption is recorded before anything else: the outage itself is evidence.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crate::lookup::{Pending, RecordFailure};
use crate::model::{Clock, DatasetStates, Digest, Timestamp};

use super::disk::Disk;
use super::encode;
use super::frame::TooLong;
use super::keeper::Keeper;
use super::keys::{KeyFolder, KeyName};
use super::prune::{self, PruneError, Pruned, Retention};
use super::record::{Interruption, Pruning, SegmentBegun, Stamp};
use super::recover::Recovered;
use super::seal::{DetailKey, SubjectKey};
use super::segment::{self, MAX_AHEAD_BYTES, Segment, SegmentName};
use super::status::{Health, Status};
use super::{Frontier, Month, Trouble};

/// A batch takes no further entry when it has so many bytes: some 3 000 records, a few milliseconds of encoding.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// Writes the trail.
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    keys: KeyFolder,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    /// The tree of everything that is durable.
    tree: Frontier,
    segment: Option<Segment>,
    /// The keys of the segment; absent until it was entered.
    month_keys: Option<MonthKeys>,
    /// A write failed, and what it left was not yet cut off.
    unrepaired: bool,
    /// A segment that got its name without becoming durable.
    stray: Option<SegmentName>,
    outage: Option<Outage>,
    keeper: Arc<Keeper>,
    /// Which states of the datasets the newest exchange had read.
    datasets: DatasetStates,
    /// Kept from batch to batch for its memory alone.
    bytes: Vec<u8>,
    /// Zeros are written ahead up to the next multiple of this.
    ahead: u64,
}

struct MonthKeys {
    detail: DetailKey,
    subject: SubjectKey,
}

struct Outage {
    since: Timestamp,
    trouble: Trouble,
    refused: u64,
}

impl Writer {
    /// Goes on from what was recovered, and begins the month's segment if it is not there yet.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        keys: KeyFolder,
        clock: Arc<dyn Clock>,
        recovered: Recovered,
        keeper: Arc<Keeper>,
        datasets: DatasetStates,
        ahead: u64,
    ) -> Result<(Self, Arc<Status>), Trouble> {
        let status = Arc::new(Status::new(recovered.tree.size()));
        let mut writer = Self {
            disk,
            keys,
            clock,
            status: Arc::clone(&status),
            tree: recovered.tree,
            segment: recovered.segment,
            month_keys: None,
            unrepaired: false,
            stray: None,
            outage: None,
            keeper,
            datasets,
            bytes: Vec::new(),
            ahead: ahead.clamp(1, MAX_AHEAD_BYTES),
        };
        let now = writer.clock.now();
        writer.enter(Month::new(now), now)?;
        writer.keeper.offer(&writer.tree, now, writer.datasets);
        Ok((writer, status))
    }

    /// Whether the last write failed: then somebody should try again, with or without entries.
    pub(super) fn is_down(&self) -> bool {
        self.outage.is_some()
    }

    /// Makes durable what `next` gives, up to a batch full, and settles it.
    pub(super) fn commit(&mut self, mut next: impl FnMut() -> Option<Pending>) {
        let now = self.clock.now();
        let mut batch = Batch::new(mem::take(&mut self.bytes));
        let written = self.write(&mut batch, now, &mut next);
        self.bytes = mem::take(&mut batch.bytes);
        match written {
            Ok(()) => {
                self.outage = None;
                self.status.set_health(Health::Writable);
                batch.settled.into_iter().for_each(|(pending, sequence)| pending.durable(sequence));
                self.keeper.offer(&self.tree, now, self.datasets);
            }
            Err(trouble) => {
                self.status.set_health(Health::Unwritable(trouble));
                // All of them are taken before the first is told, so that whoever comes back at once is the next try.
                let held = batch.settled.into_iter().map(|(pending, _)| pending);
                let refused: Vec<_> = held.chain(std::iter::from_fn(next)).collect();
                let count = u64::try_from(refused.len()).unwrap_or(u64::MAX);
                self.status.count_unwritable(count);
                let outage = self.outage.get_or_insert(Outage { since: now, trouble, refused: 0 });
                outage.refused = outage.refused.saturating_add(count);
                refused.into_iter().for_each(|pending| pending.failed(RecordFailure::Unwritable));
            }
        }
    }

    fn write(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        next: &mut impl FnMut() -> Option<Pending>,
    ) -> Result<(), Trouble> {
        self.repair()?;
        self.enter(Month::new(now), now)?;
        // Both were set by `enter`.
        let (Some(segment), Some(keys)) = (&mut self.segment, &self.month_keys) else { return Err(Trouble::Cut) };
        let (mut tree, mut datasets) = (self.tree.clone(), self.datasets);
        if let Some(outage) = &self.outage {
            let Outage { since, trouble, refused } = *outage;
            let what = Interruption { since, refused, cause: trouble.cause() };
            // An interruption has a fixed, short length.
            let appended = batch.append(&mut tree, now, |out, stamp| encode::interruption(out, stamp, &what))?;
            appended.map_err(|TooLong| Trouble::Cut)?;
        }
        while batch.bytes.len() < BATCH_BYTES {
            let Some(pending) = next() else { break };
            let sequence = tree.size();
            let appended = batch.append(&mut tree, now, |out, stamp| {
                encode::exchange(out, stamp, pending.entry(), &keys.detail, &keys.subject)
            });
            match appended {
                Ok(Ok(())) => {
                    let read = pending.entry().datasets;
                    if read != DatasetStates::default() {
                        datasets = read;
                    }
                    batch.settled.push((pending, sequence));
                }
                Ok(Err(TooLong)) => {
                    self.status.count_unwritable(1);
                    pending.failed(RecordFailure::Unwritable);
                }
                Err(trouble) => {
                    batch.settled.push((pending, sequence));
                    return Err(trouble);
                }
            }
        }
        if batch.bytes.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        self.unrepaired = true;
        segment.append(&batch.bytes, self.ahead)?;
        self.unrepaired = false;
        (self.tree, self.datasets) = (tree, datasets);
        let entries = u64::try_from(batch.settled.len()).unwrap_or(u64::MAX);
        self.status.count_batch(entries, started.elapsed(), self.tree.size());
        Ok(())
    }

    /// Prunes, if it can be recorded.
    pub(super) fn prune(&mut self, retention: Retention) -> Result<Pruned, PruneError> {
        let (disk, keys, now) = (Arc::clone(&self.disk), self.keys.clone(), Month::new(self.clock.now()));
        prune::prune(self, &*disk, &keys, now, retention)
    }

    /// Makes the record of a pruning durable; whether it is under a checkpoint.
    pub(super) fn record_pruning(&mut self, what: &Pruning) -> Result<bool, Trouble> {
        if let Some(outage) = &self.outage {
            return Err(outage.trouble);
        }
        let now = self.clock.now();
        self.enter(Month::new(now), now)?;
        let mut batch = Batch::new(mem::take(&mut self.bytes));
        let mut tree = self.tree.clone();
        batch
            .append(&mut tree, now, |out, stamp| encode::pruning(out, stamp, what))?
            .map_err(|TooLong| Trouble::Cut)?;
        let Some(segment) = &mut self.segment else { return Err(Trouble::Cut) };
        self.unrepaired = true;
        segment.append(&batch.bytes, self.ahead)?;
        self.unrepaired = false;
        self.tree = tree;
        self.status.set_sequence(self.tree.size());
        self.keeper.offer(&self.tree, now, self.datasets);
        Ok(self.keeper.wait_for(self.tree.size()))
    }

    fn repair(&mut self) -> Result<(), Trouble> {
        if self.unrepaired {
            if let Some(segment) = &mut self.segment {
                segment.repair(&*self.disk)?;
            }
            segment::probe_space(&*self.disk)?;
            self.unrepaired = false;
        }
        Ok(())
    }

    /// Sees to it that the segment and the keys are those of the month.
    fn enter(&mut self, month: Month, now: Timestamp) -> Result<(), Trouble> {
        let current = self.segment.as_ref().map(|segment| &segment.begun);
        let same_month = current.is_some_and(|begun| begun.month == month);
        if same_month && self.month_keys.is_some() {
            return Ok(());
        }
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
    pub(super) fn close(mut self) {
        if let (Some(segment), false) = (&mut self.segment, self.unrepaired) {
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
        let mut batch = Batch::new(Vec::new());
        let mut tree = self.tree.clone();
        let appended = batch.append(&mut tree, now, |out, stamp| encode::segment_begun(out, stamp, &begun))?;
        appended.map_err(|TooLong| Trouble::Cut)?;
        self.stray = Some(name);
        let segment = Segment::create(&*self.disk, name, begun, &batch.bytes)?;
        self.stray = None;
        self.segment = Some(segment);
        self.month_keys = None;
        self.tree = tree;
        self.status.set_sequence(self.tree.size());
        Ok(())
    }
}

/// Records that go to the disk together, and who waits for them.
struct Batch {
    bytes: Vec<u8>,
    settled: Vec<(Pending, u64)>,
    place: u32,
}

impl Batch {
    fn new(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, settled: Vec::new(), place: 0 }
    }

    /// Appends one record and its leaf.
    fn append(
        &mut self,
        tree: &mut Frontier,
        recorded: Timestamp,
        encode: impl FnOnce(&mut Vec<u8>, &Stamp) -> Result<Digest, TooLong>,
    ) -> Result<Result<(), TooLong>, Trouble> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| Trouble::Random)?;
        let stamp = Stamp { sequence: tree.size(), place: self.place, recorded, salt };
        Ok(encode(&mut self.bytes, &stamp).map(|leaf| {
            tree.push(leaf);
            self.place = self.place.saturating_add(1);
        }))
    }
}
