//! An open folder: every operation is on a name in it, relative to its descriptor.
//!
//! A path is resolved once, when the folder is opened. Afterwards another process that renames folders or
//! plants links cannot lead an operation to another file: a name is one component, and a symbolic link
//! under that name is an error.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};

/// End of a draft's name.
const SUFFIX: &str = ".draft";

/// Hexadecimal digits in a draft's name.
const RANDOM_DIGITS: usize = 16;

/// Device and inode: two names with the same identity are the same file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Identity of what a path names; symbolic links are followed.
    ///
    /// # Errors
    /// The error of the system.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from_stat(&rustix::fs::stat(path)?))
    }

    /// Identity of an open file.
    ///
    /// # Errors
    /// The error of the system.
    pub fn of_file(file: impl AsFd) -> io::Result<Self> {
        Ok(Self::from_stat(&rustix::fs::fstat(file)?))
    }

    fn from_stat(stat: &rustix::fs::Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// An open folder.
#[derive(Debug)]
pub struct Directory(OwnedFd);

impl Directory {
    /// Opens a folder.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::NotADirectory`] for anything else than a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a folder in this one, and makes it if it is missing. `mode` is the permission bits of a new one,
    /// before the umask.
    ///
    /// # Errors
    /// The error of the system; a symbolic link is not followed.
    pub fn open_or_make_folder(&self, name: &OsStr, mode: u32) -> io::Result<Self> {
        let name = component(name)?;
        match rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Device and inode of the folder.
    ///
    /// # Errors
    /// The error of the system.
    pub fn identity(&self) -> io::Result<Identity> {
        Identity::of_file(&self.0)
    }

    /// Names in the folder, in no particular order.
    ///
    /// # Errors
    /// The error of the system.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Opens an existing file for reading. A FIFO does not block.
    ///
    /// # Errors
    /// The error of the system; `ELOOP` for a symbolic link.
    pub fn open_file(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::RDONLY | OFlags::NONBLOCK, 0)
    }

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// As [`Directory::open_file`].
    pub fn open_writable(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR | OFlags::NONBLOCK, 0)
    }

    /// Opens a file for reading and writing, and creates it if it is missing. `mode` is its
    /// permission bits, before the umask.
    ///
    /// # Errors
    /// As [`Directory::open_file`].
    pub fn open_or_create(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK, mode)
    }

    /// Creates an empty file for reading and writing. `mode` is its permission bits, before the
    /// umask.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::AlreadyExists`] if the name exists, also as a
    /// link.
    pub fn create_new(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, mode)
    }

    /// Creates an empty draft of a file under a random name ([`draft_name`]); returns its name.
    ///
    /// # Errors
    /// The error of the system.
    pub fn create_draft(&self, of: &OsStr, mode: u32) -> io::Result<(OsString, File)> {
        loop {
            let name = draft_name(of);
            match self.create_new(&name, mode) {
                Ok(file) => return Ok((name, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Renames a file in the folder, and replaces an existing one. A link is replaced, not followed.
    ///
    /// # Errors
    /// The error of the system.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, component(from)?, &self.0, component(to)?)?)
    }

    /// Gives a file a second name, and never replaces another file.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::AlreadyExists`] if the new name exists.
    pub fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.0, component(from)?, &self.0, component(to)?, AtFlags::empty())?)
    }

    /// Removes a file; of a link, the link.
    ///
    /// # Errors
    /// The error of the system.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, component(name)?, AtFlags::empty())?)
    }

    /// Removes the drafts of a file that killed processes left behind. No process may be writing one.
    ///
    /// # Errors
    /// The error of the system; other drafts may stay.
    pub fn remove_drafts(&self, of: &OsStr) -> io::Result<()> {
        let names = self.names()?;
        names.iter().filter(|name| draft_target(name) == Some(of)).try_for_each(|draft| self.remove(draft))
    }

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// The error of the system.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    fn open_with(&self, name: &OsStr, flags: OFlags, mode: u32) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, component(name)?, flags, Mode::from_raw_mode(mode))?.into())
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A name that stays in its folder.
fn component(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    let is_one = !bytes.is_empty() && !bytes.contains(&b'/') && bytes != b"." && bytes != b"..";
    is_one.then_some(name).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Random name for a draft of a file: `.NAME.RANDOM.draft`, hidden, and different from the drafts
/// of every other file.
#[must_use]
pub fn draft_name(of: &OsStr) -> OsString {
    // The hasher's keys are random numbers of the operating system.
    let random = RandomState::new().hash_one(of);
    let mut name = OsString::from(".");
    name.push(of);
    name.push(format!(".{random:016x}{SUFFIX}"));
    name
}

/// Name of the file that a draft with this name belongs to; `None` if it is not the name of a
/// draft.
#[must_use]
pub fn draft_target(name: &OsStr) -> Option<&OsStr> {
    let rest = name.as_bytes().strip_prefix(b".")?.strip_suffix(SUFFIX.as_bytes())?;
    let (target, random) = rest.split_at_checked(rest.len().checked_sub(RANDOM_DIGITS)?)?;
    let target = target.strip_suffix(b".").filter(|target| !target.is_empty())?;
    random.iter().all(u8::is_ascii_hexdigit).then(|| OsStr::from_bytes(target))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_under_a_name_is_never_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, name) = (folder.path().join("target"), OsStr::new("link"));
        fs::write(&target, "precious").expect("writable");
        symlink(&target, folder.path().join(name)).expect("writable");
        let directory = Directory::open(folder.path()).expect("a folder");
        for opened in [
            directory.open_file(name),
            directory.open_writable(name),
            directory.open_or_create(name, 0o600),
            directory.create_new(name, 0o600),
        ] {
            assert!(opened.is_err());
        }
        directory.remove(name).expect("a link");
        assert_eq!(fs::read_to_string(&target).expect("readable"), "precious");
    }

    #[test]
    fn a_folder_below_is_made_once_and_a_link_to_one_is_refused() {
        let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        symlink(elsewhere.path(), folder.path().join("link")).expect("writable");
        let directory = Directory::open(folder.path()).expect("a folder");
        for _ in 0..2 {
            let below = directory.open_or_make_folder(OsStr::new("below"), 0o755).expect("made or found");
            let _ = below.open_or_create(OsStr::new("file"), 0o600).expect("writable");
        }
        assert!(folder.path().join("below/file").exists());
        for name in ["link", "..", "a/b", ""] {
            assert!(directory.open_or_make_folder(OsStr::new(name), 0o755).is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("inner")).expect("writable");
        let directory = Directory::open(&folder.path().join("inner")).expect("a folder");
        for name in ["", ".", "..", "../file", "/tmp/file", "a/b"] {
            let created = directory.create_new(OsStr::new(name), 0o600);
            assert_eq!(created.map(|_| ()).map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn names_with_one_identity_are_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, two, other] = ["one", "two", "other"].map(|name| folder.path().join(name));
        fs::write(&one, "").expect("writable");
        fs::write(&other, "").expect("writable");
        fs::hard_link(&one, &two).expect("writable");
        let identity = |path: &Path| Identity::of(path).expect("there");
        assert_eq!(identity(&one), identity(&two));
        assert_ne!(identity(&one), identity(&other));
        let directory = Directory::open(folder.path()).expect("a folder");
        assert_eq!(directory.identity().expect("open"), identity(folder.path()));
    }

    #[test]
    fn removes_the_drafts_of_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = Directory::open(folder.path()).expect("a folder");
        let [kept, other] = ["kept", "other"].map(OsStr::new);
        for of in [kept, other, other] {
            directory.create_draft(of, 0o600).expect("writable");
        }
        directory.create_new(other, 0o600).expect("writable");
        directory.remove_drafts(other).expect("writable");
        let mut left = directory.names().expect("readable");
        left.sort();
        assert_eq!(left.iter().map(|name| draft_target(name)).collect::<Vec<_>>(), [Some(kept), None]);
    }

    #[test]
    fn recognises_the_names_of_drafts() {
        for of in ["dimona.current", "a", ".x"] {
            assert_eq!(draft_target(&draft_name(OsStr::new(of))), Some(OsStr::new(of)));
        }
        for name in [
            "dimona.current",
            ".draft",
            ".0123456789abcdef.draft",
            ".dimona.current.0123.draft",
            ".dimona.current.0123456789abcdeg.draft",
            "dimona.current.0123456789abcdef.draft",
        ] {
            assert_eq!(draft_target(OsStr::new(name)), None, "{name}");
        }
    }
}
