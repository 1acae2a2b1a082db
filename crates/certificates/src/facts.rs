//! Facts of one certificate, read once per connection and kept as plain data.

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::identify::{IdentityError, identify, read_environment};
use super::subject::describe;
use ehealth_core::model::{Application, Digest, EnterpriseNumber, NamedEnvironment, Timestamp};

/// Facts that the service needs of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Organisation that the subject names, or why it identifies none
    /// (docs/reference/domain.md "Identifiers").
    pub organisation: Result<EnterpriseNumber, IdentityError>,
    /// Application that the subject names beside the organisation, if it names one.
    pub application: Option<Application>,
    /// Environment that the subject names.
    pub environment: NamedEnvironment,
    /// SHA-256 of the certificate (DER).
    pub fingerprint: Digest,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`, DER).
    pub key: Digest,
    /// The public key (`SubjectPublicKeyInfo`, DER), which verifies message signatures.
    pub public_key: Vec<u8>,
    /// Distinguished name of the subject (RFC 4514), with SSINs masked.
    pub subject: String,
    /// First moment at which the certificate is valid.
    pub not_before: Timestamp,
    /// Last second in which the certificate is valid.
    pub not_after: Timestamp,
}

/// The bytes are not a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a DER-encoded X.509 certificate (RFC 5280), or followed by other bytes.
    #[error("not a DER-encoded X.509 certificate")]
    Malformed,
}

impl Facts {
    /// Reads the facts of a certificate. Does not verify its signature or validity.
    ///
    /// # Errors
    /// [`CertificateError`] if the bytes are not a certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let seconds = |time: i64| Timestamp::from_millis(time.saturating_mul(1_000));
        let named = identify(certificate.subject());
        Ok(Self {
            organisation: named.map(|named| named.organisation),
            application: named.ok().and_then(|named| named.application),
            environment: read_environment(certificate.subject()),
            fingerprint: sha256(der),
            key: sha256(certificate.public_key().raw),
            public_key: certificate.public_key().raw.to_vec(),
            subject: describe(certificate.subject()),
            not_before: seconds(certificate.validity().not_before.timestamp()),
            not_after: seconds(certificate.validity().not_after.timestamp()),
        })
    }
}

/// Whether a certificate may be a server's: its extended key usage, if any, names serverAuth.
///
/// # Errors
/// [`CertificateError`] if the bytes are not a certificate.
pub fn may_be_server(der: &[u8]) -> Result<bool, CertificateError> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
    let extended = certificate.extended_key_usage().map_err(|_| CertificateError::Malformed)?;
    Ok(extended.is_none_or(|extension| extension.value.server_auth))
}

/// SHA-256 of the bytes.
#[must_use]
pub fn sha256(der: &[u8]) -> Digest {
    let digest = digest::digest(&digest::SHA256, der);
    // A SHA-256 value has 32 bytes, so all are copied.
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    Digest::new(bytes)
}
