//! Fills the tables of a new file from sorted rows, and leaves out the records that conflict with
//! others.

use rusqlite::Connection;

use super::cycles::{CycleSearch, reject};
use super::error::StoreError;
use super::row::{Packed, Row};
use super::sort::Sorter;
use super::statements::{Statements, put_rejected, put_row};
use ehealth_core::model::Dataset;

/// In place of an id's owner: the id is that of a rejected record.
pub(super) const WITHOUT_OWNER: u64 = u64::MAX;

/// Rows between two [`BuildEvent::Written`]: some hundredths of a second.
const ROWS_PER_EVENT: u64 = 1 << 16;

/// Why a record, valid in itself, conflicts with other records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// An earlier record of the file has the same key.
    Duplicate,
    /// The record is in a cycle of replacements, and has the greatest SSIN of the cycle.
    Cycle,
}

/// A record that is left out because it conflicts with other records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Line of the record in the file. If the record came with an earlier file: line of the last
    /// record in this file that belongs to its cycle.
    pub line: u64,
    /// The record.
    pub row: Row,
    /// Kind of the conflict.
    pub kind: ConflictKind,
}

/// Report of a snapshot that is being built, or of a delta that is being applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildEvent {
    /// A record is left out.
    Conflict(Conflict),
    /// Number of rows written so far, of all tables. Reported at least every 65 536 rows.
    Written(u64),
}

/// Writer of the tables of a new file.
pub(super) struct Tables<'a> {
    connection: &'a Connection,
    dataset: Dataset,
    allowance: u64,
    report: &'a mut dyn FnMut(BuildEvent) -> Result<(), StoreError>,
    /// Search for the cycles of replacements, for persons.
    cycles: Option<CycleSearch>,
    records: u64,
    written: u64,
}

impl<'a> Tables<'a> {
    pub fn new(
        connection: &'a Connection,
        dataset: Dataset,
        cycles: Option<CycleSearch>,
        allowance: u64,
        report: &'a mut dyn FnMut(BuildEvent) -> Result<(), StoreError>,
    ) -> Self {
        Self { connection, dataset, allowance, report, cycles, records: 0, written: 0 }
    }

    /// Number of records written so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Writes the owner of each id. Returns the lines of records with a duplicate id, in order;
    /// `None` if they are more than allowed.
    pub fn write_ids(&mut self, ids: Sorter<3>) -> Result<Option<Vec<u64>>, StoreError> {
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
            if first && owner == WITHOUT_OWNER {
                reject.execute((0, id.cast_signed()))?;
            } else if first {
                put.execute((id.cast_signed(), owner.cast_signed()))?;
            } else if owner != WITHOUT_OWNER {
                if duplicates.len() as u64 == self.allowance {
                    return Ok(None);
                }
                duplicates.push(line);
            }
        }
        duplicates.sort_unstable();
        Ok(Some(duplicates))
    }

    /// Writes the rows except those of the given lines; false if more must be left out than
    /// allowed.
    pub fn write_rows(&mut self, rows: Sorter<5>, duplicates: &[u64]) -> Result<bool, StoreError> {
        let connection = self.connection;
        let mut put = connection.prepare(Statements::of(self.dataset).fill)?;
        let mut reject = put_rejected(connection)?;
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
                    if !self.leave_out(row, ConflictKind::Duplicate)? {
                        return Ok(false);
                    }
                }
                (false, false) => {
                    put_row(&mut put, self.dataset, row)?;
                    self.records += 1;
                    if row.value != Packed::NO_SUCCESSOR
                        && let Some(cycles) = &mut self.cycles
                    {
                        cycles.add(row.owner, row.line)?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// Rejects one record of every cycle of replacements; false if more must be left out than
    /// allowed.
    pub fn reject_cycles(&mut self) -> Result<bool, StoreError> {
        let Some(mut cycles) = self.cycles.take() else { return Ok(true) };
        while let Some(cycle) = cycles.next(self.connection)? {
            if !self.leave_out(cycle.record(), ConflictKind::Cycle)? {
                return Ok(false);
            }
            reject(self.connection, &cycle)?;
            self.records -= 1;
        }
        Ok(true)
    }

    fn count_row(&mut self) -> Result<(), StoreError> {
        self.written += 1;
        if self.written.is_multiple_of(ROWS_PER_EVENT) {
            (self.report)(BuildEvent::Written(self.written))
        } else {
            Ok(())
        }
    }

    fn leave_out(&mut self, row: Packed, kind: ConflictKind) -> Result<bool, StoreError> {
        let Some(allowance) = self.allowance.checked_sub(1) else { return Ok(false) };
        self.allowance = allowance;
        (self.report)(BuildEvent::Conflict(Conflict { line: row.line, row: row.row(self.dataset)?, kind }))?;
        Ok(true)
    }
}
