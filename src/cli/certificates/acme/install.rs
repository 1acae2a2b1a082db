//! Verifies a new certificate, and puts it in place.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tls_files::{provider, root_store, write_pem};

use super::files;
use super::plan::{Plan, missing_names};
use crate::app::SystemClock;
use crate::cli::certificates::failure::Failure;
use crate::cli::certificates::fitness::{Inspected, Validity, unfit_for};
use crate::cli::certificates::purpose::Purpose;
use crate::cli::certificates::replaced::previous;
use crate::cli::exit::Exit;
use crate::config::AcmeSettings;
use certificates::Profile;
use ehealth_core::model::{Clock, Digest, Timestamp};

/// A certificate that was put in place.
pub(super) struct Installed {
    /// When it was verified.
    pub at: Timestamp,
    pub certificate: Inspected,
    /// Copy of the previous file.
    pub previous: Option<PathBuf>,
}

/// Verifies the chain; if it is fit, keeps the previous certificate and replaces it.
pub(super) fn install(
    plan: &Plan,
    acme: &AcmeSettings,
    chain: &[CertificateDer<'_>],
    key: Digest,
) -> Result<Installed, Failure> {
    let refused = |reasons: String| {
        let message = format!("the new certificate is not fit, and was not installed: {reasons}; ask the CA");
        (Exit::CertificateRefused, message)
    };
    let leaf = chain.first().ok_or_else(|| refused("the answer has no certificate".to_owned()))?;
    let certificate = Inspected::from_der(leaf).map_err(|error| refused(error.to_string()))?;
    // Later than the plan: an order takes time, and CAs let a certificate begin when they make it.
    let at = SystemClock.now();
    let reasons = unfit(&certificate, chain, at, acme, key);
    if !reasons.is_empty() {
        return Err(refused(reasons.join("; ")));
    }
    files::replace_certificate(&plan.certificate, &write_pem(chain))?;
    let previous = plan.current.as_ref().map(|_| previous(&plan.certificate));
    Ok(Installed { at, certificate, previous })
}

/// Why the certificate is not fit; empty if it is.
fn unfit(
    certificate: &Inspected,
    chain: &[CertificateDer<'_>],
    at: Timestamp,
    acme: &AcmeSettings,
    key: Digest,
) -> Vec<String> {
    let mut reasons = unfit_for(Purpose::Server, certificate);
    let validity = Validity::of(&certificate.profile, at);
    if validity != Validity::Valid {
        reasons.push(format!("the certificate is {}; check the clock of this machine", validity.word()));
    }
    if certificate.profile.key != key {
        reasons.push("the certificate belongs to another key".to_owned());
    }
    let missing = missing_names(certificate, &acme.names);
    if !missing.is_empty() {
        reasons.push(format!("the certificate lacks {}", missing.join(", ")));
    }
    let profiles: Option<Vec<_>> = chain.iter().map(|one| Profile::from_der(one).ok()).collect();
    let is_chain = profiles.is_some_and(|profiles| {
        profiles.windows(2).all(|pair| match pair {
            [one, issuer] => one.issuer == issuer.subject && issuer.signs_certificates(),
            _ => false,
        })
    });
    if !is_chain {
        reasons.push("the certificates behind it are not its issuers".to_owned());
    }
    if reasons.is_empty()
        && let Err(error) = verify_signatures(chain, acme, at)
    {
        reasons.push(format!("the certificates behind it did not sign it: {error}"));
    }
    reasons
}

/// Verifies the path as a caller does who trusts the last certificate of the chain (RFC 5280, 6.1). A certificate without
/// issuers is what the CA wanted: there is nothing to verify it with.
fn verify_signatures(chain: &[CertificateDer<'_>], acme: &AcmeSettings, at: Timestamp) -> Result<(), String> {
    let [leaf, issuers @ ..] = chain else { return Ok(()) };
    let (Some(anchor), Some(name)) = (issuers.last(), acme.names.first()) else { return Ok(()) };
    let anchors = root_store(vec![anchor.clone().into_owned()]).map_err(|error| error.to_string())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), provider()).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    let name = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
    let at = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default()));
    verifier.verify_server_cert(leaf, issuers, &name, &[], at).map(|_| ()).map_err(|error| error.to_string())
}
