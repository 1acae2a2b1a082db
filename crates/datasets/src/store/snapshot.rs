//! A whole new state, built in a file of its own while the old one is read.
//!
//! Rows come in the order of the publisher's file; they are sorted on the way, so that every table is written once and
//! in order, and so that equal keys meet. Memory is bounded by the sorters' strides, whatever the number of rows.

use std::path::PathBuf;

use rusqlite::{Connection, params};

use super::StoreError;
use super::bookkeeping::{self, KnownFile, State};
use super::folder::remove_database;
use super::open::{Purpose, limit_file, open};
use super::row::{Key, Keying, Packed, Row};
use super::sort::Sorter;
use super::statements::{Statements, put_rejected, put_row};
use super::writer::{Writer, settle};
use ehealth_core::model::Dataset;

/// A state that is being built. Dropped before [`Sealed::publish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Snapshot<'w> {
    writer: &'w mut Writer,
    build: Build,
    rows: Sorter<5>,
    ids: Sorter<3>,
}

/// A state that is built and not yet the one in use. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Sealed<'w> {
    writer: &'w mut Writer,
    build: Build,
    live: u64,
}

/// Why a record that was right in itself is rejected when it meets the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One before it in the file has the same key.
    Duplicate,
    /// It closes a circle of replacements; of the records in the circle it is the last in the file.
    Cycle,
}

/// A record that was found wrong when all were there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// The line at which it was put.
    pub line: u64,
    /// The record.
    pub row: Row,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is told while a state is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// A record is left out.
    Late(Late),
    /// So many rows of all tables are written: told now and then, and again where it grew no more.
    Written(u64),
}

/// Rows between two tellings of [`Sealing::Written`]: some hundredths of a second.
const ROWS_A_TELLING: u64 = 1 << 16;

/// The file that is being built; removed when dropped, unless it was taken.
#[derive(Debug)]
struct Build {
    dataset: Dataset,
    connection: Option<Connection>,
    file: Option<PathBuf>,
}

impl Drop for Build {
    fn drop(&mut self) {
        drop(self.connection.take());
        if let Some(file) = self.file.take()
            && let Err(error) = remove_database(&file)
        {
            tracing::warn!(dataset = self.dataset.code(), %error, "cannot remove an unfinished file");
        }
    }
}

/// Where an id of a rejected record is filed: nowhere.
const NOWHERE: u64 = u64::MAX;

impl<'w> Snapshot<'w> {
    pub(super) fn begin(writer: &'w mut Writer) -> Result<Self, StoreError> {
        let dataset = writer.dataset;
        let file = writer.folder.create_file(dataset)?;
        let mut build = Build { dataset, connection: None, file: Some(file.clone()) };
        let connection = open(&file, dataset, Purpose::Build)?;
        limit_file(&connection, writer.bytes_max)?;
        build.connection = Some(connection);
        let rows = Sorter::new(file.with_extension("rows"));
        let ids = Sorter::new(file.with_extension("ids"));
        Ok(Self { writer, build, rows, ids })
    }

    /// Takes the record of a line. Lines must rise.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if it cannot be put aside.
    pub fn put(&mut self, line: u64, row: Row) -> Result<(), StoreError> {
        if !row.belongs_to(self.build.dataset) {
            return Err(StoreError::Dataset);
        }
        let packed = Packed::new(row, line);
        if Keying::of(self.build.dataset) == Keying::ById {
            self.ids.push([packed.id, line, packed.owner])?;
        }
        Ok(self.rows.push(packed.as_array())?)
    }

    /// Takes the key of a line whose record was rejected: no later record of the snapshot may have it, and deleting it
    /// later is no error. Lines must rise.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if it cannot be put aside.
    pub fn reject(&mut self, line: u64, key: Key) -> Result<(), StoreError> {
        if !key.belongs_to(self.build.dataset) {
            return Err(StoreError::Dataset);
        }
        match Keying::of(self.build.dataset) {
            Keying::ById => self.ids.push([key.parts().1, line, NOWHERE])?,
            Keying::ByOwner => self.rows.push(Packed::rejected(key, line).as_array())?,
        }
        Ok(())
    }

    /// Builds the tables. Records that are wrong beside the others are left out, `allowance` of them at most; `None` if
    /// there are more. `told` hears of each of them, and of how far the writing is.
    ///
    /// # Errors
    /// If the file cannot be written, or what `told` says.
    pub fn seal(
        mut self,
        allowance: u64,
        told: &mut dyn FnMut(Sealing) -> Result<(), StoreError>,
    ) -> Result<Option<Sealed<'w>>, StoreError> {
        let dataset = self.build.dataset;
        let Some(connection) = self.build.connection.as_mut() else { return Ok(None) };
        let transaction = connection.transaction()?;
        let mut tables = Tables { connection: &transaction, dataset, allowance, told, live: 0, written: 0 };
        let complete = match tables.write_ids(self.ids)? {
            Some(duplicates) => tables.write_rows(self.rows, &duplicates)?,
            None => false,
        };
        let complete = complete && (dataset != Dataset::Persons || tables.break_cycles()?);
        let live = tables.live;
        transaction.commit()?;
        Ok(complete.then_some(Sealed { writer: self.writer, build: self.build, live }))
    }
}

impl Sealed<'_> {
    /// How many records the new state has.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.live
    }

    /// Makes the new state the one that is read. What the dataset knew of the past is kept. When this returns, the
    /// state is durable; if it fails, the old state is the one that is read.
    ///
    /// # Errors
    /// If the file cannot be written or swapped in.
    pub fn publish(mut self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        let (Some(mut connection), Some(file)) = (self.build.connection.take(), self.build.file.clone()) else {
            return Ok(());
        };
        let transaction = connection.transaction()?;
        bookkeeping::inherit(&self.writer.connection, &transaction)?;
        bookkeeping::write_state(&transaction, state, self.live, known)?;
        transaction.commit()?;
        settle(connection, &file)?;
        // If this fails half way, the pointer may name the file already: then it is not ours to remove. What it does not
        // name, the next writer removes.
        self.build.file = None;
        self.writer.adopt(file)
    }
}

/// Fills the tables of a file that is being built.
struct Tables<'a> {
    connection: &'a Connection,
    dataset: Dataset,
    allowance: u64,
    told: &'a mut dyn FnMut(Sealing) -> Result<(), StoreError>,
    live: u64,
    written: u64,
}

impl Tables<'_> {
    /// Writes where each id is filed. Gives the lines of records whose id was seen before, in order; `None` if they are
    /// more than allowed.
    fn write_ids(&mut self, ids: Sorter<3>) -> Result<Option<Vec<u64>>, StoreError> {
        let mut duplicates = Vec::new();
        let Some(owners) = Statements::of(self.dataset).owners else { return Ok(Some(duplicates)) };
        let mut put = self.connection.prepare(owners.fill)?;
        let mut reject = put_rejected(self.connection)?;
        let mut merge = ids.merge()?;
        let mut last = None;
        while let Some([id, line, owner]) = merge.next()? {
            self.count_row()?;
            let first = last != Some(id);
            last = Some(id);
            if first && owner == NOWHERE {
                reject.execute((0, id.cast_signed()))?;
            } else if first {
                put.execute((id.cast_signed(), owner.cast_signed()))?;
            } else if owner != NOWHERE {
                if duplicates.len() as u64 == self.allowance {
                    return Ok(None);
                }
                duplicates.push(line);
            }
        }
        duplicates.sort_unstable();
        Ok(Some(duplicates))
    }

    /// Writes the rows, those of the given lines left out; false if more must be left out than are allowed.
    fn write_rows(&mut self, rows: Sorter<5>, duplicates: &[u64]) -> Result<bool, StoreError> {
        let connection = self.connection;
        let mut put = connection.prepare(Statements::of(self.dataset).fill)?;
        let mut reject = put_rejected(connection)?;
        let mut edge = if self.dataset == Dataset::Persons {
            connection.execute_batch(EDGES)?;
            Some(connection.prepare("INSERT INTO temp.edge (ssin, successor, line) VALUES (?1, ?2, ?3)")?)
        } else {
            None
        };
        let mut merge = rows.merge()?;
        let mut last = None;
        while let Some(entry) = merge.next()? {
            self.count_row()?;
            let row = Packed::from_array(entry);
            let seen = last == Some((row.owner, row.id)) || duplicates.binary_search(&row.line).is_ok();
            last = Some((row.owner, row.id));
            match (row.value == Packed::REJECTED, seen) {
                (true, true) => {}
                (true, false) => {
                    reject.execute((row.owner.cast_signed(), row.id.cast_signed()))?;
                }
                (false, true) => {
                    if !self.leave_out(row, Fault::Duplicate)? {
                        return Ok(false);
                    }
                }
                (false, false) => {
                    put_row(&mut put, self.dataset, row)?;
                    self.live += 1;
                    if row.value != 0
                        && let Some(edge) = &mut edge
                    {
                        edge.execute((row.owner.cast_signed(), row.value.cast_signed(), row.line.cast_signed()))?;
                    }
                }
            }
        }
        Ok(true)
    }

    fn count_row(&mut self) -> Result<(), StoreError> {
        self.written += 1;
        if self.written.is_multiple_of(ROWS_A_TELLING) { (self.told)(Sealing::Written(self.written)) } else { Ok(()) }
    }

    fn leave_out(&mut self, row: Packed, fault: Fault) -> Result<bool, StoreError> {
        let Some(allowance) = self.allowance.checked_sub(1) else { return Ok(false) };
        self.allowance = allowance;
        (self.told)(Sealing::Late(Late { line: row.line, row: row.row(self.dataset)?, fault }))?;
        Ok(true)
    }

    /// Takes out of every circle of replacements the record that closed it; false if they are more than allowed.
    ///
    /// Every number has one successor at most, so a walk along the successors either ends or comes back to itself.
    /// Each number is marked by the first walk that comes by, so that all walks together visit each number twice at most.
    fn break_cycles(&mut self) -> Result<bool, StoreError> {
        let connection = self.connection;
        let mut unvisited =
            connection.prepare("SELECT ssin, walk FROM temp.edge WHERE ssin > ?1 ORDER BY ssin LIMIT 1")?;
        let mut walked = connection.prepare("UPDATE temp.edge SET walk = ?2 WHERE ssin = ?1 RETURNING successor")?;
        let mut walk_of = connection.prepare("SELECT walk FROM temp.edge WHERE ssin = ?1")?;
        let mut closing = connection.prepare(CLOSING)?;
        let (mut start, mut walk) = (0_i64, 0_i64);
        loop {
            let mut rows = unvisited.query([start])?;
            let Some(row) = rows.next()? else { break };
            start = row.get(0)?;
            if row.get::<_, i64>(1)? != 0 {
                continue;
            }
            drop(rows);
            walk += 1;
            let mut at = start;
            let met = loop {
                let mut rows = walk_of.query([at])?;
                match rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()? {
                    Some(0) => {}
                    met => break met == Some(walk),
                }
                drop(rows);
                at = walked.query_row(params![at, walk], |row| row.get(0))?;
            };
            if met {
                let (ssin, successor, line) = closing
                    .query_row([at], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
                let row = Packed {
                    owner: ssin.cast_unsigned(),
                    id: 0,
                    line: line.cast_unsigned(),
                    value: successor.cast_unsigned(),
                    days: 0,
                };
                if !self.leave_out(row, Fault::Cycle)? {
                    return Ok(false);
                }
                connection.execute("DELETE FROM person WHERE ssin = ?1", [ssin])?;
                put_rejected(connection)?.execute((ssin, 0))?;
                self.live -= 1;
            }
        }
        connection.execute_batch("DROP TABLE temp.edge")?;
        Ok(true)
    }
}

/// Replacements with the lines that they came from, for the search for circles. SQLite keeps it in a file without name.
const EDGES: &str = "CREATE TEMP TABLE edge (
    ssin      INTEGER PRIMARY KEY,
    successor INTEGER NOT NULL,
    line      INTEGER NOT NULL,
    walk      INTEGER NOT NULL DEFAULT 0
)";

/// Of the circle through a number, the record that comes last in the file.
const CLOSING: &str = "WITH RECURSIVE circle (ssin, successor, line) AS (
        SELECT ssin, successor, line FROM temp.edge WHERE ssin = ?1
        UNION
        SELECT edge.ssin, edge.successor, edge.line FROM temp.edge JOIN circle ON edge.ssin = circle.successor
    )
    SELECT ssin, successor, line FROM circle ORDER BY line DESC LIMIT 1";
