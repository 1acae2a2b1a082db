//! The interface to the disk: the few operations that an audit log needs of a folder.
//!
//! [`Folder`] is the real folder; tests have one that loses power. A [`Disk`] guarantees nothing
//! about what survives a crash before [`DiskFile::sync`] (bytes and length of a file) or
//! [`Disk::sync_names`] (names in the folder).

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;

use durable_file::Directory;

use super::file_names::{LOCK, draft_of};

/// A folder that holds an audit log.
pub trait Disk: Send + Sync {
    /// Returns the names of all files, in no particular order.
    ///
    /// # Errors
    /// The error of the system.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::NotFound`] if there is no such file.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Creates an empty file.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::AlreadyExists`] if the name exists, also as a
    /// link.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file and replaces an existing one.
    ///
    /// # Errors
    /// The error of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The error of the system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable.
    ///
    /// # Errors
    /// The error of the system.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file of a [`Disk`].
pub trait DiskFile: Send {
    /// Returns the length in bytes.
    ///
    /// # Errors
    /// The error of the system.
    fn length(&self) -> io::Result<u64>;

    /// Reads bytes at an offset, at most as many as the buffer holds; 0 at the end of the file.
    ///
    /// # Errors
    /// The error of the system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// The error of the system. Some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Truncates the file to a length.
    ///
    /// # Errors
    /// The error of the system.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    /// The error of the system. It is then unknown what is durable of the writes since the last
    /// success.
    fn sync(&self) -> io::Result<()>;
}

/// Puts a file with these bytes in the place of another, durably. They are first written under a
/// random name; after a failure that draft is removed.
pub(crate) fn put_in_place(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let draft = draft_of(name);
    let file = disk.create(&draft)?;
    let written = file.write_at(bytes, 0).and_then(|()| file.sync()).and_then(|()| disk.rename(&draft, name));
    if let Err(error) = written {
        // What is left behind is removed at the next start.
        let _ = disk.remove(&draft);
        return Err(error);
    }
    disk.sync_names()?;
    Ok(file)
}

/// A folder of the file system.
#[derive(Debug)]
pub struct Folder {
    directory: Directory,
    /// Held while the folder is open for writing. The system releases it when the process ends.
    lock: Option<File>,
}

impl Folder {
    /// Opens a folder for reading, also while another process writes to it.
    ///
    /// # Errors
    /// The error of the system, also if there is no such folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { directory: Directory::open(path)?, lock: None })
    }

    /// Opens a folder for exclusive writing. Creates it with mode 0700 if it is missing.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process, or another part of this one, writes to it;
    /// otherwise the error of the system.
    pub fn open_alone(path: &Path) -> io::Result<Self> {
        make_folder(path)?;
        let directory = Directory::open(path)?;
        let lock = directory.open_or_create(OsStr::new(LOCK), 0o600)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory, lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Folder {
    /// Releases the lock itself. Closing the file is not enough: a program that another thread starts in
    /// this moment has a copy of it until it runs.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Then the system releases it when the last copy is closed.
            let _ = lock.unlock();
        }
    }
}

/// Creates a folder with mode 0700, and its missing parents. Its own name is durable afterwards: a
/// folder whose name is lost is lost with everything in it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let was_there = path.is_dir();
    if !was_there {
        make_folder(above)?;
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    }
    match File::open(above).and_then(|above| above.sync_all()) {
        // Another user created it in a folder that this one may not read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && was_there => Ok(()),
        synced => synced,
    }
}

impl Disk for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is not the audit log's.
        Ok(self.directory.names()?.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let name = OsStr::new(name);
        Ok(Box::new(if self.lock.is_some() {
            self.directory.open_writable(name)?
        } else {
            self.directory.open_file(name)?
        }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.directory.create_new(OsStr::new(name), 0o600)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(OsStr::new(from), OsStr::new(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(OsStr::new(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.directory.sync()
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Reads a file from an offset.
pub(crate) struct ReadFrom<F> {
    pub(crate) file: F,
    pub(crate) offset: u64,
}

impl<'a, F: Deref<Target = dyn DiskFile + 'a>> Read for ReadFrom<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
