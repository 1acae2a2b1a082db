//! What the command finds, and whether the certificate is due.

use std::path::{Path, PathBuf};

use super::files;
use crate::app::SystemClock;
use crate::app::units::credential_file;
use crate::cli::certificates::failure::Failure;
use crate::cli::certificates::fitness::{Inspected, Validity};
use crate::cli::exit::Exit;
use crate::config::{AcmeSettings, Settings};
use certificates::{CertificateError, Profile, sha256};
use ehealth_core::closed_enum;
use ehealth_core::model::{Clock, Digest, Timestamp};
use tls_files::{provider, read_certificates, read_private_key};

closed_enum! {
    /// Why the certificate is renewed. Codes: JSON.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Due {
        /// It is not renewed.
        NotDue => "not-due",
        /// There is no certificate.
        Missing => "missing",
        /// Its end is near, or has passed.
        Expiring => "expiring",
        /// It lacks a name of the settings.
        Names => "names",
        /// It belongs to another key.
        Key => "key",
        /// `--force`.
        Forced => "forced",
    }
}

impl Due {
    pub fn is_due(self) -> bool {
        self != Self::NotDue
    }
}

/// When a certificate is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// If it is due.
    IfDue,
    /// Always: `--force`.
    Always,
}

/// What the command finds.
pub(super) struct Plan {
    pub now: Timestamp,
    /// Folder in which the settings' `credential:NAME` is found.
    pub credentials: PathBuf,
    /// File of the certificate.
    pub certificate: PathBuf,
    /// The certificate in it.
    pub current: Option<Inspected>,
    /// File of the key.
    pub key: PathBuf,
    pub has_key: bool,
    pub has_account: bool,
    pub due: Due,
}

impl Plan {
    /// Reads the files. Nothing is changed.
    pub fn make(
        settings: &Settings,
        acme: &AcmeSettings,
        credentials: PathBuf,
        renewal: Renewal,
    ) -> Result<Self, Failure> {
        let (tls, now) = (&settings.tls, SystemClock.now());
        let (certificate, key) = (tls.certificate.clone(), beside(&tls.certificate, &tls.key, &credentials));
        let current = if files::exists(&certificate)? { Some(read(&certificate)?) } else { None };
        let has_key = files::exists(&key)?;
        let own_key = if has_key { Some(key_digest(&key)?) } else { None };
        let due = match &current {
            _ if renewal == Renewal::Always => Due::Forced,
            None => Due::Missing,
            Some(current) if own_key != Some(current.profile.key) => Due::Key,
            Some(current) if !missing_names(current, &acme.names).is_empty() => Due::Names,
            Some(current) if is_near_end(&current.profile, acme, now) => Due::Expiring,
            Some(_) => Due::NotDue,
        };
        let has_account = files::exists(&acme.account)?;
        Ok(Self { now, credentials, certificate, current, key, has_key, has_account, due })
    }
}

/// File of a key. A credential is the file of this name beside the certificate, from which systemd loads it for the
/// service.
pub(super) fn beside(certificate: &Path, key: &Path, credentials: &Path) -> PathBuf {
    credential_file((certificate, key), credentials).unwrap_or_else(|| key.to_owned())
}

fn read(file: &Path) -> Result<Inspected, Failure> {
    let chain = read_certificates(file).map_err(|error| (Exit::Failed, error.to_string()))?;
    let leaf = chain.first().ok_or(CertificateError::Malformed).and_then(|leaf| Inspected::from_der(leaf));
    leaf.map_err(|error| (Exit::Failed, format!("`{}`: {error}", file.display())))
}

/// SHA-256 of the public key that belongs to a private key.
pub(super) fn key_digest(file: &Path) -> Result<Digest, Failure> {
    let key = read_private_key(file).map_err(|error| (Exit::Failed, error.to_string()))?;
    let loaded = provider().key_provider.load_private_key(key);
    let public = loaded.ok().and_then(|key| key.public_key().map(|public| sha256(&public)));
    public.ok_or_else(|| (Exit::Failed, format!("`{}`: the key is of no kind that TLS can use", file.display())))
}

/// Names of the settings that a certificate lacks.
pub(super) fn missing_names(certificate: &Inspected, names: &[String]) -> Vec<String> {
    let has = |name: &str| {
        let of = certificate.purposes.alternative_names.iter().filter_map(|of| of.strip_prefix("DNS:"));
        of.into_iter().any(|of| of.eq_ignore_ascii_case(name))
    };
    names.iter().filter(|name| !has(name)).cloned().collect()
}

/// Whether less than `acme.renew_before` remains. A certificate that is valid for a few days only would be due at once:
/// it is renewed in the second half of its validity.
fn is_near_end(profile: &Profile, acme: &AcmeSettings, now: Timestamp) -> bool {
    let (first, last) = (profile.not_before.as_millis(), profile.not_after.as_millis());
    let before = i64::try_from(acme.renew_before.as_millis()).unwrap_or(i64::MAX);
    let before = before.min(last.saturating_sub(first) / 2);
    Validity::of(profile, now) == Validity::Expired || last.saturating_sub(now.as_millis()) < before
}
