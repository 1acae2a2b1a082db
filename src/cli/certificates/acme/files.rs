//! The files of the command: read with an error that names them, written durably.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use crate::cli::certificates::failure::Failure;
use crate::cli::certificates::replaced::{keep, previous, put};
use crate::cli::exit::Exit;

/// Mode of a certificate that is new.
const CERTIFICATE_MODE: u32 = 0o644;
/// Mode of a secret.
const SECRET_MODE: u32 = 0o600;
/// Longest account file.
const MAX_ACCOUNT: u64 = 64 * 1_024;

/// Whether there is a file.
pub(super) fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(|error| failed("read", path, &error))
}

/// Reads a small file that only this command writes; `None` if it is missing.
pub(super) fn read_own(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Ok(found) if found.len() > MAX_ACCOUNT => {
            Err((Exit::Failed, format!("{}: it is not an account; remove it", path.display())))
        }
        Err(error) => Err(failed("read", path, &error)),
        Ok(_) => fs::read(path).map(Some).map_err(|error| failed("read", path, &error)),
    }
}

/// Writes a key or an account, readable for its owner alone.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write(path, content, SECRET_MODE)
}

/// Keeps the certificate of a file, and replaces it.
pub(super) fn replace_certificate(path: &Path, content: &[u8]) -> Result<(), Failure> {
    keep(path, CERTIFICATE_MODE).map_err(advise)?;
    give_to_owner_of_folder(&previous(path));
    write(path, content, CERTIFICATE_MODE)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    put(path, content, mode).map_err(advise)?;
    give_to_owner_of_folder(path);
    Ok(())
}

fn advise((exit, message): Failure) -> Failure {
    (exit, format!("{message}; its folder must exist and belong to the user of this command"))
}

/// Gives a file to the owner of its folder if root wrote it: the unit, which runs as that owner, then reads it at the
/// next run. Without the permission to do so the user of this command is the owner already.
fn give_to_owner_of_folder(path: &Path) {
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok());
    if let (Some(folder), Ok(file)) = (folder, fs::metadata(path))
        && (folder.uid(), folder.gid()) != (file.uid(), file.gid())
    {
        let _ = chown(path, Some(folder.uid()), Some(folder.gid()));
    }
}

/// The failure of an operation on a file.
pub(super) fn failed(operation: &str, path: &Path, error: &io::Error) -> Failure {
    (Exit::Failed, format!("cannot {operation} {}: {error}", path.display()))
}
