//! How much room the trail's disk has left, and whether it can be written while nobody asks anything: told to operators,
//! who must act before a question is refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::file_names::PROBE;
use super::write_failure::WriteFailure;

/// As much as a handful of records take.
const PROBE_BYTES: usize = 4_096;

/// Bytes that this process may still write on the disk of a file or folder (POSIX `statvfs`, `f_bavail`).
///
/// # Errors
/// What the system says.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Writes, syncs and removes a small file in the trail's folder: what the next record would meet. To be asked while no
/// record is being written; it takes about as long as one.
///
/// # Errors
/// Why the trail cannot be written.
pub fn probe_writing(folder: &Path) -> Result<(), WriteFailure> {
    let path = folder.join(PROBE);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(&[0; PROBE_BYTES])?;
        file.sync_data()
    });
    // Also what was written in part.
    let removed = fs::remove_file(&path);
    Ok(written.and(removed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_there_has_a_number_and_one_that_is_not_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(free_bytes(folder.path()).is_ok_and(|bytes| bytes > 0));
        assert!(free_bytes(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn a_probe_leaves_nothing_behind_and_tells_a_folder_that_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(probe_writing(folder.path()), Ok(()));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
        let gone = probe_writing(&folder.path().join("nothing"));
        assert_eq!(gone, Err(WriteFailure::Io(io::ErrorKind::NotFound)));
    }
}
