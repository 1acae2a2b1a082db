//! Checks whether an audit log can be opened, and changes nothing: no file is written, no torn end
//! truncated, no key generated.
//!
//! It reads with the code that opens the audit log, on a disk that drops every change.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use ehealth_core::model::Timestamp;
use rustix::fs::{Access, access};

use super::error::AuditError;
use super::log::AuditLog;
use super::recover::{self, Recovered};
use super::settings::{MissingCheckpoint, Settings};
use super::stored::Stored;
use crate::format::month::Month;
use crate::format::note::{CheckpointKey, is_origin};
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::copy_thread::CheckpointCopy;
use crate::storage::disk::{Disk, DiskFile, Folder};
use crate::storage::file_names::LOCK;
use crate::storage::keys::{KeyError, KeyFolder, KeyName, MissingKeys};
use crate::storage::write_failure::WriteFailure;

/// Whether another process that writes the audit log is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherWriter {
    /// Yes: this process is to write it.
    Refuse,
    /// No: the check runs beside the service.
    Allow,
}

impl AuditLog {
    /// Checks whether [`AuditLog::open`] would succeed with these settings. Changes nothing.
    ///
    /// Returns every error of the keys, and the first of the records.
    #[must_use]
    pub fn check(settings: &Settings, now: Timestamp, other: OtherWriter) -> Vec<AuditError> {
        let mut errors = Vec::new();
        if !is_origin(&settings.checkpoints.origin) {
            errors.push(AuditError::Origin);
        }
        let keys = match KeyFolder::open(&settings.keys, MissingKeys::Refuse) {
            Ok(keys) => Some(keys),
            // As a folder without a key: the service makes the folder before it opens the log.
            Err(KeyError::Folder(io::ErrorKind::NotFound)) => None,
            Err(error) => {
                errors.push(error.into());
                None
            }
        };
        // Reads only: without confinement, as nothing is written.
        let copy = Self::start_copy(settings, |_| ()).map_err(|error| errors.push(error)).ok().flatten();
        if let Err(error) = check_folder(&settings.folder, other) {
            errors.push(error);
            return errors;
        }
        if errors.is_empty() {
            check_content(settings, (keys.as_ref(), copy.as_ref()), now, &mut errors);
        }
        errors
    }
}

/// Checks that the folder can be written, or made, and that no other process writes it.
fn check_folder(folder: &Path, other: OtherWriter) -> Result<(), AuditError> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    if !existing.is_dir() {
        return Err(AuditError::Io(io::ErrorKind::NotADirectory));
    }
    access(existing, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)?;
    match (other, File::open(folder.join(LOCK))) {
        (OtherWriter::Refuse, Ok(lock)) => match lock.try_lock_shared() {
            // Closing it is not enough while another thread starts a program, which has a copy.
            Ok(()) => lock.unlock().map_err(AuditError::from),
            Err(TryLockError::WouldBlock) => Err(AuditError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        },
        (OtherWriter::Allow, _) => Ok(()),
        (OtherWriter::Refuse, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        (OtherWriter::Refuse, Err(error)) => Err(error.into()),
    }
}

fn check_content(
    settings: &Settings,
    (keys, copy): (Option<&KeyFolder>, Option<&CheckpointCopy>),
    now: Timestamp,
    errors: &mut Vec<AuditError>,
) {
    let makes = settings.missing_keys == MissingKeys::Make;
    let recovered = if settings.folder.exists() {
        recover(settings, keys, copy, now)
    } else {
        let key = checkpoint_key(settings, keys);
        require(key, makes).map(|()| None).map_err(AuditError::from)
    };
    let recovered = match recovered {
        Ok(recovered) => recovered,
        Err(error) => {
            errors.push(error);
            return;
        }
    };
    // As a writer enters the month: a key that is in use is never generated again.
    let month = Month::new(now);
    let begun = recovered.as_ref().and_then(|recovered| recovered.segment.as_ref()).map(|segment| &segment.begun);
    let is_new_month = begun.is_none_or(|begun| begun.month != month);
    let is_new_year = begun.is_none_or(|begun| begun.month.year() != month.year());
    let (detail_name, subject_name) = (KeyName::Detail(month), KeyName::Subject(month.year()));
    let detail = keys.map_or(Err(KeyError::Missing(detail_name)), |keys| keys.detail_key(month));
    let subject = keys.map_or(Err(KeyError::Missing(subject_name)), |keys| keys.subject_key(month.year()));
    let (detail, subject) = (require(detail, makes && is_new_month), require(subject, makes && is_new_year));
    errors.extend(
        [detail, subject].into_iter().filter_map(Result::err).map(|error| AuditError::from(WriteFailure::Key(error))),
    );
}

/// Reads checkpoints and records as [`AuditLog::open`] does.
fn recover(
    settings: &Settings,
    keys: Option<&KeyFolder>,
    copy: Option<&CheckpointCopy>,
    now: Timestamp,
) -> Result<Option<Recovered>, AuditError> {
    let disk = Unchanged(Folder::open(&settings.folder)?);
    let checkpoints = &settings.checkpoints;
    let stored = Stored::read(&disk, copy, checkpoints.copy_timeout)?;
    let may_make = stored.has_none(&checkpoints.origin) && settings.missing_keys == MissingKeys::Make;
    let heads = match checkpoint_key(settings, keys) {
        Ok(key) => Some(stored.heads(&key, now)?),
        Err(KeyError::Missing(_)) if may_make => None,
        Err(error) => return Err(error.into()),
    };
    let signed_head = heads.as_ref().and_then(|heads| heads.newest());
    let recovered = recover::recover(&disk, signed_head)?;
    if signed_head.is_none() && recovered.has_records && checkpoints.missing == MissingCheckpoint::Refuse {
        return Err(CheckpointError::Missing.into());
    }
    Ok(Some(recovered))
}

fn checkpoint_key(settings: &Settings, keys: Option<&KeyFolder>) -> Result<CheckpointKey, KeyError> {
    let missing = Err(KeyError::Missing(KeyName::Checkpoint));
    keys.map_or(missing, |keys| keys.checkpoint_key(&settings.checkpoints.origin))
}

/// A key that must be usable, or may be missing because it is generated.
fn require<T>(key: Result<T, KeyError>, may_make: bool) -> Result<(), KeyError> {
    match key {
        Err(KeyError::Missing(_)) if may_make => Ok(()),
        other => other.map(drop),
    }
}

/// A folder that is only read: every change succeeds and is dropped.
struct Unchanged(Folder);

impl Disk for Unchanged {
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(UnchangedFile(self.0.open(name)?)))
    }

    /// Nothing is created before the records are read.
    fn create(&self, _: &str) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
}

struct UnchangedFile(Box<dyn DiskFile>);

impl DiskFile for UnchangedFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;

    use ehealth_core::model::{Clock, FixedClock};

    use super::*;
    use crate::format::segment_name::SegmentName;

    /// What is broken, and how.
    type Case = (&'static str, fn(&mut Settings));

    fn clock() -> Arc<FixedClock> {
        Arc::new(FixedClock::new(Timestamp::parse("2026-11-30T12:00:00Z").expect("a timestamp")))
    }

    fn settings(folder: &Path) -> Settings {
        Settings { missing_keys: MissingKeys::Make, ..Settings::new(folder.join("log"), folder.join("keys")) }
    }

    /// Every file below a folder, with its bytes.
    fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                files.extend(content(&path));
            } else {
                files.insert(path.clone(), fs::read(&path).expect("readable"));
            }
        }
        files
    }

    /// What the check says, and what opening says afterwards.
    fn both(settings: &Settings) -> (Vec<AuditError>, Result<(), AuditError>) {
        let above = settings.folder.parent().expect("a folder");
        let before = content(above);
        let checked = AuditLog::check(settings, clock().now(), OtherWriter::Refuse);
        assert_eq!(content(above), before, "a check changes nothing");
        (checked, AuditLog::open(settings, clock()).map(drop))
    }

    #[test]
    fn the_check_and_the_writer_agree() {
        let broken: [Case; 7] = [
            ("nothing", |_| {}),
            ("keys may not be made", |settings| settings.missing_keys = MissingKeys::Refuse),
            ("origin", |settings| settings.checkpoints.origin = "a b".into()),
            ("a file in place of the folder", |settings| fs::write(&settings.folder, "").expect("written")),
            ("a file in place of the keys", |settings| fs::write(&settings.keys, "").expect("written")),
            ("a key of the wrong length", |settings| {
                fs::create_dir(&settings.keys).expect("made");
                fs::write(settings.keys.join("subject-2026.key"), "short").expect("written");
            }),
            ("a folder that others write", |settings| {
                use std::os::unix::fs::PermissionsExt;
                fs::create_dir(&settings.keys).expect("made");
                fs::set_permissions(&settings.keys, fs::Permissions::from_mode(0o777)).expect("ours");
            }),
        ];
        for (what, breaks) in broken {
            let folder = tempfile::tempdir().expect("a folder");
            let mut settings = settings(folder.path());
            breaks(&mut settings);
            let (checked, opened) = both(&settings);
            assert_eq!(checked.is_empty(), opened.is_ok(), "{what}: {checked:?}, {opened:?}");
            assert_eq!(what == "nothing", opened.is_ok(), "{what}");
        }
    }

    #[test]
    fn the_check_of_an_existing_log_agrees_too() {
        let broken: [Case; 6] = [
            ("nothing", |_| {}),
            ("the checkpoint is gone", |settings| {
                fs::remove_file(settings.folder.join("checkpoint")).expect("removed");
            }),
            ("the signing key is gone", |settings| {
                fs::remove_file(settings.keys.join("checkpoint.key")).expect("removed");
            }),
            ("the month's key is gone", |settings| {
                fs::remove_file(settings.keys.join("detail-2026-11.key")).expect("removed");
            }),
            ("a foreign checkpoint", |settings| fs::write(settings.folder.join("checkpoint"), "a\n").expect("written")),
            ("damage", |settings| {
                let segment = fs::read_dir(&settings.folder).expect("readable").flatten().map(|entry| entry.path());
                let is_segment = |path: &PathBuf| {
                    path.file_name()
                        .and_then(|name| name.to_str())
                        .is_some_and(|name| SegmentName::parse(name).is_some())
                };
                let segment = segment.into_iter().find(is_segment).expect("a segment");
                let mut bytes = fs::read(&segment).expect("readable");
                bytes[20] ^= 1;
                fs::write(&segment, bytes).expect("written");
            }),
        ];
        for (what, breaks) in broken {
            let folder = tempfile::tempdir().expect("a folder");
            let mut settings = settings(folder.path());
            drop(AuditLog::open(&settings, clock()).expect("opened"));
            breaks(&mut settings);
            let (checked, opened) = both(&settings);
            assert_eq!(checked.first().copied(), opened.err(), "{what}");
            assert_eq!(
                what == "nothing" || what == "the checkpoint is gone",
                checked.is_empty(),
                "{what}: {checked:?}"
            );
        }
    }

    #[test]
    fn another_writer_is_an_error_unless_it_is_allowed() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = settings(folder.path());
        let log = AuditLog::open(&settings, clock()).expect("opened");
        let check = |other| AuditLog::check(&settings, clock().now(), other);
        assert_eq!(check(OtherWriter::Refuse), [AuditError::InUse]);
        assert_eq!(check(OtherWriter::Allow), []);
        drop(log);
        assert_eq!(check(OtherWriter::Refuse), []);
    }
}
