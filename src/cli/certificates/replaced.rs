//! Replaces a file, and keeps the old one beside it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use durable_file::{replace, replace_alike};
use text_file::TextError;

use super::failure::{Failure, failed};

/// Permission bits of a certificate where there was none before.
pub(super) const CERTIFICATE_MODE: u32 = 0o644;

/// Where the old file is kept.
pub(super) fn previous(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".previous");
    PathBuf::from(name)
}

/// Copies a file to where the old one is kept; nothing is done if there is no file. A first copy has
/// the permission bits of the file, but none outside of `mode`.
///
/// # Errors
/// Names the file.
pub(super) fn keep(file: &Path, mode: u32) -> Result<(), Failure> {
    let content = match text_file::read(file) {
        Ok(content) => content,
        Err(TextError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(&format_args!("`{}`: {error}", file.display()))),
    };
    let own = file.metadata().map_or(mode, |found| found.permissions().mode());
    put(&previous(file), content.as_bytes(), own & mode)
}

/// Replaces a file, durably. Its permission bits, owner and group stay; a new file has these bits.
///
/// # Errors
/// Names the file.
pub(super) fn put(file: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let done = if file.exists() { replace_alike(file, content) } else { replace(file, content, mode) };
    done.map_err(|error| failed(&error))
}
