//! Reads certificates, revocation lists and private keys from files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::content::ContentError;
use super::parse::{parse_certificates, parse_private_key, parse_revocation_lists};

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("`{}`: {reason}", .file.display())]
    Io {
        /// Path of the file.
        file: PathBuf,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// The file has other content than expected.
    #[error("`{}`: {reason}", .file.display())]
    Content {
        /// Path of the file.
        file: PathBuf,
        /// Found and expected content.
        reason: ContentError,
    },
}

impl FileError {
    /// Path of the file.
    #[must_use]
    pub fn file(&self) -> &Path {
        match self {
            Self::Io { file, .. } | Self::Content { file, .. } => file,
        }
    }
}

/// Reads the certificates of a file, in their order; at least one.
///
/// # Errors
/// [`FileError`] names the file and what it holds.
pub fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    read(file, parse_certificates)
}

/// Reads the certificate revocation lists of a file; at least one.
///
/// # Errors
/// [`FileError`] names the file and what it holds.
pub fn read_revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileError> {
    read(file, parse_revocation_lists)
}

/// Reads the private key of a file: the first one.
///
/// # Errors
/// [`FileError`] names the file and what it holds.
pub fn read_private_key(file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    read(file, parse_private_key)
}

/// Reads the certificates of these files, and of the files in these folders, each with its file.
/// Collects the errors: every file is read.
pub fn read_all_certificates(
    paths: &[PathBuf],
    errors: &mut Vec<FileError>,
) -> Vec<(PathBuf, CertificateDer<'static>)> {
    read_all(paths, errors, parse_certificates)
}

/// Reads the revocation lists of these files, and of the files in these folders, each with its
/// file. Collects the errors: every file is read.
///
/// The bytes of a file that is neither PEM nor a known kind of DER are returned as they are. A
/// broken list must not keep a service from starting: verification then refuses the certificates of
/// its issuer only.
pub fn read_all_revocation_lists(
    paths: &[PathBuf],
    errors: &mut Vec<FileError>,
) -> Vec<(PathBuf, CertificateRevocationListDer<'static>)> {
    read_all(paths, errors, |bytes| match parse_revocation_lists(bytes) {
        Err(ContentError::Empty { .. } | ContentError::Unknown { .. }) => Ok(vec![bytes.to_vec().into()]),
        result @ (Ok(_) | Err(ContentError::Unexpected { .. } | ContentError::Malformed { .. })) => result,
    })
}

/// Returns the path itself if it is a file, or the files of a folder in the order of their names,
/// without hidden ones.
///
/// # Errors
/// The system's error if the path cannot be read.
pub fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn read_all<T>(
    paths: &[PathBuf],
    errors: &mut Vec<FileError>,
    parse: fn(&[u8]) -> Result<Vec<T>, ContentError>,
) -> Vec<(PathBuf, T)> {
    let mut found = Vec::new();
    for path in paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(reason) => {
                errors.push(FileError::Io { file: path.clone(), reason });
                continue;
            }
        };
        for file in files {
            match read(&file, parse) {
                Ok(items) => found.extend(items.into_iter().map(|item| (file.clone(), item))),
                Err(error) => errors.push(error),
            }
        }
    }
    found
}

fn read<T>(file: &Path, parse: fn(&[u8]) -> Result<T, ContentError>) -> Result<T, FileError> {
    let bytes = fs::read(file).map_err(|reason| FileError::Io { file: file.to_owned(), reason })?;
    parse(&bytes).map_err(|reason| FileError::Content { file: file.to_owned(), reason })
}
