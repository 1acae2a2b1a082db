//! The place of the checkpoint's copy: one file in a folder that another administrator may own.
//!
//! Nothing in that folder is trusted. A draft has a random name and never follows a link; what lies
//! under the copy's own name is read only if it is a regular file, and is replaced by a rename, so
//! that a link there is replaced and its target stays as it is. A folder that is the audit log's or
//! the keys' own, under whatever path, is refused: device and inode are compared at every access.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use durable_file::{Directory, Identity};
use rustix::io::Errno;

use super::checkpoint_files::MAX_CHECKPOINT_BYTES;
use super::file_names::CHECKPOINT;

/// What lies under the copy's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyContent {
    /// Nothing.
    Nothing,
    /// A regular file with these bytes, at most 8 KiB.
    Bytes(Vec<u8>),
    /// Something that cannot be a copy: the reason.
    Unusable(&'static str),
}

/// A place for a copy of the newest checkpoint. Its calls may block without end: a thread of its
/// own makes them.
pub trait CopyPlace: Send {
    /// Reads what lies there.
    ///
    /// # Errors
    /// The error of the system.
    fn read(&mut self) -> io::Result<CopyContent>;

    /// Replaces what lies there by a note, durably.
    ///
    /// # Errors
    /// The error of the system.
    fn replace(&mut self, note: &str) -> io::Result<()>;
}

/// Called once, with the folder, on the thread that writes the copy: confines the thread to it.
pub(crate) type Confine = Box<dyn FnOnce(&Directory) + Send>;

/// A file of a folder.
pub(crate) struct CopyFolder {
    folder: PathBuf,
    name: OsString,
    /// Folders of the audit log and of its keys.
    own: [PathBuf; 2],
    confine: Option<Confine>,
}

impl CopyFolder {
    /// `None` if the path names no file.
    pub(crate) fn new(copy: &Path, own: [PathBuf; 2], confine: Option<Confine>) -> Option<Self> {
        let folder = copy.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(Self { folder: folder.to_owned(), name: copy.file_name()?.to_owned(), own, confine })
    }

    /// Opens the folder each time: a disk that was mounted again is another folder.
    fn open(&mut self) -> io::Result<Directory> {
        let directory = Directory::open(&self.folder)?;
        let identity = directory.identity()?;
        for own in &self.own {
            match Identity::of(own) {
                Ok(other) if other == identity => {
                    let what = format!("{} is the same folder as {}", self.folder.display(), own.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(confine) = self.confine.take() {
            confine(&directory);
        }
        Ok(directory)
    }

    /// Whether an open file is the audit log's own checkpoint under another name.
    fn is_own_checkpoint(&self, file: &std::fs::File) -> io::Result<bool> {
        let [log, _] = &self.own;
        match Identity::of(&log.join(CHECKPOINT)) {
            Ok(own) => Ok(own == Identity::of_file(file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl CopyPlace for CopyFolder {
    fn read(&mut self) -> io::Result<CopyContent> {
        let directory = self.open()?;
        let file = match directory.open_file(&self.name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(CopyContent::Nothing),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
                return Ok(CopyContent::Unusable("a symbolic link"));
            }
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Ok(CopyContent::Unusable("not a regular file"));
        }
        if self.is_own_checkpoint(&file)? {
            return Ok(CopyContent::Unusable("a link to the audit log's own checkpoint"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut bytes)?;
        Ok(CopyContent::Bytes(bytes))
    }

    fn replace(&mut self, note: &str) -> io::Result<()> {
        let directory = self.open()?;
        let (draft, mut file) = directory.create_draft(&self.name, 0o644)?;
        let written = file.write_all(note.as_bytes()).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| directory.rename(&draft, &self.name)) {
            // What is left behind takes room but is never read.
            let _ = directory.remove(&draft);
            return Err(error);
        }
        directory.sync()
    }
}

impl fmt::Debug for CopyFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyFolder").field("folder", &self.folder).field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The folders of a log and its keys, each with a file, and an empty folder elsewhere.
    fn folders() -> (tempfile::TempDir, [PathBuf; 2], PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let [log, keys, elsewhere] = ["log", "keys", "elsewhere"].map(|name| dir.path().join(name));
        [&log, &keys, &elsewhere].iter().for_each(|folder| fs::create_dir(folder).expect("ours"));
        fs::write(log.join("segment"), "records").expect("ours");
        fs::write(log.join(CHECKPOINT), "note").expect("ours");
        fs::write(keys.join("key"), "secret").expect("ours");
        (dir, [log, keys], elsewhere)
    }

    fn place(copy: &Path, own: &[PathBuf; 2]) -> CopyFolder {
        CopyFolder::new(copy, own.clone(), None).expect("a file")
    }

    #[test]
    fn a_planted_link_never_reaches_the_log_or_a_key() {
        let (_dir, own, elsewhere) = folders();
        let copy = elsewhere.join("checkpoint");
        let targets = [own[0].join("segment"), own[0].join(CHECKPOINT), own[1].join("key")];
        let before = targets.clone().map(|path| fs::read(path).expect("there"));
        for target in &targets {
            for name in ["checkpoint", "checkpoint.tmp", ".checkpoint.tmp", "checkpoint.draft"] {
                symlink(target, elsewhere.join(name)).expect("ours");
            }
            let mut place = place(&copy, &own);
            assert_eq!(place.read().expect("readable"), CopyContent::Unusable("a symbolic link"));
            place.replace("new").expect("replaced");
            assert_eq!(place.read().expect("readable"), CopyContent::Bytes(b"new".to_vec()));
            fs::remove_dir_all(&elsewhere).expect("ours");
            fs::create_dir(&elsewhere).expect("ours");
            fs::hard_link(target, &copy).expect("one file system");
            place.replace("new").expect("replaced");
            fs::remove_dir_all(&elsewhere).expect("ours");
            fs::create_dir(&elsewhere).expect("ours");
        }
        assert_eq!(targets.map(|path| fs::read(path).expect("there")), before);
    }

    #[test]
    fn the_copy_is_never_in_the_folder_of_log_or_keys() {
        let (dir, own, _) = folders();
        let link = dir.path().join("link");
        for folder in &own {
            let _ = fs::remove_file(&link);
            symlink(folder, &link).expect("ours");
            for copy in [folder.join("segment"), link.join("segment"), folder.join("../log/../keys/key")] {
                let mut place = place(&copy, &own);
                assert_eq!(place.replace("new").map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
                assert!(place.read().is_err());
            }
        }
        assert_eq!(fs::read(own[0].join("segment")).expect("there"), b"records");
        assert_eq!(fs::read(own[1].join("key")).expect("there"), b"secret");
    }

    #[test]
    fn what_is_no_regular_file_is_not_a_copy() {
        let (_dir, own, elsewhere) = folders();
        let copy = elsewhere.join("checkpoint");
        let mut place = place(&copy, &own);
        assert_eq!(place.read().expect("readable"), CopyContent::Nothing);
        rustix::fs::mknodat(rustix::fs::CWD, &copy, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("ours");
        assert_eq!(place.read().expect("does not block"), CopyContent::Unusable("not a regular file"));
        fs::remove_file(&copy).expect("ours");
        fs::hard_link(own[0].join(CHECKPOINT), &copy).expect("one file system");
        assert_eq!(place.read().expect("readable"), CopyContent::Unusable("a link to the audit log's own checkpoint"));
        fs::remove_file(&copy).expect("ours");
        fs::create_dir(&copy).expect("ours");
        assert_eq!(place.read().expect("readable"), CopyContent::Unusable("not a regular file"));
        assert!(place.replace("new").is_err());
        assert_eq!(fs::read_dir(&elsewhere).expect("readable").count(), 1, "no draft is left");
    }
}
