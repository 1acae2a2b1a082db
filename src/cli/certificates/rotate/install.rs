//! Puts the files of a rotation in place.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use durable_file::{replace, replace_alike};
use text_file::TextError;
use tls_files::{write_pem, write_private_key};

use super::failure::{Failure, failed};
use super::plan::Plan;

/// Permission bits of a certificate where there was none before.
const CERTIFICATE_MODE: u32 = 0o644;
/// Permission bits of a key where there was none before, and of each copy of a key.
const KEY_MODE: u32 = 0o600;

/// Keeps the old files, then installs the new ones: the key first. Each step is complete or not done
/// at all; if the second fails, the files of the first are named so that they can be put back.
///
/// # Errors
/// Names the file.
pub(super) fn install(plan: &Plan) -> Result<(), Failure> {
    let (certificate, key_file) = (&plan.files.certificate, &plan.files.key);
    keep(certificate, CERTIFICATE_MODE)?;
    if let Some(key) = &plan.key {
        keep(key_file, KEY_MODE)?;
        put(key_file, &write_private_key(key), KEY_MODE)?;
    }
    put(certificate, &write_pem(&plan.new.ders), CERTIFICATE_MODE).map_err(|(exit, message)| {
        let back = plan.key.as_ref().map(|_| previous(key_file).display().to_string());
        let back = back.map(|kept| format!("\nThe new key is in place; the old one is {kept}.")).unwrap_or_default();
        (exit, message + &back)
    })
}

/// Where the old file is kept.
pub(super) fn previous(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".previous");
    PathBuf::from(name)
}

fn keep(file: &Path, mode: u32) -> Result<(), Failure> {
    let content = match text_file::read(file) {
        Ok(content) => content,
        Err(TextError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(&format_args!("`{}`: {error}", file.display()))),
    };
    put(&previous(file), content.as_bytes(), mode)
}

fn put(file: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let done = if file.exists() { replace_alike(file, content) } else { replace(file, content, mode) };
    done.map_err(|error| failed(&error))
}
