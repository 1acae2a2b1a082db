//! What a dataset file says of itself: which state it is, which files and sessions it has known, how the runs ended.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use ehealth_core::model::{DatasetState, Digest, Timestamp};

/// Runs that are remembered; what ends alike again and again counts as one.
const HISTORY_MAX: i64 = 1_000;

/// What a publisher's file held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A whole state.
    Snapshot,
    /// The way from one state to the next.
    Delta,
}

/// A file that a publisher listed in the session that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// What it held.
    pub kind: FileKind,
    /// The state that it leads to.
    pub serial: u64,
    /// SHA-256 as listed.
    pub digest: Digest,
}

/// The state that a dataset is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The publisher's session: the bits of its UUID.
    pub session: u128,
    /// Its serial, from 1, below 10^18.
    pub serial: u64,
    /// SHA-256 of the last file that led here.
    pub digest: Digest,
    /// When the publisher made the notification.
    pub created: Timestamp,
    /// When it was loaded.
    pub applied: Timestamp,
    /// Records of the last file that were rejected.
    pub rejected: u64,
}

/// Everything that a run has to know of the past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadedState {
    /// The state that is loaded; `None` if nothing ever was.
    pub state: Option<State>,
    /// Records that are loaded.
    pub live: u64,
    /// Sessions that were left for another one.
    pub left: BTreeSet<u128>,
    /// Files of the loaded session.
    pub known: BTreeMap<(FileKind, u64), Digest>,
}

/// What a web server's notification is known by (RFC 9110, 8.8), as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// Its `ETag`.
    EntityTag(Vec<u8>),
    /// Its `Last-Modified`.
    Date(Vec<u8>),
}

/// The notification that the loaded state was found in step with, and how its server is asked for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedNotification {
    /// The address of the feed.
    pub url: String,
    /// What the server knows the document by.
    pub validator: Validator,
    /// The document, as it was sent.
    pub document: Vec<u8>,
}

/// How a run ended, to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// The outcome's code.
    pub code: &'a str,
    /// When it ended.
    pub at: Timestamp,
    /// Records that it read.
    pub records: u64,
    /// Those that it rejected.
    pub rejected: u64,
}

/// One or more runs that ended alike, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The outcome's code.
    pub code: String,
    /// The serial that was loaded afterwards; `None` if none ever was.
    pub serial: Option<u64>,
    /// When the first of them ended.
    pub first: Timestamp,
    /// When the last of them ended.
    pub last: Timestamp,
    /// How many they were.
    pub times: u64,
    /// Records that the last of them read.
    pub records: u64,
    /// Those that it rejected.
    pub rejected: u64,
}

/// What a dataset is like, for people: its state, its size, how its last runs ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetStatus {
    /// The state that is loaded; `None` if nothing ever was.
    pub state: Option<DatasetState>,
    /// Records that are loaded.
    pub records: u64,
    /// The last runs, the latest first.
    pub history: Vec<HistoryEntry>,
}

/// Reads what a dataset is like; of its runs the last `runs`.
pub(super) fn account(connection: &Connection, runs: u32) -> Result<DatasetStatus, StoreError> {
    let mut select = connection.prepare_cached("SELECT serial, created, live FROM state")?;
    let state = select.query_row([], |row| {
        let state = DatasetState { serial: count(row, 0)?, created: moment(row, 1)? };
        Ok((state, count(row, 2)?))
    });
    let (state, records) = state.optional()?.map_or((None, 0), |(state, records)| (Some(state), records));
    Ok(DatasetStatus { state, records, history: history(connection, runs)? })
}

fn kind_code(kind: FileKind) -> i64 {
    match kind {
        FileKind::Snapshot => 0,
        FileKind::Delta => 1,
    }
}

fn digest(row: &Row<'_>, column: usize) -> Result<Digest, StoreError> {
    Ok(Digest::new(row.get::<_, [u8; 32]>(column)?))
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// Reads what the file knows of the past.
pub(super) fn standing(connection: &Connection) -> Result<LoadedState, StoreError> {
    let mut standing = LoadedState::default();
    let mut select = connection
        .prepare_cached("SELECT session, serial, file_sha256, created, applied, rejected, live FROM state")?;
    let mut rows = select.query([])?;
    if let Some(row) = rows.next()? {
        standing.state = Some(State {
            session: u128::from_be_bytes(row.get(0)?),
            serial: count(row, 1)?,
            digest: digest(row, 2)?,
            created: moment(row, 3)?,
            applied: moment(row, 4)?,
            rejected: count(row, 5)?,
        });
        standing.live = count(row, 6)?;
    }
    let mut select = connection.prepare_cached("SELECT session FROM left_session")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        standing.left.insert(u128::from_be_bytes(row.get(0)?));
    }
    let mut select = connection.prepare_cached("SELECT kind, serial, sha256 FROM known_file")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let kind = if row.get::<_, i64>(0)? == 0 { FileKind::Snapshot } else { FileKind::Delta };
        standing.known.insert((kind, count(row, 1)?), digest(row, 2)?);
    }
    Ok(standing)
}

/// The notification that the loaded state is in step with; `None` if it came from no web server, or is not known.
pub(super) fn notice(connection: &Connection) -> Result<Option<CachedNotification>, StoreError> {
    let mut select = connection.prepare_cached("SELECT url, kind, validator, document FROM notice")?;
    let notice = select.query_row([], |row| {
        let validator = row.get(2)?;
        let validator =
            if row.get::<_, i64>(1)? == 0 { Validator::EntityTag(validator) } else { Validator::Date(validator) };
        Ok(CachedNotification { url: row.get(0)?, validator, document: row.get(3)? })
    });
    Ok(notice.optional()?)
}

/// Remembers the notification that the loaded state is in step with; or that there is none.
pub(super) fn write_notice(connection: &Connection, notice: Option<&CachedNotification>) -> Result<(), StoreError> {
    let Some(CachedNotification { url, validator, document }) = notice else {
        connection.execute("DELETE FROM notice", [])?;
        return Ok(());
    };
    let (kind, validator) = match validator {
        Validator::EntityTag(tag) => (0, tag),
        Validator::Date(date) => (1, date),
    };
    connection.execute(
        "INSERT OR REPLACE INTO notice (one, url, kind, validator, document) VALUES (1, ?1, ?2, ?3, ?4)",
        params![url, kind, validator, document],
    )?;
    Ok(())
}

/// Writes the state that the surrounding transaction leads to. What was known of another session is let go, and the
/// session is remembered as left; so is the notification that the state before was in step with.
pub(super) fn write_state(
    connection: &Connection,
    state: &State,
    live: u64,
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
            live.cast_signed(),
            state.rejected.cast_signed(),
        ],
    )?;
    write_notice(connection, None)?;
    remember(connection, known)
}

/// Adds files to those that are known.
pub(super) fn remember(connection: &Connection, known: &[KnownFile]) -> Result<(), StoreError> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO known_file (kind, serial, sha256) VALUES (?1, ?2, ?3)")?;
    for file in known {
        insert.execute(params![kind_code(file.kind), file.serial.cast_signed(), file.digest.as_bytes()])?;
    }
    Ok(())
}

/// Takes over into an empty file what an older one knows of the past; the state, too, if there was one.
pub(super) fn inherit(from: &Connection, to: &Connection) -> Result<(), StoreError> {
    let standing = standing(from)?;
    if let Some(state) = standing.state {
        let known: Vec<KnownFile> =
            standing.known.iter().map(|(&(kind, serial), &digest)| KnownFile { kind, serial, digest }).collect();
        write_state(to, &state, standing.live, &known)?;
    }
    for session in &standing.left {
        to.execute("INSERT INTO left_session (session) VALUES (?1)", [session.to_be_bytes()])?;
    }
    let mut insert = to.prepare(
        "INSERT INTO history (code, serial, first_at, last_at, times, records, rejected)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for entry in history(from, u32::MAX)?.iter().rev() {
        insert.execute(params![
            entry.code,
            entry.serial.map(u64::cast_signed),
            entry.first.as_millis(),
            entry.last.as_millis(),
            entry.times.cast_signed(),
            entry.records.cast_signed(),
            entry.rejected.cast_signed(),
        ])?;
    }
    Ok(())
}

/// Adds a run to the history.
pub(super) fn write_run(connection: &Connection, run: &Run<'_>) -> Result<(), StoreError> {
    let serial: Option<i64> = connection.query_row("SELECT max(serial) FROM state", [], |row| row.get(0))?;
    let at = run.at.as_millis();
    let (records, rejected) = (run.records.cast_signed(), run.rejected.cast_signed());
    let joined = connection.execute(
        "UPDATE history SET last_at = ?1, times = times + 1, records = ?2, rejected = ?3
         WHERE number = (SELECT max(number) FROM history) AND code = ?4 AND serial IS ?5",
        params![at, records, rejected, run.code, serial],
    )?;
    if joined == 0 {
        connection.execute(
            "INSERT INTO history (code, serial, first_at, last_at, times, records, rejected)
             VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5)",
            params![run.code, serial, at, records, rejected],
        )?;
        connection
            .execute("DELETE FROM history WHERE number <= (SELECT max(number) FROM history) - ?1", [HISTORY_MAX])?;
    }
    Ok(())
}

/// The runs that are remembered, the latest first; at most so many.
pub(super) fn history(connection: &Connection, most: u32) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut select = connection.prepare(
        "SELECT code, serial, first_at, last_at, times, records, rejected FROM history ORDER BY number DESC LIMIT ?1",
    )?;
    let rows = select.query_map([most], |row| {
        Ok(HistoryEntry {
            code: row.get(0)?,
            serial: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            first: moment(row, 2)?,
            last: moment(row, 3)?,
            times: count(row, 4)?,
            records: count(row, 5)?,
            rejected: count(row, 6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
