//! Reading PEM and DER files. Errors name the file and say what it holds instead of what was
//! expected.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a file should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Certificates.
    Certificates,
    /// A private key.
    PrivateKey,
    /// Certificate revocation lists.
    RevocationLists,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificates => "a certificate (PEM section CERTIFICATE)",
            Self::PrivateKey => {
                "an unencrypted private key (PEM section PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY)"
            }
            Self::RevocationLists => "a certificate revocation list (PEM section X509 CRL)",
        })
    }
}

/// Why a file of TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file or folder cannot be read.
    #[error("{}: cannot read: {reason}", .file.display())]
    Unreadable {
        /// Its path.
        file: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
    /// The file holds something else.
    #[error("{}: expected {expected}, found {found}", .file.display())]
    Unexpected {
        /// Its path.
        file: PathBuf,
        /// What it should hold.
        expected: Expected,
        /// Its PEM sections by name, or its size. Never its content, which may be a key.
        found: String,
    },
    /// A PEM section is broken.
    #[error("{}: invalid PEM: {reason}", .file.display())]
    InvalidPem {
        /// Its path.
        file: PathBuf,
        /// The PEM library's error.
        reason: pem::Error,
    },
}

/// Reads every certificate of a PEM file, in order; at least one.
pub(super) fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(file)?;
    read_sections(file, &bytes, Expected::Certificates)
}

/// Reads the first private key of a PEM file (PKCS #8, PKCS #1 or SEC 1).
pub(super) fn read_private_key(file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let bytes = read(file)?;
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(unexpected(file, &bytes, Expected::PrivateKey)),
        Err(reason) => Err(FileError::InvalidPem { file: file.to_owned(), reason }),
    }
}

/// Reads every object of one kind in these files and folders, PEM or DER, each with its file.
/// Errors are collected: every file is read.
pub(super) fn read_all<T: PemObject>(
    paths: &[PathBuf],
    expected: Expected,
    errors: &mut Vec<FileError>,
    from_der: fn(Vec<u8>) -> T,
) -> Vec<(PathBuf, T)> {
    let mut found = Vec::new();
    for path in paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(reason) => {
                errors.push(FileError::Unreadable { file: path.clone(), reason });
                continue;
            }
        };
        for file in files {
            match read(&file).and_then(|bytes| read_objects(&file, bytes, expected, from_der)) {
                Ok(objects) => found.extend(objects.into_iter().map(|object| (file.clone(), object))),
                Err(error) => errors.push(error),
            }
        }
    }
    found
}

fn read_objects<T: PemObject>(
    file: &Path,
    bytes: Vec<u8>,
    expected: Expected,
    from_der: fn(Vec<u8>) -> T,
) -> Result<Vec<T>, FileError> {
    if is_pem(&bytes) {
        return read_sections(file, &bytes, expected);
    }
    match expected {
        Expected::Certificates | Expected::PrivateKey if !is_der(&bytes) => Err(unexpected(file, &bytes, expected)),
        // A broken list must not keep the service from starting: it closes its issuer only.
        Expected::Certificates | Expected::PrivateKey | Expected::RevocationLists => Ok(vec![from_der(bytes)]),
    }
}

fn read_sections<T: PemObject>(file: &Path, bytes: &[u8], expected: Expected) -> Result<Vec<T>, FileError> {
    match T::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>() {
        Ok(objects) if objects.is_empty() => Err(unexpected(file, bytes, expected)),
        Ok(objects) => Ok(objects),
        Err(reason) => Err(FileError::InvalidPem { file: file.to_owned(), reason }),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(file).map_err(|reason| FileError::Unreadable { file: file.to_owned(), reason })
}

fn unexpected(file: &Path, bytes: &[u8], expected: Expected) -> FileError {
    FileError::Unexpected { file: file.to_owned(), expected, found: describe(bytes) }
}

/// Describes content by its PEM section names, or by its form and size.
fn describe(bytes: &[u8]) -> String {
    const BEGIN: &str = "-----BEGIN ";
    let text = String::from_utf8_lossy(bytes);
    let mut names = Vec::new();
    for name in text.lines().filter_map(|line| line.trim().strip_prefix(BEGIN)?.strip_suffix("-----")) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match (names.as_slice(), bytes.len()) {
        ([], 0) => "an empty file".to_owned(),
        ([], length) if is_der(bytes) => format!("{length} bytes of DER"),
        ([], length) => format!("{length} bytes that are not PEM"),
        (names, _) => format!("PEM section {}", names.join(", ")),
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// Whether the bytes begin with a DER SEQUENCE.
fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30)
}

/// The file itself, or the files of a folder in the order of their names, without hidden ones.
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, content).expect("written");
        (folder, file)
    }

    #[test]
    fn an_error_names_the_file_and_what_it_holds() {
        for (content, found) in [
            (&b""[..], "an empty file"),
            (b"nothing", "7 bytes that are not PEM"),
            (b"\x30\x00", "2 bytes of DER"),
            (KEY.as_bytes(), "PEM section ENCRYPTED PRIVATE KEY"),
        ] {
            let (_folder, file) = file(content);
            let error = read_certificates(&file).expect_err("no certificate").to_string();
            let expected = "expected a certificate (PEM section CERTIFICATE)";
            assert_eq!(error, format!("{}: {expected}, found {found}", file.display()));
        }
        let (_folder, file) = file([CERTIFICATE, CERTIFICATE, KEY].concat().as_bytes());
        let error = read_private_key(&file).expect_err("no key").to_string();
        assert!(error.ends_with("found PEM section CERTIFICATE, ENCRYPTED PRIVATE KEY"), "{error}");
    }

    #[test]
    fn pem_and_der_are_read_and_other_content_is_an_error() {
        let read = |content: &[u8]| {
            let ((_folder, file), mut errors) = (file(content), Vec::new());
            let found = read_all(&[file], Expected::Certificates, &mut errors, CertificateDer::from);
            (found.len(), errors.len())
        };
        assert_eq!(read([CERTIFICATE, CERTIFICATE].concat().as_bytes()), (2, 0));
        assert_eq!(read(b"\x30\x00"), (1, 0));
        assert_eq!(read(b"nothing"), (0, 1));
        assert_eq!(read(KEY.as_bytes()), (0, 1));
        assert_eq!(read(b"-----BEGIN CERTIFICATE-----\nMAA=\n"), (0, 1));
    }
}
