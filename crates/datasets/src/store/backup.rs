//! Copies the datasets while another process writes them, and checks such a copy.
//!
//! SQLite's online backup copies each dataset page by page in one read transaction: the copy has a
//! concurrent delta completely or not at all. The copies have no write-ahead log.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::database::{Purpose, open};
use super::error::StoreError;
use super::folder::Folder;
use ehealth_core::model::Dataset;

/// Copies every loaded dataset into another folder, which it creates. Everything is durable
/// afterwards. Returns the copied datasets.
///
/// # Errors
/// [`StoreError`].
pub fn copy_datasets(from: &Path, to: &Path) -> Result<Vec<Dataset>, StoreError> {
    let (from, into) = (Folder::new(from), Folder::new(to));
    into.create()?;
    let mut copied = Vec::new();
    for dataset in Dataset::ALL {
        let Some(current) = from.current(dataset)? else { continue };
        let source = open(&current, dataset, Purpose::Read)?;
        let file = into.create_file(dataset)?;
        let mut copy = Connection::open(&file)?;
        // All pages in one step: one read transaction, one state.
        Backup::new(&source, &mut copy)?.step(-1)?;
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.close().map_err(|(_, error)| error)?;
        File::open(&file)?.sync_all()?;
        into.point_to(dataset, &file)?;
        copied.push(dataset);
    }
    Ok(copied)
}

/// Checks every dataset of a folder without a writer: the file belongs to this program and is not
/// damaged.
///
/// # Errors
/// The first damaged dataset, and its error.
pub fn check_datasets(folder: &Path) -> Result<(), (Dataset, StoreError)> {
    let folder = Folder::new(folder);
    for dataset in Dataset::ALL {
        let check = || -> Result<(), StoreError> {
            let Some(current) = folder.current(dataset)? else { return Ok(()) };
            let connection = open(&current, dataset, Purpose::Read)?;
            let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found == "ok" { Ok(()) } else { Err(StoreError::Value) }
        };
        check().map_err(|error| (dataset, error))?;
    }
    Ok(())
}
