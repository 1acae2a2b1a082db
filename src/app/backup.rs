//! Backup and restore of the datasets and the audit log. A backup is made while the service runs; a
//! restore puts nothing in place before it has verified the audit log against a checkpoint.
//!
//! | folder of a backup | content |
//! |---|---|
//! | `data/` | the five datasets, each in one consistent state |
//! | `audit-log/` | the audit log, at least up to its checkpoint |
//! | `keys/` | only on request: with the audit log and its keys, everything can be decrypted |
//!
//! A backup does not contain settings, policy and certificates: the operator who installs the
//! service has them.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use audit_log::{KeyError, KeyFolder, MissingKeys, copy_audit_log};
use audit_verify::{Verdict, VerifyError, VerifyingKey, VerifyingKeyError, verify};
use datasets::store::{StoreError, check_datasets, copy_datasets};
use ehealth_core::model::Dataset;

/// Subfolder of the datasets.
const DATA: &str = "data";
/// Subfolder of the audit log.
const AUDIT_LOG: &str = "audit-log";
/// Subfolder of the keys.
const KEYS: &str = "keys";

/// Content of a backup.
#[derive(Debug)]
pub struct BackedUp {
    /// Datasets that were loaded.
    pub datasets: Vec<Dataset>,
    /// Result of the verification of the copied audit log.
    pub verdict: Verdict,
}

/// Why a backup or a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be read or written.
    #[error("{}: {reason}", .path.display())]
    File {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
    /// The target exists.
    #[error("{}: already exists; move it away first, because nothing is overwritten", .0.display())]
    NotEmpty(PathBuf),
    /// The datasets cannot be copied.
    #[error("cannot copy the datasets: {0}")]
    Store(#[from] StoreError),
    /// A dataset of the backup is damaged.
    #[error("dataset {} of the backup is not usable: {reason}", .dataset.code())]
    Dataset {
        /// The damaged dataset.
        dataset: Dataset,
        /// The damage.
        reason: StoreError,
    },
    /// The checkpoint key cannot be read.
    #[error("cannot read the checkpoint key: {0}")]
    Key(#[from] KeyError),
    /// The checkpoint key is invalid.
    #[error("the checkpoint key is invalid: {0}")]
    NoKey(#[from] VerifyingKeyError),
    /// The copied audit log cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The copied audit log differs from what was signed. Nothing was put in place.
    #[error("the verification of the backup's audit log failed; nothing was put in place:\n{}", list_findings(.0))]
    Unsound(Box<Verdict>),
}

fn list_findings(verdict: &Verdict) -> String {
    verdict.findings.iter().map(|finding| format!("  {finding}")).collect::<Vec<_>>().join("\n")
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    |reason| BackupError::File { path: path.to_owned(), reason }
}

/// Whether a backup contains the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysToo {
    /// They are kept elsewhere.
    No,
    /// The backup alone is enough to read everything: store it as carefully as the keys.
    Yes,
}

/// Copies the datasets and the audit log into a new folder, and verifies the copy. The service may
/// run meanwhile.
///
/// # Errors
/// [`BackupError`]; the files that were already copied stay in the folder.
pub fn back_up(settings: &Settings, to: &Path, keys_too: KeysToo) -> Result<BackedUp, BackupError> {
    if to.exists() {
        return Err(BackupError::NotEmpty(to.to_owned()));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(at(to))?;
    let audit_log = to.join(AUDIT_LOG);
    // The audit log first: an exchange recorded meanwhile used datasets that are not newer than the
    // copied ones.
    copy_audit_log(&settings.audit_log.folder, &audit_log).map_err(at(&settings.audit_log.folder))?;
    let datasets = copy_datasets(&settings.sync.data, &to.join(DATA))?;
    match keys_too {
        KeysToo::Yes => copy_folder(&settings.audit_log.keys, &to.join(KEYS))?,
        KeysToo::No => {}
    }
    let verdict = verify_copy(settings, &settings.audit_log.keys, &audit_log, None)?;
    Ok(BackedUp { datasets, verdict })
}

/// Verifies a backup and, if it is sound, puts it into the folders of the settings. Overwrites
/// nothing.
///
/// `keys` is a folder of keys that are not in the folder of the settings yet: they are put there
/// too. `checkpoint` is one that was kept elsewhere: it detects a backup that lacks the end of the
/// audit log.
///
/// # Errors
/// [`BackupError`]. Nothing is put in place before the audit log and every dataset are verified.
pub fn restore(
    settings: &Settings,
    from: &Path,
    keys: Option<&Path>,
    checkpoint: Option<&Path>,
) -> Result<Verdict, BackupError> {
    let audit_log = from.join(AUDIT_LOG);
    let mut copies =
        vec![(audit_log.clone(), settings.audit_log.folder.clone()), (from.join(DATA), settings.sync.data.clone())];
    copies.extend(keys.map(|keys| (keys.to_owned(), settings.audit_log.keys.clone())));
    for (_, target) in &copies {
        if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BackupError::NotEmpty(target.clone()));
        }
    }
    let verdict = verify_copy(settings, keys.unwrap_or(&settings.audit_log.keys), &audit_log, checkpoint)?;
    check_datasets(&from.join(DATA)).map_err(|(dataset, reason)| BackupError::Dataset { dataset, reason })?;
    for (copy, target) in copies {
        put_in_place(&copy, &target)?;
    }
    Ok(verdict)
}

/// Copies a folder beside its target, renames it and syncs the folder above: the target is complete
/// or missing, after a power failure too.
fn put_in_place(copy: &Path, target: &Path) -> Result<(), BackupError> {
    let beside = target.with_extension("restoring");
    if beside.exists() {
        fs::remove_dir_all(&beside).map_err(at(&beside))?;
    }
    copy_folder(copy, &beside)?;
    if target.exists() {
        fs::remove_dir(target).map_err(at(target))?;
    }
    fs::rename(&beside, target).map_err(at(target))?;
    // The rename is durable once the folder above it is.
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(at(parent))
}

fn verify_copy(
    settings: &Settings,
    keys: &Path,
    audit_log: &Path,
    checkpoint: Option<&Path>,
) -> Result<Verdict, BackupError> {
    let key = KeyFolder::open(keys, MissingKeys::Refuse)?.verifying_key(&settings.audit_log.checkpoints.origin)?;
    let verdict = verify(audit_log, &VerifyingKey::parse(&key)?, checkpoint)?;
    if verdict.is_sound() { Ok(verdict) } else { Err(BackupError::Unsound(Box::new(verdict))) }
}

/// Copies the files of a folder into a new folder, readable by their owner only, and makes them
/// durable.
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
