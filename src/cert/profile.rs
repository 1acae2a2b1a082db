//! What a certificate may be used for, and who signed it: what is judged before its name is believed.

use x509_parser::asn1_rs::Any;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::facts::CertificateError;
use super::serial::Serial;
use crate::model::Timestamp;

/// The uses and the lineage of one certificate (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The subject's name, DER.
    pub subject: Vec<u8>,
    /// The issuer's name, DER.
    pub issuer: Vec<u8>,
    /// The content of the public key's `AlgorithmIdentifier`, DER.
    pub key_algorithm: Vec<u8>,
    /// The public key's bits.
    pub key_bits: Vec<u8>,
    /// The serial number.
    pub serial: Serial,
    /// The first moment at which the certificate is valid.
    pub not_before: Timestamp,
    /// The last second in which the certificate is valid.
    pub not_after: Timestamp,
    authority: bool,
    key_usage: Option<KeyUsage>,
    client_auth: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyUsage {
    digital_signature: bool,
    key_cert_sign: bool,
    crl_sign: bool,
}

/// Why a certificate cannot stand for a caller, although it is rightly signed (domain.md "Certificates").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnfitLeaf {
    /// It is an authority's.
    #[error("an authority's certificate cannot stand for a caller")]
    Authority,
    /// Its extended key usage does not name clientAuth (absent, or anyExtendedKeyUsage alone).
    #[error("the certificate is not meant for client authentication (extended key usage clientAuth)")]
    NoClientAuth,
    /// It has a key usage without digitalSignature.
    #[error("the certificate's key usage lacks digitalSignature")]
    NoDigitalSignature,
}

impl Profile {
    /// Reads a certificate. Neither its signature nor its validity is judged.
    ///
    /// # Errors
    /// [`CertificateError`] if the bytes are no certificate, or an extension that is read here stands twice or is none.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |_| CertificateError::Malformed;
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() || has_unreadable_extension(&certificate) {
            return Err(CertificateError::Malformed);
        }
        let constraints = certificate.basic_constraints().map_err(malformed)?;
        let key_usage = certificate.key_usage().map_err(malformed)?;
        let extended = certificate.extended_key_usage().map_err(malformed)?;
        let seconds = |time: i64| Timestamp::from_millis(time.saturating_mul(1_000));
        Ok(Self {
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            key_algorithm: read_key_algorithm(certificate.public_key().raw).ok_or(CertificateError::Malformed)?,
            key_bits: certificate.public_key().subject_public_key.data.to_vec(),
            serial: Serial::from_der(certificate.raw_serial()).ok_or(CertificateError::Malformed)?,
            not_before: seconds(certificate.validity().not_before.timestamp()),
            not_after: seconds(certificate.validity().not_after.timestamp()),
            authority: constraints.is_some_and(|extension| extension.value.ca),
            key_usage: key_usage.map(|extension| KeyUsage {
                digital_signature: extension.value.digital_signature(),
                key_cert_sign: extension.value.key_cert_sign(),
                crl_sign: extension.value.crl_sign(),
            }),
            client_auth: extended.is_some_and(|extension| extension.value.client_auth),
        })
    }

    /// Whether the certificate may stand for a caller.
    ///
    /// # Errors
    /// [`UnfitLeaf`] names what is missing.
    pub fn check_leaf(&self) -> Result<(), UnfitLeaf> {
        if self.authority {
            return Err(UnfitLeaf::Authority);
        }
        if !self.client_auth {
            return Err(UnfitLeaf::NoClientAuth);
        }
        if self.key_usage.is_some_and(|usage| !usage.digital_signature) {
            return Err(UnfitLeaf::NoDigitalSignature);
        }
        Ok(())
    }

    /// Whether the certificate may sign certificates: an authority whose key usage, if it has one, says so.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.authority && self.key_usage.is_none_or(|usage| usage.key_cert_sign)
    }

    /// Whether the certificate may sign revocation lists: its key usage, if it has one, says so.
    #[must_use]
    pub fn signs_lists(&self) -> bool {
        self.authority && self.key_usage.is_none_or(|usage| usage.crl_sign)
    }

    /// Whether subject and issuer are the same name: a root's mark, not a proof.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// The content of the `AlgorithmIdentifier` that a `SubjectPublicKeyInfo` begins with.
fn read_key_algorithm(public_key: &[u8]) -> Option<Vec<u8>> {
    let (_, outer) = Any::from_der(public_key).ok()?;
    let (_, algorithm) = Any::from_der(outer.data).ok()?;
    Some(algorithm.data.to_vec())
}

/// Whether an extension could not be parsed: what it would have said is not known.
fn has_unreadable_extension(certificate: &X509Certificate<'_>) -> bool {
    certificate
        .extensions()
        .iter()
        .any(|extension| matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. }))
}
