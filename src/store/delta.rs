//! A change of the state that is read: one transaction, all of it or nothing.
//!
//! Records apply in the order in which they come. Whether a change may be applied at all (hash, size, count, shares) is
//! judged before [`Delta::commit`], by whoever counts.

use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::StoreError;
use super::bookkeeping::{self, KnownFile, State};
use super::row::{Key, Packed, Row};
use super::statements::{Owners, Statements, delete_row, put_rejected, put_row};
use super::writer::Writer;
use crate::model::Ssin;

/// A change that is being applied. Dropped before [`Delta::commit`], it never was.
#[derive(Debug)]
pub struct Delta<'w> {
    writer: &'w mut Writer,
    live: u64,
    /// Whether there may be rejected keys: most datasets have none, and then nobody looks.
    rejected: bool,
    open: bool,
}

/// What became of a record that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is there.
    Done,
    /// It would close a circle of replacements and was not taken; to be rejected.
    Cycle,
}

/// What became of a key that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The record is gone.
    Done,
    /// There was no record because it had been rejected. From now on the key is unknown.
    WasRejected,
    /// There is no such key.
    Unknown,
}

/// Replacements that are followed in search of a circle. No person has had a fraction of so many numbers; a longer
/// chain would make every record that extends it cost more than the one before.
const CHAIN_MAX: usize = 10_000;

impl<'w> Delta<'w> {
    pub(super) fn begin(writer: &'w mut Writer) -> Result<Self, StoreError> {
        writer.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut delta = Self { writer, live: 0, rejected: false, open: true };
        let connection = &delta.writer.connection;
        let live: Option<i64> = connection.query_row("SELECT live FROM state", [], |row| row.get(0)).optional()?;
        delta.live = live.unwrap_or(0).cast_unsigned();
        delta.rejected = connection.query_row("SELECT EXISTS (SELECT 1 FROM rejected_key)", [], |row| row.get(0))?;
        Ok(delta)
    }

    /// How many records there are now.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.live
    }

    /// Inserts a record, or replaces the one with the same key.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if it cannot be written.
    pub fn put(&mut self, row: Row) -> Result<Placed, StoreError> {
        let dataset = self.writer.dataset;
        if !row.belongs_to(dataset) {
            return Err(StoreError::Dataset);
        }
        if let Row::Person { ssin, replaced_by: Some(successor) } = row
            && leads_to(&self.writer.connection, successor, ssin)?
        {
            return Ok(Placed::Cycle);
        }
        let packed = Packed::new(row, 0);
        let statements = Statements::of(dataset);
        let filed_under = match statements.owners {
            None => {
                self.remove(packed.owner, packed.id)?;
                self.live += 1;
                packed.owner
            }
            Some(owners) => {
                let found = self.find_owner(owners, packed.id)?;
                // Most changes leave a record with its owner: then its row is replaced where it is.
                if found != Some(packed.owner) {
                    self.remove(0, packed.id)?;
                    let (id, owner) = (packed.id.cast_signed(), packed.owner.cast_signed());
                    self.writer.connection.prepare_cached(owners.put)?.execute((id, owner))?;
                    self.live += 1;
                }
                0
            }
        };
        if self.rejected {
            self.forget_rejected(filed_under, packed.id)?;
        }
        let connection = &self.writer.connection;
        put_row(&mut *connection.prepare_cached(statements.put)?, dataset, packed)?;
        Ok(Placed::Done)
    }

    /// Removes what a rejected record would have replaced, and remembers its key.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written.
    pub fn reject(&mut self, key: Key) -> Result<(), StoreError> {
        if !key.belongs_to(self.writer.dataset) {
            return Err(StoreError::Dataset);
        }
        let (owner, id) = key.parts();
        self.remove(owner, id)?;
        put_rejected(&self.writer.connection)?.execute((owner.cast_signed(), id.cast_signed()))?;
        self.rejected = true;
        Ok(())
    }

    /// Deletes the record with this key.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be written.
    pub fn delete(&mut self, key: Key) -> Result<Deleted, StoreError> {
        if !key.belongs_to(self.writer.dataset) {
            return Err(StoreError::Dataset);
        }
        let (owner, id) = key.parts();
        if self.remove(owner, id)? {
            Ok(Deleted::Done)
        } else if self.rejected && self.forget_rejected(owner, id)? {
            Ok(Deleted::WasRejected)
        } else {
            Ok(Deleted::Unknown)
        }
    }

    /// Makes the change visible and durable, in one step with the state that it leads to.
    ///
    /// # Errors
    /// If it cannot be written: then it never was.
    pub fn commit(mut self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        let connection = &self.writer.connection;
        bookkeeping::write_state(connection, state, self.live, known)?;
        connection.execute_batch("COMMIT")?;
        self.open = false;
        if let Err(error) = empty_log(connection) {
            tracing::warn!(dataset = self.writer.dataset.code(), %error, "cannot empty the write-ahead log");
        }
        Ok(())
    }

    /// Removes the row of a key, if there is one; the owner of an id is looked up.
    fn remove(&mut self, owner: u64, id: u64) -> Result<bool, StoreError> {
        let dataset = self.writer.dataset;
        let connection = &self.writer.connection;
        let statements = Statements::of(dataset);
        let owner = match statements.owners {
            None => owner,
            Some(owners) => {
                let Some(found) = self.find_owner(owners, id)? else { return Ok(false) };
                connection.prepare_cached(owners.delete)?.execute([id.cast_signed()])?;
                found
            }
        };
        let removed = delete_row(&mut *connection.prepare_cached(statements.delete)?, dataset, owner, id)?;
        if removed > 0 {
            // A row more than the state counts is a file that this program did not write.
            self.live = self.live.checked_sub(1).ok_or(StoreError::Value)?;
        }
        Ok(removed > 0)
    }

    fn find_owner(&self, owners: Owners, id: u64) -> Result<Option<u64>, StoreError> {
        let mut find = self.writer.connection.prepare_cached(owners.find)?;
        let found: Option<i64> = find.query_row([id.cast_signed()], |row| row.get(0)).optional()?;
        Ok(found.map(i64::cast_unsigned))
    }

    fn forget_rejected(&self, owner: u64, id: u64) -> Result<bool, StoreError> {
        let mut delete =
            self.writer.connection.prepare_cached("DELETE FROM rejected_key WHERE owner = ?1 AND id = ?2")?;
        Ok(delete.execute((owner.cast_signed(), id.cast_signed()))? > 0)
    }
}

impl Drop for Delta<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.writer.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(dataset = self.writer.dataset.code(), %error, "cannot roll a change back");
        }
    }
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
