//! A complete new state, built in a new file while readers use the old one.
//!
//! Rows arrive in the order of the publisher's file. They are sorted first, so that every table is
//! written once and in order, and so that equal keys meet. The sorters' chunks bound the memory,
//! whatever the number of rows.

use std::path::PathBuf;

use rusqlite::Connection;

use super::cycles::CycleSearch;
use super::database::{Purpose, close_durably, limit_file, open};
use super::error::StoreError;
use super::folder::remove_database;
use super::history::copy_history;
use super::row::{Key, Keying, Packed, Row};
use super::snapshot_tables::{BuildEvent, Tables, WITHOUT_OWNER};
use super::sort::Sorter;
use super::state::{KnownFile, State, copy_loaded_state, write_state};
use super::writer::Writer;
use ehealth_core::model::Dataset;

/// Collects the rows of a new state. Dropped before [`BuiltSnapshot::publish`], it leaves nothing
/// behind.
#[derive(Debug)]
pub struct Snapshot<'w> {
    writer: &'w mut Writer,
    new_file: NewFile,
    rows: Sorter<5>,
    ids: Sorter<3>,
}

/// A new state that is built but not yet current. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct BuiltSnapshot<'w> {
    writer: &'w mut Writer,
    new_file: NewFile,
    records: u64,
}

/// The file under construction. Dropping it removes the file, unless `file` was taken.
#[derive(Debug)]
struct NewFile {
    dataset: Dataset,
    connection: Option<Connection>,
    file: Option<PathBuf>,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        drop(self.connection.take());
        if let Some(file) = self.file.take()
            && let Err(error) = remove_database(&file)
        {
            tracing::warn!(dataset = self.dataset.code(), %error, "cannot remove an unfinished file");
        }
    }
}

impl Writer {
    /// Starts a new state beside the current one. Readers see nothing of it before
    /// [`BuiltSnapshot::publish`].
    ///
    /// # Errors
    /// If its file cannot be created.
    pub fn snapshot(&mut self) -> Result<Snapshot<'_>, StoreError> {
        let dataset = self.dataset;
        let file = self.folder.create_file(dataset)?;
        let mut new_file = NewFile { dataset, connection: None, file: Some(file.clone()) };
        let connection = open(&file, dataset, Purpose::Build)?;
        limit_file(&connection, self.bytes_max)?;
        new_file.connection = Some(connection);
        let rows = Sorter::new(file.with_extension("rows"), self.bytes_max);
        let ids = Sorter::new(file.with_extension("ids"), self.bytes_max);
        Ok(Snapshot { writer: self, new_file, rows, ids })
    }
}

impl<'w> Snapshot<'w> {
    /// Adds the record of a line. Lines must increase.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a row of another dataset; any other if the sorter cannot write
    /// to disk.
    pub fn put(&mut self, line: u64, row: Row) -> Result<(), StoreError> {
        if !row.belongs_to(self.new_file.dataset) {
            return Err(StoreError::Dataset);
        }
        let packed = Packed::new(row, line);
        if Keying::of(self.new_file.dataset) == Keying::ById {
            self.ids.push([packed.id, line, packed.owner])?;
        }
        Ok(self.rows.push(packed.as_array())?)
    }

    /// Adds the key of a line whose record was rejected: no later record of the snapshot may have
    /// this key, and a later delta may delete it. Lines must increase.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] for a key of another dataset; any other if the sorter cannot write
    /// to disk.
    pub fn reject(&mut self, line: u64, key: Key) -> Result<(), StoreError> {
        if !key.belongs_to(self.new_file.dataset) {
            return Err(StoreError::Dataset);
        }
        match Keying::of(self.new_file.dataset) {
            Keying::ById => self.ids.push([key.parts().1, line, WITHOUT_OWNER])?,
            Keying::ByOwner => self.rows.push(Packed::rejected(key, line).as_array())?,
        }
        Ok(())
    }

    /// Builds the tables. Leaves out at most `allowance` records that conflict with others; returns
    /// `None` if there are more. Calls `report` for each of them, and with the progress.
    ///
    /// # Errors
    /// If the file cannot be written, or the error of `report`.
    pub fn build(
        mut self,
        allowance: u64,
        report: &mut dyn FnMut(BuildEvent) -> Result<(), StoreError>,
    ) -> Result<Option<BuiltSnapshot<'w>>, StoreError> {
        let dataset = self.new_file.dataset;
        let (Some(connection), Some(file)) = (self.new_file.connection.as_mut(), &self.new_file.file) else {
            return Ok(None);
        };
        let cycles = match dataset {
            Dataset::Persons => Some(CycleSearch::new(&file.with_extension("walks"), self.writer.bytes_max)?),
            Dataset::Dimona | Dataset::Coprev | Dataset::Federated | Dataset::Insurance => None,
        };
        let transaction = connection.transaction()?;
        let mut tables = Tables::new(&transaction, dataset, cycles, allowance, report);
        let complete = match tables.write_ids(self.ids)? {
            Some(duplicates) => tables.write_rows(self.rows, &duplicates)?,
            None => false,
        };
        let complete = complete && tables.reject_cycles()?;
        let records = tables.records();
        transaction.commit()?;
        Ok(complete.then_some(BuiltSnapshot { writer: self.writer, new_file: self.new_file, records }))
    }
}

impl BuiltSnapshot<'_> {
    /// Number of records of the new state.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Makes the new state the current one, and keeps the dataset's history. When this returns, the
    /// state is durable. If it fails, the old state stays the current one.
    ///
    /// # Errors
    /// If the file cannot be written or cannot become the current one.
    pub fn publish(mut self, state: &State, known: &[KnownFile]) -> Result<(), StoreError> {
        let (Some(mut connection), Some(file)) = (self.new_file.connection.take(), self.new_file.file.clone()) else {
            return Ok(());
        };
        let transaction = connection.transaction()?;
        copy_loaded_state(&self.writer.connection, &transaction)?;
        copy_history(&self.writer.connection, &transaction)?;
        write_state(&transaction, state, self.records, known)?;
        transaction.commit()?;
        close_durably(connection, &file)?;
        // If `switch_to` fails half way, the pointer may already name the file, which must then
        // stay. The next writer removes it if the pointer does not.
        self.new_file.file = None;
        self.writer.switch_to(file)
    }
}
