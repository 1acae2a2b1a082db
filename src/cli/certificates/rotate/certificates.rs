//! A certificate and its issuers, as a file holds them.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use super::super::failure::{Failure, failed};
use super::super::fitness::{Inspected, days_left};
use certificates::{Description, Profile};
use ehealth_core::model::Timestamp;

/// A certificate with its issuers, parsed.
pub(super) struct Chain {
    pub ders: Vec<CertificateDer<'static>>,
    pub leaf: Inspected,
    /// Uses and names of the issuers behind it, in the order of the file.
    pub issuers: Vec<Profile>,
}

impl Chain {
    /// Parses the certificates of a file.
    ///
    /// # Errors
    /// Names the file if there is no certificate, or one is malformed.
    pub fn new(file: &Path, ders: Vec<CertificateDer<'static>>) -> Result<Self, Failure> {
        let name = file.display();
        let wrong = |error| failed(&format_args!("`{name}`: {error}"));
        let Some((leaf, issuers)) = ders.split_first() else {
            return Err(failed(&format_args!("`{name}`: has no certificate")));
        };
        let issuers = issuers.iter().map(|der| Profile::from_der(der)).collect::<Result<_, _>>().map_err(wrong)?;
        let leaf = Inspected::from_der(leaf).map_err(wrong)?;
        Ok(Self { ders, leaf, issuers })
    }

    /// Number, from 1, of the first certificate that the one behind it did not issue.
    pub fn gap(&self) -> Option<usize> {
        let all: Vec<_> = [&self.leaf.profile].into_iter().chain(&self.issuers).collect();
        let broken =
            all.windows(2).position(|pair| matches!(pair, [issued, issuer] if issued.issuer != issuer.subject));
        broken.map(|at| at.saturating_add(1))
    }

    /// The first certificate for people: subject, issuer, last day, days left, names.
    pub fn lines(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let names = Description::from_der(&self.leaf.der).names;
        let (subject, issuer) = names.map_or_else(Default::default, |names| (names.subject, names.issuer));
        let days = days_left(&self.leaf.profile, now);
        vec![
            ("subject", subject),
            ("issuer", issuer),
            ("valid until", format!("{} ({days} days)", self.leaf.profile.not_after)),
            ("names", self.leaf.purposes.alternative_names.join(", ")),
            ("key (SHA-256)", self.leaf.profile.key.to_string()),
            ("issuers behind it", self.issuers.len().to_string()),
        ]
    }

    /// The first certificate as JSON.
    pub fn as_json(&self, now: Timestamp) -> Value {
        let Description { fingerprint, names } = Description::from_der(&self.leaf.der);
        let profile = &self.leaf.profile;
        json!({
            "subject": names.as_ref().map(|names| &names.subject),
            "issuer": names.as_ref().map(|names| &names.issuer),
            "serial": names.as_ref().map(|names| &names.serial),
            "fingerprint": fingerprint.to_string(),
            "notBefore": profile.not_before.to_string(),
            "notAfter": profile.not_after.to_string(),
            "daysLeft": days_left(profile, now),
            "alternativeNames": self.leaf.purposes.alternative_names,
            "keySha256": profile.key.to_string(),
            "issuers": self.issuers.len(),
        })
    }
}
