//! Finds cycles of replacements among the persons of a snapshot.
//!
//! Every SSIN has at most one successor, so a walk along the successors either ends or comes back
//! to itself. The first walk that reaches an SSIN marks it, so all walks together visit each SSIN
//! at most twice.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::row::Packed;

/// Replacements and the lines that they came from. SQLite keeps the table in a file without a name.
const EDGES: &str = "CREATE TEMP TABLE edge (
    ssin      INTEGER PRIMARY KEY,
    successor INTEGER NOT NULL,
    line      INTEGER NOT NULL,
    walk      INTEGER NOT NULL DEFAULT 0
)";

/// Inserts an edge: SSIN, successor, line.
pub(super) const INSERT_EDGE: &str = "INSERT INTO temp.edge (ssin, successor, line) VALUES (?1, ?2, ?3)";

/// Last record in the file of the cycle through an SSIN.
const CLOSING: &str = "WITH RECURSIVE circle (ssin, successor, line) AS (
        SELECT ssin, successor, line FROM temp.edge WHERE ssin = ?1
        UNION
        SELECT edge.ssin, edge.successor, edge.line FROM temp.edge JOIN circle ON edge.ssin = circle.successor
    )
    SELECT ssin, successor, line FROM circle ORDER BY line DESC LIMIT 1";

pub(super) fn create_edges(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(EDGES)?)
}

pub(super) fn drop_edges(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch("DROP TABLE temp.edge")?)
}

/// Search through all edges.
pub(super) struct CycleSearch<'a> {
    connection: &'a Connection,
    /// Start of the last walk.
    start: i64,
    /// Number of the last walk, from 1.
    walk: i64,
}

impl<'a> CycleSearch<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Self { connection, start: 0, walk: 0 }
    }

    /// The record that closes the next cycle; `None` if there are no more.
    pub fn next(&mut self) -> Result<Option<Packed>, StoreError> {
        while let Some(start) = self.next_unmarked()? {
            self.walk += 1;
            if let Some(ssin) = self.walk_from(start)? {
                return self.closing_record(ssin).map(Some);
            }
        }
        Ok(None)
    }

    /// The next SSIN that no walk has reached.
    fn next_unmarked(&mut self) -> Result<Option<i64>, StoreError> {
        let mut select =
            self.connection.prepare_cached("SELECT ssin, walk FROM temp.edge WHERE ssin > ?1 ORDER BY ssin LIMIT 1")?;
        loop {
            let next: Option<(i64, i64)> =
                select.query_row([self.start], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((ssin, walk)) = next else { return Ok(None) };
            self.start = ssin;
            if walk == 0 {
                return Ok(Some(ssin));
            }
        }
    }

    /// Walks along the successors and marks each; returns an SSIN of the cycle if the walk comes
    /// back to itself.
    fn walk_from(&self, start: i64) -> Result<Option<i64>, StoreError> {
        let mut walk_of = self.connection.prepare_cached("SELECT walk FROM temp.edge WHERE ssin = ?1")?;
        let mut mark =
            self.connection.prepare_cached("UPDATE temp.edge SET walk = ?2 WHERE ssin = ?1 RETURNING successor")?;
        let mut ssin = start;
        loop {
            match walk_of.query_row([ssin], |row| row.get::<_, i64>(0)).optional()? {
                Some(0) => {}
                reached => return Ok((reached == Some(self.walk)).then_some(ssin)),
            }
            ssin = mark.query_row(params![ssin, self.walk], |row| row.get(0))?;
        }
    }

    fn closing_record(&self, ssin: i64) -> Result<Packed, StoreError> {
        let mut select = self.connection.prepare_cached(CLOSING)?;
        let (ssin, successor, line): (i64, i64, i64) =
            select.query_row([ssin], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Packed {
            owner: ssin.cast_unsigned(),
            id: 0,
            line: line.cast_unsigned(),
            value: successor.cast_unsigned(),
            days: 0,
        })
    }
}
