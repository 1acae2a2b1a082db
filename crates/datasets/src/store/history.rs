//! History of a dataset's runs.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::columns::{count, time};
use super::error::StoreError;
use crate::outcome::Outcome;
use ehealth_core::model::Timestamp;

/// Maximum entries of the history. Consecutive runs with the same outcome share one entry.
const HISTORY_MAX: i64 = 1_000;

/// One run, to be added to the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Outcome of the run.
    pub outcome: Outcome,
    /// End of the run.
    pub at: Timestamp,
    /// Records that the run read.
    pub records: u64,
    /// Records that the run rejected.
    pub rejected: u64,
}

/// One or more consecutive runs with the same outcome and serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Outcome of the runs; `None` if this version of the program does not know the stored code.
    pub outcome: Option<Outcome>,
    /// Serial that was loaded after the runs; `None` if no data were ever loaded.
    pub serial: Option<u64>,
    /// End of the first run.
    pub first: Timestamp,
    /// End of the last run.
    pub last: Timestamp,
    /// Number of runs.
    pub times: u64,
    /// Records that the last run read.
    pub records: u64,
    /// Records that the last run rejected.
    pub rejected: u64,
}

/// Adds a run to the history.
pub(super) fn add_run(connection: &Connection, run: &Run) -> Result<(), StoreError> {
    let serial: Option<i64> = connection.query_row("SELECT max(serial) FROM state", [], |row| row.get(0))?;
    let (code, at) = (run.outcome.code(), run.at.as_millis());
    let (records, rejected) = (run.records.cast_signed(), run.rejected.cast_signed());
    let joined = connection.execute(
        "UPDATE history SET last_at = ?1, times = times + 1, records = ?2, rejected = ?3
         WHERE number = (SELECT max(number) FROM history) AND code = ?4 AND serial IS ?5",
        params![at, records, rejected, code, serial],
    )?;
    if joined == 0 {
        connection.execute(
            "INSERT INTO history (code, serial, first_at, last_at, times, records, rejected)
             VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5)",
            params![code, serial, at, records, rejected],
        )?;
        connection
            .execute("DELETE FROM history WHERE number <= (SELECT max(number) FROM history) - ?1", [HISTORY_MAX])?;
    }
    Ok(())
}

/// Reads at most `most` entries, the latest first.
pub(super) fn read_history(connection: &Connection, most: u32) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut select = connection.prepare(
        "SELECT code, serial, first_at, last_at, times, records, rejected FROM history ORDER BY number DESC LIMIT ?1",
    )?;
    let rows = select.query_map([most], |row| {
        Ok(HistoryEntry {
            outcome: Outcome::parse(row.get_ref(0)?.as_str()?),
            serial: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            first: time(row, 2)?,
            last: time(row, 3)?,
            times: count(row, 4)?,
            records: count(row, 5)?,
            rejected: count(row, 6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Copies the history into an empty file, codes unknown to this version included.
pub(super) fn copy_history(from: &Connection, to: &Connection) -> Result<(), StoreError> {
    let mut insert = to.prepare(
        "INSERT INTO history (code, serial, first_at, last_at, times, records, rejected)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut select =
        from.prepare("SELECT code, serial, first_at, last_at, times, records, rejected FROM history ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let columns = (0..7).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()?;
        insert.execute(params_from_iter(columns))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().expect("in memory");
        connection.execute_batch(include_str!("migrations/bookkeeping_1.sql")).expect("valid SQL");
        connection
    }

    fn run(outcome: Outcome, at: i64) -> Run {
        Run { outcome, at: Timestamp::from_millis(at), records: 1, rejected: 0 }
    }

    #[test]
    fn consecutive_runs_with_the_same_outcome_share_an_entry() {
        let database = database();
        for (at, outcome) in (0..).zip([Outcome::Nothing, Outcome::Nothing, Outcome::Deltas]) {
            add_run(&database, &run(outcome, at)).expect("writable");
        }
        let history = read_history(&database, 9).expect("readable");
        let entries: Vec<_> = history.iter().map(|entry| (entry.outcome, entry.times)).collect();
        assert_eq!(entries, [(Some(Outcome::Deltas), 1), (Some(Outcome::Nothing), 2)]);
    }

    #[test]
    fn a_code_of_another_version_is_unknown_but_copied() {
        let (from, to) = (database(), database());
        add_run(&from, &run(Outcome::Nothing, 1)).expect("writable");
        from.execute("UPDATE history SET code = 'refused/unheard-of'", []).expect("writable");
        copy_history(&from, &to).expect("writable");
        assert_eq!(read_history(&to, 9).expect("readable")[0].outcome, None);
        let code: String = to.query_row("SELECT code FROM history", [], |row| row.get(0)).expect("readable");
        assert_eq!(code, "refused/unheard-of");
    }
}
