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

fn read<T>(file: &Path, parse: fn(&[u8]) -> Result<T, ContentError>) -> Result<T, FileError> {
    let bytes = fs::read(file).map_err(|reason| FileError::Io { file: file.to_owned(), reason })?;
    parse(&bytes).map_err(|reason| FileError::Content { file: file.to_owned(), reason })
}
