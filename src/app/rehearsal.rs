//! The rehearsal of a restore: everything that a restore does, in a folder of its own, then what the
//! service would do with it. The folders of the running service are only read.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::SystemClock;
use super::backup::{BackupError, at, restore};
use crate::config::Settings;
use crate::server::Readers;
use audit_log::{AuditError, AuditLog, Event, KeyFolder, MissingKeys, Month, Records, free_bytes};
use audit_verify::Verdict;
use datasets::store::Watch;
use ehealth_core::model::{Dataset, Date, Timestamp};

/// A restored dataset.
#[derive(Debug, Clone, Copy)]
pub struct RestoredDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// When its publisher made it, and its records; `None`: it was never loaded.
    pub state: Option<(Timestamp, u64)>,
}

/// What a rehearsal found.
#[derive(Debug)]
pub struct Rehearsal {
    /// Result of the verification of the audit log.
    pub verdict: Verdict,
    /// The restored datasets.
    pub datasets: Vec<RestoredDataset>,
    /// Months with encrypted details, each with the reason why its key does not decrypt them.
    pub months: Vec<(String, Option<String>)>,
    /// Bytes of the backup and the keys.
    pub bytes: u64,
    /// Time to verify the backup and copy it into place.
    pub restored: Duration,
    /// Time to open the audit log and the datasets.
    pub opened: Duration,
    /// Records that the running audit log has signed since the backup: they would be lost with the
    /// machine. `None`: there is no running audit log here.
    pub since_backup: Option<u64>,
}

impl Rehearsal {
    /// Whether the service could answer and every record could be read.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.months.iter().all(|(_, problem)| problem.is_none())
    }
}

/// Why a rehearsal could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The restore itself failed.
    #[error(transparent)]
    Restore(#[from] BackupError),
    /// The disk is too small.
    #[error("{}: {free} bytes are free, and the rehearsal needs {needed}; name a folder on another disk", .folder.display())]
    Space {
        /// Folder of the rehearsal.
        folder: PathBuf,
        /// Free bytes.
        free: u64,
        /// Bytes of the backup and the keys.
        needed: u64,
    },
    /// The restored audit log cannot be opened for writing, as the service does.
    #[error("the restored audit log cannot be opened: {0}")]
    Open(#[from] AuditError),
    /// A restored dataset cannot be read.
    #[error("the restored dataset {} cannot be read: {reason}", .dataset.code())]
    Dataset {
        /// The dataset.
        dataset: Dataset,
        /// Error of the store.
        reason: String,
    },
}

/// The folder of a rehearsal, which is removed at its end: it holds a copy of the keys.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "cannot remove the folder of the rehearsal: remove it by hand, it holds keys");
        }
    }
}

/// Restores a backup into `scratch`, a folder that must not exist, opens what was restored, and
/// removes it. `keys` is a copy of the keys; `None`: those of the settings.
///
/// # Errors
/// [`RehearsalError`]. A key that does not decrypt its month is no error, but in the result.
pub fn rehearse(
    settings: &Settings,
    from: &Path,
    keys: Option<&Path>,
    checkpoint: Option<&Path>,
    scratch: &Path,
) -> Result<Rehearsal, RehearsalError> {
    if scratch.exists() {
        return Err(BackupError::NotEmpty(scratch.to_owned()).into());
    }
    let keys = keys.unwrap_or(&settings.audit_log.keys);
    let bytes = size_of(from)?.saturating_add(size_of(keys)?);
    DirBuilder::new().mode(0o700).create(scratch).map_err(at(scratch))?;
    let scratch = Scratch(scratch.to_owned());
    let free = free_bytes(&scratch.0).map_err(at(&scratch.0))?;
    if free < bytes {
        return Err(RehearsalError::Space { folder: scratch.0.clone(), free, needed: bytes });
    }
    let here = settings_in(settings, &scratch.0);
    let began = Instant::now();
    let verdict = restore(&here, from, Some(keys), checkpoint)?;
    let restored = began.elapsed();
    // Before the audit log is opened: that may make another key in place of a missing one.
    let months = verdict.coverage.months.iter().map(|month| (month.month.clone(), try_month(&here, &month.month)));
    let months = months.collect();
    let began = Instant::now();
    AuditLog::open(&here.audit_log, Arc::new(SystemClock))?.close();
    let datasets = read_datasets(&here.sync.data)?;
    let opened = began.elapsed();
    let since_backup = signed_records(&settings.audit_log.folder).map(|live| live.saturating_sub(verdict.size));
    Ok(Rehearsal { verdict, datasets, months, bytes, restored, opened, since_backup })
}

/// The settings with every folder that a restore writes inside `scratch`. No copy of the checkpoint
/// is written: that of the service must stay what it is.
fn settings_in(settings: &Settings, scratch: &Path) -> Settings {
    let mut here = settings.clone();
    here.audit_log.folder = scratch.join("audit-log");
    here.audit_log.keys = scratch.join("keys");
    here.audit_log.checkpoints.copy = None;
    here.sync.data = scratch.join("data");
    here
}

fn read_datasets(data: &Path) -> Result<Vec<RestoredDataset>, RehearsalError> {
    let readers = Readers::new(Watch::open(data));
    let read = |dataset| {
        let status = readers.with_view(|view| view.status(dataset, 0));
        let status = status.map_err(|error| RehearsalError::Dataset { dataset, reason: error.reason.to_string() })?;
        Ok(RestoredDataset { dataset, state: status.state.map(|state| (state.created, status.records)) })
    };
    Dataset::ALL.into_iter().map(read).collect()
}

/// Decrypts the first exchange of a month; the reason if that fails.
fn try_month(here: &Settings, month: &str) -> Option<String> {
    let keys = KeyFolder::open(&here.audit_log.keys, MissingKeys::Refuse);
    let decrypt = || -> Result<(), String> {
        let parsed = Month::parse(month).ok_or("not a month")?;
        let day = Date::from_calendar(parsed.year().into(), parsed.number().into(), 1);
        let day = day.map_err(|error| error.to_string())?;
        let key = keys.and_then(|keys| keys.detail_key(parsed)).map_err(|error| error.to_string())?;
        for record in Records::since(&here.audit_log.folder, day).map_err(|error| error.to_string())? {
            let record = record.map_err(|error| error.to_string())?;
            if Month::new(record.header.recorded) != parsed {
                return Ok(());
            }
            if let Event::Exchange(exchange) = &record.event {
                return exchange.decrypt(&key).map(drop).map_err(|error| error.to_string());
            }
        }
        Ok(())
    };
    decrypt().err()
}

/// Number of records that the checkpoint of an audit log signs; `None` without one.
fn signed_records(folder: &Path) -> Option<u64> {
    text_file::read(&folder.join("checkpoint")).ok()?.lines().nth(1)?.parse().ok()
}

/// Bytes of the files below a folder.
fn size_of(folder: &Path) -> Result<u64, BackupError> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let kind = entry.file_type().map_err(at(folder))?;
        let more = if kind.is_dir() { size_of(&entry.path())? } else { length(&entry).map_err(at(folder))? };
        bytes = bytes.saturating_add(more);
    }
    Ok(bytes)
}

fn length(entry: &fs::DirEntry) -> io::Result<u64> {
    entry.metadata().map(|metadata| metadata.len())
}
