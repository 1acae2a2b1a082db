//! Free disk space of the folders that a run writes.
//!
//! The audit log may be on the same disk: without a record there is no answer. So a run stops
//! before it fills the disk, whatever the publisher sends.

use std::io;
use std::path::PathBuf;

use super::error::StoreError;

/// What a run may write between two checks, and after the last one: 128 MiB. The page cache of a
/// delta holds 64 MiB, and a thousand rows change at most as much.
const HEADROOM: u64 = 128 << 20;

/// Folders that are written, and the free space that must remain on their disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceGuard {
    /// The folders. One that does not exist is not checked.
    pub folders: Vec<PathBuf>,
    /// Minimum free space in bytes, for a process without privileges; 0 for no limit.
    pub minimum: u64,
}

impl SpaceGuard {
    /// Checks that the minimum remains, whatever is written until the next check: one system call
    /// for each folder.
    ///
    /// # Errors
    /// [`StoreError::LowSpace`] if a disk has too little; [`StoreError::Folder`] if the system does
    /// not tell.
    pub fn check(&self) -> Result<(), StoreError> {
        self.check_for(0)
    }

    /// Checks that the minimum remains after these bytes were written, too.
    ///
    /// # Errors
    /// Those of [`SpaceGuard::check`].
    pub fn check_for(&self, bytes: u64) -> Result<(), StoreError> {
        if self.minimum == 0 {
            return Ok(());
        }
        let needed = self.minimum.saturating_add(HEADROOM).saturating_add(bytes);
        for folder in &self.folders {
            let disk = match rustix::fs::statvfs(folder) {
                Ok(disk) => disk,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => return Err(io::Error::from(error).into()),
            };
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            if free < needed {
                return Err(StoreError::LowSpace { folder: folder.clone(), free, needed });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_enough_space_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing");
        let check = |minimum| SpaceGuard { folders: vec![missing.clone(), folder.path().into()], minimum }.check();
        assert!(check(0).is_ok());
        assert!(check(1).is_ok(), "this disk has at least 128 MiB");
        let error = check(u64::MAX).expect_err("no disk is that large");
        assert!(matches!(&error, StoreError::LowSpace { folder: named, .. } if named == folder.path()), "{error}");
    }
}
