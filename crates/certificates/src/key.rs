//! Kinds of public keys, and which of them a client may have.

use std::fmt;
use std::ops::RangeInclusive;

use super::der::{INTEGER, Reader, SEQUENCE};

/// With the curve as parameters.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
/// With NULL as parameters.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A longer key makes a signature cost more than a connection should; the TLS library has the same
/// limit.
const RSA_BITS: RangeInclusive<usize> = 2_048..=8_192;

/// Kind of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with the size of its modulus in bits.
    Rsa(usize),
    /// EC on P-256.
    P256,
    /// EC on P-384.
    P384,
    /// EC on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// Another kind, or a malformed key.
    Other,
}

impl KeyKind {
    /// Kind of the key with this content of its `AlgorithmIdentifier` and these bits.
    pub(super) fn read(algorithm: &[u8], bits: &[u8]) -> Self {
        match algorithm {
            RSA => count_modulus_bits(bits).map_or(Self::Other, Self::Rsa),
            P256 => Self::P256,
            P384 => Self::P384,
            P521 => Self::P521,
            ED25519 => Self::Ed25519,
            _ => Self::Other,
        }
    }

    /// Whether a client may have this key. No signature in the path depends on it, so webpki does not
    /// check it.
    pub(super) fn is_accepted(self) -> bool {
        match self {
            Self::Rsa(bits) => RSA_BITS.contains(&bits),
            Self::P256 | Self::P384 | Self::P521 | Self::Ed25519 => true,
            Self::Other => false,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("EC P-256"),
            Self::P384 => f.write_str("EC P-384"),
            Self::P521 => f.write_str("EC P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other => f.write_str("another kind"),
        }
    }
}

/// Size of an RSA key in bits: that of the first integer of `RSAPublicKey` (RFC 8017, A.1.1).
fn count_modulus_bits(key: &[u8]) -> Option<usize> {
    let modulus = Reader::new(key).enter(SEQUENCE)?.read(INTEGER)?;
    let zeros = modulus.iter().take_while(|octet| **octet == 0).count();
    let significant = modulus.get(zeros..)?;
    let unused = usize::try_from(significant.first()?.leading_zeros()).ok()?;
    significant.len().checked_mul(8)?.checked_sub(unused)
}
