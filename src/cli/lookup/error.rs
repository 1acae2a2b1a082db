//! Why no request could be made.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use client::SettingsError;
use tls_files::{ClientTlsError, FileError};

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LookupError {
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    File { file: String, reason: io::Error },
    /// The file of a certificate or key cannot be read, or has other content than expected.
    #[error(transparent)]
    TlsFile(#[from] FileError),
    /// The authority's certificate cannot be used, or the key does not belong to the certificate.
    #[error("`{}`: {reason}", .file.display())]
    Tls { file: PathBuf, reason: ClientTlsError },
    /// The URL is invalid.
    #[error("--url: {0}")]
    Url(SettingsError),
    /// The value of an argument is invalid.
    #[error("{argument}: {reason}")]
    Argument { argument: &'static str, reason: String },
}

impl LookupError {
    /// The value of an argument is invalid.
    pub fn argument(argument: &'static str, reason: &dyn Display) -> Self {
        Self::Argument { argument, reason: reason.to_string() }
    }
}
