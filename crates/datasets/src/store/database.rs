//! Opens database files, and migrates their schema.
//!
//! After [`open`], a connection is to a file of this program, of this dataset and of this schema
//! version, with the settings for its purpose. A file of another program, or of a newer version of
//! this one, is refused by its first 100 bytes, before SQLite opens it: it stays unchanged.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use ehealth_core::model::Dataset;

/// Purpose of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Read, while others may write.
    Read,
    /// Write in durable transactions, while others read. Migrates an older file.
    Apply,
    /// Fill a new, empty file that has no readers. After a crash the file is worthless.
    Build,
}

/// SQL statements that migrate from each schema version to the next; the first from an empty file.
fn migrations(dataset: Dataset) -> [[&'static str; 2]; 4] {
    let records_1 = match dataset {
        Dataset::Dimona => include_str!("migrations/periods_1.sql"),
        Dataset::Coprev | Dataset::Federated => include_str!("migrations/affiliations_1.sql"),
        Dataset::Insurance => include_str!("migrations/memberships_1.sql"),
        Dataset::Persons => include_str!("migrations/persons_1.sql"),
    };
    let (bookkeeping_1, bookkeeping_2) =
        (include_str!("migrations/bookkeeping_1.sql"), include_str!("migrations/bookkeeping_2.sql"));
    let (records_3, records_4) = match dataset {
        Dataset::Persons => (include_str!("migrations/persons_3.sql"), include_str!("migrations/persons_4.sql")),
        Dataset::Dimona | Dataset::Coprev | Dataset::Federated | Dataset::Insurance => ("", ""),
    };
    [[bookkeeping_1, records_1], [bookkeeping_2, ""], ["", records_3], ["", records_4]]
}

/// Application ID in the SQLite header: `EHA` and the number of the dataset.
fn application_id(dataset: Dataset) -> u32 {
    u32::from_be_bytes([b'E', b'H', b'A', dataset as u8])
}

/// Prepared statements that a connection caches: more than any connection uses.
const STATEMENTS_CACHED: usize = 32;

/// Maximum time that a statement waits for another process that recovers or truncates the
/// write-ahead log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a database file of a dataset.
///
/// # Errors
/// [`StoreError::Foreign`], [`StoreError::Newer`] or [`StoreError::Older`] for a file that this
/// purpose cannot use.
pub(super) fn open(path: &Path, dataset: Dataset, purpose: Purpose) -> Result<Connection, StoreError> {
    if purpose != Purpose::Build {
        check_header(path, dataset)?;
    }
    let access = match purpose {
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Purpose::Apply | Purpose::Build => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // The type ensures that one thread at a time uses a connection, so SQLite needs no mutex.
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let settings = match purpose {
        // The file is read, never mapped: a page of a mapping that was truncated, or that the disk
        // cannot read, ends the process with SIGBUS; a failed read is an error of this dataset. The
        // cache of 8 MiB holds the inner pages, which every lookup needs, of a gigabyte
        // (`docs/design/decisions.md` "Datasets are not mapped").
        Purpose::Read => {
            "PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192; PRAGMA trusted_schema = OFF;"
        }
        Purpose::Apply => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
             PRAGMA journal_size_limit = 0; PRAGMA trusted_schema = OFF;"
        }
        // A delta at national scale touches every page, and larger pages cost less for each byte. But
        // a lookup copies a page: 8 KiB are the largest that keep a question within 5 % of mapped
        // pages.
        Purpose::Build => {
            "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF;"
        }
    };
    connection.execute_batch(settings)?;
    let known = newest_version(dataset);
    if purpose == Purpose::Build {
        connection.pragma_update(None, "application_id", application_id(dataset))?;
    }
    // The header may be older than the write-ahead log: only this query returns the current
    // version.
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    match purpose {
        Purpose::Read if found < known => return Err(StoreError::Older { found, known }),
        Purpose::Read => {}
        Purpose::Apply | Purpose::Build => migrate(&mut connection, dataset, found)?,
    }
    Ok(connection)
}

/// Opens an empty database of one connection at a path where no file may exist, and removes its
/// name: the file disappears when it is closed. It has at most `bytes_max` bytes, and nothing in it
/// survives a rollback.
pub(super) fn scratch(path: &Path, bytes_max: u64) -> Result<Connection, StoreError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    fs::remove_file(path)?;
    let connection = opened?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF;",
    )?;
    limit_file(&connection, bytes_max)?;
    Ok(connection)
}

/// Limits the size of the file in bytes. It never truncates an existing file.
pub(super) fn limit_file(connection: &Connection, bytes_max: u64) -> Result<(), StoreError> {
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    // SQLite reduces any larger number to its own maximum.
    let pages = (bytes_max / page_bytes.cast_unsigned().max(1)).clamp(1, u64::from(u32::MAX));
    Ok(connection.pragma_update_and_check(None, "max_page_count", pages.cast_signed(), |_| Ok(()))?)
}

/// Schema version that this program writes.
fn newest_version(dataset: Dataset) -> u32 {
    u32::try_from(migrations(dataset).len()).unwrap_or(u32::MAX)
}

/// Closes a file that was being built, sets its journal mode for readers beside a writer, and
/// fsyncs it.
pub(super) fn close_durably(connection: Connection, file: &Path) -> Result<(), StoreError> {
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(file)?.sync_all()?;
    Ok(())
}

fn migrate(connection: &mut Connection, dataset: Dataset, found: u32) -> Result<(), StoreError> {
    for (version, statements) in (1_u32..).zip(migrations(dataset)).skip(found as usize) {
        let transaction = connection.transaction()?;
        for batch in statements {
            transaction.execute_batch(batch)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Checks the header of a file (SQLite file format, section 1.3): magic string, user version,
/// application ID.
fn check_header(path: &Path, dataset: Dataset) -> Result<(), StoreError> {
    let mut header = [0; 100];
    let mut file = File::open(path)?;
    file.read_exact(&mut header).map_err(|_| StoreError::Foreign)?;
    let number = |offset: usize| header[offset..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    if !header.starts_with(b"SQLite format 3\0") || number(68) != application_id(dataset) {
        return Err(StoreError::Foreign);
    }
    let (found, known) = (number(60), newest_version(dataset));
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}
