//! Lists of revoked certificates (RFC 5280, section 5), read once and kept as a sorted set of serial numbers.
//!
//! A list is taken whole or not at all: one that is for a part of its issuer's certificates, names other issuers, or
//! has a critical extension that is not understood cannot say that a certificate is *not* revoked.

use x509_parser::asn1_rs::Any;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::serial::Serial;
use crate::model::Timestamp;

/// A revocation list whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    this_update: Timestamp,
    next_update: Timestamp,
    revoked: Vec<Serial>,
}

/// Why a revocation list cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ListError {
    /// Not a DER-encoded revocation list.
    #[error("not a DER-encoded certificate revocation list")]
    Malformed,
    /// No `nextUpdate`: it would never go stale.
    #[error("the list does not say when the next one is due (nextUpdate)")]
    NoNextUpdate,
    /// A critical extension: partial, indirect and delta lists are not understood.
    #[error("the list has a critical extension: partial, indirect and delta lists are not understood")]
    CriticalExtension,
    /// The signature is not the issuer's.
    #[error("the list is not signed by its issuer")]
    Signature,
}

/// What a signature is over, for whoever verifies it.
#[derive(Debug, Clone, Copy)]
pub struct SignedBytes<'a> {
    /// The content of the outer `AlgorithmIdentifier`, DER.
    pub algorithm: &'a [u8],
    /// The bytes that are signed.
    pub message: &'a [u8],
    /// The signature's bits.
    pub signature: &'a [u8],
}

/// Whether a list can be relied upon at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListAge {
    /// Between `thisUpdate` and `nextUpdate`.
    Current,
    /// After `nextUpdate`.
    Stale,
    /// Before `thisUpdate`.
    FromTheFuture,
}

/// The name of a list's issuer, DER: who must have signed it.
///
/// # Errors
/// [`ListError::Malformed`] if the bytes are no list.
pub fn read_issuer(der: &[u8]) -> Result<Vec<u8>, ListError> {
    let (_, list) = CertificateRevocationList::from_der(der).map_err(|_| ListError::Malformed)?;
    Ok(list.issuer().as_raw().to_vec())
}

impl RevocationList {
    /// Reads a list and has its signature verified.
    ///
    /// # Errors
    /// [`ListError`] names why it cannot be used.
    pub fn from_der(der: &[u8], verify: impl Fn(SignedBytes<'_>) -> bool) -> Result<Self, ListError> {
        let (rest, list) = CertificateRevocationList::from_der(der).map_err(|_| ListError::Malformed)?;
        if !rest.is_empty() {
            return Err(ListError::Malformed);
        }
        let signed = SignedBytes {
            algorithm: read_algorithm(der).ok_or(ListError::Malformed)?,
            message: list.tbs_cert_list.as_ref(),
            signature: &list.signature_value.data,
        };
        if !verify(signed) {
            return Err(ListError::Signature);
        }
        let next_update = list.next_update().ok_or(ListError::NoNextUpdate)?;
        let of_entries = list.iter_revoked_certificates().flat_map(|entry| entry.extensions());
        if list.extensions().iter().chain(of_entries).any(|extension| extension.critical) {
            return Err(ListError::CriticalExtension);
        }
        let serials = list.iter_revoked_certificates().map(|entry| Serial::from_der(entry.raw_serial()));
        let mut revoked: Vec<_> = serials.collect::<Option<_>>().ok_or(ListError::Malformed)?;
        revoked.sort_unstable();
        let seconds = |time: i64| Timestamp::from_millis(time.saturating_mul(1_000));
        Ok(Self {
            this_update: seconds(list.last_update().timestamp()),
            next_update: seconds(next_update.timestamp()),
            revoked,
        })
    }

    /// Whether the certificate with this serial number is revoked.
    #[must_use]
    pub fn is_revoked(&self, serial: Serial) -> bool {
        self.revoked.binary_search(&serial).is_ok()
    }

    /// Whether the list can be relied upon at the moment `now`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> ListAge {
        if now < self.this_update {
            ListAge::FromTheFuture
        } else if now > self.next_update {
            ListAge::Stale
        } else {
            ListAge::Current
        }
    }

    /// From when the list can be relied upon.
    #[must_use]
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// Until when the list can be relied upon.
    #[must_use]
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// How many certificates are revoked.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.revoked.len()
    }
}

/// The content of the signature's `AlgorithmIdentifier`: the second element of the outer sequence.
fn read_algorithm(der: &[u8]) -> Option<&[u8]> {
    let (_, outer) = Any::from_der(der).ok()?;
    let (after_list, _) = Any::from_der(outer.data).ok()?;
    let (_, algorithm) = Any::from_der(after_list).ok()?;
    Some(algorithm.data)
}
