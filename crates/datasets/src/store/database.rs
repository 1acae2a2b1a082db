//! The one function that opens a database file, and the versions of its schema.
//!
//! After [`open`] a connection is one of this program, of this dataset and of this version of the schema, with the
//! settings that its purpose needs. A file that is none of ours, or that a newer version of the program wrote, is
//! refused by its first hundred bytes, before SQLite has it in hand: it stays untouched.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use ehealth_core::model::Dataset;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading, while others may write.
    Read,
    /// Writing in transactions that are durable when they end, while others read. Migrates an older file.
    Apply,
    /// Filling a new, empty file that nobody reads: a crash leaves nothing worth keeping.
    Build,
}

/// Statements that lead from each version of the schema to the next; the first one from an empty file.
fn migrations(dataset: Dataset) -> [[&'static str; 2]; 3] {
    let records_1 = match dataset {
        Dataset::Dimona => include_str!("migrations/periods_1.sql"),
        Dataset::Coprev | Dataset::Federated => include_str!("migrations/affiliations_1.sql"),
        Dataset::Insurance => include_str!("migrations/memberships_1.sql"),
        Dataset::Persons => include_str!("migrations/persons_1.sql"),
    };
    let (bookkeeping_1, bookkeeping_2) =
        (include_str!("migrations/bookkeeping_1.sql"), include_str!("migrations/bookkeeping_2.sql"));
    let records_3 = match dataset {
        Dataset::Persons => include_str!("migrations/persons_3.sql"),
        Dataset::Dimona | Dataset::Coprev | Dataset::Federated | Dataset::Insurance => "",
    };
    [[bookkeeping_1, records_1], [bookkeeping_2, ""], ["", records_3]]
}

/// Marks a file as one of this program (`EHA`) and of this dataset.
fn application_id(dataset: Dataset) -> u32 {
    u32::from_be_bytes([b'E', b'H', b'A', dataset as u8])
}

/// Statements a connection keeps prepared: more than any of them uses.
const STATEMENTS: usize = 32;

/// How long a statement waits for another process that recovers or truncates the write-ahead log.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn open(path: &Path, dataset: Dataset, purpose: Purpose) -> Result<Connection, StoreError> {
    if purpose != Purpose::Build {
        check_header(path, dataset)?;
    }
    let access = match purpose {
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Purpose::Apply | Purpose::Build => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // One thread at a time has a connection, by its type: SQLite needs no mutex of its own.
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(PATIENCE)?;
    let settings = match purpose {
        // 2 GiB is the most that SQLite maps; what lies beyond is read.
        Purpose::Read => "PRAGMA query_only = ON; PRAGMA mmap_size = 2147418112; PRAGMA trusted_schema = OFF;",
        Purpose::Apply => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
             PRAGMA journal_size_limit = 0; PRAGMA trusted_schema = OFF;"
        }
        // A delta of the country's size touches every page, and bytes cost less in large calls: pages of 64 KiB are read,
        // logged and put back in three quarters of the time that pages of 16 KiB take, those in little more than half that
        // of 4 KiB.
        Purpose::Build => {
            "PRAGMA page_size = 65536; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF;"
        }
    };
    connection.execute_batch(settings)?;
    let known = newest_version(dataset);
    if purpose == Purpose::Build {
        connection.pragma_update(None, "application_id", application_id(dataset))?;
    }
    // The header may lag behind the write-ahead log: only now the version is sure.
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match purpose {
        _ if found > known => return Err(StoreError::Newer { found, known }),
        Purpose::Read if found < known => return Err(StoreError::Older { found, known }),
        Purpose::Read => {}
        Purpose::Apply | Purpose::Build => migrate(&mut connection, dataset, found)?,
    }
    Ok(connection)
}

/// Keeps the file from growing beyond so many bytes, and never cuts what is there.
pub(super) fn limit_file(connection: &Connection, bytes_max: u64) -> Result<(), StoreError> {
    let bytes_a_page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    // SQLite takes the most that it can have for any number above that.
    let pages = (bytes_max / bytes_a_page.cast_unsigned().max(1)).clamp(1, u64::from(u32::MAX));
    Ok(connection.pragma_update_and_check(None, "max_page_count", pages.cast_signed(), |_| Ok(()))?)
}

/// The version of the schema that this program writes.
fn newest_version(dataset: Dataset) -> u32 {
    u32::try_from(migrations(dataset).len()).unwrap_or(u32::MAX)
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

/// Judges a file by its header (SQLite file format, 1.3): magic string, user version, application id.
fn check_header(path: &Path, dataset: Dataset) -> Result<(), StoreError> {
    let mut header = [0; 100];
    let mut file = File::open(path)?;
    file.read_exact(&mut header).map_err(|_| StoreError::Foreign)?;
    let number = |at: usize| header[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    if !header.starts_with(b"SQLite format 3\0") || number(68) != application_id(dataset) {
        return Err(StoreError::Foreign);
    }
    let (found, known) = (number(60), newest_version(dataset));
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}
