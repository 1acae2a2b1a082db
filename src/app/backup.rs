//! Backup and restore: the datasets' state and the trail, copied while the service answers, and put back only after the
//! trail was verified against a checkpoint.
//!
//! | in the folder of a backup | what it is |
//! |---|---|
//! | `data/` | the five datasets, each in one state |
//! | `audit-log/` | the audit log, at least up to its checkpoint |
//! | `keys/` | only if asked for: who has both can read everything |
//!
//! Settings, policy and certificates are not in it: whoever installs the service has them.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use audit_log::{KeyError, KeyFolder, MissingKeys, copy_audit_log};
use audit_verify::{Verdict, VerifyError, VerifyingKey, VerifyingKeyError, verify};
use datasets::store::{StoreError, check_datasets, copy_datasets};
use ehealth_core::model::Dataset;

/// What a backup holds.
#[derive(Debug)]
pub struct BackedUp {
    /// The datasets that were loaded.
    pub datasets: Vec<Dataset>,
    /// What the verification of the copied trail found.
    pub verdict: Verdict,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder fails.
    #[error("{}: {reason}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Something is there already.
    #[error("{}: there is something already; move it away first, nothing is written over", .0.display())]
    NotEmpty(PathBuf),
    /// The datasets fail.
    #[error("the datasets cannot be copied: {0}")]
    Store(#[from] StoreError),
    /// A dataset of the backup is damaged.
    #[error("dataset {} of the backup cannot be used: {reason}", .dataset.code())]
    Dataset {
        /// Which one.
        dataset: Dataset,
        /// What is wrong with it.
        reason: StoreError,
    },
    /// The key that judges checkpoints cannot be had.
    #[error("the key of the checkpoints: {0}")]
    Key(#[from] KeyError),
    /// It is none.
    #[error("the key of the checkpoints: {0}")]
    NoKey(#[from] VerifyingKeyError),
    /// The copied trail cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The copied trail is not the one that was signed. Nothing was put in place.
    #[error("the trail of the backup is not sound; nothing was put in place:\n{}", told(.0))]
    Unsound(Box<Verdict>),
}

fn told(verdict: &Verdict) -> String {
    verdict.findings.iter().map(|finding| format!("  {finding}")).collect::<Vec<_>>().join("\n")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    |reason| BackupError::File { path: path.to_owned(), reason }
}

/// Whether the keys are copied, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysToo {
    /// They are kept elsewhere.
    No,
    /// The backup alone is enough to read everything: keep it accordingly.
    Yes,
}

/// Copies datasets and trail into a folder, which is made, and verifies the copy. The service may answer meanwhile.
///
/// # Errors
/// [`BackupError`]; what was copied before stays in the folder.
pub fn back_up(settings: &Settings, to: &Path, keys_too: KeysToo) -> Result<BackedUp, BackupError> {
    if to.exists() {
        return Err(BackupError::NotEmpty(to.to_owned()));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(at(to))?;
    let trail = to.join("audit-log");
    // First: answers that are told meanwhile rest on datasets at least as old as those that follow.
    copy_audit_log(&settings.audit_log.folder, &trail).map_err(at(&settings.audit_log.folder))?;
    let datasets = copy_datasets(&settings.sync.data, &to.join("data"))?;
    if keys_too == KeysToo::Yes {
        copy_folder(&settings.audit_log.keys, &to.join("keys"))?;
    }
    let verdict = verify_copy(settings, &settings.audit_log.keys, &trail, None)?;
    Ok(BackedUp { datasets, verdict })
}

/// Verifies a backup, and puts it where the settings say if it is sound. Nothing that is there is written over.
///
/// `keys` is the folder of the keys where they are not in their place yet: they are put there, too. `checkpoint` is one
/// that was kept elsewhere: with it a backup that lacks the end of the trail is seen.
///
/// # Errors
/// [`BackupError`]; until the trail was verified and every dataset judged, nothing is put in place.
pub fn restore(
    settings: &Settings,
    from: &Path,
    keys: Option<&Path>,
    checkpoint: Option<&Path>,
) -> Result<Verdict, BackupError> {
    let mut places = vec![
        (from.join("audit-log"), settings.audit_log.folder.clone()),
        (from.join("data"), settings.sync.data.clone()),
    ];
    places.extend(keys.map(|keys| (keys.to_owned(), settings.audit_log.keys.clone())));
    for (_, place) in &places {
        if fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BackupError::NotEmpty(place.clone()));
        }
    }
    let verdict = verify_copy(settings, keys.unwrap_or(&settings.audit_log.keys), &from.join("audit-log"), checkpoint)?;
    check_datasets(&from.join("data")).map_err(|(dataset, reason)| BackupError::Dataset { dataset, reason })?;
    for (copy, place) in places {
        // Beside its place first, so that it is there whole or not at all.
        let beside = place.with_extension("restoring");
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(at(&beside))?;
        }
        copy_folder(&copy, &beside)?;
        if place.exists() {
            fs::remove_dir(&place).map_err(at(&place))?;
        }
        fs::rename(&beside, &place).map_err(at(&place))?;
    }
    Ok(verdict)
}

fn verify_copy(
    settings: &Settings,
    keys: &Path,
    trail: &Path,
    checkpoint: Option<&Path>,
) -> Result<Verdict, BackupError> {
    let key = KeyFolder::open(keys, MissingKeys::Refuse)?.verifying_key(&settings.audit_log.checkpoints.origin)?;
    let verdict = verify(trail, &VerifyingKey::parse(&key)?, checkpoint)?;
    if verdict.is_sound() { Ok(verdict) } else { Err(BackupError::Unsound(Box::new(verdict))) }
}

/// Copies the files of a folder, for their owner alone, into another one, which is made; they are durable afterwards.
fn copy_folder(from: &Path, to: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if source.is_file() {
            fs::copy(&source, &copy).map_err(at(&source))?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).map_err(at(&copy))?;
            File::open(&copy).and_then(|file| file.sync_all()).map_err(at(&copy))?;
        }
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(at(to))
}
