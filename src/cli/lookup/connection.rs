//! The connection to the service, and the exit codes of its errors.

use std::path::Path;

use super::error::LookupError;
use crate::cli::exit::Exit;
use client::{Client, ClientError, Settings};

/// Creates a client of the service at `url` from PEM files.
pub(in crate::cli) fn open_client(url: &str, ca: &Path, certificate: &Path, key: &Path) -> Result<Client, LookupError> {
    let read = |file: &Path| {
        std::fs::read(file).map_err(|reason| LookupError::File { file: file.display().to_string(), reason })
    };
    Ok(Client::new(&Settings::new(url, read(ca)?, read(certificate)?, read(key)?))?)
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
