//! Finds cycles of replacements among persons.
//!
//! Whether a replacement is valid depends on the other records, so it is a property of the state
//! after a whole file, never of the file's order. Of each cycle, the record with the greatest SSIN
//! is rejected. This is a property of the records alone: a snapshot and any sequence of deltas that
//! lead to the same records reject the same ones. The rejected records are kept in a table of their
//! own, because a later delta may break the cycle that they are in.
//!
//! Every SSIN has at most one successor, so a walk along the successors either ends or comes back
//! to itself. The first walk that reaches an SSIN marks it, so all walks together visit each SSIN
//! at most twice, and all SSINs of a cycle once more. The marks are on disk: memory does not grow
//! with the file.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::database::scratch;
use super::error::StoreError;
use super::row::Packed;

/// The SSINs where walks start and those that walks reached.
const WALK: &str = "CREATE TABLE walk (
    ssin    INTEGER PRIMARY KEY,
    line    INTEGER NOT NULL, -- of its record in the file that is loaded; 0: not in this file
    reached INTEGER NOT NULL  -- number of the walk that reached it; 0: none
) STRICT;
-- Records that were rejected before, and that still close a cycle.
CREATE TABLE standing (ssin INTEGER PRIMARY KEY) STRICT;
BEGIN";

/// Successor of an SSIN in its valid record, whether the record is rejected because of a cycle or
/// not.
const SUCCESSOR: &str = "SELECT replaced_by FROM person INDEXED BY person_by_replaced
                         WHERE ssin = ?1 AND replaced_by IS NOT NULL
                         UNION ALL SELECT replaced_by FROM cycle_record WHERE ssin = ?1";

/// A cycle: the record in it that is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cycle {
    /// Greatest SSIN of the cycle.
    pub ssin: i64,
    /// SSIN that replaces it.
    pub successor: i64,
    /// Line of its record in the file that is loaded. If its record came with an earlier file: line
    /// of the last record in this file that belongs to the cycle.
    pub line: u64,
}

impl Cycle {
    /// The rejected record.
    pub fn record(&self) -> Packed {
        let (owner, value) = (self.ssin.cast_unsigned(), self.successor.cast_unsigned());
        Packed { owner, id: 0, line: self.line, value, days: 0 }
    }
}

/// Search for the cycles that records of one file may close.
#[derive(Debug)]
pub(super) struct CycleSearch {
    scratch: Connection,
    /// Start of the last walk.
    start: i64,
    /// Number of the last walk, from 1.
    walk: i64,
}

impl CycleSearch {
    /// Makes a search that keeps its marks in a file at `path`, of at most `bytes_max` bytes. The
    /// file has no name afterwards: no crash leaves it behind.
    pub fn new(path: &Path, bytes_max: u64) -> Result<Self, StoreError> {
        let scratch = scratch(path, bytes_max)?;
        scratch.execute_batch(WALK)?;
        Ok(Self { scratch, start: 0, walk: 0 })
    }

    /// Adds a record that may be in a cycle, with its line. Every cycle that this file may have
    /// closed needs one of its records here.
    pub fn add(&mut self, ssin: u64, line: u64) -> Result<(), StoreError> {
        let mut insert =
            self.scratch.prepare_cached("INSERT OR REPLACE INTO walk (ssin, line, reached) VALUES (?1, ?2, 0)")?;
        insert.execute(params![ssin.cast_signed(), line.cast_signed()])?;
        Ok(())
    }

    /// Adds the records that are rejected because of a cycle: it may still stand.
    pub fn add_rejected(&mut self, data: &Connection) -> Result<(), StoreError> {
        let mut insert =
            self.scratch.prepare_cached("INSERT OR IGNORE INTO walk (ssin, line, reached) VALUES (?1, 0, 0)")?;
        let mut select = data.prepare_cached("SELECT ssin FROM cycle_record")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            insert.execute([row.get::<_, i64>(0)?])?;
        }
        Ok(())
    }

    /// The next cycle in the data; `None` if there are no more.
    pub fn next(&mut self, data: &Connection) -> Result<Option<Cycle>, StoreError> {
        while let Some(start) = self.next_start()? {
            self.walk += 1;
            if let Some(ssin) = self.walk_from(data, start)? {
                return self.greatest(data, ssin).map(Some);
            }
        }
        Ok(None)
    }

    /// Remembers that the record of a cycle was rejected before.
    pub fn keep_rejected(&mut self, cycle: &Cycle) -> Result<(), StoreError> {
        self.scratch.prepare_cached("INSERT INTO standing (ssin) VALUES (?1)")?.execute([cycle.ssin])?;
        Ok(())
    }

    /// Whether the record of this SSIN still closes a cycle.
    pub fn is_kept(&self, ssin: i64) -> Result<bool, StoreError> {
        Ok(self.scratch.prepare_cached("SELECT 1 FROM standing WHERE ssin = ?1")?.exists([ssin])?)
    }

    /// The next added SSIN that no walk has reached.
    fn next_start(&mut self) -> Result<Option<i64>, StoreError> {
        let mut select = self
            .scratch
            .prepare_cached("SELECT ssin FROM walk WHERE ssin > ?1 AND reached = 0 ORDER BY ssin LIMIT 1")?;
        let next = select.query_row([self.start], |row| row.get(0)).optional()?;
        self.start = next.unwrap_or(self.start);
        Ok(next)
    }

    /// Walks along the successors and marks each; returns an SSIN of the cycle if the walk comes
    /// back to itself.
    fn walk_from(&self, data: &Connection, start: i64) -> Result<Option<i64>, StoreError> {
        let mut reached_by = self.scratch.prepare_cached("SELECT reached FROM walk WHERE ssin = ?1")?;
        let mut mark = self.scratch.prepare_cached(
            "INSERT INTO walk (ssin, line, reached) VALUES (?1, 0, ?2)
             ON CONFLICT (ssin) DO UPDATE SET reached = excluded.reached",
        )?;
        let mut successor = data.prepare_cached(SUCCESSOR)?;
        let mut ssin = start;
        loop {
            match reached_by.query_row([ssin], |row| row.get::<_, i64>(0)).optional()? {
                None | Some(0) => {}
                Some(walk) => return Ok((walk == self.walk).then_some(ssin)),
            }
            mark.execute([ssin, self.walk])?;
            match successor.query_row([ssin], |row| row.get(0)).optional()? {
                Some(next) => ssin = next,
                None => return Ok(None),
            }
        }
    }

    /// The record with the greatest SSIN of the cycle through an SSIN.
    fn greatest(&self, data: &Connection, start: i64) -> Result<Cycle, StoreError> {
        let mut line_of = self.scratch.prepare_cached("SELECT line FROM walk WHERE ssin = ?1")?;
        let mut successor = data.prepare_cached(SUCCESSOR)?;
        let (mut greatest, mut line, mut last_line) = ((start, start), 0, 0);
        let mut ssin = start;
        loop {
            let next: i64 = successor.query_row([ssin], |row| row.get(0))?;
            let found: i64 = line_of.query_row([ssin], |row| row.get(0))?;
            last_line = last_line.max(found);
            if ssin >= greatest.0 {
                (greatest, line) = ((ssin, next), found);
            }
            ssin = next;
            if ssin == start {
                break;
            }
        }
        let line = if line == 0 { last_line } else { line };
        Ok(Cycle { ssin: greatest.0, successor: greatest.1, line: line.cast_unsigned() })
    }
}

/// Whether the record of this SSIN is rejected because of a cycle.
pub(super) fn is_rejected(data: &Connection, ssin: i64) -> Result<bool, StoreError> {
    Ok(data.prepare_cached("SELECT 1 FROM cycle_record WHERE ssin = ?1")?.exists([ssin])?)
}

/// Moves the record of a cycle from the persons to the rejected ones.
pub(super) fn reject(data: &Connection, cycle: &Cycle) -> Result<(), StoreError> {
    data.prepare_cached("DELETE FROM person WHERE ssin = ?1")?.execute([cycle.ssin])?;
    data.prepare_cached("INSERT INTO cycle_record (ssin, replaced_by) VALUES (?1, ?2)")?
        .execute([cycle.ssin, cycle.successor])?;
    data.prepare_cached("INSERT OR IGNORE INTO rejected_key (owner, id) VALUES (?1, 0)")?.execute([cycle.ssin])?;
    Ok(())
}

/// Moves the rejected records whose cycle does not stand any more back to the persons. Returns
/// their number.
pub(super) fn restore_broken(data: &Connection, search: &CycleSearch) -> Result<u64, StoreError> {
    let mut next =
        data.prepare_cached("SELECT ssin, replaced_by FROM cycle_record WHERE ssin > ?1 ORDER BY ssin LIMIT 1")?;
    let mut insert = data.prepare_cached("INSERT INTO person (ssin, replaced_by) VALUES (?1, ?2)")?;
    let (mut last, mut restored) = (0, 0);
    while let Some((ssin, successor)) =
        next.query_row([last], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?
    {
        last = ssin;
        if !search.is_kept(ssin)? {
            forget(data, ssin)?;
            data.prepare_cached("DELETE FROM rejected_key WHERE owner = ?1 AND id = 0")?.execute([ssin])?;
            insert.execute([ssin, successor])?;
            restored += 1;
        }
    }
    Ok(restored)
}

/// Forgets the record of an SSIN that was rejected because of a cycle: a later record has its key.
pub(super) fn forget(data: &Connection, ssin: i64) -> Result<(), StoreError> {
    data.prepare_cached("DELETE FROM cycle_record WHERE ssin = ?1")?.execute([ssin])?;
    Ok(())
}
