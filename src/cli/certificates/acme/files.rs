//! The files of the command: read with an error that names them, written durably.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use durable_file::Directory;

use crate::cli::certificates::failure::Failure;
use crate::cli::certificates::replaced::{CERTIFICATE_MODE, keep, put};
use crate::cli::exit::Exit;

/// Mode of a secret.
const SECRET_MODE: u32 = 0o600;
/// Longest account file.
const MAX_ACCOUNT: u64 = 64 * 1_024;

/// Whether there is a file.
pub(super) fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(|error| failed("read", path, &error))
}

/// Reads the account file, which only this command writes; `None` if it is missing. Others must not have read it:
/// who has the key of the account gets certificates for the names that it verified.
pub(super) fn read_account(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let folder = Directory::open(path.parent().unwrap_or(Path::new("/")));
    let opened = folder.and_then(|folder| folder.open_file(path.file_name().unwrap_or_default()));
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed("read", path, &error))?,
    };
    let found = file.metadata().map_err(|error| failed("read", path, &error))?;
    if !found.is_file() || found.len() > MAX_ACCOUNT {
        return Err((Exit::Failed, format!("{}: it is not an account; remove it", path.display())));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & !SECRET_MODE != 0 {
        let file = path.display();
        return Err((
            Exit::Failed,
            format!(
                "{file}: the key of the account has mode {mode:04o}, others can read or change it; `chmod 600 {file}` \
                 if no other user could, else remove it, and a new account is made"
            ),
        ));
    }
    let mut content = Vec::new();
    let read = file.take(MAX_ACCOUNT).read_to_end(&mut content);
    read.map_err(|error| failed("read", path, &error))?;
    Ok(Some(content))
}

/// Writes a key or an account, readable for its owner alone.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write(path, content, SECRET_MODE)
}

/// Keeps the certificate of a file, and replaces it.
pub(super) fn replace_certificate(path: &Path, content: &[u8]) -> Result<(), Failure> {
    keep(path, CERTIFICATE_MODE).map_err(advise)?;
    write(path, content, CERTIFICATE_MODE)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    put(path, content, mode).map_err(advise)
}

fn advise((exit, message): Failure) -> Failure {
    (
        exit,
        format!(
            "{message}; its folder must exist and belong to the user of this command, as /var/lib/ehealth-attributes-acme does"
        ),
    )
}

/// The failure of an operation on a file.
pub(super) fn failed(operation: &str, path: &Path, error: &io::Error) -> Failure {
    (Exit::Failed, format!("cannot {operation} {}: {error}", path.display()))
}
