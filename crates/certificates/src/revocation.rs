//! Certificate revocation lists (RFC 5280, section 5), read once and kept as sorted serial numbers.
//!
//! A list is accepted whole or not at all. A list that covers only a part of its issuer's
//! certificates, names other issuers, or has an unknown critical extension cannot show that a
//! certificate is *not* revoked. The same holds for a list with a byte that is not understood: a
//! strict reader of our own skips nothing.

use super::der::{BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, TAGGED_0};
use super::serial::Serial;
use ehealth_core::model::Timestamp;

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
    /// No `nextUpdate`: it would never become stale.
    #[error("the list has no nextUpdate")]
    NoNextUpdate,
    /// A critical extension: partial, indirect and delta lists are not supported.
    #[error("the list has a critical extension; partial, indirect and delta lists are not supported")]
    CriticalExtension,
    /// The signature is not the issuer's.
    #[error("the list is not signed by its issuer")]
    Signature,
}

/// A signature and what it signs, to be verified.
#[derive(Debug, Clone, Copy)]
pub struct SignedBytes<'a> {
    /// Content of the outer `AlgorithmIdentifier`, DER.
    pub algorithm: &'a [u8],
    /// Signed bytes.
    pub message: &'a [u8],
    /// Bits of the signature.
    pub signature: &'a [u8],
}

/// Whether a list is current at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListAge {
    /// From `thisUpdate` to before `nextUpdate`.
    Current,
    /// From `nextUpdate` on.
    Stale,
    /// Before `thisUpdate`.
    FromTheFuture,
}

/// Reads the name of a list's issuer (DER), which must have signed it. Reads no further than the
/// name.
///
/// # Errors
/// [`ListError::Malformed`] if the bytes do not begin like a list.
pub fn read_issuer(der: &[u8]) -> Result<Vec<u8>, ListError> {
    let header = Reader::new(der).enter(SEQUENCE).and_then(|mut outer| read_header(outer.enter(SEQUENCE)?));
    header.map(|header| header.issuer.to_vec()).ok_or(ListError::Malformed)
}

/// Reads the signature of a certificate or of a list, and what it signs; `None` if the bytes are
/// neither.
#[must_use]
pub fn read_signed(der: &[u8]) -> Option<SignedBytes<'_>> {
    read_envelope(der).map(|(_, signed)| signed)
}

impl RevocationList {
    /// Reads a list and verifies its signature with `verify`.
    ///
    /// # Errors
    /// [`ListError`] says why it cannot be used.
    pub fn from_der(der: &[u8], verify: impl Fn(SignedBytes<'_>) -> bool) -> Result<Self, ListError> {
        let (list, signed) = read_envelope(der).ok_or(ListError::Malformed)?;
        if !verify(signed) {
            return Err(ListError::Signature);
        }
        let header = read_header(list).ok_or(ListError::Malformed)?;
        // Version 1 is not written, and has no extensions, so it cannot be partial; 1 means
        // version 2. The signed part names the same algorithm (RFC 5280, 5.1.1.2).
        if !matches!(header.version, None | Some([1])) || header.algorithm != signed.algorithm {
            return Err(ListError::Malformed);
        }
        let next_update = header.next_update.ok_or(ListError::NoNextUpdate)?;
        let mut rest = header.rest;
        let mut revoked = Vec::new();
        let mut limits = false;
        if rest.has_next(SEQUENCE) {
            let mut entries = rest.enter(SEQUENCE).ok_or(ListError::Malformed)?;
            while !entries.is_at_end() {
                let entry = entries.enter(SEQUENCE).and_then(read_entry).ok_or(ListError::Malformed)?;
                revoked.push(entry.serial);
                limits |= entry.limits;
            }
        }
        if !rest.is_at_end() {
            let extensions = rest.enter(TAGGED_0).filter(|_| rest.is_at_end());
            limits |= extensions.and_then(read_extensions).ok_or(ListError::Malformed)?;
        }
        if limits {
            return Err(ListError::CriticalExtension);
        }
        revoked.sort_unstable();
        revoked.shrink_to_fit();
        Ok(Self { this_update: header.this_update, next_update, revoked })
    }

    /// Whether the certificate with this serial number is revoked.
    #[must_use]
    pub fn is_revoked(&self, serial: Serial) -> bool {
        self.revoked.binary_search(&serial).is_ok()
    }

    /// Whether the list is current at `now`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> ListAge {
        if now < self.this_update {
            ListAge::FromTheFuture
        } else if now >= self.next_update {
            ListAge::Stale
        } else {
            ListAge::Current
        }
    }

    /// First moment at which the list is current.
    #[must_use]
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// First moment at which the list is stale.
    #[must_use]
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// Number of revoked certificates.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.revoked.len()
    }
}

struct Header<'a> {
    version: Option<&'a [u8]>,
    algorithm: &'a [u8],
    /// Whole element, with tag and length.
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    /// Entries and extensions.
    rest: Reader<'a>,
}

struct Entry {
    serial: Serial,
    /// Whether an extension limits what the list covers.
    limits: bool,
}

/// Reads `CertificateList`, or `Certificate`, which has the same form: the content of its signed
/// part, and the signature.
fn read_envelope(der: &[u8]) -> Option<(Reader<'_>, SignedBytes<'_>)> {
    let mut file = Reader::new(der);
    let mut outer = file.enter(SEQUENCE)?;
    let (message, list) = outer.read_whole(SEQUENCE)?;
    let signed = SignedBytes { algorithm: outer.read(SEQUENCE)?, message, signature: outer.read_bits()? };
    (outer.is_at_end() && file.is_at_end()).then_some((Reader::new(list), signed))
}

/// Reads `TBSCertList` up to the entries.
fn read_header(mut list: Reader<'_>) -> Option<Header<'_>> {
    let version = if list.has_next(INTEGER) { Some(list.read(INTEGER)?) } else { None };
    let algorithm = list.read(SEQUENCE)?;
    let (issuer, _) = list.read_whole(SEQUENCE)?;
    let this_update = list.read_time()?;
    let next_update = if list.has_time() { Some(list.read_time()?) } else { None };
    Some(Header { version, algorithm, issuer, this_update, next_update, rest: list })
}

fn read_entry(mut entry: Reader<'_>) -> Option<Entry> {
    let serial = Serial::from_der(entry.read(INTEGER)?)?;
    entry.read_time()?;
    let limits = !entry.is_at_end() && read_extensions(entry)?;
    Some(Entry { serial, limits })
}

/// Reads `Extensions`; returns whether one is critical, or limits the list to a part of its
/// issuer's certificates (RFC 5280 requires those to be critical; an authority may have omitted
/// that).
fn read_extensions(mut holder: Reader<'_>) -> Option<bool> {
    const PARTIAL: [&[u8]; 3] = [
        &[0x55, 0x1d, 0x1b], // deltaCRLIndicator
        &[0x55, 0x1d, 0x1c], // issuingDistributionPoint
        &[0x55, 0x1d, 0x1d], // certificateIssuer
    ];
    let mut limits = false;
    let mut extensions = holder.enter(SEQUENCE)?;
    while !extensions.is_at_end() {
        let mut extension = extensions.enter(SEQUENCE)?;
        let oid = extension.read(OBJECT_IDENTIFIER)?;
        // Every value but FALSE counts as TRUE, because not every authority encodes TRUE as DER
        // requires.
        let critical = extension.has_next(BOOLEAN) && extension.read(BOOLEAN)? != [0];
        extension.read(OCTET_STRING)?;
        limits |= critical || PARTIAL.contains(&oid);
        if !extension.is_at_end() {
            return None;
        }
    }
    holder.is_at_end().then_some(limits)
}
