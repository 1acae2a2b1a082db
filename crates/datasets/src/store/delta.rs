//! A change of the state that is read: one transaction, all of it or nothing.
//!
//! A publisher's file names rows all over the tables, in any order. Its records are put aside, sorted by key, and applied
//! when all are there: first every key where the keys are kept, then every row where the rows are kept. So each page is
//! read, changed and written once, however many records there are; and records of one key still follow each other as they
//! came. Replacements of persons are applied as they come: whether one closes a circle depends on all before it.
//!
//! Whether a change may be applied at all (hash, size, count, shares) is judged before [`Applied::commit`], by whoever
//! counts.

use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::StoreError;
use super::bookkeeping::{self, KnownFile, State};
use super::row::{Key, Keying, Packed, Row};
use super::sort::Sorter;
use super::statements::{Statements, delete_row, find_owner, put_rejected, put_row};
use super::writer::Writer;
use ehealth_core::model::{Dataset, Ssin};

/// A change that is being gathered. Dropped before [`Applied::commit`], it never was.
#[derive(Debug)]
pub struct Delta<'w> {
    work: Work<'w>,
    /// Filed, id, the record's place in the file, owner, value, days.
    changes: Sorter<6>,
    taken: u64,
}

/// A change that is applied and not yet visible. Dropped before [`Applied::commit`], it never was.
#[derive(Debug)]
pub struct Applied<'w> {
    work: Work<'w>,
}

/// What became of a record that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is taken.
    Done,
    /// It would close a circle of replacements and was not taken; to be rejected.
    Cycle,
}

/// What a record does to its key.
#[derive(Debug, Clone, Copy)]
enum Change {
    Put(Packed),
    Reject,
    Delete,
}

/// What there is under a key.
#[derive(Debug, Clone, Copy)]
enum Holding {
    Nothing,
    Rejected,
    /// The row that was there before.
    Old,
    New(Packed),
}

/// One key: what was under it, and what its records made of that.
#[derive(Debug)]
struct Fate {
    filed: u64,
    id: u64,
    /// The owner of the row that was there.
    owner: Option<u64>,
    was_rejected: bool,
    now: Holding,
}

/// The transaction, and what it came to so far.
#[derive(Debug)]
struct Work<'w> {
    writer: &'w mut Writer,
    live: u64,
    deleted: u64,
    /// Whether there may be rejected keys: most datasets have none, and then nobody looks.
    may_be_rejected: bool,
    /// Whether a key was deleted under which there was nothing.
    met_unknown: bool,
    open: bool,
}

/// Entries of one stride. Three of 48 bytes and two of 40 may be in memory at once: with the page cache of 64 MiB and the
/// rest of the program that stays below 200 MiB.
const STRIDE: usize = 1 << 19;

/// In the place of a value: the key is deleted. No organisation has the number 0, and persons are not put aside.
const DELETED: u64 = 0;

/// Rows between two tellings of how far the applying is: some hundredths of a second.
const ROWS_A_TELLING: u64 = 1 << 13;

/// Replacements that are followed in search of a circle. No person has had a fraction of so many numbers; a longer
/// chain would make every record that extends it cost more than the one before.
const CHAIN_MAX: usize = 10_000;

impl<'w> Delta<'w> {
    pub(super) fn begin(writer: &'w mut Writer) -> Result<Self, StoreError> {
        let changes = Sorter::with_stride(writer.file.with_extension("changes"), STRIDE);
        Ok(Self { work: Work::begin(writer)?, changes, taken: 0 })
    }

    /// How many records there were before.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.work.live
    }

    /// Takes a record that is inserted, or replaces the one with the same key.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if it cannot be put aside.
    pub fn put(&mut self, row: Row) -> Result<Placed, StoreError> {
        if !row.belongs_to(self.work.dataset()) {
            return Err(StoreError::Dataset);
        }
        if let Row::Person { ssin, replaced_by: Some(successor) } = row
            && leads_to(&self.work.writer.connection, successor, ssin)?
        {
            return Ok(Placed::Cycle);
        }
        let packed = Packed::new(row, 0);
        let filed = match Keying::of(self.work.dataset()) {
            Keying::ById => 0,
            Keying::ByOwner => packed.owner,
        };
        self.take(filed, packed.id, Change::Put(packed))?;
        Ok(Placed::Done)
    }

    /// Takes the key of a rejected record: what it would have replaced is removed, and the key remembered.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be put aside.
    pub fn reject(&mut self, key: Key) -> Result<(), StoreError> {
        self.take_key(key, Change::Reject)
    }

    /// Takes the key of a record that is deleted.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be put aside.
    pub fn delete(&mut self, key: Key) -> Result<(), StoreError> {
        self.take_key(key, Change::Delete)
    }

    fn take_key(&mut self, key: Key, change: Change) -> Result<(), StoreError> {
        if !key.belongs_to(self.work.dataset()) {
            return Err(StoreError::Dataset);
        }
        let (filed, id) = key.parts();
        self.take(filed, id, change)
    }

    fn take(&mut self, filed: u64, id: u64, change: Change) -> Result<(), StoreError> {
        if self.work.dataset() == Dataset::Persons {
            let mut fate = self.work.look_up(filed, id)?;
            self.work.follow(&mut fate, change);
            return self.work.fulfil(&fate, None);
        }
        self.taken += 1;
        let (owner, value, days) = match change {
            Change::Put(row) => (row.owner, row.value, row.days),
            Change::Reject => (0, Packed::REJECTED, 0),
            Change::Delete => (0, DELETED, 0),
        };
        Ok(self.changes.push([filed, id, self.taken, owner, value, days])?)
    }

    /// Applies what was taken; `None` if a key was deleted that is not known. `told` hears now and then how many keys and
    /// rows are done.
    ///
    /// # Errors
    /// If the file cannot be written, or what `told` says.
    pub fn apply(self, told: &mut dyn FnMut(u64) -> Result<(), StoreError>) -> Result<Option<Applied<'w>>, StoreError> {
        let Self { mut work, changes, .. } = self;
        let mut moves = Sorter::with_stride(work.writer.file.with_extension("moves"), STRIDE);
        let mut done = 0;
        let mut count = || {
            done += 1;
            if done % ROWS_A_TELLING == 0 { told(done) } else { Ok(()) }
        };
        let mut merge = changes.merge()?;
        let mut next = merge.next()?;
        while let Some([filed, id, ..]) = next {
            let mut fate = work.look_up(filed, id)?;
            while let Some(entry) = next
                && [entry[0], entry[1]] == [filed, id]
            {
                work.follow(&mut fate, unpack(entry));
                next = merge.next()?;
                count()?;
            }
            match Keying::of(work.dataset()) {
                Keying::ById => work.fulfil(&fate, Some(&mut moves))?,
                Keying::ByOwner => work.fulfil(&fate, None)?,
            }
        }
        if work.met_unknown {
            return Ok(None);
        }
        let mut merge = moves.merge()?;
        while let Some([owner, id, line, value, days]) = merge.next()? {
            work.write(Packed { owner, id, line, value, days })?;
            count()?;
        }
        Ok(Some(Applied { work }))
    }
}

fn unpack([_, id, line, owner, value, days]: [u64; 6]) -> Change {
    match value {
        Packed::REJECTED => Change::Reject,
        DELETED => Change::Delete,
        value => Change::Put(Packed { owner, id, line, value, days }),
    }
}

impl Applied<'_> {
    /// How many records were deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.work.deleted
    }

    /// Makes the change visible and durable, in one step with the state that it leads to.
    ///
    /// # Errors
    /// If it cannot be written: then it never was.
    pub fn commit(mut self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        let connection = &self.work.writer.connection;
        bookkeeping::write_state(connection, state, self.work.live, known)?;
        connection.execute_batch("COMMIT")?;
        self.work.open = false;
        if let Err(error) = empty_log(connection) {
            tracing::warn!(dataset = self.work.dataset().code(), %error, "cannot empty the write-ahead log");
        }
        Ok(())
    }
}

impl<'w> Work<'w> {
    fn begin(writer: &'w mut Writer) -> Result<Self, StoreError> {
        writer.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut work = Self { writer, live: 0, deleted: 0, may_be_rejected: false, met_unknown: false, open: true };
        let connection = &work.writer.connection;
        let live: Option<i64> = connection.query_row("SELECT live FROM state", [], |row| row.get(0)).optional()?;
        work.live = live.unwrap_or(0).cast_unsigned();
        work.may_be_rejected =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM rejected_key)", [], |row| row.get(0))?;
        Ok(work)
    }

    fn dataset(&self) -> Dataset {
        self.writer.dataset
    }

    /// What there is under a key before its first record.
    fn look_up(&self, filed: u64, id: u64) -> Result<Fate, StoreError> {
        let connection = &self.writer.connection;
        let mut find = connection.prepare_cached(Statements::of(self.dataset()).find)?;
        let owner = find_owner(&mut find, self.dataset(), filed, id)?;
        let was_rejected = owner.is_none() && self.may_be_rejected && is_rejected(connection, filed, id)?;
        let now = match (owner, was_rejected) {
            (Some(_), _) => Holding::Old,
            (None, true) => Holding::Rejected,
            (None, false) => Holding::Nothing,
        };
        Ok(Fate { filed, id, owner, was_rejected, now })
    }

    /// What a record makes of what is under its key.
    fn follow(&mut self, fate: &mut Fate, change: Change) {
        fate.now = match (change, fate.now) {
            (Change::Put(row), _) => Holding::New(row),
            (Change::Reject, _) => Holding::Rejected,
            (Change::Delete, Holding::Old | Holding::New(_)) => {
                self.deleted += 1;
                Holding::Nothing
            }
            // It is no error to delete what was sent and rejected; from now on the key is unknown.
            (Change::Delete, Holding::Rejected) => Holding::Nothing,
            (Change::Delete, Holding::Nothing) => {
                self.met_unknown = true;
                Holding::Nothing
            }
        };
    }

    /// Writes what became of a key, and its row; where `moves` is given the row is put aside instead.
    fn fulfil(&mut self, fate: &Fate, moves: Option<&mut Sorter<5>>) -> Result<(), StoreError> {
        let Fate { filed, id, owner: old, was_rejected, now } = *fate;
        let new = match now {
            Holding::Old => return Ok(()),
            Holding::New(row) => Some(row),
            Holding::Rejected | Holding::Nothing => None,
        };
        match (old, new) {
            (None, Some(_)) => self.live += 1,
            // A row more than the state counts is a file that this program did not write.
            (Some(_), None) => self.live = self.live.checked_sub(1).ok_or(StoreError::Value)?,
            (Some(_), Some(_)) | (None, None) => {}
        }
        let connection = &self.writer.connection;
        let is_rejected = matches!(now, Holding::Rejected);
        if is_rejected && !was_rejected {
            put_rejected(connection)?.execute((filed.cast_signed(), id.cast_signed()))?;
            self.may_be_rejected = true;
        } else if was_rejected && !is_rejected {
            let mut forget = connection.prepare_cached("DELETE FROM rejected_key WHERE owner = ?1 AND id = ?2")?;
            forget.execute((filed.cast_signed(), id.cast_signed()))?;
        }
        // Most changes leave a record with its owner: then its row is replaced where it is.
        let new_owner = new.map(|row| row.owner);
        let gone = old.filter(|_| new_owner != old);
        let gone = gone.map(|owner| Packed { owner, id, line: 0, value: Packed::REJECTED, days: 0 });
        if let Some(owners) = Statements::of(self.dataset()).owners
            && new_owner != old
        {
            match new_owner {
                Some(owner) => {
                    connection.prepare_cached(owners.put)?.execute((id.cast_signed(), owner.cast_signed()))?
                }
                None => connection.prepare_cached(owners.delete)?.execute([id.cast_signed()])?,
            };
        }
        let mut moves = moves;
        for row in gone.into_iter().chain(new) {
            match &mut moves {
                Some(moves) => moves.push(row.as_array())?,
                None => self.write(row)?,
            }
        }
        Ok(())
    }

    /// Writes a row, or removes it: then it has [`Packed::REJECTED`] in the place of its value.
    fn write(&self, row: Packed) -> Result<(), StoreError> {
        let (dataset, connection) = (self.dataset(), &self.writer.connection);
        let statements = Statements::of(dataset);
        if row.value != Packed::REJECTED {
            return put_row(&mut *connection.prepare_cached(statements.put)?, dataset, row);
        }
        match delete_row(&mut *connection.prepare_cached(statements.delete)?, dataset, row.owner, row.id)? {
            // A key whose row is not there is a file that this program did not write.
            0 => Err(StoreError::Value),
            _ => Ok(()),
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        // After some failures, a full disk among them, SQLite has rolled back by itself.
        if self.open
            && !self.writer.connection.is_autocommit()
            && let Err(error) = self.writer.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(dataset = self.dataset().code(), %error, "cannot roll a change back");
        }
    }
}

fn is_rejected(connection: &Connection, filed: u64, id: u64) -> Result<bool, StoreError> {
    let mut find = connection.prepare_cached("SELECT 1 FROM rejected_key WHERE owner = ?1 AND id = ?2")?;
    Ok(find.exists((filed.cast_signed(), id.cast_signed()))?)
}

/// Whether the chain of replacements from `from` comes by `to`.
fn leads_to(connection: &Connection, from: Ssin, to: Ssin) -> Result<bool, StoreError> {
    let (mut at, to) = (from.as_u64().cast_signed(), to.as_u64().cast_signed());
    let mut successor = connection.prepare_cached("SELECT replaced_by FROM person WHERE ssin = ?1")?;
    for _ in 0..CHAIN_MAX {
        if at == to {
            return Ok(true);
        }
        let next: Option<Option<i64>> = successor.query_row([at], |row| row.get(0)).optional()?;
        match next.flatten() {
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Readers keep a state for a moment before they go on to the next; so often and so long it is waited for that.
const ATTEMPTS: usize = 10;
const MOMENT: Duration = Duration::from_millis(50);

/// Moves what was written from the log into the file, as far as nobody reads there; what is left goes with the next change.
fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 0..ATTEMPTS {
        let (written, moved): (i64, i64) =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        if moved >= written {
            break;
        }
        thread::sleep(MOMENT);
    }
    Ok(())
}
