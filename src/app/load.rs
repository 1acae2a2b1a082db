//! Loads the files that can be replaced while the service runs.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::AppError;
use super::finding::{Finding, Severity, remedy_of_io};
use super::operators::OperatorSides;
use crate::config::{Policy, Settings, SigningFiles, find_outdated_pins, read_policy};
use crate::server::tls::{self, OperatorFiles, RevocationFiles, TlsError};
use crate::server::{ActiveConfig, ResponseSigner};
use certificates::Facts;
use ehealth_core::model::Clock;
use ehealth_core::policy::Register;
use soap::signature::{SigningIdentity, SigningKey};
use tls_files::{Content, FileError};

/// Files that were loaded, all of them valid.
pub(super) struct Loaded {
    /// Configuration for consumers.
    pub active_config: ActiveConfig,
    /// The operators' and the scrapers' sides of TLS, if they have one.
    pub operators: OperatorSides,
    /// Bytes of the policy file.
    pub policy_text: Vec<u8>,
}

impl Loaded {
    /// Keeps the policy file in the folder of the audit log: the records that it decides name it.
    ///
    /// # Errors
    /// [`AppError`] if it cannot be written.
    pub fn keep_policy_text(&self, settings: &Settings) -> Result<(), AppError> {
        let folder = &settings.audit_log.folder;
        audit_log::keep_policy_text(folder, &self.policy_text).map(drop).map_err(|error| {
            let text = format!("the policy file cannot be kept in the audit log's folder: {error}");
            let finding = Finding::new(Severity::Error, settings, "audit_log.folder", &text);
            vec![finding.in_file(folder).remedy(remedy_of_io(&error)).of_system()].into()
        })
    }
}

/// Loads and validates the policy, certificates, keys, CAs and CRLs.
///
/// # Errors
/// [`AppError`] with every error of every file.
pub(super) fn load_active_config(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Loaded, AppError> {
    let mut findings = Vec::new();
    let policy = read_policy(&settings.policy).map_err(|problems| {
        findings.extend(problems.0.into_iter().map(Finding::from));
    });
    let tls = tls::load(&settings.tls, clock).map_err(|errors| {
        findings.extend(errors.into_iter().map(|error| locate(settings, Listener::Consumers, &error)));
    });
    let operators = load_operators(settings, clock).map_err(|errors| findings.extend(errors));
    let chain = tls::read_certificates(&settings.tls.certificate);
    match (policy, tls, operators, chain) {
        (Ok(Policy { register, text }), Ok((tls, client_verifier)), Ok(operators), Ok(chain)) => {
            let names: HashMap<_, _> = client_verifier.trust().authority_names().collect();
            let outdated = find_outdated_pins(&settings.policy, &register, |pin| names.get(pin).cloned());
            if !outdated.is_empty() {
                return Err(outdated.into_iter().map(Finding::from).collect::<Vec<_>>().into());
            }
            let register = register.with_environment(settings.environment);
            let response_signer = load_response_signer(settings, &register)?;
            let active_config = ActiveConfig { register, tls, client_verifier, response_signer, chain };
            Ok(Loaded { active_config, operators, policy_text: text })
        }
        (.., Err(error)) if findings.is_empty() => {
            Err(vec![locate(settings, Listener::Consumers, &error.into())].into())
        }
        _ => Err(findings.into()),
    }
}

/// Loads the files of the listeners for operators and scrapers.
fn load_operators(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<OperatorSides, Vec<Finding>> {
    let load = |listener: Listener, files: Option<&OperatorFiles>| {
        let loaded = files.map(|files| tls::load_for_operators(files, clock)).transpose();
        let located = |errors: Vec<TlsError>| errors.iter().map(|error| locate(settings, listener, error)).collect();
        loaded.map_err(|errors| -> Vec<Finding> { located(errors) })
    };
    let admin = load(Listener::Operators, settings.admin_tls.as_ref());
    let metrics = load(Listener::Scrapers, settings.metrics_tls());
    match (admin, metrics) {
        (Ok(admin), Ok(metrics)) => Ok(OperatorSides { admin, metrics }),
        (admin, metrics) => Err([admin.err(), metrics.err()].into_iter().flatten().flatten().collect()),
    }
}

/// Loads key and certificate that sign responses, if a consumer wants signed ones.
fn load_response_signer(settings: &Settings, register: &Register) -> Result<Option<ResponseSigner>, AppError> {
    if !register.consumers().any(|consumer| consumer.signatures.sign_responses) {
        return Ok(None);
    }
    let ((certificate, certificate_setting), (key, key_setting)) = match &settings.response_signer {
        Some(SigningFiles { certificate, key }) => {
            ((certificate, "message_signature.certificate"), (key, "message_signature.key"))
        }
        None => ((&settings.tls.certificate, "server.certificate"), (&settings.tls.key, "server.key")),
    };
    let refuse = |setting: &str, error: &FileError| -> AppError {
        vec![of_file(Finding::new(Severity::Error, settings, setting, ""), error)].into()
    };
    let chain = tls::read_certificates(certificate).map_err(|error| refuse(certificate_setting, &error))?;
    let der = tls_files::read_private_key(key).map_err(|error| refuse(key_setting, &error))?;
    let signer = chain.first().zip(SigningKey::from_der(der.secret_der())).and_then(|(certificate, key)| {
        let facts = Facts::from_der(certificate).ok()?;
        key.belongs_to(&facts.public_key)
            .then(|| ResponseSigner(SigningIdentity { key, certificate: certificate.to_vec() }))
    });
    signer.map(Some).ok_or_else(|| {
        let text = "is no RSA key of at least 2048 bits and no EC key on P-256 or P-384 of the signing certificate: \
                    responses cannot be signed, as sign_responses in the policy demands";
        let finding = Finding::new(Severity::Error, settings, key_setting, text);
        vec![finding.in_file(key).remedy("set message_signature.certificate and message_signature.key")].into()
    })
}

/// Listener whose files are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Consumers,
    Operators,
    Scrapers,
}

impl Listener {
    fn certificate(self) -> &'static str {
        match self {
            Self::Consumers => "server.certificate",
            Self::Operators => "admin.certificate",
            Self::Scrapers => "metrics.certificate",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Consumers => "server.key",
            Self::Operators => "admin.key",
            Self::Scrapers => "metrics.key",
        }
    }

    fn client_ca(self) -> &'static str {
        match self {
            Self::Consumers => "trust.client_ca",
            Self::Operators => "admin.client_ca",
            Self::Scrapers => "metrics.client_ca",
        }
    }

    /// Files of certificate and key.
    fn files(self, settings: &Settings) -> (&Path, &Path) {
        let of_consumers = (settings.tls.certificate.as_path(), settings.tls.key.as_path());
        let files = match self {
            Self::Consumers => None,
            Self::Operators => settings.admin_tls.as_ref(),
            Self::Scrapers => settings.metrics_tls(),
        };
        files.map_or(of_consumers, |files| (&files.certificate, &files.key))
    }
}

/// Adds the setting that named the file, and what to do.
fn locate(settings: &Settings, listener: Listener, error: &TlsError) -> Finding {
    let about = |setting: &str, text: &dyn std::fmt::Display| Finding::new(Severity::Error, settings, setting, text);
    match error {
        TlsError::File(error) => of_file(about(setting_of(settings, listener, error), &""), error),
        TlsError::Authority { file, reason } => about("trust.client_ca", reason)
            .in_file(file)
            .remedy("remove it, or replace it by the certificate of the CA itself"),
        TlsError::Authorities(reason) => {
            about("trust.client_ca", reason).remedy("add the root certificate of the CA to the files that it names")
        }
        TlsError::Identity(_) => {
            let (_, key) = listener.files(settings);
            about(listener.key(), error).in_file(key).remedy(format!(
                "set {} to the key of the first certificate of {}",
                listener.key(),
                listener.certificate()
            ))
        }
        TlsError::Anchor { file, reason } => {
            let remedy = "replace it by the certificate of the CA that issues the clients' certificates";
            about(listener.client_ca(), reason).in_file(file).remedy(remedy)
        }
        TlsError::Operators(_) => about(listener.client_ca(), error),
    }
}

/// Says what is wrong with the content of a file of certificates or keys; `finding` names the
/// setting.
pub(super) fn of_file(finding: Finding, error: &FileError) -> Finding {
    let (text, remedy) = match error {
        FileError::Io { file, reason } if is_credential(file) && reason.kind() == io::ErrorKind::NotFound => {
            (reason.to_string(), NO_CREDENTIAL)
        }
        FileError::Io { reason, .. } => (reason.to_string(), remedy_of_io(reason)),
        FileError::Content { reason, .. } => (reason.problem(), reason.remedy().unwrap_or_default()),
    };
    Finding { text, ..finding }.in_file(error.file()).remedy(remedy)
}

/// What to do about a credential that is not there: outside of its unit, or not in it either.
const NO_CREDENTIAL: &str = "systemd gives credentials to the unit alone: run the check with CREDENTIALS_DIRECTORY=DIR, \
    the folder of LoadCredential= in the unit, or add the file to LoadCredential=";

/// Whether systemd makes this file (systemd.exec(5) "CREDENTIALS").
fn is_credential(file: &Path) -> bool {
    file.starts_with("/run/credentials")
}

/// The setting that named the file of an error.
fn setting_of(settings: &Settings, listener: Listener, error: &FileError) -> &'static str {
    let file = error.file();
    let (certificate, key) = listener.files(settings);
    let expects_key = match error {
        FileError::Content { reason, .. } => reason.expected() == Content::PrivateKey,
        FileError::Io { .. } => file == key,
    };
    if expects_key {
        return listener.key();
    }
    if file == certificate {
        return listener.certificate();
    }
    match (listener, &settings.tls.revocation) {
        (Listener::Operators | Listener::Scrapers, _) => listener.client_ca(),
        (Listener::Consumers, RevocationFiles::Lists(lists)) if lists.iter().any(|list| file.starts_with(list)) => {
            "trust.revocation"
        }
        (Listener::Consumers, RevocationFiles::Lists(_) | RevocationFiles::None) => "trust.client_ca",
    }
}
