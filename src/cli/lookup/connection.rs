//! The connection to the service, and the exit codes of its errors.

use std::path::Path;

use super::error::LookupError;
use crate::cli::exit::Exit;
use client::{Client, ClientError, Part, Settings, SettingsError};
use tls_files::FileError;

/// Creates a client of the service at `url` from files with certificates and a key.
///
/// The error of a file names it.
pub(in crate::cli) fn open_client(url: &str, ca: &Path, certificate: &Path, key: &Path) -> Result<Client, LookupError> {
    let read = |file: &Path| std::fs::read(file).map_err(|reason| FileError::Io { file: file.to_owned(), reason });
    let file_of = |part| match part {
        Part::ServerCa => ca,
        Part::Certificate => certificate,
        Part::Key => key,
    };
    let settings = Settings::new(url, read(ca)?, read(certificate)?, read(key)?);
    Client::new(&settings).map_err(|error| match error {
        SettingsError::Content { part, reason } => FileError::Content { file: file_of(part).to_owned(), reason }.into(),
        SettingsError::Tls { part, reason } => LookupError::Tls { file: file_of(part).to_owned(), reason },
        SettingsError::Url => LookupError::Url(error),
    })
}

/// Exit code of an error of the client.
pub(super) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(_) | ClientError::ConnectTimeout(_) | ClientError::Tls(_) => Exit::Unreachable,
        ClientError::Deadline { .. } | ClientError::ConnectionLost { .. } => Exit::Unreachable,
        ClientError::Refused { .. } | ClientError::NotUnderstood(_) => Exit::Failed,
        ClientError::Fault(_) => Exit::Fault,
    }
}
