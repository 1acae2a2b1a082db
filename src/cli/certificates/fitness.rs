//! Whether a certificate is fit for a purpose, and why not.

use super::purpose::Purpose;
use certificates::{CertificateError, Facts, Profile, Purposes, UnfitLeaf, may_be_server};
use ehealth_core::model::Timestamp;
use soap::signature::{SignatureMethod, VerificationKey};

/// The first certificate of a file.
pub(super) struct Inspected {
    pub der: Vec<u8>,
    pub facts: Facts,
    pub profile: Profile,
    pub purposes: Purposes,
}

impl Inspected {
    /// Parses a certificate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Ok(Self {
            der: der.to_vec(),
            facts: Facts::from_der(der)?,
            profile: Profile::from_der(der)?,
            purposes: Purposes::from_der(der)?,
        })
    }
}

/// Whether a certificate is valid at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    Expired,
    NotYetValid,
}

impl Validity {
    /// The last second counts in full (RFC 5280, 4.1.2.5).
    pub fn of(profile: &Profile, now: Timestamp) -> Self {
        if now < profile.not_before {
            Self::NotYetValid
        } else if now.as_millis() >= profile.not_after.as_millis().saturating_add(1_000) {
            Self::Expired
        } else {
            Self::Valid
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
        }
    }
}

/// Whole days from `now` to the end; negative if it has passed.
pub(super) fn days_left(profile: &Profile, now: Timestamp) -> i64 {
    profile.not_after.as_millis().saturating_sub(now.as_millis()).div_euclid(86_400_000)
}

/// Why a certificate is not fit for a purpose; empty if it is. Its validity is not considered.
pub(super) fn unfit_for(purpose: Purpose, inspected: &Inspected) -> Vec<String> {
    match purpose {
        Purpose::Client => as_client(inspected),
        Purpose::Server => as_server(inspected),
        Purpose::Signing => as_signer(inspected),
    }
}

fn as_client(Inspected { profile, facts, .. }: &Inspected) -> Vec<String> {
    let unfit = profile.check_leaf().err().map(|unfit| unfit.to_string());
    let unnamed = facts.organisation.err().map(|error| error.to_string());
    unfit.into_iter().chain(unnamed).collect()
}

fn as_server(Inspected { der, profile, purposes, .. }: &Inspected) -> Vec<String> {
    let mut reasons = Vec::new();
    if profile.is_authority() {
        reasons.push("the certificate is an authority's, not a server's".to_owned());
    }
    if !may_be_server(der).unwrap_or(false) {
        reasons.push("the certificate's extended key usage lacks serverAuth".to_owned());
    }
    if !purposes.names_host {
        reasons.push("the certificate has no DNS name or IP address as alternative name".to_owned());
    }
    // The same kinds of key as a client's.
    if profile.check_leaf() == Err(UnfitLeaf::Key) {
        reasons.push(UnfitLeaf::Key.to_string());
    }
    reasons
}

/// A signer is verified as a client is; its key must be one of the profile of signatures.
fn as_signer(inspected: &Inspected) -> Vec<String> {
    let mut reasons = as_client(inspected);
    let key = &inspected.facts.public_key;
    if !SignatureMethod::ALL.into_iter().any(|method| VerificationKey::parse(method, key).is_ok()) {
        reasons.push("the certificate's key is neither RSA of 2048 to 8192 bits, P-256 nor P-384".to_owned());
    }
    reasons
}
