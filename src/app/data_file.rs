//! Files that another may have put there: small ones in the data folder, and logs that an operator names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use durable_file::Directory;

/// Removes the drafts of a file that a killed process left: they take room and are never read.
pub(super) fn remove_drafts(folder: &Path, name: &str) {
    let _ = Directory::open(folder).and_then(|folder| folder.remove_drafts(OsStr::new(name)));
}

/// Reads a regular file, at most `limit` bytes of it: the user that fetches the feeds may write to this
/// folder, and a pipe or an endless file there must not keep the service from starting.
///
/// # Errors
/// The error of the system; a symbolic link and anything else than a regular file is one.
pub(super) fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_limited(open_regular(path)?, limit)
}

/// Reads the end of a regular file, at most `limit` bytes of it.
///
/// # Errors
/// As [`read_regular`].
pub(super) fn read_tail(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = open_regular(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
    read_limited(file, limit)
}

fn open_regular(path: &Path) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = Directory::open(folder)?.open_file(path.file_name().unwrap_or_default())?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

fn read_limited(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_and_no_more_than_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "0123456789").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert_eq!(read_regular(&file, 4).expect("read"), b"0123");
        assert_eq!(read_tail(&file, 4).expect("read"), b"6789");
        assert_eq!(read_tail(&file, 40).expect("read"), b"0123456789");
        for other in [&link, folder.path(), Path::new("/dev/zero"), Path::new("/dev/absent")] {
            assert!(read_tail(other, 4).is_err() && read_regular(other, 4).is_err(), "{}", other.display());
        }
    }
}
