//! The folder with the trail's keys: `detail-YYYY-MM.key` seals a month, `subject-YYYY.key` makes a year's tokens,
//! `checkpoint.key` signs checkpoints, `checkpoint-next.key` will.
//!
//! A key is a file of 32 random bytes that only its owner may read. Keys are drawn at random, each by itself, never
//! derived from a master: destroying a month's file makes that month unreadable for good. A systemd credentials
//! folder serves as well. Nothing is read from a command line or the environment, and no key is ever replaced but the
//! one that signs, once the next one has signed beside it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::disk::make_folder;
use crate::format::detail::DetailKey;
use crate::format::key_id::KEY_BYTES;
use crate::format::month::Month;
use crate::format::note::CheckpointKey;
use crate::format::subject::SubjectKey;

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// The one that seals a month's details.
    Detail(Month),
    /// The one that makes a year's subject tokens.
    Subject(u16),
    /// The one that signs checkpoints.
    Checkpoint,
    /// The one that will sign checkpoints once it has taken the place of the one that does.
    NextCheckpoint,
}

impl fmt::Display for KeyName {
    /// The name of the key's file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detail(month) => write!(f, "detail-{month}.key"),
            Self::Subject(year) => write!(f, "subject-{year:04}.key"),
            Self::Checkpoint => f.write_str("checkpoint.key"),
            Self::NextCheckpoint => f.write_str("checkpoint-next.key"),
        }
    }
}

/// What shall happen when a key is wanted that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingKeys {
    /// It is an error: the operator brings keys before they are needed.
    #[default]
    Refuse,
    /// It is drawn at random and put there.
    Make,
}

/// Why a key cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyError {
    /// Not there, and not to be made (also: a key that was used before is never made anew).
    #[error("key {0} is missing")]
    Missing(KeyName),
    /// Others than the owner may read or change it.
    #[error("key {name} has mode {mode:04o}; group and others may have no rights")]
    Mode {
        /// Which key.
        name: KeyName,
        /// The permission bits found.
        mode: u32,
    },
    /// Not a regular file of exactly 32 bytes.
    #[error("key {0} is not a file of 32 bytes")]
    Form(KeyName),
    /// Others than the owner may put files into the folder.
    #[error("the key folder has mode {mode:04o}; group and others may not write")]
    FolderMode {
        /// The permission bits found.
        mode: u32,
    },
    /// The folder cannot be read or made.
    #[error("the key folder cannot be used: {0}")]
    Folder(io::ErrorKind),
    /// The file cannot be read or written.
    #[error("key {name}: {kind}")]
    Io {
        /// Which key.
        name: KeyName,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The system gave no random bytes, or the library took no key.
    #[error("key {0} cannot be made: no random bytes")]
    Random(KeyName),
}

/// A folder with keys.
#[derive(Debug, Clone)]
pub struct KeyFolder {
    path: PathBuf,
    missing: MissingKeys,
}

impl KeyFolder {
    /// Opens a folder of keys. With [`MissingKeys::Make`] a missing folder is made, for the owner only.
    ///
    /// # Errors
    /// [`KeyError::Folder`] without a folder, [`KeyError::FolderMode`] if others may write into it.
    pub fn open(path: &Path, missing: MissingKeys) -> Result<Self, KeyError> {
        let failed = |error: io::Error| KeyError::Folder(error.kind());
        if missing == MissingKeys::Make {
            make_folder(path).map_err(failed)?;
        }
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_dir() {
            return Err(KeyError::Folder(io::ErrorKind::NotADirectory));
        }
        match metadata.mode() & 0o7777 {
            mode if mode & 0o022 != 0 => Err(KeyError::FolderMode { mode }),
            _ => Ok(Self { path: path.to_owned(), missing }),
        }
    }

    /// The key of a month, which must be there.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn detail_key(&self, month: Month) -> Result<DetailKey, KeyError> {
        let name = KeyName::Detail(month);
        DetailKey::from_bytes(&self.read(name)?).ok_or(KeyError::Form(name))
    }

    /// The key of a year, which must be there.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn subject_key(&self, year: u16) -> Result<SubjectKey, KeyError> {
        Ok(SubjectKey::new(&self.read(KeyName::Subject(year))?))
    }

    /// The key that signs checkpoints under this name, which must be there.
    pub(crate) fn checkpoint_key(&self, origin: &str) -> Result<CheckpointKey, KeyError> {
        self.signing_key(KeyName::Checkpoint, origin)
    }

    /// The key that will do so next; drawn at random if an operator brought none.
    pub(crate) fn next_checkpoint_key(&self, origin: &str) -> Result<CheckpointKey, KeyError> {
        let name = KeyName::NextCheckpoint;
        if !self.path_of(name).exists() {
            self.make(name)?;
        }
        self.signing_key(name, origin)
    }

    /// Puts the next key in the place of the one that signs checkpoints, whose bytes are overwritten.
    pub(crate) fn replace_checkpoint_key(&self) -> Result<(), KeyError> {
        let name = KeyName::Checkpoint;
        let failed = |error: io::Error| failure(name, &error);
        let mut retired = OpenOptions::new().write(true).open(self.path_of(name)).map_err(failed)?;
        fs::rename(self.path_of(KeyName::NextCheckpoint), self.path_of(name)).map_err(failed)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)?;
        retired.write_all(&[0; KEY_BYTES]).and_then(|()| retired.sync_all()).map_err(failed)
    }

    fn signing_key(&self, name: KeyName, origin: &str) -> Result<CheckpointKey, KeyError> {
        CheckpointKey::new(&self.read(name)?, origin).ok_or(KeyError::Form(name))
    }

    /// The public key of checkpoints under this name, in the form of signed-note tools: what `verify` wants.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn verifying_key(&self, origin: &str) -> Result<String, KeyError> {
        Ok(self.checkpoint_key(origin)?.verifying_key())
    }

    /// Destroys a key: its bytes are overwritten, then its file is removed. One that is not there is destroyed.
    ///
    /// What the disk keeps beneath (copies of a flash drive, snapshots, backups) is beyond this.
    ///
    /// # Errors
    /// [`KeyError`] if the file cannot be written or removed.
    pub fn destroy(&self, name: KeyName) -> Result<(), KeyError> {
        let path = self.path_of(name);
        let wiped = OpenOptions::new().write(true).open(&path).and_then(|mut file| {
            file.write_all(&[0; KEY_BYTES])?;
            file.sync_all()?;
            fs::remove_file(&path)?;
            File::open(&self.path)?.sync_all()
        });
        match wiped {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure(name, &error)),
            _ => Ok(()),
        }
    }

    /// Sees to it that a key is there that was never used: one that is missing is made, if that is allowed.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Missing`] if nothing may be made.
    pub fn provide(&self, name: KeyName) -> Result<(), KeyError> {
        match (fs::symlink_metadata(self.path_of(name)), self.missing) {
            (Err(error), MissingKeys::Make) if error.kind() == io::ErrorKind::NotFound => self.make(name),
            (Err(error), _) => Err(failure(name, &error)),
            (Ok(_), _) => Ok(()),
        }
    }

    fn path_of(&self, name: KeyName) -> PathBuf {
        self.path.join(name.to_string())
    }

    fn read(&self, name: KeyName) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        let failed = |error: io::Error| failure(name, &error);
        let mut file = File::open(self.path_of(name)).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() != 32 {
            return Err(KeyError::Form(name));
        }
        match metadata.mode() & 0o7777 {
            mode if mode & 0o077 != 0 => return Err(KeyError::Mode { name, mode }),
            _ => {}
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        file.read_exact(key.as_mut_slice()).map_err(failed)?;
        Ok(key)
    }

    /// Draws a key and puts it under its name, whole and durable or not at all.
    fn make(&self, name: KeyName) -> Result<(), KeyError> {
        let failed = |error: io::Error| failure(name, &error);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| KeyError::Random(name))?;
        let draft = self.path.join(format!("{name}.tmp"));
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
        file.write_all(key.as_slice()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // A link, unlike a rename, never takes the place of a key that somebody put there meanwhile.
        match fs::hard_link(&draft, self.path_of(name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        fs::remove_file(&draft).map_err(failed)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

fn failure(name: KeyName, error: &io::Error) -> KeyError {
    match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing(name),
        kind => KeyError::Io { name, kind },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const YEAR: KeyName = KeyName::Subject(2026);

    fn folder(missing: MissingKeys) -> (tempfile::TempDir, KeyFolder) {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = KeyFolder::open(dir.path(), missing).expect("the folder is there");
        (dir, keys)
    }

    #[test]
    fn makes_a_missing_key_once_and_for_the_owner_only() {
        let (dir, keys) = folder(MissingKeys::Make);
        let november = Month::from_calendar(2026, 11).expect("a month");
        keys.provide(KeyName::Detail(november)).expect("made");
        let first = keys.detail_key(november).expect("there").id();
        keys.provide(KeyName::Detail(november)).expect("there already");
        assert_eq!(keys.detail_key(november).expect("there").id(), first);
        let metadata = fs::metadata(dir.path().join("detail-2026-11.key")).expect("there");
        assert_eq!((metadata.mode() & 0o7777, metadata.len()), (0o600, 32));
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn makes_nothing_unless_asked_to() {
        let (_dir, keys) = folder(MissingKeys::Refuse);
        assert_eq!(keys.provide(YEAR), Err(KeyError::Missing(YEAR)));
        assert_eq!(keys.subject_key(2026).map(|_| ()), Err(KeyError::Missing(YEAR)));
    }

    #[test]
    fn refuses_a_key_that_others_may_read_and_one_of_another_length() {
        let (dir, keys) = folder(MissingKeys::Make);
        let path = dir.path().join(YEAR.to_string());
        keys.provide(YEAR).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        assert_eq!(keys.subject_key(2026).map(|_| ()), Err(KeyError::Mode { name: YEAR, mode: 0o640 }));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        assert!(keys.subject_key(2026).is_ok());
        fs::write(&path, [0; 31]).expect("ours");
        assert_eq!(keys.subject_key(2026).map(|_| ()), Err(KeyError::Form(YEAR)));
    }

    #[test]
    fn refuses_a_folder_into_which_others_may_write_and_one_that_is_missing() {
        let (dir, _) = folder(MissingKeys::Make);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o770)).expect("ours");
        let opened = KeyFolder::open(dir.path(), MissingKeys::Refuse);
        assert_eq!(opened.map(|_| ()), Err(KeyError::FolderMode { mode: 0o770 }));
        let missing = KeyFolder::open(&dir.path().join("none"), MissingKeys::Refuse);
        assert_eq!(missing.map(|_| ()), Err(KeyError::Folder(io::ErrorKind::NotFound)));
    }
}
