//! A change of the current state: one transaction, applied completely or not at all.
//!
//! A publisher's file names rows all over the tables, in any order. Its records are sorted by key
//! and applied when all are there: first every key in the table of keys, then every row in the
//! table of rows. So each page is read, changed and written once, however many records there are,
//! and records of one key keep their order. Replacements of persons are applied at once: whether
//! one closes a cycle depends on all before it.
//!
//! The caller checks whether the change may be applied at all (hash, size, count, limits) before
//! [`AppliedDelta::commit`].

use rusqlite::{Connection, OptionalExtension};

use super::delta_transaction::{Change, DeltaTransaction};
use super::error::StoreError;
use super::row::{Key, Keying, Packed, Row};
use super::sort::Sorter;
use super::state::{KnownFile, State};
use super::writer::Writer;
use ehealth_core::model::{Dataset, Ssin};

/// Collects the records of a change. Dropped before [`AppliedDelta::commit`], it changes nothing.
#[derive(Debug)]
pub struct Delta<'w> {
    transaction: DeltaTransaction<'w>,
    /// Entries: owner part of the key, id, number of the record in the file, owner, value, days.
    changes: Sorter<6>,
    /// Number of records so far.
    taken: u64,
}

/// A change that is applied but not yet visible. Dropped before [`AppliedDelta::commit`], it
/// changes nothing.
#[derive(Debug)]
pub struct AppliedDelta<'w> {
    transaction: DeltaTransaction<'w>,
}

/// Result of [`Delta::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The record is accepted.
    Accepted,
    /// The record would close a cycle of replacements and was not accepted; the caller must reject
    /// it.
    Cycle,
}

/// Entries of one sorter chunk. Three chunks of 48-byte and two of 40-byte entries may be in memory
/// at once: with the page cache of 64 MiB and the rest of the program, that stays below 200 MiB.
const CHUNK_ENTRIES: usize = 1 << 19;

/// In place of a value: the key is deleted. No organisation has the number 0, and persons are not
/// sorted.
const DELETED: u64 = 0;

/// Rows between two reports of the progress: some hundredths of a second.
const ROWS_PER_REPORT: u64 = 1 << 13;

/// Maximum replacements followed in search of a cycle. No person has a fraction of that many; a
/// longer chain would make every record that extends it cost more than the one before.
const CHAIN_MAX: usize = 10_000;

impl Writer {
    /// Starts a change of the current state. Readers see nothing of it before
    /// [`AppliedDelta::commit`].
    ///
    /// # Errors
    /// If no transaction can be started.
    pub fn delta(&mut self) -> Result<Delta<'_>, StoreError> {
        let changes = Sorter::with_chunk(self.file.with_extension("changes"), CHUNK_ENTRIES);
        Ok(Delta { transaction: DeltaTransaction::begin(self)?, changes, taken: 0 })
    }
}

impl<'w> Delta<'w> {
    /// Number of records before the change.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.transaction.records()
    }

    /// Adds a record that is inserted, or replaces the one with the same key.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if it cannot be written to
    /// disk.
    pub fn put(&mut self, row: Row) -> Result<PutOutcome, StoreError> {
        let dataset = self.transaction.dataset();
        if !row.belongs_to(dataset) {
            return Err(StoreError::Dataset);
        }
        if let Row::Person { ssin, replaced_by: Some(successor) } = row
            && leads_to(self.transaction.connection(), successor, ssin)?
        {
            return Ok(PutOutcome::Cycle);
        }
        let packed = Packed::new(row, 0);
        let key_owner = match Keying::of(dataset) {
            Keying::ById => 0,
            Keying::ByOwner => packed.owner,
        };
        self.add(key_owner, packed.id, Change::Put(packed))?;
        Ok(PutOutcome::Accepted)
    }

    /// Adds the key of a rejected record: the record that it would have replaced is removed, and
    /// the key is remembered.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written to
    /// disk.
    pub fn reject(&mut self, key: Key) -> Result<(), StoreError> {
        self.add_key(key, Change::Reject)
    }

    /// Adds the key of a record that is deleted.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written to
    /// disk.
    pub fn delete(&mut self, key: Key) -> Result<(), StoreError> {
        self.add_key(key, Change::Delete)
    }

    fn add_key(&mut self, key: Key, change: Change) -> Result<(), StoreError> {
        if !key.belongs_to(self.transaction.dataset()) {
            return Err(StoreError::Dataset);
        }
        let (key_owner, id) = key.parts();
        self.add(key_owner, id, change)
    }

    fn add(&mut self, key_owner: u64, id: u64, change: Change) -> Result<(), StoreError> {
        if self.transaction.dataset() == Dataset::Persons {
            let mut key = self.transaction.look_up(key_owner, id)?;
            self.transaction.change_key(&mut key, change);
            return self.transaction.write_key(&key, None);
        }
        self.taken += 1;
        let (owner, value, days) = match change {
            Change::Put(row) => (row.owner, row.value, row.days),
            Change::Reject => (0, Packed::REJECTED, 0),
            Change::Delete => (0, DELETED, 0),
        };
        Ok(self.changes.push([key_owner, id, self.taken, owner, value, days])?)
    }

    /// Applies the records; returns `None` if a delete names an unknown key. Calls `report` with
    /// the number of keys and rows done, every 8192.
    ///
    /// # Errors
    /// If the file cannot be written, or the error of `report`.
    pub fn apply(
        self,
        report: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<Option<AppliedDelta<'w>>, StoreError> {
        let Self { mut transaction, changes, .. } = self;
        let mut moved_rows = Sorter::with_chunk(transaction.file().with_extension("moves"), CHUNK_ENTRIES);
        let mut done = 0;
        let mut count = || {
            done += 1;
            if done % ROWS_PER_REPORT == 0 { report(done) } else { Ok(()) }
        };
        let mut merge = changes.merge()?;
        let mut next = merge.next()?;
        while let Some([key_owner, id, ..]) = next {
            let mut key = transaction.look_up(key_owner, id)?;
            while let Some(entry) = next
                && [entry[0], entry[1]] == [key_owner, id]
            {
                transaction.change_key(&mut key, unpack(entry));
                next = merge.next()?;
                count()?;
            }
            match Keying::of(transaction.dataset()) {
                Keying::ById => transaction.write_key(&key, Some(&mut moved_rows))?,
                Keying::ByOwner => transaction.write_key(&key, None)?,
            }
        }
        if transaction.met_unknown_key() {
            return Ok(None);
        }
        let mut merge = moved_rows.merge()?;
        while let Some([owner, id, line, value, days]) = merge.next()? {
            transaction.write_row(Packed { owner, id, line, value, days })?;
            count()?;
        }
        Ok(Some(AppliedDelta { transaction }))
    }
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

    /// Makes the change visible and durable, together with the state that it leads to.
    ///
    /// # Errors
    /// If it cannot be written; then nothing changed.
    pub fn commit(self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        self.transaction.commit(state, known)
    }
}

/// Whether the chain of replacements from `from` reaches `to`. A chain of more than [`CHAIN_MAX`]
/// counts as a cycle.
fn leads_to(connection: &Connection, from: Ssin, to: Ssin) -> Result<bool, StoreError> {
    let (mut ssin, to) = (from.as_u64().cast_signed(), to.as_u64().cast_signed());
    let mut successor = connection.prepare_cached("SELECT replaced_by FROM person WHERE ssin = ?1")?;
    for _ in 0..CHAIN_MAX {
        if ssin == to {
            return Ok(true);
        }
        let next: Option<Option<i64>> = successor.query_row([ssin], |row| row.get(0)).optional()?;
        match next.flatten() {
            Some(next) => ssin = next,
            None => return Ok(false),
        }
    }
    Ok(true)
}
