//! Parses certificates, revocation lists and private keys: PEM or DER.

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::content::{Content, ContentError};
use super::der::{self, DerKind};

/// Parses one certificate in DER, or all PEM blocks `CERTIFICATE`. Other PEM blocks are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no certificate.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, ContentError> {
    parse(bytes, Content::Certificates, CertificateDer::from)
}

/// Parses one certificate revocation list in DER, or all PEM blocks `X509 CRL`. Other PEM blocks
/// are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no revocation list.
pub fn parse_revocation_lists(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, ContentError> {
    parse(bytes, Content::RevocationLists, CertificateRevocationListDer::from)
}

/// Parses a private key in DER, or the first PEM block `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC
/// PRIVATE KEY`. Other PEM blocks are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no private key.
pub fn parse_private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, ContentError> {
    let unknown = || ContentError::Unknown { expected: Content::PrivateKey };
    let keys = parse(bytes, Content::PrivateKey, |der| der)?;
    // Parsed again as PEM, because the label tells the kind of key. The bytes of DER tell it
    // themselves.
    if is_pem(bytes) {
        return PrivateKeyDer::from_pem_slice(bytes)
            .map_err(|error| ContentError::malformed(Content::PrivateKey, &error));
    }
    keys.into_iter().next().and_then(|der| PrivateKeyDer::try_from(der).ok()).ok_or_else(unknown)
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

fn parse<T>(bytes: &[u8], expected: Content, from_der: fn(Vec<u8>) -> T) -> Result<Vec<T>, ContentError> {
    if bytes.trim_ascii().is_empty() {
        return Err(ContentError::Empty { expected });
    }
    if !is_pem(bytes) {
        return parse_der(bytes, expected).map(|der| vec![from_der(der)]);
    }
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        let (kind, der) = section.map_err(|error| ContentError::malformed(expected, &error))?;
        if is_expected(kind, expected) {
            found.push(from_der(der));
        }
    }
    if found.is_empty() { Err(ContentError::Unexpected { found: describe_pem(bytes), expected }) } else { Ok(found) }
}

fn is_expected(kind: SectionKind, expected: Content) -> bool {
    match expected {
        Content::Certificates => kind == SectionKind::Certificate,
        Content::RevocationLists => kind == SectionKind::Crl,
        Content::PrivateKey => {
            matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey)
        }
    }
}

fn parse_der(bytes: &[u8], expected: Content) -> Result<Vec<u8>, ContentError> {
    let other = |found: &str| Err(ContentError::Unexpected { found: found.to_owned(), expected });
    match (der::kind(bytes), expected) {
        (None, _) => Err(ContentError::Unknown { expected }),
        (Some(DerKind::Certificate), Content::Certificates)
        | (Some(DerKind::RevocationList), Content::RevocationLists)
        | (Some(DerKind::PrivateKey), Content::PrivateKey) => Ok(bytes.to_vec()),
        (Some(DerKind::Certificate), Content::RevocationLists | Content::PrivateKey) => other("a certificate"),
        (Some(DerKind::RevocationList), Content::Certificates | Content::PrivateKey) => {
            other("a certificate revocation list")
        }
        (Some(DerKind::PrivateKey), Content::Certificates | Content::RevocationLists) => other("a private key"),
    }
}

/// Describes the PEM blocks by their labels, each once, in the order of the file.
fn describe_pem(bytes: &[u8]) -> String {
    let mut found: Vec<String> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let label = line.trim_ascii().strip_prefix(b"-----BEGIN ").and_then(|line| line.strip_suffix(b"-----"));
        let Some(label) = label.and_then(|label| std::str::from_utf8(label).ok()) else { continue };
        let phrase = match label {
            "CERTIFICATE" => "a certificate".to_owned(),
            "X509 CRL" => "a certificate revocation list".to_owned(),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => "a private key".to_owned(),
            "ENCRYPTED PRIVATE KEY" => "an encrypted private key".to_owned(),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key".to_owned(),
            "CERTIFICATE REQUEST" => "a certificate request".to_owned(),
            // The file may be anything: its text is quoted only as far as it looks like a label.
            label if label.len() <= 40 && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ') => {
                format!("a PEM block `{label}`")
            }
            _ => "a PEM block with an invalid label".to_owned(),
        };
        if !found.contains(&phrase) {
            found.push(phrase);
        }
    }
    match found.as_slice() {
        [] => "no complete PEM block".to_owned(),
        found => found.join(" and "),
    }
}
