//! Parses certificates, revocation lists and private keys: PEM or DER.

use std::borrow::Cow;

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::content::{Content, ContentError};
use super::der;
use super::form::Form;

/// Header of a PEM block whose content is encrypted (RFC 1421, section 4.6.1.1).
const ENCRYPTED: &[u8] = b"Proc-Type: 4,ENCRYPTED";

/// Parses one certificate in DER, or all PEM blocks `CERTIFICATE`. Other PEM blocks are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no certificate.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, ContentError> {
    parse(&plain(bytes), Content::Certificates, CertificateDer::from)
}

/// Parses one certificate revocation list in DER, or all PEM blocks `X509 CRL`. Other PEM blocks
/// are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no revocation list.
pub fn parse_revocation_lists(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, ContentError> {
    parse(&plain(bytes), Content::RevocationLists, CertificateRevocationListDer::from)
}

/// Parses a private key in DER, or the first PEM block `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC
/// PRIVATE KEY`. Other PEM blocks are ignored.
///
/// # Errors
/// [`ContentError`] if the bytes have no private key.
pub fn parse_private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, ContentError> {
    let bytes = &*plain(bytes);
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

/// The bytes without the byte order mark of an editor. What has the mark of UTF-16 but is not
/// UTF-16 stays as it is: it is no PEM either.
fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    text_file::without_mark(bytes).unwrap_or(Cow::Borrowed(bytes))
}

fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn parse<T>(bytes: &[u8], expected: Content, from_der: fn(Vec<u8>) -> T) -> Result<Vec<T>, ContentError> {
    if bytes.trim_ascii().is_empty() {
        return Err(ContentError::Empty { expected });
    }
    if !is_pem(bytes) {
        return parse_der(bytes, expected).map(|der| vec![from_der(der)]);
    }
    // Its headers are no base64: the parser would call the block malformed.
    if expected == Content::PrivateKey && contains(bytes, ENCRYPTED) {
        return Err(unexpected(&[Form::EncryptedKey], expected));
    }
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        let (kind, der) = section.map_err(|error| ContentError::malformed(expected, &error))?;
        if is_expected(kind, expected) {
            found.push(from_der(der));
        }
    }
    if found.is_empty() { Err(unexpected(&forms_of_pem(bytes), expected)) } else { Ok(found) }
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
    match (der::form(bytes), expected) {
        (None, _) => Err(ContentError::Unknown { expected }),
        (Some(Form::Certificate), Content::Certificates)
        | (Some(Form::RevocationList), Content::RevocationLists)
        | (Some(Form::PrivateKey), Content::PrivateKey) => Ok(bytes.to_vec()),
        (Some(form), _) => Err(unexpected(&[form], expected)),
    }
}

fn unexpected(forms: &[Form], expected: Content) -> ContentError {
    let found = match forms {
        [] => "no complete PEM block".to_owned(),
        forms => forms.iter().map(Form::phrase).collect::<Vec<_>>().join(" and "),
    };
    let remedy = forms.iter().find_map(|form| form.remedy(expected));
    ContentError::Unexpected { found, expected, remedy }
}

/// Forms of the PEM blocks by their labels, each once, in the order of the file.
fn forms_of_pem(bytes: &[u8]) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let label = line.trim_ascii().strip_prefix(b"-----BEGIN ").and_then(|line| line.strip_suffix(b"-----"));
        let Some(label) = label.and_then(|label| std::str::from_utf8(label).ok()) else { continue };
        let form = Form::of_label(label);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}
