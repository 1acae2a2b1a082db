//! Reads PKCS #12 files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::client::Identity;
use super::pkcs12::{MAX_BYTES, Pkcs12Error, parse_pkcs12, parse_pkcs12_certificates};

/// A PKCS #12 file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Pkcs12FileError {
    /// The file cannot be read.
    #[error("`{}`: {reason}", .file.display())]
    Io {
        /// Path of the file.
        file: PathBuf,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// The content cannot be used.
    #[error("`{}`: {reason}", .file.display())]
    Content {
        /// Path of the file.
        file: PathBuf,
        /// What is wrong with it.
        reason: Pkcs12Error,
    },
}

/// Reads the private key of a PKCS #12 file, and its certificate followed by its issuers.
///
/// # Errors
/// [`Pkcs12FileError`] names the file.
pub fn read_pkcs12(file: &Path, password: &str) -> Result<Identity, Pkcs12FileError> {
    parse_pkcs12(&read(file)?, password).map_err(|reason| Pkcs12FileError::Content { file: file.to_owned(), reason })
}

/// Reads the certificates of a PKCS #12 file; at least one. That of its private key comes first.
///
/// # Errors
/// [`Pkcs12FileError`] names the file.
pub fn read_pkcs12_certificates(file: &Path, password: &str) -> Result<Vec<CertificateDer<'static>>, Pkcs12FileError> {
    let parsed = parse_pkcs12_certificates(&read(file)?, password);
    parsed.map_err(|reason| Pkcs12FileError::Content { file: file.to_owned(), reason })
}

/// Reads one byte more than is allowed at most: the parser refuses it.
fn read(file: &Path) -> Result<Vec<u8>, Pkcs12FileError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut bytes));
    read.map_err(|reason| Pkcs12FileError::Io { file: file.to_owned(), reason })?;
    Ok(bytes)
}
