//! The one writer of a dataset: what it knows of the past, and the ways to change the present.
//!
//! While a [`Writer`] lives, no other can be opened for its dataset, in this process or another. It plans nothing: which
//! state may follow which is [`crate::sync`]'s affair.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::bookkeeping::{self, CachedNotification, HistoryEntry, KnownFile, LoadedState, Run};
use super::folder::{Folder, WriteLock, remove_database};
use super::open::{Purpose, limit_file, open};
use super::{Delta, Snapshot, StoreError};
use ehealth_core::model::{Dataset, Timestamp};

/// Writes one dataset.
#[derive(Debug)]
pub struct Writer {
    pub(super) folder: Folder,
    pub(super) dataset: Dataset,
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
    pub(super) bytes_max: u64,
    _lock: WriteLock,
}

impl Writer {
    /// Opens a dataset for writing: makes folder and file if they are not there, migrates an older file, removes what a
    /// crash left behind.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the dataset is being written; any other if folder or file cannot be used.
    pub fn open(folder: &Path, dataset: Dataset) -> Result<Self, StoreError> {
        let folder = Folder::new(folder);
        folder.create()?;
        let lock = folder.lock(dataset)?;
        folder.sweep(dataset, &lock)?;
        let file = match folder.current(dataset)? {
            Some(file) => file,
            None => {
                let file = folder.create_file(dataset)?;
                settle(open(&file, dataset, Purpose::Build)?, &file)?;
                folder.point_to(dataset, &file)?;
                file
            }
        };
        let connection = open(&file, dataset, Purpose::Apply)?;
        Ok(Self { folder, dataset, connection, file, bytes_max: u64::MAX, _lock: lock })
    }

    /// From now on no file of the dataset may grow beyond so many bytes: what would, fails as on a full disk.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn limit_file(&mut self, bytes_max: u64) -> Result<(), StoreError> {
        self.bytes_max = bytes_max;
        limit_file(&self.connection, bytes_max)
    }

    /// The dataset that this writes.
    #[must_use]
    pub fn dataset(&self) -> Dataset {
        self.dataset
    }

    /// What the dataset knows of the past.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn standing(&self) -> Result<LoadedState, StoreError> {
        bookkeeping::standing(&self.connection)
    }

    /// Begins a whole new state, beside the one that is read. Nothing is visible before [`super::Sealed::publish`].
    ///
    /// # Errors
    /// If its file cannot be made.
    pub fn snapshot(&mut self) -> Result<Snapshot<'_>, StoreError> {
        Snapshot::begin(self)
    }

    /// Begins a change of the state that is read. Nothing is visible before [`Delta::commit`].
    ///
    /// # Errors
    /// If no transaction can be begun.
    pub fn delta(&mut self) -> Result<Delta<'_>, StoreError> {
        Delta::begin(self)
    }

    /// The notification that the loaded state is in step with; `None` if it came from no web server, or is not known.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn notice(&self) -> Result<Option<CachedNotification>, StoreError> {
        bookkeeping::notice(&self.connection)
    }

    /// Renews the publisher's moment of the loaded state, adds files to those that are known, and remembers the
    /// notification that the state is in step with. A moment before the one that is kept changes nothing.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn renew(
        &mut self,
        created: Timestamp,
        known: &[KnownFile],
        notice: Option<&CachedNotification>,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("UPDATE state SET created = max(created, ?1)", [created.as_millis()])?;
        bookkeeping::remember(&transaction, known)?;
        bookkeeping::write_notice(&transaction, notice)?;
        Ok(transaction.commit()?)
    }

    /// Adds a run to the history.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn record(&mut self, run: &Run<'_>) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        bookkeeping::write_run(&transaction, run)?;
        Ok(transaction.commit()?)
    }

    /// How the runs ended, the latest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        bookkeeping::history(&self.connection, u32::MAX)
    }

    /// Makes a settled file the one in use, and removes the one before.
    pub(super) fn adopt(&mut self, file: PathBuf) -> Result<(), StoreError> {
        let connection = open(&file, self.dataset, Purpose::Apply)?;
        limit_file(&connection, self.bytes_max)?;
        self.folder.point_to(self.dataset, &file)?;
        self.connection = connection;
        let old = std::mem::replace(&mut self.file, file);
        // Whoever reads it has it open, and keeps it until the next view. If it cannot be removed, the next writer will.
        if let Err(error) = remove_database(&old) {
            tracing::warn!(dataset = self.dataset.code(), %error, "cannot remove the replaced file");
        }
        Ok(())
    }
}

/// Closes a file that was being built, readable from now on while it is written, and makes it durable.
pub(super) fn settle(connection: Connection, file: &Path) -> Result<(), StoreError> {
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    connection.close().map_err(|(_, error)| error)?;
    std::fs::File::open(file)?.sync_all()?;
    Ok(())
}
