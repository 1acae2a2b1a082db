//! The service's own certificate, as callers see it.

use hyper::Uri;
use rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

/// Whether a certificate is valid for the host of this URL: callers of the URL refuse any other.
#[must_use]
pub fn is_valid_for(certificate: &CertificateDer<'_>, url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
    let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']'));
    let certificate = EndEntityCert::try_from(certificate);
    let (Ok(name), Ok(certificate)) = (name, certificate) else { return false };
    certificate.verify_is_valid_for_subject_name(&name).is_ok()
}
