//! Private keys that sign messages.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};

use super::algorithms::SignatureMethod;

/// Smallest RSA key: a verifier refuses a smaller one.
const RSA_BYTES: usize = 2_048 / 8;

/// A private key: RSA of at least 2048 bits, or EC on P-256 or P-384.
pub struct SigningKey {
    key: Key,
    method: SignatureMethod,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// Reads a key: PKCS #8, PKCS #1 or SEC 1, DER. `None` if it is of another kind.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let rsa = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        if let Ok(rsa) = rsa {
            let is_long = rsa.public_modulus_len() >= RSA_BYTES;
            return is_long.then(|| Self { key: Key::Rsa(Box::new(rsa)), method: SignatureMethod::RsaSha256 });
        }
        let algorithms = [
            (&ECDSA_P256_SHA256_FIXED_SIGNING, SignatureMethod::EcdsaSha256),
            (&ECDSA_P384_SHA384_FIXED_SIGNING, SignatureMethod::EcdsaSha384),
        ];
        algorithms.into_iter().find_map(|(algorithm, method)| {
            let key = EcdsaKeyPair::from_pkcs8(algorithm, der)
                .or_else(|_| EcdsaKeyPair::from_private_key_der(algorithm, der))
                .ok()?;
            Some(Self { key: Key::Ecdsa(Box::new(key)), method })
        })
    }

    /// The algorithm with which it signs.
    #[must_use]
    pub fn method(&self) -> SignatureMethod {
        self.method
    }

    /// Whether its public key is that of a `SubjectPublicKeyInfo` (DER).
    #[must_use]
    pub fn belongs_to(&self, public_key_info: &[u8]) -> bool {
        // The library encodes RSA by PKCS #1 and EC as an uncompressed point: both end the structure.
        public_key_info.ends_with(match &self.key {
            Key::Rsa(key) => key.public_key().as_ref(),
            Key::Ecdsa(key) => key.public_key().as_ref(),
        })
    }

    /// Bytes of a signature.
    pub(super) fn value_bytes(&self) -> usize {
        match (&self.key, self.method) {
            (Key::Rsa(key), _) => key.public_modulus_len(),
            (Key::Ecdsa(_), SignatureMethod::EcdsaSha384) => 96,
            (Key::Ecdsa(_), _) => 64,
        }
    }

    /// Signs octets; `None` if the library cannot.
    pub(super) fn sign(&self, octets: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(key) => {
                let mut value = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut value).ok()?;
                Some(value)
            }
            Key::Ecdsa(key) => Some(key.sign(&SystemRandom::new(), octets).ok()?.as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("method", &self.method).finish_non_exhaustive()
    }
}
