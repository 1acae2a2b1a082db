//! The connection to the service, and the exit codes of its errors.

use std::path::Path;

use super::args::LookupArguments;
use super::error::LookupError;
use crate::cli::exit::Exit;
use client::{Client, ClientError, Part, Settings, SettingsError, SigningPem, VerifyResponses};
use tls_files::FileError;

/// Files of a client of one service.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct ClientFiles<'a> {
    pub ca: &'a Path,
    pub certificate: &'a Path,
    pub key: &'a Path,
    pub signatures: SignatureFiles<'a>,
}

/// Files for signed messages. By default requests are not signed, and responses are not verified.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct SignatureFiles<'a> {
    /// Certificate and key that sign requests.
    pub signing: Option<(&'a Path, &'a Path)>,
    pub verify_responses: bool,
    /// Certificates that may sign responses, besides the certificate of the TLS server.
    pub response_signer: Option<&'a Path>,
}

impl<'a> ClientFiles<'a> {
    /// The files that the arguments name.
    pub(super) fn of(arguments: &'a LookupArguments) -> Self {
        let signing = arguments.sign_cert.as_deref().zip(arguments.sign_key.as_deref());
        let LookupArguments { ca, cert, key, verify_responses, response_signer, .. } = arguments;
        let signatures = SignatureFiles {
            signing,
            verify_responses: *verify_responses,
            response_signer: response_signer.as_deref(),
        };
        Self { ca, certificate: cert, key, signatures }
    }

    /// File of a part of the settings.
    fn file_of(self, part: Part) -> &'a Path {
        let SignatureFiles { signing, response_signer, .. } = self.signatures;
        // A part without a file has no error: the alternative is not used.
        match part {
            Part::ServerCa => self.ca,
            Part::Certificate => self.certificate,
            Part::Key => self.key,
            Part::SigningCertificate => signing.map_or(self.certificate, |(certificate, _)| certificate),
            Part::SigningKey => signing.map_or(self.key, |(_, key)| key),
            Part::ResponseSigners => response_signer.unwrap_or(self.ca),
        }
    }

    fn settings(self, url: &str) -> Result<Settings, FileError> {
        let read = |file: &Path| std::fs::read(file).map_err(|reason| FileError::Io { file: file.to_owned(), reason });
        let SignatureFiles { signing, verify_responses, response_signer } = self.signatures;
        let settings = Settings::new(url, read(self.ca)?, read(self.certificate)?, read(self.key)?);
        let sign = |(certificate, key)| Ok(SigningPem { certificate_pem: read(certificate)?, key_pem: read(key)? });
        let verify_responses = if verify_responses {
            VerifyResponses::Required { signers_pem: response_signer.map(read).transpose()? }
        } else {
            VerifyResponses::Off
        };
        Ok(Settings { signing: signing.map(sign).transpose()?, verify_responses, ..settings })
    }
}

/// Creates a client of the service at `url` from files with certificates and keys.
///
/// The error of a file names it.
pub(in crate::cli) fn open_client(url: &str, files: ClientFiles<'_>) -> Result<Client, LookupError> {
    let file_of = |part| files.file_of(part).to_owned();
    Client::new(&files.settings(url)?).map_err(|error| match error {
        SettingsError::Content { part, reason } => FileError::Content { file: file_of(part), reason }.into(),
        SettingsError::Tls { part, reason } => LookupError::Tls { file: file_of(part), reason },
        SettingsError::SigningKeyType | SettingsError::SigningKeyOfAnother => {
            LookupError::SigningKey { file: file_of(Part::SigningKey), reason: error }
        }
        SettingsError::Url => LookupError::Url(error),
    })
}

/// Exit code of an error of the client.
pub(super) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(_) | ClientError::ConnectTimeout(_) | ClientError::Tls(_) => Exit::Unreachable,
        ClientError::Deadline { .. } | ClientError::ConnectionLost { .. } => Exit::Unreachable,
        ClientError::Signing(_) | ClientError::Unverified(_) => Exit::Failed,
        ClientError::Refused { .. } | ClientError::NotUnderstood(_) => Exit::Failed,
        ClientError::Fault(_) => Exit::Fault,
    }
}
