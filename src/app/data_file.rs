//! Small files that the service keeps in the data folder.

use std::ffi::OsStr;
use std::io::{self, Read};
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
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = Directory::open(folder)?.open_file(path.file_name().unwrap_or_default())?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
