//! Keys from passwords, and the code that shows that the password is right.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::{hmac, pbkdf2};
use zeroize::Zeroizing;

use super::error::Pkcs12Error;
use super::reader::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};

/// Maximum iterations of a key derivation: about a second. Programs write 2 048 to 600 000.
const MAX_ITERATIONS: u32 = 2_000_000;

/// Purpose of a key (RFC 7292, B.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Encryption = 1,
    Iv = 2,
    Mac = 3,
}

/// A password in both encodings.
pub(super) struct Password<'a> {
    /// UTF-8, for PBES2 (RFC 8018).
    pub text: &'a str,
    /// UTF-16, big-endian, with a zero at the end (RFC 7292, B.1).
    bmp: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub fn new(text: &'a str) -> Self {
        let bmp = text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
        Self { text, bmp: Zeroizing::new(bmp) }
    }

    /// A missing password, which some programs write in place of an empty one: without the zero.
    pub fn none() -> Self {
        Self { text: "", bmp: Zeroizing::default() }
    }
}

/// Digest of the key derivation of PKCS #12.
#[derive(Clone, Copy)]
pub(super) struct Hash {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    /// Block size, octets.
    block: usize,
}

impl Hash {
    pub const SHA1: Self =
        Self { digest: &digest::SHA1_FOR_LEGACY_USE_ONLY, hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, block: 64 };

    /// The digest with this object identifier.
    fn of(oid: &[u8]) -> Option<Self> {
        match oid {
            b"\x2b\x0e\x03\x02\x1a" => Some(Self::SHA1),
            b"\x60\x86\x48\x01\x65\x03\x04\x02\x01" => {
                Some(Self { digest: &digest::SHA256, hmac: hmac::HMAC_SHA256, block: 64 })
            }
            b"\x60\x86\x48\x01\x65\x03\x04\x02\x02" => {
                Some(Self { digest: &digest::SHA384, hmac: hmac::HMAC_SHA384, block: 128 })
            }
            b"\x60\x86\x48\x01\x65\x03\x04\x02\x03" => {
                Some(Self { digest: &digest::SHA512, hmac: hmac::HMAC_SHA512, block: 128 })
            }
            _ => None,
        }
    }
}

/// Checks the number of iterations.
pub(super) fn iterations(count: u32) -> Result<NonZeroU32, Pkcs12Error> {
    match NonZeroU32::new(count) {
        Some(count) if count.get() <= MAX_ITERATIONS => Ok(count),
        Some(_) => Err(Pkcs12Error::Iterations { maximum: MAX_ITERATIONS }),
        None => Err(Pkcs12Error::Malformed),
    }
}

/// Key derivation of PKCS #12 (RFC 7292, B.2).
pub(super) fn derive(
    hash: Hash,
    (purpose, length): (Purpose, usize),
    password: &Password<'_>,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Zeroizing<Vec<u8>> {
    let v = hash.block;
    let filled = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().copied().cycle().take(if bytes.is_empty() { 0 } else { bytes.len().div_ceil(v) * v }).collect()
    };
    let mut i = Zeroizing::new([filled(salt), filled(&password.bmp)].concat());
    let mut key = Zeroizing::new(Vec::new());
    while key.len() < length {
        let first = Zeroizing::new([&vec![purpose as u8; v], i.as_slice()].concat());
        let mut a = digest(hash.digest, &first);
        for _ in 1..iterations.get() {
            a = digest(hash.digest, a.as_ref());
        }
        key.extend_from_slice(a.as_ref());
        let b: Vec<u8> = a.as_ref().iter().copied().cycle().take(v).collect();
        for block in i.chunks_mut(v) {
            add_one_more(block, &b);
        }
    }
    key.truncate(length);
    key
}

/// `block + addend + 1`, modulo the size of the block.
fn add_one_more(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (octet, added) in block.iter_mut().zip(addend).rev() {
        let sum = u16::from(*octet) + u16::from(*added) + carry;
        [_, *octet] = sum.to_be_bytes();
        carry = sum >> 8;
    }
}

/// PBKDF2 (RFC 8018, A.2), from its `AlgorithmIdentifier`.
pub(super) fn derive_pbkdf2(
    mut algorithm: Reader<'_>,
    length: usize,
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
    let malformed = Pkcs12Error::Malformed;
    let oid = algorithm.read(OBJECT_IDENTIFIER).ok_or(malformed)?;
    if oid != PBKDF2 {
        return Err(Pkcs12Error::Algorithm("a key derivation other than PBKDF2"));
    }
    let mut parameters = algorithm.enter(SEQUENCE).ok_or(Pkcs12Error::Malformed)?;
    let salt = parameters.read(OCTET_STRING).ok_or(Pkcs12Error::Malformed)?;
    let count = parameters.read_number().ok_or(Pkcs12Error::Malformed)?;
    if parameters.has_next(INTEGER) {
        let named = parameters.read_number().and_then(|named| usize::try_from(named).ok());
        if named != Some(length) {
            return Err(Pkcs12Error::Malformed);
        }
    }
    let function = match parameters.enter(SEQUENCE).map(|mut prf| prf.read(OBJECT_IDENTIFIER)) {
        None | Some(Some(b"\x2a\x86\x48\x86\xf7\x0d\x02\x07")) => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(Some(b"\x2a\x86\x48\x86\xf7\x0d\x02\x09")) => pbkdf2::PBKDF2_HMAC_SHA256,
        Some(Some(b"\x2a\x86\x48\x86\xf7\x0d\x02\x0a")) => pbkdf2::PBKDF2_HMAC_SHA384,
        Some(Some(b"\x2a\x86\x48\x86\xf7\x0d\x02\x0b")) => pbkdf2::PBKDF2_HMAC_SHA512,
        Some(_) => return Err(Pkcs12Error::Algorithm("another function of PBKDF2 than HMAC with SHA-1 or SHA-2")),
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(function, iterations(count)?, salt, password.text.as_bytes(), &mut key);
    Ok(key)
}

/// Whether the code of `MacData` (RFC 7292, 4) is that of the content under the password.
pub(super) fn is_authentic(
    mut mac_data: Reader<'_>,
    content: &[u8],
    password: &Password<'_>,
) -> Result<bool, Pkcs12Error> {
    let malformed = || Pkcs12Error::Malformed;
    let mut info = mac_data.enter(SEQUENCE).ok_or_else(malformed)?;
    let mut algorithm = info.enter(SEQUENCE).ok_or_else(malformed)?;
    let code = info.read(OCTET_STRING).ok_or_else(malformed)?;
    let oid = algorithm.read(OBJECT_IDENTIFIER).ok_or_else(malformed)?;
    let hash = Hash::of(oid).ok_or(Pkcs12Error::Algorithm("an integrity code other than HMAC with SHA-1 or SHA-2"))?;
    let salt = mac_data.read(OCTET_STRING).ok_or_else(malformed)?;
    let count = if mac_data.is_at_end() { 1 } else { mac_data.read_number().ok_or_else(malformed)? };
    let length = hash.digest.output_len();
    let key = derive(hash, (Purpose::Mac, length), password, salt, iterations(count)?);
    Ok(hmac::verify(&hmac::Key::new(hash.hmac, &key), content, code).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carry_runs_through_the_block() {
        let mut block = [0x00, 0xff, 0xff];
        add_one_more(&mut block, &[0x00, 0x00, 0x00]);
        assert_eq!(block, [0x01, 0x00, 0x00]);
        let mut block = [0xff, 0xff];
        add_one_more(&mut block, &[0xff, 0xff]);
        assert_eq!(block, [0xff, 0xff], "modulo its size");
    }
}
