//! Signature algorithms that signers use, also those that the profile refuses.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};

use crate::signature::algorithms::SignatureMethod;
use crate::signature::block::SecurityBlock;
use crate::signature::key::encode_ecdsa;

/// Kind of a signature algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pkcs1,
    Pss,
    /// ECDSA with numbers of this length, in bytes.
    Ecdsa(usize),
}

/// A signature algorithm.
pub(super) struct Scheme {
    pub(super) name: &'static str,
    kind: Kind,
    /// Bytes of the hash.
    hash_bytes: usize,
    algorithm: &'static dyn VerificationAlgorithm,
}

const SCHEMES: [Scheme; 14] = [
    scheme("RSA PKCS #1 v1.5 with SHA-256", Kind::Pkcs1, 32, &RSA_PKCS1_2048_8192_SHA256),
    scheme("RSA PKCS #1 v1.5 with SHA-1", Kind::Pkcs1, 20, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
    scheme("RSA PKCS #1 v1.5 with SHA-384", Kind::Pkcs1, 48, &RSA_PKCS1_2048_8192_SHA384),
    scheme("RSA PKCS #1 v1.5 with SHA-512", Kind::Pkcs1, 64, &RSA_PKCS1_2048_8192_SHA512),
    scheme("RSA-PSS with SHA-256", Kind::Pss, 32, &RSA_PSS_2048_8192_SHA256),
    scheme("RSA-PSS with SHA-384", Kind::Pss, 48, &RSA_PSS_2048_8192_SHA384),
    scheme("RSA-PSS with SHA-512", Kind::Pss, 64, &RSA_PSS_2048_8192_SHA512),
    scheme("ECDSA with SHA-256", Kind::Ecdsa(32), 32, &ECDSA_P256_SHA256_ASN1),
    scheme("ECDSA with SHA-1", Kind::Ecdsa(32), 20, &ECDSA_P256_SHA1_ASN1),
    scheme("ECDSA with SHA-384", Kind::Ecdsa(32), 48, &ECDSA_P256_SHA384_ASN1),
    scheme("ECDSA with SHA-512", Kind::Ecdsa(32), 64, &ECDSA_P256_SHA512_ASN1),
    scheme("ECDSA with SHA-256", Kind::Ecdsa(48), 32, &ECDSA_P384_SHA256_ASN1),
    scheme("ECDSA with SHA-384", Kind::Ecdsa(48), 48, &ECDSA_P384_SHA384_ASN1),
    scheme("ECDSA with SHA-512", Kind::Ecdsa(48), 64, &ECDSA_P384_SHA512_ASN1),
];

const fn scheme(
    name: &'static str,
    kind: Kind,
    hash_bytes: usize,
    algorithm: &'static dyn VerificationAlgorithm,
) -> Scheme {
    Scheme { name, kind, hash_bytes, algorithm }
}

impl Scheme {
    /// Whether it pads as the method does.
    pub(super) fn has_padding_of(&self, method: SignatureMethod) -> bool {
        match method {
            SignatureMethod::RsaSha256 | SignatureMethod::RsaSha384 | SignatureMethod::RsaSha512 => {
                self.kind == Kind::Pkcs1
            }
            SignatureMethod::RsaPssSha256 | SignatureMethod::RsaPssSha384 | SignatureMethod::RsaPssSha512 => {
                self.kind == Kind::Pss
            }
            SignatureMethod::EcdsaSha256 | SignatureMethod::EcdsaSha384 => matches!(self.kind, Kind::Ecdsa(_)),
        }
    }

    /// Whether it hashes as the method does.
    pub(super) fn has_hash_of(&self, method: SignatureMethod) -> bool {
        self.hash_bytes == method.digest().algorithm().output_len()
    }
}

/// A signature that verifies.
pub(super) struct Fit {
    pub(super) scheme: &'static Scheme,
    /// The value is an ECDSA signature in DER.
    pub(super) is_der: bool,
}

/// A public key, parsed for each algorithm that fits it.
pub(super) struct TrialKey {
    schemes: Vec<(&'static Scheme, ParsedPublicKey)>,
}

impl TrialKey {
    /// Parses a `SubjectPublicKeyInfo` (DER). A key of another kind verifies nothing.
    pub(super) fn parse(spki: &[u8]) -> Self {
        static ALL: [Scheme; 14] = SCHEMES;
        let parse = |scheme: &'static Scheme| Some((scheme, ParsedPublicKey::new(scheme.algorithm, spki).ok()?));
        Self { schemes: ALL.iter().filter_map(parse).collect() }
    }

    /// The algorithm by which the value is a signature of the octets.
    pub(super) fn find(&self, octets: &[u8], value: &[u8]) -> Option<Fit> {
        self.schemes.iter().find_map(|(scheme, key)| fit(scheme, key, octets, value))
    }

    /// Whether the value is a signature of the octets by the algorithm of the block.
    pub(super) fn verifies(&self, block: &SecurityBlock, octets: &[u8], value: &[u8]) -> bool {
        let mut named = self
            .schemes
            .iter()
            .filter(|(scheme, _)| scheme.has_padding_of(block.method) && scheme.has_hash_of(block.method));
        named.any(|(scheme, key)| fit(scheme, key, octets, value).is_some())
    }
}

fn fit(scheme: &'static Scheme, key: &ParsedPublicKey, octets: &[u8], value: &[u8]) -> Option<Fit> {
    let verifies = |value: &[u8]| key.verify_sig(octets, value).is_ok();
    match scheme.kind {
        Kind::Pkcs1 | Kind::Pss => verifies(value).then_some(Fit { scheme, is_der: false }),
        Kind::Ecdsa(bytes) => {
            let numbers = value.split_at_checked(bytes).filter(|(_, s)| s.len() == bytes);
            if numbers.is_some_and(|(r, s)| verifies(&encode_ecdsa(r, s))) {
                return Some(Fit { scheme, is_der: false });
            }
            verifies(value).then_some(Fit { scheme, is_der: true })
        }
    }
}
