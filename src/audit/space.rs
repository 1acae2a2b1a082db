//! How much room the trail's disk has left: told to operators, who must act before it is full.
//!
//! Decides nothing: whether the trail can be written is known from writing it.

use std::io;
use std::path::Path;

/// Bytes that this process may still write on the disk of a file or folder (POSIX `statvfs`, `f_bavail`).
///
/// # Errors
/// What the system says.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
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
}
