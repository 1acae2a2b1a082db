//! Why no request could be made.

use std::path::PathBuf;

use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use client::SettingsError;
use text_file::TextError;
use tls_files::{ClientTlsError, FileError};

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LookupError {
    /// A file cannot be read, or is no text.
    #[error("{file}: {reason}")]
    Text { file: String, reason: TextError },
    /// The file of a certificate or key cannot be read, or has other content than expected.
    #[error(transparent)]
    TlsFile(#[from] FileError),
    /// The authority's certificate cannot be used, or the key does not belong to the certificate.
    #[error("`{}`: {reason}", .file.display())]
    Tls { file: PathBuf, reason: ClientTlsError },
    /// The signing key is of another kind, or does not belong to the signing certificate.
    #[error("`{}`: {reason}", .file.display())]
    SigningKey { file: PathBuf, reason: SettingsError },
    /// The URL is invalid.
    #[error("--url: {0}")]
    Url(SettingsError),
    /// Arguments are invalid.
    #[error(transparent)]
    Arguments(#[from] ArgumentErrors),
    /// Lines of the input are no SSINs.
    #[error("--in: {0}")]
    Input(String),
}

impl LookupError {
    /// Exit code of the command.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Url(_) | Self::Arguments(_) => Exit::Usage,
            Self::Text { .. } | Self::TlsFile(_) | Self::Tls { .. } | Self::SigningKey { .. } | Self::Input(_) => {
                Exit::Failed
            }
        }
    }
}
