//! Public keys that verify signatures.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};

use super::algorithms::SignatureMethod;
use super::problem::{Problem, SignatureError};

/// Bytes of one number of an ECDSA signature, on P-256 and on P-384.
const P256_BYTES: usize = 32;
const P384_BYTES: usize = 48;

/// A public key, parsed for one signature algorithm.
#[derive(Debug)]
pub struct VerificationKey {
    method: SignatureMethod,
    key: ParsedPublicKey,
    /// Bytes of one number of an ECDSA signature; `None`: RSA.
    number_bytes: Option<usize>,
}

impl VerificationKey {
    /// Parses a `SubjectPublicKeyInfo` (DER) for an algorithm.
    ///
    /// # Errors
    /// [`Problem`] if the key is not of this algorithm: RSA of 2048 to 8192 bits, or ECDSA on P-256
    /// or P-384.
    pub fn parse(method: SignatureMethod, spki: &[u8]) -> Result<Self, Box<Problem>> {
        let algorithms: &[(&'static dyn VerificationAlgorithm, Option<usize>)] = match method {
            SignatureMethod::RsaSha256 => &[(&RSA_PKCS1_2048_8192_SHA256, None)],
            SignatureMethod::RsaSha384 => &[(&RSA_PKCS1_2048_8192_SHA384, None)],
            SignatureMethod::RsaSha512 => &[(&RSA_PKCS1_2048_8192_SHA512, None)],
            SignatureMethod::RsaPssSha256 => &[(&RSA_PSS_2048_8192_SHA256, None)],
            SignatureMethod::RsaPssSha384 => &[(&RSA_PSS_2048_8192_SHA384, None)],
            SignatureMethod::RsaPssSha512 => &[(&RSA_PSS_2048_8192_SHA512, None)],
            SignatureMethod::EcdsaSha256 => {
                &[(&ECDSA_P256_SHA256_ASN1, Some(P256_BYTES)), (&ECDSA_P384_SHA256_ASN1, Some(P384_BYTES))]
            }
            SignatureMethod::EcdsaSha384 => {
                &[(&ECDSA_P256_SHA384_ASN1, Some(P256_BYTES)), (&ECDSA_P384_SHA384_ASN1, Some(P384_BYTES))]
            }
        };
        let parsed = algorithms.iter().find_map(|(algorithm, number_bytes)| {
            let key = ParsedPublicKey::new(*algorithm, spki).ok()?;
            Some(Self { method, key, number_bytes: *number_bytes })
        });
        parsed.ok_or_else(|| {
            let expected = match method {
                SignatureMethod::EcdsaSha256 | SignatureMethod::EcdsaSha384 => "an EC key on P-256 or P-384",
                SignatureMethod::RsaSha256
                | SignatureMethod::RsaSha384
                | SignatureMethod::RsaSha512
                | SignatureMethod::RsaPssSha256
                | SignatureMethod::RsaPssSha384
                | SignatureMethod::RsaPssSha512 => "an RSA key of 2048 to 8192 bits",
            };
            Box::new(Problem::new(SignatureError::KeyType, expected, "a certificate with another key"))
        })
    }

    /// The algorithm.
    #[must_use]
    pub fn method(&self) -> SignatureMethod {
        self.method
    }

    /// Verifies a signature of a digest.
    ///
    /// # Errors
    /// [`Problem`].
    pub(super) fn verify(&self, digest: &Digest, value: &[u8]) -> Result<(), Box<Problem>> {
        let encoded;
        let signature = match self.number_bytes {
            None => value,
            Some(bytes) => {
                let Some((r, s)) = value.split_at_checked(bytes).filter(|(_, s)| s.len() == bytes) else {
                    let expected = format!("r and s, {} bytes", bytes.saturating_mul(2));
                    let found = format!("{} bytes", value.len());
                    return Err(Box::new(Problem::new(SignatureError::SignatureValue, expected, found)));
                };
                encoded = encode_ecdsa(r, s);
                &encoded
            }
        };
        self.key.verify_digest_sig(digest, signature).map_err(|_| {
            let expected = "a signature of this SignedInfo by the key of the token";
            Box::new(Problem::new(SignatureError::SignatureValue, expected, "one that does not verify"))
        })
    }
}

/// Encodes an ECDSA signature in DER (RFC 3279, section 2.2.3). Two numbers of at most 48 bytes: every
/// length fits one byte.
pub(super) fn encode_ecdsa(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(P384_BYTES.saturating_mul(2).saturating_add(8));
    for number in [r, s] {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len().saturating_sub(1));
        let digits = number.get(start..).unwrap_or_default();
        let is_padded = digits.first().is_some_and(|first| first & 0x80 != 0);
        let length = digits.len().saturating_add(usize::from(is_padded));
        content.extend_from_slice(&[0x02, u8::try_from(length).unwrap_or(u8::MAX)]);
        content.extend(is_padded.then_some(0));
        content.extend_from_slice(digits);
    }
    let mut encoded = Vec::with_capacity(content.len().saturating_add(2));
    encoded.extend_from_slice(&[0x30, u8::try_from(content.len()).unwrap_or(u8::MAX)]);
    encoded.extend_from_slice(&content);
    encoded
}
