//! Finds the authority that signed a certificate, for a pin.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;

use super::crl::is_signed;
use certificates::{Profile, read_signed};
use ehealth_core::model::Digest;

/// SHA-256 of the public key of the candidate that signed the certificate; `None` if none did. The
/// signature decides and not the name: several authorities may have the issuer's name.
#[must_use]
pub fn find_issuer_key<'a>(
    certificate: &CertificateDer<'_>,
    candidates: impl IntoIterator<Item = &'a CertificateDer<'a>>,
    algorithms: WebPkiSupportedAlgorithms,
) -> Option<Digest> {
    let profile = Profile::from_der(certificate).ok()?;
    let signed = read_signed(certificate)?;
    let authorities = candidates.into_iter().filter_map(|candidate| Profile::from_der(candidate).ok());
    let mut signers = authorities.filter(|authority| {
        authority.signs_certificates()
            && authority.subject == profile.issuer
            && is_signed(signed, authority, algorithms.all)
    });
    signers.next().map(|authority| authority.key)
}
