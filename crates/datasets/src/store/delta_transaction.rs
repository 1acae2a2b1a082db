//! The transaction of a delta: changes keys one by one, and writes the rows that they lead to.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::cycles::{self, Cycle, CycleSearch};
use super::error::StoreError;
use super::row::Packed;
use super::sort::Sorter;
use super::state::{KnownFile, State, write_state};
use super::statements::{Statements, delete_row, find_owner, put_rejected, put_row};
use super::writer::Writer;
use ehealth_core::model::Dataset;

/// What a record does to its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Put(Packed),
    Reject,
    Delete,
}

/// What is stored under a key.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Nothing,
    Rejected,
    /// The row from before the delta.
    Old,
    New(Packed),
}

/// One key: what was stored under it, and what its records changed that to.
#[derive(Debug)]
pub(super) struct KeyState {
    /// Owner part of the key; 0 where an id is the whole key.
    key_owner: u64,
    id: u64,
    /// Owner of the row from before the delta.
    old_owner: Option<u64>,
    was_rejected: bool,
    now: Stored,
}

/// An open SQLite transaction, and its counts so far. Dropped before [`DeltaTransaction::commit`],
/// it is rolled back.
#[derive(Debug)]
pub(super) struct DeltaTransaction<'w> {
    writer: &'w mut Writer,
    records: u64,
    deleted: u64,
    /// Whether there may be rejected keys. Most datasets have none, which saves the look-up.
    may_be_rejected: bool,
    /// Whether a delete named an unknown key.
    met_unknown_key: bool,
    is_open: bool,
}

impl KeyState {
    /// The new row of the key, if its records lead to one.
    pub fn new_row(&self) -> Option<Packed> {
        match self.now {
            Stored::New(row) => Some(row),
            Stored::Old | Stored::Rejected | Stored::Nothing => None,
        }
    }
}

impl<'w> DeltaTransaction<'w> {
    pub fn begin(writer: &'w mut Writer) -> Result<Self, StoreError> {
        writer.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut transaction =
            Self { writer, records: 0, deleted: 0, may_be_rejected: false, met_unknown_key: false, is_open: true };
        let connection = &transaction.writer.connection;
        let records: Option<i64> = connection.query_row("SELECT live FROM state", [], |row| row.get(0)).optional()?;
        transaction.records = records.unwrap_or(0).cast_unsigned();
        transaction.may_be_rejected =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM rejected_key)", [], |row| row.get(0))?;
        Ok(transaction)
    }

    pub fn dataset(&self) -> Dataset {
        self.writer.dataset
    }

    pub fn connection(&self) -> &Connection {
        &self.writer.connection
    }

    /// The current file of the dataset.
    pub fn file(&self) -> &Path {
        &self.writer.file
    }

    /// Maximum size of a file of the dataset.
    pub fn bytes_max(&self) -> u64 {
        self.writer.bytes_max
    }

    /// Number of records, all changes so far included.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Number of deleted records.
    pub fn deleted(&self) -> u64 {
        self.deleted
    }

    /// Bytes by which the file will grow.
    pub fn growth(&self) -> Result<u64, StoreError> {
        let pragma = |name| self.connection().pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let length = pragma("page_count")?.cast_unsigned().saturating_mul(pragma("page_size")?.cast_unsigned());
        Ok(length.saturating_sub(fs::metadata(self.file())?.len()))
    }

    /// Whether a delete named an unknown key.
    pub fn met_unknown_key(&self) -> bool {
        self.met_unknown_key
    }

    /// Reads what is stored under a key before its first record.
    pub fn look_up(&self, key_owner: u64, id: u64) -> Result<KeyState, StoreError> {
        let connection = self.connection();
        let mut find = connection.prepare_cached(Statements::of(self.dataset()).find)?;
        let old_owner = find_owner(&mut find, self.dataset(), key_owner, id)?;
        let was_rejected = old_owner.is_none() && self.may_be_rejected && is_rejected(connection, key_owner, id)?;
        let now = match (old_owner, was_rejected) {
            (Some(_), _) => Stored::Old,
            (None, true) => Stored::Rejected,
            (None, false) => Stored::Nothing,
        };
        Ok(KeyState { key_owner, id, old_owner, was_rejected, now })
    }

    /// Applies a record to its key, in memory.
    pub fn change_key(&mut self, key: &mut KeyState, change: Change) {
        key.now = match (change, key.now) {
            (Change::Put(row), _) => Stored::New(row),
            (Change::Reject, _) => Stored::Rejected,
            (Change::Delete, Stored::Old | Stored::New(_)) => {
                self.deleted += 1;
                Stored::Nothing
            }
            // A delete of a rejected record is not an error; from now on the key is unknown.
            (Change::Delete, Stored::Rejected) => Stored::Nothing,
            (Change::Delete, Stored::Nothing) => {
                self.met_unknown_key = true;
                Stored::Nothing
            }
        };
    }

    /// Writes a key and its row. With `moved_rows`, the row goes there instead, to be written in
    /// the order of its table.
    pub fn write_key(&mut self, key: &KeyState, moved_rows: Option<&mut Sorter<5>>) -> Result<(), StoreError> {
        let new = match key.now {
            Stored::Old => return Ok(()),
            Stored::New(row) => Some(row),
            Stored::Rejected | Stored::Nothing => None,
        };
        match (key.old_owner, new) {
            (None, Some(_)) => self.records += 1,
            // More rows than the state counts: this program did not write the file.
            (Some(_), None) => self.records = self.records.checked_sub(1).ok_or(StoreError::Value)?,
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.write_rejected_key(key)?;
        let new_owner = new.map(|row| row.owner);
        // Most changes keep a record's owner; then its row is replaced where it is.
        let has_moved = new_owner != key.old_owner;
        if has_moved {
            self.write_owner(key.id, new_owner)?;
        }
        let removed = key.old_owner.filter(|_| has_moved);
        let removed = removed.map(|owner| Packed { owner, id: key.id, line: 0, value: Packed::REJECTED, days: 0 });
        let mut moved_rows = moved_rows;
        for row in removed.into_iter().chain(new) {
            match &mut moved_rows {
                Some(moved_rows) => moved_rows.push(row.as_array())?,
                None => self.write_row(row)?,
            }
        }
        Ok(())
    }

    /// Rejects the record of a cycle that one of the changes closed.
    pub fn reject_cycle(&mut self, cycle: &Cycle) -> Result<(), StoreError> {
        cycles::reject(self.connection(), cycle)?;
        self.records = self.records.checked_sub(1).ok_or(StoreError::Value)?;
        Ok(())
    }

    /// Restores the records of the cycles that the changes broke.
    pub fn restore_broken_cycles(&mut self, search: &CycleSearch) -> Result<(), StoreError> {
        self.records = self.records.saturating_add(cycles::restore_broken(self.connection(), search)?);
        Ok(())
    }

    /// Remembers a key as rejected, or forgets it.
    fn write_rejected_key(&mut self, key: &KeyState) -> Result<(), StoreError> {
        let connection = &self.writer.connection;
        if key.was_rejected && self.dataset() == Dataset::Persons {
            cycles::forget(connection, key.key_owner.cast_signed())?;
        }
        let is_rejected = matches!(key.now, Stored::Rejected);
        let parameters = (key.key_owner.cast_signed(), key.id.cast_signed());
        if is_rejected && !key.was_rejected {
            put_rejected(connection)?.execute(parameters)?;
            self.may_be_rejected = true;
        } else if key.was_rejected && !is_rejected {
            let mut delete = connection.prepare_cached("DELETE FROM rejected_key WHERE owner = ?1 AND id = ?2")?;
            delete.execute(parameters)?;
        }
        Ok(())
    }

    /// Writes the owner of an id, where the dataset has ids.
    fn write_owner(&self, id: u64, owner: Option<u64>) -> Result<(), StoreError> {
        let Some(owners) = Statements::of(self.dataset()).owners else { return Ok(()) };
        match owner {
            Some(owner) => {
                self.connection().prepare_cached(owners.put)?.execute((id.cast_signed(), owner.cast_signed()))?
            }
            None => self.connection().prepare_cached(owners.delete)?.execute([id.cast_signed()])?,
        };
        Ok(())
    }

    /// Writes a row, or removes it if its value is [`Packed::REJECTED`].
    pub fn write_row(&self, row: Packed) -> Result<(), StoreError> {
        let (dataset, connection) = (self.dataset(), self.connection());
        let statements = Statements::of(dataset);
        if row.value != Packed::REJECTED {
            return put_row(&mut *connection.prepare_cached(statements.put)?, dataset, row);
        }
        match delete_row(&mut *connection.prepare_cached(statements.delete)?, dataset, row.owner, row.id)? {
            // A key without its row: this program did not write the file.
            0 => Err(StoreError::Value),
            _ => Ok(()),
        }
    }

    /// Commits the changes together with the state that they lead to.
    pub fn commit(mut self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        let connection = &self.writer.connection;
        write_state(connection, state, self.records, known)?;
        connection.execute_batch("COMMIT")?;
        self.is_open = false;
        if let Err(error) = checkpoint_wal(connection) {
            tracing::warn!(dataset = self.dataset().code(), %error, "cannot checkpoint the write-ahead log");
        }
        Ok(())
    }
}

impl Drop for DeltaTransaction<'_> {
    fn drop(&mut self) {
        // After some failures, for example on a full disk, SQLite has already rolled back.
        if self.is_open
            && !self.writer.connection.is_autocommit()
            && let Err(error) = self.writer.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(dataset = self.dataset().code(), %error, "cannot roll back a delta");
        }
    }
}

fn is_rejected(connection: &Connection, key_owner: u64, id: u64) -> Result<bool, StoreError> {
    let mut find = connection.prepare_cached("SELECT 1 FROM rejected_key WHERE owner = ?1 AND id = ?2")?;
    Ok(find.exists((key_owner.cast_signed(), id.cast_signed()))?)
}

/// Attempts to checkpoint the log, and the time between two. Readers pin a state only for a moment.
const CHECKPOINT_ATTEMPTS: usize = 10;
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(50);

/// Copies the write-ahead log into the database file as far as no reader uses it. The next delta
/// copies the rest.
fn checkpoint_wal(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 0..CHECKPOINT_ATTEMPTS {
        let (written, moved): (i64, i64) =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        if moved >= written {
            break;
        }
        thread::sleep(CHECKPOINT_PAUSE);
    }
    Ok(())
}
