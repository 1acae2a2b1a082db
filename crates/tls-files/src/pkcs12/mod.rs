//! Reads PKCS #12 files (RFC 7292): a private key and its certificates behind a password.
//!
//! Supported are the forms that programs write: PBES2 with PBKDF2 and AES, and the older PBES1 with
//! 3DES or RC2; integrity by HMAC under the password. The file comes from the user, but all of it is
//! checked: sizes, iterations, and that the key belongs to a certificate.

mod decrypt;
mod derive;
mod error;
mod reader;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use self::decrypt::decrypt;
use self::derive::{Password, is_authentic};
pub use self::error::Pkcs12Error;
use self::reader::{EXPLICIT_0, IMPLICIT_0, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};
use super::client::Identity;

/// Maximum size of a file, 1 MiB: more than any chain of certificates.
pub(super) const MAX_BYTES: usize = 1 << 20;

const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01";
const SHROUDED_KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
const CERTIFICATE_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
const X509_CERTIFICATE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";

/// Parts of an opened file.
#[derive(Default)]
struct Bags {
    /// PKCS #8.
    keys: Vec<Zeroizing<Vec<u8>>>,
    certificates: Vec<CertificateDer<'static>>,
}

/// Reads the private key of a file, and its certificate followed by its issuers.
///
/// # Errors
/// [`Pkcs12Error`].
pub fn parse_pkcs12(bytes: &[u8], password: &str) -> Result<Identity, Pkcs12Error> {
    let Bags { keys, certificates } = open(bytes, password)?;
    let [key] = keys.as_slice() else {
        return Err(if keys.is_empty() { Pkcs12Error::NoKey } else { Pkcs12Error::SeveralKeys(keys.len()) });
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
    let signing = any_supported_type(&key).map_err(|_| Pkcs12Error::Algorithm("a private key of another kind"))?;
    let belongs = |certificate: &&CertificateDer<'static>| {
        CertifiedKey::new(vec![(**certificate).clone()], signing.clone()).keys_match().is_ok()
    };
    let leaf = certificates.iter().find(belongs).ok_or(Pkcs12Error::NoCertificate)?;
    Ok(Identity { chain: chain_of(leaf, &certificates), key })
}

/// Reads the certificates of a file; at least one. The certificate of its private key, if there is
/// one, comes first.
///
/// # Errors
/// [`Pkcs12Error`]; a missing key is no error.
pub fn parse_pkcs12_certificates(bytes: &[u8], password: &str) -> Result<Vec<CertificateDer<'static>>, Pkcs12Error> {
    match parse_pkcs12(bytes, password) {
        Ok(Identity { chain, .. }) => Ok(chain),
        Err(Pkcs12Error::NoKey) => {
            let certificates = open(bytes, password)?.certificates;
            if certificates.is_empty() { Err(Pkcs12Error::NoCertificate) } else { Ok(certificates) }
        }
        Err(error) => Err(error),
    }
}

fn open(bytes: &[u8], password: &str) -> Result<Bags, Pkcs12Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Pkcs12Error::Size);
    }
    match open_with(bytes, &Password::new(password)) {
        Err(Pkcs12Error::Password) if password.is_empty() => open_with(bytes, &Password::none()),
        opened => opened,
    }
}

fn open_with(bytes: &[u8], password: &Password<'_>) -> Result<Bags, Pkcs12Error> {
    let malformed = || Pkcs12Error::Malformed;
    let mut file = Reader::new(bytes);
    let mut outer = file.enter(SEQUENCE).filter(|_| file.is_at_end()).ok_or_else(malformed)?;
    if outer.read_number() != Some(3) {
        return Err(Pkcs12Error::Malformed);
    }
    let content = outer.enter(SEQUENCE).and_then(read_data).ok_or_else(malformed)?;
    let has_code = !outer.is_at_end();
    if has_code {
        let code = outer.enter(SEQUENCE).ok_or_else(malformed)?;
        if !is_authentic(code, content, password)? {
            return Err(Pkcs12Error::Password);
        }
    }
    let mut parts = Reader::new(content).enter(SEQUENCE).ok_or_else(malformed)?;
    let mut bags = Bags::default();
    while !parts.is_at_end() {
        let mut part = parts.enter(SEQUENCE).ok_or_else(malformed)?;
        let mut ahead = part;
        if ahead.read(OBJECT_IDENTIFIER) == Some(ENCRYPTED_DATA) {
            part = ahead;
            let plain = decrypt_data(part, password)?;
            // A wrong password can give a valid padding by chance; then this is no SEQUENCE.
            let error = if has_code { Pkcs12Error::Malformed } else { Pkcs12Error::Password };
            read_bags(&plain, password, &mut bags).ok_or(error)??;
        } else {
            let plain = read_data(part).ok_or_else(malformed)?;
            read_bags(plain, password, &mut bags).ok_or_else(malformed)??;
        }
    }
    Ok(bags)
}

/// Reads a `ContentInfo` of the type `data`.
fn read_data(mut info: Reader<'_>) -> Option<&[u8]> {
    if info.read(OBJECT_IDENTIFIER)? != DATA {
        return None;
    }
    info.enter(EXPLICIT_0)?.read(OCTET_STRING)
}

/// Decrypts the content of a `ContentInfo` of the type `encryptedData`, behind its type.
fn decrypt_data(mut info: Reader<'_>, password: &Password<'_>) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    let read = info.enter(EXPLICIT_0).and_then(|mut content| {
        let mut data = content.enter(SEQUENCE)?;
        data.read_number()?;
        let mut encrypted = data.enter(SEQUENCE)?;
        encrypted.read(OBJECT_IDENTIFIER)?;
        Some((encrypted.enter(SEQUENCE)?, encrypted.read(IMPLICIT_0)?))
    });
    let (algorithm, encrypted) = read.ok_or(Pkcs12Error::Malformed)?;
    decrypt(algorithm, encrypted, password)
}

/// Reads `SafeContents`; `None` if it is malformed.
fn read_bags(plain: &[u8], password: &Password<'_>, bags: &mut Bags) -> Option<Result<(), Pkcs12Error>> {
    let mut contents = Reader::new(plain).enter(SEQUENCE)?;
    while !contents.is_at_end() {
        let mut bag = contents.enter(SEQUENCE)?;
        let kind = bag.read(OBJECT_IDENTIFIER)?;
        let mut value = bag.enter(EXPLICIT_0)?;
        match kind {
            KEY_BAG => bags.keys.push(Zeroizing::new(value.read_whole(SEQUENCE)?.to_vec())),
            SHROUDED_KEY_BAG => {
                let mut key = value.enter(SEQUENCE)?;
                let (algorithm, encrypted) = (key.enter(SEQUENCE)?, key.read(OCTET_STRING)?);
                match decrypt(algorithm, encrypted, password) {
                    Ok(plain) => bags.keys.push(plain),
                    Err(error) => return Some(Err(error)),
                }
            }
            CERTIFICATE_BAG => {
                let mut certificate = value.enter(SEQUENCE)?;
                if certificate.read(OBJECT_IDENTIFIER)? == X509_CERTIFICATE {
                    let der = certificate.enter(EXPLICIT_0)?.read(OCTET_STRING)?;
                    bags.certificates.push(der.to_vec().into());
                }
            }
            // Revocation lists and secrets are no part of an identity.
            _ => {}
        }
    }
    Some(Ok(()))
}

/// A certificate and its issuers, as far as the file has them, without a root.
fn chain_of(leaf: &CertificateDer<'static>, all: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![leaf.clone()];
    let mut last = leaf;
    while let Some(issuer) = names(last).map(|(issuer, _)| issuer) {
        let is_next = |other: &&CertificateDer<'static>| {
            names(other).is_some_and(|(of_other, subject)| subject == issuer && of_other != subject)
        };
        let Some(next) = all.iter().find(is_next).filter(|next| !chain.contains(next)) else { break };
        chain.push(next.clone());
        last = next;
    }
    chain
}

/// Issuer and subject of a certificate, DER.
fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut signed = Reader::new(certificate).enter(SEQUENCE)?.enter(SEQUENCE)?;
    if signed.has_next(EXPLICIT_0) {
        signed.read(EXPLICIT_0)?;
    }
    signed.read(reader::INTEGER)?;
    signed.read(SEQUENCE)?;
    let issuer = signed.read_whole(SEQUENCE)?;
    signed.read(SEQUENCE)?;
    Some((issuer, signed.read_whole(SEQUENCE)?))
}
