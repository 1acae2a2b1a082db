//! Loaded state of a dataset: its serial, and the files and sessions that the publisher listed
//! before.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{count, digest, time};
use super::error::StoreError;
use super::notification_cache::write_notification;
use ehealth_core::closed_enum;
use ehealth_core::model::{Digest, Timestamp};

closed_enum! {
    /// Kind of a publisher's data file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FileKind {
        /// A complete state.
        Snapshot,
        /// The changes from one state to the next.
        Delta,
    }
}

impl FileKind {
    /// Value of the column `kind`.
    const fn stored(self) -> i64 {
        match self {
            Self::Snapshot => 0,
            Self::Delta => 1,
        }
    }

    fn from_stored(value: i64) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|kind| kind.stored() == value).ok_or(StoreError::Value)
    }
}

/// A file that the publisher listed in the loaded session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// Kind of the file.
    pub kind: FileKind,
    /// Serial that the file leads to.
    pub serial: u64,
    /// SHA-256 as listed.
    pub digest: Digest,
}

/// State of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Publisher's session: the bits of its UUID.
    pub session: u128,
    /// Publisher's serial, from 1, below 10^18.
    pub serial: u64,
    /// SHA-256 of the last file that led to this state.
    pub digest: Digest,
    /// Time at which the publisher made the notification.
    pub created: Timestamp,
    /// Time at which the state was loaded.
    pub applied: Timestamp,
    /// Rejected records of the last file.
    pub rejected: u64,
}

/// Everything that the plan of a run needs to know about the past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadedState {
    /// Loaded state; `None` if no data were ever loaded.
    pub state: Option<State>,
    /// Loaded records.
    pub records: u64,
    /// Sessions that were left for another one.
    pub left_sessions: BTreeSet<u128>,
    /// Hashes of the loaded session's files, by kind and serial.
    pub known_files: BTreeMap<(FileKind, u64), Digest>,
}

/// Reads the loaded state.
pub(super) fn read_loaded_state(connection: &Connection) -> Result<LoadedState, StoreError> {
    let mut loaded = LoadedState::default();
    let mut select = connection
        .prepare_cached("SELECT session, serial, file_sha256, created, applied, rejected, live FROM state")?;
    let mut rows = select.query([])?;
    if let Some(row) = rows.next()? {
        loaded.state = Some(State {
            session: u128::from_be_bytes(row.get(0)?),
            serial: count(row, 1)?,
            digest: digest(row, 2)?,
            created: time(row, 3)?,
            applied: time(row, 4)?,
            rejected: count(row, 5)?,
        });
        loaded.records = count(row, 6)?;
    }
    let mut select = connection.prepare_cached("SELECT session FROM left_session")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        loaded.left_sessions.insert(u128::from_be_bytes(row.get(0)?));
    }
    let mut select = connection.prepare_cached("SELECT kind, serial, sha256 FROM known_file")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let kind = FileKind::from_stored(row.get(0)?)?;
        loaded.known_files.insert((kind, count(row, 1)?), digest(row, 2)?);
    }
    Ok(loaded)
}

/// Writes the state of the surrounding transaction. If the session changes, it forgets the files of
/// the old session and remembers that session as left. It always removes the cached notification,
/// which belongs to the state before.
pub(super) fn write_state(
    connection: &Connection,
    state: &State,
    records: u64,
    known: &[KnownFile],
) -> Result<(), StoreError> {
    let old: Option<[u8; 16]> =
        connection.prepare_cached("SELECT session FROM state")?.query_row([], |row| row.get(0)).optional()?;
    if let Some(old) = old
        && old != state.session.to_be_bytes()
    {
        connection.execute("INSERT OR IGNORE INTO left_session (session) VALUES (?1)", [old])?;
        connection.execute("DELETE FROM known_file", [])?;
    }
    connection.execute(
        "INSERT OR REPLACE INTO state (one, session, serial, file_sha256, created, applied, live, rejected)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            state.session.to_be_bytes(),
            state.serial.cast_signed(),
            state.digest.as_bytes(),
            state.created.as_millis(),
            state.applied.as_millis(),
            records.cast_signed(),
            state.rejected.cast_signed(),
        ],
    )?;
    write_notification(connection, None)?;
    add_known_files(connection, known)
}

/// Adds files of the loaded session. A file that is already known keeps its hash.
pub(super) fn add_known_files(connection: &Connection, known: &[KnownFile]) -> Result<(), StoreError> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO known_file (kind, serial, sha256) VALUES (?1, ?2, ?3)")?;
    for file in known {
        insert.execute(params![file.kind.stored(), file.serial.cast_signed(), file.digest.as_bytes()])?;
    }
    Ok(())
}

/// Copies the loaded state, if there is one, its known files and the left sessions into an empty
/// file.
pub(super) fn copy_loaded_state(from: &Connection, to: &Connection) -> Result<(), StoreError> {
    let loaded = read_loaded_state(from)?;
    if let Some(state) = loaded.state {
        let known: Vec<KnownFile> =
            loaded.known_files.iter().map(|(&(kind, serial), &digest)| KnownFile { kind, serial, digest }).collect();
        write_state(to, &state, loaded.records, &known)?;
    }
    for session in &loaded.left_sessions {
        to.execute("INSERT INTO left_session (session) VALUES (?1)", [session.to_be_bytes()])?;
    }
    Ok(())
}
