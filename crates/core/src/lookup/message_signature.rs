//! A verified message signature: the signer's own proof of what it asked.

use std::fmt;

use crate::model::{Digest, EnterpriseNumber};

/// A signature that was verified. The audit log keeps it, encrypted, so that the signer cannot deny
/// the message: SHA-256 names the message, the value signs it, and the certificate names the signer.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageSignature {
    /// SHA-256 of the message as received.
    pub message: Digest,
    /// Value of the signature: r and s for ECDSA.
    pub value: Box<[u8]>,
    /// The signer's certificate, DER.
    pub certificate: Box<[u8]>,
}

impl fmt::Debug for MessageSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageSignature").field("message", &self.message).finish_non_exhaustive()
    }
}

/// The TLS client that brought a message which another organisation signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relay {
    /// Organisation in its certificate.
    pub organisation: EnterpriseNumber,
    /// SHA-256 of its certificate (DER).
    pub fingerprint: Digest,
}
