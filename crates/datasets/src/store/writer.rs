//! The only writer of a dataset: what it knows of the past, and changes of the bookkeeping.
//!
//! While a [`Writer`] exists, no other can be opened for its dataset, in this process or another.
//! [`Snapshot`](super::Snapshot) and [`Delta`](super::Delta) change the records. [`crate::sync`]
//! decides which state may follow which.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::database::{Purpose, close_durably, limit_file, open};
use super::error::StoreError;
use super::folder::{Folder, WriteLock, remove_database};
use super::history::{HistoryEntry, Run, add_run, read_history};
use super::notification_cache::{CachedNotification, read_notification, write_notification};
use super::state::{KnownFile, LoadedState, add_known_files, read_loaded_state};
use ehealth_core::model::{Dataset, Timestamp};

/// Writer of one dataset.
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
    /// Opens a dataset for writing: creates a missing folder or file, migrates an older file, and
    /// removes what a crash left behind.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the dataset has another writer; any other if the folder or file
    /// cannot be used.
    pub fn open(folder: &Path, dataset: Dataset) -> Result<Self, StoreError> {
        let folder = Folder::new(folder);
        folder.create()?;
        let lock = folder.lock(dataset)?;
        folder.remove_leftovers(dataset, &lock)?;
        let file = match folder.current(dataset)? {
            Some(file) => file,
            None => {
                let file = folder.create_file(dataset)?;
                close_durably(open(&file, dataset, Purpose::Build)?, &file)?;
                folder.point_to(dataset, &file)?;
                file
            }
        };
        let connection = open(&file, dataset, Purpose::Apply)?;
        Ok(Self { folder, dataset, connection, file, bytes_max: u64::MAX, _lock: lock })
    }

    /// Limits each file of the dataset to `bytes_max` from now on. A write beyond that fails as on
    /// a full disk.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn limit_file(&mut self, bytes_max: u64) -> Result<(), StoreError> {
        self.bytes_max = bytes_max;
        limit_file(&self.connection, bytes_max)
    }

    /// Dataset of the writer.
    #[must_use]
    pub fn dataset(&self) -> Dataset {
        self.dataset
    }

    /// Loaded state of the dataset.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn loaded_state(&self) -> Result<LoadedState, StoreError> {
        read_loaded_state(&self.connection)
    }

    /// Notification that the loaded state is up to date with; `None` if it did not come from a web
    /// server.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn cached_notification(&self) -> Result<Option<CachedNotification>, StoreError> {
        read_notification(&self.connection)
    }

    /// Moves the creation time of the loaded state forward, adds known files, and caches the
    /// notification. An earlier creation time changes nothing, unless the stored one is in the
    /// future at the time `now`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn renew(
        &mut self,
        created: Timestamp,
        now: Timestamp,
        known: &[KnownFile],
        cached: Option<&CachedNotification>,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let stored = read_loaded_state(&transaction)?.state.map(|state| state.created);
        if stored.is_some_and(|stored| stored < created || stored.is_in_the_future(now)) {
            transaction.execute("UPDATE state SET created = ?1", [created.as_millis()])?;
        }
        add_known_files(&transaction, known)?;
        write_notification(&transaction, cached)?;
        Ok(transaction.commit()?)
    }

    /// Adds a run to the history.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn record(&mut self, run: &Run) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        add_run(&transaction, run)?;
        Ok(transaction.commit()?)
    }

    /// History of the dataset's runs, the latest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        read_history(&self.connection, u32::MAX)
    }

    /// Makes a durable file the current one, and removes the file before it.
    pub(super) fn switch_to(&mut self, file: PathBuf) -> Result<(), StoreError> {
        let connection = open(&file, self.dataset, Purpose::Apply)?;
        limit_file(&connection, self.bytes_max)?;
        self.folder.point_to(self.dataset, &file)?;
        self.connection = connection;
        let old = std::mem::replace(&mut self.file, file);
        // Its readers have it open, and keep it until their next view. The next writer removes it
        // if this fails.
        if let Err(error) = remove_database(&old) {
            tracing::warn!(dataset = self.dataset.code(), %error, "cannot remove the replaced file");
        }
        Ok(())
    }
}
