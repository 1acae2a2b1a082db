//! Copies the datasets beside a process that writes them, and judges such a copy.
//!
//! Each dataset is copied page by page in one read of one state (SQLite's online backup): a delta that is applied
//! meanwhile is in the copy whole or not at all. The copies have no write-ahead log.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::StoreError;
use super::folder::Folder;
use super::open::{Purpose, open};
use ehealth_core::model::Dataset;

/// Copies every dataset that is loaded into another folder, which is made; all of it is durable afterwards. Tells which
/// were.
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
        // One step for all pages: one read of one state.
        Backup::new(&source, &mut copy)?.step(-1)?;
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.close().map_err(|(_, error)| error)?;
        File::open(&file)?.sync_all()?;
        into.point_to(dataset, &file)?;
        copied.push(dataset);
    }
    Ok(copied)
}

/// Judges every dataset of a folder that nobody writes: that its file is one of this program's, and whole.
///
/// # Errors
/// The dataset, and what is wrong with it.
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
