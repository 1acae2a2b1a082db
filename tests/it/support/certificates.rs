//! Certificates and revocation lists made by code, valid and invalid: everything that DER can express.
//!
//! A [`Certificate`] or [`List`] begins valid, a test changes the one thing that it is about, and a
//! [`Key`] signs it. Nothing is checked and nothing is forbidden: a name may hold a NUL, an extension
//! may occur twice, the two algorithms of a certificate may differ. The writer shares no code with the
//! readers that it tests.

#![allow(dead_code, reason = "each test binary compiles this file and uses a part of it")]

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

/// Object identifiers, as their content octets.
pub mod oid {
    pub const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    pub const COUNTRY: &[u8] = &[0x55, 4, 6];
    pub const ORGANISATION: &[u8] = &[0x55, 4, 10];
    pub const UNIT: &[u8] = &[0x55, 4, 11];
    pub const SERIAL_NUMBER: &[u8] = &[0x55, 4, 5];
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    pub const REASON: &[u8] = &[0x55, 0x1d, 21];
    pub const DELTA: &[u8] = &[0x55, 0x1d, 27];
    pub const DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
    pub const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
    pub const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    pub const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    pub const EMAIL: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
    pub const AUTHORITY_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    /// Example arc, assigned to no organisation (2.999.1).
    pub const UNKNOWN: &[u8] = &[0x88, 0x37, 1];
}

/// Tags of the strings that a name may hold.
pub mod string {
    pub const UTF8: u8 = 0x0c;
    pub const PRINTABLE: u8 = 0x13;
    pub const T61: u8 = 0x14;
    pub const IA5: u8 = 0x16;
    pub const UNIVERSAL: u8 = 0x1c;
    pub const BMP: u8 = 0x1e;
}

/// Bits of a key usage.
pub const DIGITAL_SIGNATURE: u32 = 0;
pub const KEY_ENCIPHERMENT: u32 = 2;
pub const KEY_CERT_SIGN: u32 = 5;
pub const CRL_SIGN: u32 = 6;

/// One element of DER.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    let mut der = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..0x80) => der.push(short),
        _ => {
            der.push(0x80 | u8::try_from(octets.len()).expect("a length has at most eight octets"));
            der.extend(octets);
        }
    }
    der.extend_from_slice(content);
    der
}

/// A SEQUENCE of what is given.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

fn bit_string(octets: &[u8]) -> Vec<u8> {
    element(3, &[&[0], octets].concat())
}

/// A time `YYYY-MM-DDThh:mm:ssZ` as RFC 5280 writes it: with two digits for the year up to 2049.
pub fn time(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|character| !"-:T".contains(*character)).collect();
    if ("1950".."2050").contains(&&digits[..4]) {
        element(0x17, &digits.as_bytes()[2..])
    } else {
        element(0x18, digits.as_bytes())
    }
}

/// One attribute of a name.
pub fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&element(6, oid), &element(tag, value)])
}

/// A name of relative names with one attribute each.
pub fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    let rdns: Vec<_> = attributes.iter().map(|attribute| element(0x31, attribute)).collect();
    element(0x30, &rdns.concat())
}

/// A name that is one relative name of several attributes.
pub fn multi_valued_name(attributes: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &element(0x31, &attributes.concat()))
}

/// A CN of an UTF8String.
pub fn cn(text: &str) -> Vec<u8> {
    attribute(oid::COMMON_NAME, string::UTF8, text.as_bytes())
}

/// An OU of an UTF8String.
pub fn ou(text: &str) -> Vec<u8> {
    attribute(oid::UNIT, string::UTF8, text.as_bytes())
}

/// An extension.
pub fn extension(oid: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&element(6, oid), critical, &element(4, value)])
}

/// An authority's basic constraints, perhaps with a path length.
pub fn authority_constraints(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map_or(Vec::new(), |length| element(2, &[length]));
    extension(oid::BASIC_CONSTRAINTS, true, &sequence(&[&[1, 1, 0xff], &length]))
}

/// A key usage of the given bits.
pub fn key_usage(bits: &[u32]) -> Vec<u8> {
    let octet = bits.iter().fold(0_u8, |octet, bit| octet | 0x80 >> bit);
    let unused = u8::try_from(octet.trailing_zeros().min(7)).expect("at most seven");
    extension(oid::KEY_USAGE, true, &element(3, &[unused, octet]))
}

/// An extended key usage of the given purposes.
pub fn extended_key_usage(purposes: &[&[u8]]) -> Vec<u8> {
    let purposes: Vec<_> = purposes.iter().map(|oid| element(6, oid)).collect();
    extension(oid::EXTENDED_KEY_USAGE, false, &element(0x30, &purposes.concat()))
}

/// Name constraints that permit one subtree: a `GeneralName`.
pub fn permitted(general_name: &[u8]) -> Vec<u8> {
    let subtree = sequence(&[general_name]);
    extension(oid::NAME_CONSTRAINTS, true, &sequence(&[&element(0xa0, &subtree)]))
}

/// An alternative name of one `dNSName`.
pub fn dns_name(name: &str) -> Vec<u8> {
    extension(oid::ALTERNATIVE_NAME, false, &sequence(&[&element(0x82, name.as_bytes())]))
}

/// A key pair.
pub struct Key {
    signer: Signer,
    /// The `SubjectPublicKeyInfo`.
    pub public: Vec<u8>,
    /// The `AlgorithmIdentifier` of its signatures.
    pub algorithm: Vec<u8>,
}

enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

impl Key {
    pub fn p256() -> Self {
        Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 2)
    }

    pub fn p384() -> Self {
        Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, &[0x2b, 0x81, 4, 0, 0x22], 3)
    }

    pub fn p521() -> Self {
        Self::ecdsa(&ECDSA_P521_SHA512_ASN1_SIGNING, &[0x2b, 0x81, 4, 0, 0x23], 4)
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, curve: &[u8], hash: u8) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).expect("a key can be made");
        let kind = sequence(&[&element(6, EC), &element(6, curve)]);
        let public = sequence(&[&kind, &bit_string(pair.public_key().as_ref())]);
        let oid = element(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, hash]);
        Self { signer: Signer::Ecdsa(pair), public, algorithm: sequence(&[&oid]) }
    }

    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key can be made");
        let kind = sequence(&[&element(6, &[0x2b, 0x65, 0x70])]);
        let public = sequence(&[&kind, &bit_string(pair.public_key().as_ref())]);
        Self { signer: Signer::Ed25519(pair), public, algorithm: kind }
    }

    /// Signs by PKCS #1 v1.5 and SHA-256.
    pub fn rsa(size: KeySize) -> Self {
        let pair = RsaKeyPair::generate(size).expect("a key can be made");
        let public = rsa_public_key(pair.public_key().as_ref());
        let oid = element(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
        Self { signer: Signer::Rsa(pair), public, algorithm: sequence(&[&oid, &[5, 0]]) }
    }

    /// The signature over a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.signer {
            Signer::Ecdsa(pair) => pair.sign(&random, message).expect("a message can be signed").as_ref().to_vec(),
            Signer::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Rsa(pair) => {
                let mut bits = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut bits).expect("a message can be signed");
                bits
            }
        }
    }

    /// A certificate or a list of whatever is signed, perhaps with a broken signature.
    pub fn envelop(&self, signed: &[u8], algorithm: &[u8], is_broken: bool) -> Vec<u8> {
        let mut bits = self.sign(signed);
        if is_broken && let Some(last) = bits.last_mut() {
            *last ^= 1;
        }
        sequence(&[signed, algorithm, &bit_string(&bits)])
    }
}

/// The `SubjectPublicKeyInfo` of an RSA key: of an `RSAPublicKey`.
fn rsa_public_key(key: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[&element(6, RSA), &[5, 0]]), &bit_string(key)])
}

/// The public half of an RSA key of this number of bits, without a private half.
pub fn rsa_public_key_of_bits(bits: usize) -> Vec<u8> {
    let modulus = [&[0, 0x80][..], &vec![0x11; bits / 8 - 1]].concat();
    rsa_public_key(&sequence(&[&element(2, &modulus), &element(2, &[1, 0, 1])]))
}

/// A public key on a curve that is not accepted (secp256k1).
pub fn foreign_curve_public_key() -> Vec<u8> {
    let kind = sequence(&[&element(6, EC), &element(6, &[0x2b, 0x81, 4, 0, 0x0a])]);
    sequence(&[&kind, &bit_string(&[&[4][..], &[7; 64]].concat())])
}

/// A certificate before it is signed.
#[derive(Clone)]
pub struct Certificate {
    pub version: Vec<u8>,
    /// The content octets.
    pub serial: Vec<u8>,
    pub issuer: Vec<u8>,
    pub subject: Vec<u8>,
    pub not_before: String,
    pub not_after: String,
    /// The `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
    /// The algorithm inside what is signed, if it is not the signer's.
    pub inner_algorithm: Option<Vec<u8>>,
    /// The algorithm beside the signature, if it is not the signer's.
    pub outer_algorithm: Option<Vec<u8>>,
    pub has_broken_signature: bool,
}

impl Certificate {
    /// A sound version 3 certificate without extensions.
    pub fn new(issuer: &[u8], subject: &[u8], public_key: &[u8]) -> Self {
        Self {
            version: element(0xa0, &element(2, &[2])),
            serial: fresh_serial(),
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            not_before: "2026-01-01T00:00:00Z".to_owned(),
            not_after: "2026-12-31T23:59:59Z".to_owned(),
            public_key: public_key.to_vec(),
            extensions: Vec::new(),
            inner_algorithm: None,
            outer_algorithm: None,
            has_broken_signature: false,
        }
    }

    /// Signs it, as it is.
    pub fn sign(&self, key: &Key) -> CertificateDer<'static> {
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            element(0xa3, &element(0x30, &self.extensions.concat()))
        };
        let signed = sequence(&[
            &self.version,
            &element(2, &self.serial),
            self.inner_algorithm.as_ref().unwrap_or(&key.algorithm),
            &self.issuer,
            &sequence(&[&time(&self.not_before), &time(&self.not_after)]),
            &self.subject,
            &self.public_key,
            &extensions,
        ]);
        let algorithm = self.outer_algorithm.as_ref().unwrap_or(&key.algorithm);
        CertificateDer::from(key.envelop(&signed, algorithm, self.has_broken_signature))
    }
}

/// A serial number that no other certificate of this process has.
fn fresh_serial() -> Vec<u8> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x1000_0000);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()
}

/// A revocation list before it is signed.
#[derive(Clone)]
pub struct List {
    pub version: Vec<u8>,
    pub issuer: Vec<u8>,
    pub this_update: String,
    pub next_update: Option<String>,
    /// Content octets of serial numbers.
    pub revoked: Vec<Vec<u8>>,
    /// Extensions of every entry.
    pub entry_extensions: Vec<Vec<u8>>,
    pub extensions: Vec<Vec<u8>>,
    pub inner_algorithm: Option<Vec<u8>>,
    pub has_broken_signature: bool,
    /// What stands behind the last element of what is signed.
    pub trailing: Vec<u8>,
}

impl List {
    /// A sound version 2 list without entries, of the day of which the tests are.
    pub fn new(issuer: &[u8]) -> Self {
        Self {
            version: element(2, &[1]),
            issuer: issuer.to_vec(),
            this_update: "2026-05-01T00:00:00Z".to_owned(),
            next_update: Some("2026-05-08T00:00:00Z".to_owned()),
            revoked: Vec::new(),
            entry_extensions: Vec::new(),
            extensions: vec![extension(oid::CRL_NUMBER, false, &element(2, &[1]))],
            inner_algorithm: None,
            has_broken_signature: false,
            trailing: Vec::new(),
        }
    }

    /// Revokes this number of certificates that do not exist, with random-looking serial numbers of 16 octets.
    pub fn revoke_strangers(&mut self, count: u64) {
        self.revoked.extend((0..count).map(|number| {
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 62;
            [mixed & !(1 << 63), number].iter().flat_map(|half| half.to_be_bytes()).collect()
        }));
    }

    /// Signs it, as it is.
    pub fn sign(&self, key: &Key) -> CertificateRevocationListDer<'static> {
        let date = time("2026-04-01T00:00:00Z");
        let extensions = |parts: &[Vec<u8>]| {
            if parts.is_empty() { Vec::new() } else { element(0x30, &parts.concat()) }
        };
        let of_entry = extensions(&self.entry_extensions);
        let entries: Vec<_> =
            self.revoked.iter().map(|serial| sequence(&[&element(2, serial), &date, &of_entry])).collect();
        let entries = if entries.is_empty() { Vec::new() } else { element(0x30, &entries.concat()) };
        let of_list = extensions(&self.extensions);
        let of_list = if of_list.is_empty() { of_list } else { element(0xa0, &of_list) };
        let signed = sequence(&[
            &self.version,
            self.inner_algorithm.as_ref().unwrap_or(&key.algorithm),
            &self.issuer,
            &time(&self.this_update),
            &self.next_update.as_deref().map_or(Vec::new(), time),
            &entries,
            &of_list,
            &self.trailing,
        ]);
        CertificateRevocationListDer::from(key.envelop(&signed, &key.algorithm, self.has_broken_signature))
    }
}

/// An authority: its name, its key and its certificate.
pub struct Authority {
    pub name: Vec<u8>,
    pub key: Key,
    pub certificate: CertificateDer<'static>,
    pub serial: Vec<u8>,
}

impl Authority {
    /// A sound root of this CN.
    pub fn root(common_name: &str) -> Self {
        Self::root_with(common_name, Key::p256(), |_| {})
    }

    /// A root that is changed before it signs itself.
    pub fn root_with(common_name: &str, key: Key, change: impl FnOnce(&mut Certificate)) -> Self {
        let name = name(&[attribute(oid::COUNTRY, string::PRINTABLE, b"BE"), cn(common_name)]);
        let mut certificate = authority_certificate(&name, &name, &key);
        change(&mut certificate);
        Self { serial: certificate.serial.clone(), certificate: certificate.sign(&key), name, key }
    }

    /// A sound authority that this one signed.
    pub fn issue_authority(&self, common_name: &str) -> Self {
        self.issue_authority_with(common_name, |_| {})
    }

    /// An authority that is changed before this one signs it.
    pub fn issue_authority_with(&self, common_name: &str, change: impl FnOnce(&mut Certificate)) -> Self {
        let name = name(&[attribute(oid::COUNTRY, string::PRINTABLE, b"BE"), cn(common_name)]);
        let key = Key::p256();
        let mut certificate = authority_certificate(&self.name, &name, &key);
        change(&mut certificate);
        Self { serial: certificate.serial.clone(), certificate: certificate.sign(&self.key), name, key }
    }

    /// Another certificate, by this authority, of the name and key of the other.
    pub fn cross_sign(&self, other: &Self, change: impl FnOnce(&mut Certificate)) -> CertificateDer<'static> {
        let mut certificate = authority_certificate(&self.name, &other.name, &other.key);
        change(&mut certificate);
        certificate.sign(&self.key)
    }

    /// A sound caller's certificate.
    pub fn issue_leaf(&self) -> CertificateDer<'static> {
        self.issue_leaf_with(|_| {})
    }

    /// A caller's certificate that is changed before it is signed.
    pub fn issue_leaf_with(&self, change: impl FnOnce(&mut Certificate)) -> CertificateDer<'static> {
        static KEY: OnceLock<Key> = OnceLock::new();
        let subject = name(&[attribute(oid::COUNTRY, string::PRINTABLE, b"BE"), cn("CBE=0202239951, APP")]);
        let mut certificate = Certificate::new(&self.name, &subject, &KEY.get_or_init(Key::p256).public);
        certificate.extensions = vec![key_usage(&[DIGITAL_SIGNATURE]), extended_key_usage(&[oid::CLIENT_AUTH])];
        change(&mut certificate);
        certificate.sign(&self.key)
    }

    /// A valid empty list.
    pub fn list(&self) -> CertificateRevocationListDer<'static> {
        self.list_with(|_| {})
    }

    /// A list that is changed before it is signed.
    pub fn list_with(&self, change: impl FnOnce(&mut List)) -> CertificateRevocationListDer<'static> {
        let mut list = List::new(&self.name);
        change(&mut list);
        list.sign(&self.key)
    }
}

fn authority_certificate(issuer: &[u8], subject: &[u8], key: &Key) -> Certificate {
    let mut certificate = Certificate::new(issuer, subject, &key.public);
    certificate.not_before = "2020-01-01T00:00:00Z".to_owned();
    certificate.not_after = "2039-12-31T23:59:59Z".to_owned();
    certificate.extensions = vec![authority_constraints(None), key_usage(&[KEY_CERT_SIGN, CRL_SIGN])];
    certificate
}
