//! A change of the current state: one transaction, applied completely or not at all.
//!
//! A publisher's file names rows all over the tables, in any order. Its records are sorted by key
//! and applied when all are there: first every key in the table of keys, then every row in the
//! table of rows. So each page is read, changed and written once, however many records there are,
//! and records of one key keep their order. Last, the replacements of persons are validated, in the
//! state that all records lead to: whether one closes a cycle does not depend on the file's order.
//!
//! The caller checks whether the change may be applied at all (hash, size, count, limits) before
//! [`AppliedDelta::commit`].

use super::cycles::{CycleSearch, is_rejected};
use super::delta_transaction::{Change, DeltaTransaction};
use super::error::StoreError;
use super::row::{Key, Keying, Packed, Row};
use super::snapshot_tables::{BuildEvent, Conflict, ConflictKind};
use super::sort::Sorter;
use super::state::{KnownFile, State};
use super::writer::Writer;
use ehealth_core::model::Dataset;

/// Collects the records of a change. Dropped before [`AppliedDelta::commit`], it changes nothing.
#[derive(Debug)]
pub struct Delta<'w> {
    transaction: DeltaTransaction<'w>,
    /// Entries: owner part of the key, id, line, owner, value, days.
    changes: Sorter<6>,
}

/// A change that is applied but not yet visible. Dropped before [`AppliedDelta::commit`], it
/// changes nothing.
#[derive(Debug)]
pub struct AppliedDelta<'w> {
    transaction: DeltaTransaction<'w>,
}

/// Result of [`Delta::apply`].
#[derive(Debug)]
pub enum DeltaOutcome<'w> {
    /// The records are applied.
    Applied(AppliedDelta<'w>),
    /// A delete names an unknown key.
    UnknownKey,
    /// More records conflict with others than allowed.
    TooManyConflicts,
}

/// Entries of one sorter chunk. Three chunks of 48-byte and two of 40-byte entries may be in memory
/// at once: with the page cache of 64 MiB and the rest of the program, that stays below 200 MiB.
const CHUNK_ENTRIES: usize = 1 << 19;

/// In place of a value: the key is deleted. Not the number of an organisation or a person.
const DELETED: u64 = Packed::REJECTED - 1;

/// Rows between two reports of the progress. Each may change a page of 64 KiB, so that at most
/// 64 MiB are written between two.
const ROWS_PER_REPORT: u64 = 1 << 10;

impl Writer {
    /// Starts a change of the current state. Readers see nothing of it before
    /// [`AppliedDelta::commit`].
    ///
    /// # Errors
    /// If no transaction can be started.
    pub fn delta(&mut self) -> Result<Delta<'_>, StoreError> {
        let changes = Sorter::with_chunk(self.file.with_extension("changes"), self.bytes_max, CHUNK_ENTRIES);
        Ok(Delta { transaction: DeltaTransaction::begin(self)?, changes })
    }
}

impl<'w> Delta<'w> {
    /// Number of records before the change.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.transaction.records()
    }

    /// Adds the record of a line, which is inserted, or replaces the one with the same key. Lines
    /// must increase.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if it cannot be written to
    /// disk.
    pub fn put(&mut self, line: u64, row: Row) -> Result<(), StoreError> {
        let dataset = self.transaction.dataset();
        if !row.belongs_to(dataset) {
            return Err(StoreError::Dataset);
        }
        let row = Packed::new(row, line);
        let key_owner = match Keying::of(dataset) {
            Keying::ById => 0,
            Keying::ByOwner => row.owner,
        };
        Ok(self.changes.push([key_owner, row.id, line, row.owner, row.value, row.days])?)
    }

    /// Adds the key of a line whose record was rejected: the record that it would have replaced is
    /// removed, and the key is remembered. Lines must increase.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written to
    /// disk.
    pub fn reject(&mut self, line: u64, key: Key) -> Result<(), StoreError> {
        self.add_key(line, key, Packed::REJECTED)
    }

    /// Adds the key of a record that a line deletes. Lines must increase.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written to
    /// disk.
    pub fn delete(&mut self, line: u64, key: Key) -> Result<(), StoreError> {
        self.add_key(line, key, DELETED)
    }

    fn add_key(&mut self, line: u64, key: Key, value: u64) -> Result<(), StoreError> {
        if !key.belongs_to(self.transaction.dataset()) {
            return Err(StoreError::Dataset);
        }
        let (key_owner, id) = key.parts();
        Ok(self.changes.push([key_owner, id, line, 0, value, 0])?)
    }

    /// Applies the records. Leaves out at most `allowance` records that conflict with others. Calls
    /// `report` for each of them, and with the number of keys and rows done, every 1024.
    ///
    /// # Errors
    /// If the file cannot be written, or the error of `report`.
    pub fn apply(
        self,
        allowance: u64,
        report: &mut dyn FnMut(BuildEvent) -> Result<(), StoreError>,
    ) -> Result<DeltaOutcome<'w>, StoreError> {
        let Self { mut transaction, changes } = self;
        let mut progress = Progress { done: 0, report };
        let (moves, bytes_max) = (transaction.file().with_extension("moves"), transaction.bytes_max());
        let mut moved_rows = Sorter::with_chunk(moves, bytes_max, CHUNK_ENTRIES);
        let mut cycles = match transaction.dataset() {
            Dataset::Persons => Some(CycleSearch::new(&transaction.file().with_extension("walks"), bytes_max)?),
            Dataset::Dimona | Dataset::Coprev | Dataset::Federated | Dataset::Insurance => None,
        };
        apply_keys(&mut transaction, changes, &mut moved_rows, cycles.as_mut(), &mut progress)?;
        if transaction.met_unknown_key() {
            return Ok(DeltaOutcome::UnknownKey);
        }
        let mut merge = moved_rows.merge()?;
        while let Some(row) = merge.next()? {
            transaction.write_row(Packed::from_array(row))?;
            progress.count()?;
        }
        if let Some(cycles) = cycles
            && !reject_cycles(&mut transaction, cycles, allowance, &mut progress)?
        {
            return Ok(DeltaOutcome::TooManyConflicts);
        }
        Ok(DeltaOutcome::Applied(AppliedDelta { transaction }))
    }
}

/// Progress of a delta, and the callback that it is reported to.
struct Progress<'a> {
    done: u64,
    report: &'a mut dyn FnMut(BuildEvent) -> Result<(), StoreError>,
}

impl Progress<'_> {
    fn count(&mut self) -> Result<(), StoreError> {
        self.done += 1;
        if self.done.is_multiple_of(ROWS_PER_REPORT) { (self.report)(BuildEvent::Written(self.done)) } else { Ok(()) }
    }
}

/// Applies the sorted records to their keys.
fn apply_keys(
    transaction: &mut DeltaTransaction<'_>,
    changes: Sorter<6>,
    moved_rows: &mut Sorter<5>,
    mut cycles: Option<&mut CycleSearch>,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    let mut merge = changes.merge()?;
    let mut next = merge.next()?;
    while let Some([key_owner, id, ..]) = next {
        let mut key = transaction.look_up(key_owner, id)?;
        while let Some(entry) = next
            && [entry[0], entry[1]] == [key_owner, id]
        {
            transaction.change_key(&mut key, unpack(entry));
            next = merge.next()?;
            progress.count()?;
        }
        match Keying::of(transaction.dataset()) {
            Keying::ById => transaction.write_key(&key, Some(moved_rows))?,
            Keying::ByOwner => transaction.write_key(&key, None)?,
        }
        if let Some(cycles) = &mut cycles
            && let Some(row) = key.new_row()
            && row.value != Packed::NO_SUCCESSOR
        {
            cycles.add(row.owner, row.line)?;
        }
    }
    Ok(())
}

/// Validates the replacements of persons: rejects one record of every cycle, and restores the
/// records whose cycle was broken. Returns false if more must be rejected than allowed.
fn reject_cycles(
    transaction: &mut DeltaTransaction<'_>,
    mut cycles: CycleSearch,
    mut allowance: u64,
    progress: &mut Progress<'_>,
) -> Result<bool, StoreError> {
    cycles.add_rejected(transaction.connection())?;
    while let Some(cycle) = cycles.next(transaction.connection())? {
        progress.count()?;
        if !is_rejected(transaction.connection(), cycle.ssin)? {
            let Some(left) = allowance.checked_sub(1) else { return Ok(false) };
            allowance = left;
            let record = cycle.record();
            let conflict =
                Conflict { line: record.line, row: record.row(Dataset::Persons)?, kind: ConflictKind::Cycle };
            (progress.report)(BuildEvent::Conflict(conflict))?;
            transaction.reject_cycle(&cycle)?;
        }
        cycles.keep_rejected(&cycle)?;
    }
    transaction.restore_broken_cycles(&cycles)?;
    Ok(true)
}

fn unpack([_, id, line, owner, value, days]: [u64; 6]) -> Change {
    match value {
        Packed::REJECTED => Change::Reject,
        DELETED => Change::Delete,
        value => Change::Put(Packed { owner, id, line, value, days }),
    }
}

impl AppliedDelta<'_> {
    /// Number of deleted records.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.transaction.deleted()
    }

    /// Bytes by which the dataset's file grows with the change, beside its write-ahead log.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn growth(&self) -> Result<u64, StoreError> {
        self.transaction.growth()
    }

    /// Makes the change visible and durable, together with the state that it leads to.
    ///
    /// # Errors
    /// If it cannot be written; then nothing changed.
    pub fn commit(self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        self.transaction.commit(state, known)
    }
}
