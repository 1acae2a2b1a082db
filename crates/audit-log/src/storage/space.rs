//! Free space of the audit log's disk, and whether it can be written while no requests arrive:
//! operators must be able to act before a request is refused.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use durable_file::Directory;

use super::file_names::PROBE;
use super::write_failure::WriteFailure;

/// Length of the probe in bytes: that of a few records.
const PROBE_BYTES: usize = 4_096;

/// Returns the bytes that this process may still write on the disk of a file or folder (POSIX
/// `statvfs`, `f_bavail`).
///
/// # Errors
/// The error of the system.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Writes, syncs and removes a file of 4 KiB in the audit log's folder, as the next record would.
/// Call it while no record is being written; it takes about as long as one.
///
/// # Errors
/// The reason why the audit log cannot be written.
pub fn probe_writing(folder: &Path) -> Result<(), WriteFailure> {
    let directory = Directory::open(folder)?;
    let (draft, mut file) = directory.create_draft(OsStr::new(PROBE), 0o600)?;
    let written = file.write_all(&[0; PROBE_BYTES]).and_then(|()| file.sync_data());
    // Remove the file also after a partial write.
    let removed = directory.remove(&draft);
    Ok(written.and(removed)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn free_bytes_are_known_only_of_an_existing_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(free_bytes(folder.path()).is_ok_and(|bytes| bytes > 0));
        assert!(free_bytes(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn a_probe_leaves_no_file_and_reports_a_missing_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(probe_writing(folder.path()), Ok(()));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
        let gone = probe_writing(&folder.path().join("nothing"));
        assert_eq!(gone, Err(WriteFailure::Io(io::ErrorKind::NotFound)));
    }
}
