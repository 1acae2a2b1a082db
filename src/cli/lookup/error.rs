//! Why no request could be made.

use std::path::PathBuf;

use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use crate::config::Problems;
use client::SettingsError;
use text_file::TextError;
use tls_files::{ClientTlsError, FileError, Pkcs12FileError};

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LookupError {
    /// A file cannot be read, or is no text.
    #[error("{file}: {reason}")]
    Text { file: String, reason: TextError },
    /// The file of a certificate or key cannot be read, or has other content than expected.
    #[error(transparent)]
    TlsFile(#[from] FileError),
    /// A PKCS #12 file cannot be read.
    #[error(transparent)]
    Pkcs12(#[from] Pkcs12FileError),
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
    /// The profile has errors.
    #[error(transparent)]
    Profile(#[from] Problems),
    /// There is no folder of profiles.
    #[error("--profile: neither XDG_CONFIG_HOME nor HOME is set; give the path of the file")]
    ProfileFolder,
    /// No password of a PKCS #12 file.
    #[error(
        "`{}`: the password is missing; give --p12-password-file FILE, or set EHEALTH_ATTRIBUTES_P12_PASSWORD",
        .file.display()
    )]
    NoPassword { file: PathBuf },
    /// The input of a batch is too large.
    #[error("--in: `{}` has more than {mebibytes} MiB; split it", .file.display())]
    InputSize { file: PathBuf, mebibytes: u64 },
}

impl LookupError {
    /// Exit code of the command.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Url(_) | Self::Arguments(_) | Self::ProfileFolder | Self::NoPassword { .. } => Exit::Usage,
            Self::Profile(_) => Exit::Configuration,
            Self::Text { .. }
            | Self::TlsFile(_)
            | Self::Pkcs12(_)
            | Self::Tls { .. }
            | Self::SigningKey { .. }
            | Self::InputSize { .. } => Exit::Failed,
        }
    }
}
