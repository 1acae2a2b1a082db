//! Permitted uses and issuer of a certificate: what is checked before its name is trusted.

use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

use super::der::{Reader, SEQUENCE};
use super::facts::{CertificateError, sha256};
use super::key::KeyKind;
use super::serial::Serial;
use super::subject::describe;
use ehealth_core::model::{Digest, Timestamp};

/// Permitted uses and issuer of one certificate (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Subject name, DER.
    pub subject: Vec<u8>,
    /// Issuer name, DER.
    pub issuer: Vec<u8>,
    /// Content of the public key's `AlgorithmIdentifier`, DER.
    pub key_algorithm: Vec<u8>,
    /// Bits of the public key.
    pub key_bits: Vec<u8>,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`, DER).
    pub key: Digest,
    /// Serial number, by which revocation lists name the certificate.
    pub serial: Serial,
    /// First moment at which the certificate is valid.
    pub not_before: Timestamp,
    /// Last second in which the certificate is valid.
    pub not_after: Timestamp,
    authority: bool,
    path_length: Option<u32>,
    key_usage: Option<KeyUsage>,
    /// Whether the extended key usage names clientAuth; `None` if there is no such extension.
    client_auth: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyUsage {
    digital_signature: bool,
    key_cert_sign: bool,
    crl_sign: bool,
}

/// Why a correctly signed certificate may not be a client's
/// (docs/reference/domain.md "Certificates").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnfitLeaf {
    /// It is an authority's.
    #[error("the certificate is an authority's, not a client's")]
    Authority,
    /// Its extended key usage does not name clientAuth (absent, or anyExtendedKeyUsage alone).
    #[error("the certificate's extended key usage lacks clientAuth")]
    NoClientAuth,
    /// It has a key usage without digitalSignature.
    #[error("the certificate's key usage lacks digitalSignature")]
    NoDigitalSignature,
    /// Its key is neither P-256, P-384, P-521, Ed25519 nor RSA of 2048 to 8192 bits.
    #[error("the certificate's key is neither P-256, P-384, P-521, Ed25519 nor RSA of 2048 to 8192 bits")]
    Key,
}

impl Profile {
    /// Reads a certificate. Does not verify its signature or validity.
    ///
    /// # Errors
    /// [`CertificateError`] if the bytes are not a certificate, or an extension that is read here
    /// is repeated or malformed.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |_| CertificateError::Malformed;
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() || has_unreadable_constraints(&certificate) {
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
            key: sha256(certificate.public_key().raw),
            serial: Serial::from_der(certificate.raw_serial()).ok_or(CertificateError::Malformed)?,
            not_before: seconds(certificate.validity().not_before.timestamp()),
            not_after: seconds(certificate.validity().not_after.timestamp()),
            authority: constraints.as_ref().is_some_and(|extension| extension.value.ca),
            path_length: constraints.and_then(|extension| extension.value.path_len_constraint),
            key_usage: key_usage.map(|extension| KeyUsage {
                digital_signature: extension.value.digital_signature(),
                key_cert_sign: extension.value.key_cert_sign(),
                crl_sign: extension.value.crl_sign(),
            }),
            client_auth: extended.map(|extension| extension.value.client_auth),
        })
    }

    /// Checks whether the certificate may be a client's.
    ///
    /// # Errors
    /// [`UnfitLeaf`] says what is missing.
    pub fn check_leaf(&self) -> Result<(), UnfitLeaf> {
        if self.authority {
            return Err(UnfitLeaf::Authority);
        }
        if self.client_auth != Some(true) {
            return Err(UnfitLeaf::NoClientAuth);
        }
        if self.key_usage.is_some_and(|usage| !usage.digital_signature) {
            return Err(UnfitLeaf::NoDigitalSignature);
        }
        if !self.key_kind().is_accepted() {
            return Err(UnfitLeaf::Key);
        }
        Ok(())
    }

    /// Kind of the public key.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        KeyKind::read(&self.key_algorithm, &self.key_bits)
    }

    /// Whether the certificate is an authority's, by its basic constraints.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.authority
    }

    /// Whether the certificate may sign certificates: an authority whose key usage, if any, allows
    /// it.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.authority && self.key_usage.is_none_or(|usage| usage.key_cert_sign)
    }

    /// Whether the authority may issue client certificates: its extended key usage, if any, names
    /// clientAuth.
    #[must_use]
    pub fn vouches_for_clients(&self) -> bool {
        self.client_auth != Some(false)
    }

    /// Whether this many authorities may stand between the certificate and a client's (path length,
    /// RFC 5280, 4.2.1.9).
    #[must_use]
    pub fn allows_below(&self, authorities: usize) -> bool {
        self.path_length.is_none_or(|maximum| usize::try_from(maximum).is_ok_and(|maximum| authorities <= maximum))
    }

    /// Whether the certificate may sign revocation lists: its key usage, if any, allows it.
    #[must_use]
    pub fn signs_lists(&self) -> bool {
        self.authority && self.key_usage.is_none_or(|usage| usage.crl_sign)
    }

    /// Whether both certificates have the same subject name and key: what one signed, the other did
    /// too.
    #[must_use]
    pub fn has_name_and_key_of(&self, other: &Self) -> bool {
        self.subject == other.subject && self.key_algorithm == other.key_algorithm && self.key_bits == other.key_bits
    }

    /// Subject name as text (RFC 4514), with SSINs masked.
    #[must_use]
    pub fn subject_text(&self) -> String {
        // The name was parsed once already.
        X509Name::from_der(&self.subject).map_or_else(|_| String::new(), |(_, name)| describe(&name))
    }

    /// Whether subject and issuer have the same name: the mark of a root, not a proof.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// Content of the `AlgorithmIdentifier` at the beginning of a `SubjectPublicKeyInfo`.
fn read_key_algorithm(public_key: &[u8]) -> Option<Vec<u8>> {
    Reader::new(public_key).enter(SEQUENCE)?.read(SEQUENCE).map(<[u8]>::to_vec)
}

/// Whether the basic constraints cannot be parsed: the parser then reports them as absent. It
/// refuses malformed key usages itself. Other extensions have no effect here; webpki refuses
/// unknown critical ones.
fn has_unreadable_constraints(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().any(|extension| {
        extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS
            && matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
    })
}
