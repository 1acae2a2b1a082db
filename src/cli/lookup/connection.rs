//! The connection to the service, and the exit codes of its errors.

use std::path::Path;

use super::args::LookupArguments;
use super::caller::{Caller, IdentityFiles, read_password};
use super::error::LookupError;
use crate::cli::exit::Exit;
use client::{Client, ClientError, Part, Settings, SettingsError, SigningPem, VerifyResponses};
use tls_files::{FileError, Identity, read_pkcs12};

/// Files of a client of one service.
#[cfg(feature = "testkit")]
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

impl<'a> SignatureFiles<'a> {
    /// The files that the arguments name.
    pub(super) fn of(arguments: &'a LookupArguments) -> Self {
        Self {
            signing: arguments.sign_cert.as_deref().zip(arguments.sign_key.as_deref()),
            verify_responses: arguments.verify_responses,
            response_signer: arguments.response_signer.as_deref(),
        }
    }
}

/// A client, and its own certificate (PEM or DER) for messages about it.
pub(super) struct Connection {
    pub client: Client,
    pub certificate: Vec<u8>,
}

/// Files of a client, read.
struct Files<'a> {
    ca: &'a Path,
    /// Files of certificate and key; they may be the same.
    identity: (&'a Path, &'a Path),
    /// Their contents.
    pem: (Vec<u8>, Vec<u8>),
    signatures: SignatureFiles<'a>,
}

impl Files<'_> {
    fn settings(&self, url: &str) -> Result<Settings, FileError> {
        let (certificate, key) = self.pem.clone();
        let SignatureFiles { signing, verify_responses, response_signer } = self.signatures;
        let settings = Settings::new(url, read(self.ca)?, certificate, key);
        let sign = |(certificate, key)| Ok(SigningPem { certificate_pem: read(certificate)?, key_pem: read(key)? });
        let verify_responses = if verify_responses {
            VerifyResponses::Required { signers_pem: response_signer.map(read).transpose()? }
        } else {
            VerifyResponses::Off
        };
        Ok(Settings { signing: signing.map(sign).transpose()?, verify_responses, ..settings })
    }

    /// File of a part of the settings.
    fn file_of(&self, part: Part) -> &Path {
        let SignatureFiles { signing, response_signer, .. } = self.signatures;
        let (certificate, key) = self.identity;
        // A part without a file has no error: the alternative is not used.
        match part {
            Part::ServerCa => self.ca,
            Part::Certificate => certificate,
            Part::Key => key,
            Part::SigningCertificate => signing.map_or(certificate, |(certificate, _)| certificate),
            Part::SigningKey => signing.map_or(key, |(_, key)| key),
            Part::ResponseSigners => response_signer.unwrap_or(self.ca),
        }
    }

    /// Creates a client. The error of a file names it.
    fn open(&self, url: &str) -> Result<Client, LookupError> {
        let file_of = |part| self.file_of(part).to_owned();
        Client::new(&self.settings(url)?).map_err(|error| match error {
            SettingsError::Content { part, reason } => FileError::Content { file: file_of(part), reason }.into(),
            SettingsError::Tls { part, reason } => LookupError::Tls { file: file_of(part), reason },
            SettingsError::SigningKeyType | SettingsError::SigningKeyOfAnother => {
                LookupError::SigningKey { file: file_of(Part::SigningKey), reason: error }
            }
            SettingsError::Url => LookupError::Url(error),
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(file).map_err(|reason| FileError::Io { file: file.to_owned(), reason })
}

/// Creates a client of the service at `url` from files with certificates and keys.
#[cfg(feature = "testkit")]
pub(in crate::cli) fn open_client(url: &str, files: ClientFiles<'_>) -> Result<Client, LookupError> {
    let ClientFiles { ca, certificate, key, signatures } = files;
    Files { ca, identity: (certificate, key), pem: (read(certificate)?, read(key)?), signatures }.open(url)
}

/// Creates the client of a caller.
pub(super) fn connect(caller: &Caller, signatures: SignatureFiles<'_>) -> Result<Connection, LookupError> {
    let (identity, pem) = match &caller.identity {
        IdentityFiles::Pem { certificate, key } => {
            ((certificate.as_path(), key.as_path()), (read(certificate)?, read(key)?))
        }
        IdentityFiles::Pkcs12 { file, password_file } => {
            let password = read_password(file, password_file.as_deref())?;
            let Identity { chain, key } = read_pkcs12(file, &password)?;
            ((file.as_path(), file.as_path()), (tls_files::write_pem(&chain), key.secret_der().to_vec()))
        }
    };
    let certificate = pem.0.clone();
    let client = Files { ca: &caller.ca, identity, pem, signatures }.open(&caller.url)?;
    Ok(Connection { client, certificate })
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
