//! Status of a dataset, for operators.

use rusqlite::{Connection, OptionalExtension};

use super::columns::{count, time};
use super::error::StoreError;
use super::history::{HistoryEntry, read_history};
use ehealth_core::model::DatasetState;

/// Status of a dataset: its state, its size, and its last runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetStatus {
    /// Loaded state; `None` if no data were ever loaded.
    pub state: Option<DatasetState>,
    /// Loaded records.
    pub records: u64,
    /// Last runs, the latest first.
    pub history: Vec<HistoryEntry>,
}

/// Reads the status with at most `runs` entries of the history.
pub(super) fn read_status(connection: &Connection, runs: u32) -> Result<DatasetStatus, StoreError> {
    let mut select = connection.prepare_cached("SELECT serial, created, live FROM state")?;
    let state = select.query_row([], |row| {
        let state = DatasetState { serial: count(row, 0)?, created: time(row, 1)? };
        Ok((state, count(row, 2)?))
    });
    let (state, records) = state.optional()?.map_or((None, 0), |(state, records)| (Some(state), records));
    Ok(DatasetStatus { state, records, history: read_history(connection, runs)? })
}
