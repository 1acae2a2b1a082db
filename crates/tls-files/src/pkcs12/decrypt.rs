//! Decryption of the parts of a PKCS #12 file.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::derive::{Hash, Password, Purpose, derive, derive_pbkdf2, iterations};
use super::error::Pkcs12Error;
use super::reader::{OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};

/// Size of a block of 3DES and RC2, octets.
const LEGACY_BLOCK: usize = 8;

/// A cipher in CBC mode with the padding of PKCS #7.
#[derive(Clone, Copy)]
enum Cipher {
    Aes(&'static Algorithm, usize),
    /// Programs before 2020 write it, and Windows by default.
    TripleDes,
    /// Of 40 or 128 bits: older programs encrypt certificates with it.
    Rc2(usize),
}

impl Cipher {
    /// Length of the key, octets.
    fn key_length(self) -> usize {
        match self {
            Self::Aes(_, length) | Self::Rc2(length) => length,
            Self::TripleDes => 24,
        }
    }

    /// The cipher of PBES2 with this object identifier (RFC 8018, B.2).
    fn of_pbes2(oid: &[u8]) -> Option<Self> {
        match oid {
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x02" => Some(Self::Aes(&AES_128, 16)),
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x16" => Some(Self::Aes(&AES_192, 24)),
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a" => Some(Self::Aes(&AES_256, 32)),
            b"\x2a\x86\x48\x86\xf7\x0d\x03\x07" => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The cipher of PBES1 with this object identifier (RFC 7292, appendix C).
    fn of_pbes1(oid: &[u8]) -> Option<Self> {
        match oid {
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03" => Some(Self::TripleDes),
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x05" => Some(Self::Rc2(16)),
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06" => Some(Self::Rc2(5)),
            _ => None,
        }
    }

    /// Decrypts; an error means a wrong key, because the padding does not fit.
    fn decrypt(self, key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
        let mut bytes = Zeroizing::new(encrypted.to_vec());
        let length = match self {
            Self::Aes(algorithm, _) => decrypt_aes(algorithm, key, iv, &mut bytes),
            Self::TripleDes => decrypt_legacy::<des::TdesEde3>(key, iv, &mut bytes),
            Self::Rc2(_) => decrypt_legacy::<rc2::Rc2>(key, iv, &mut bytes),
        };
        bytes.truncate(length.ok_or(Pkcs12Error::Password)?);
        Ok(bytes)
    }
}

fn decrypt_aes(algorithm: &'static Algorithm, key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let iv = FixedLength::<16>::from(<[u8; 16]>::try_from(iv).ok()?);
    key.decrypt(bytes, DecryptionContext::Iv128(iv)).ok().map(|plain| plain.len())
}

fn decrypt_legacy<C>(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<usize>
where
    C: cbc::cipher::BlockCipherDecrypt,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    let decryptor = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    decryptor.decrypt_padded::<Pkcs7>(bytes).ok().map(<[u8]>::len)
}

/// Decrypts with the scheme of an `AlgorithmIdentifier`.
pub(super) fn decrypt(
    mut algorithm: Reader<'_>,
    encrypted: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
    let malformed = || Pkcs12Error::Malformed;
    let unknown = Pkcs12Error::Algorithm("an encryption other than AES, 3DES or RC2 in CBC mode");
    let oid = algorithm.read(OBJECT_IDENTIFIER).ok_or_else(malformed)?;
    let mut parameters = algorithm.enter(SEQUENCE).ok_or_else(malformed)?;
    if oid == PBES2 {
        let derivation = parameters.enter(SEQUENCE).ok_or_else(malformed)?;
        let mut scheme = parameters.enter(SEQUENCE).ok_or_else(malformed)?;
        let cipher = scheme.read(OBJECT_IDENTIFIER).and_then(Cipher::of_pbes2).ok_or(unknown)?;
        let iv = scheme.read(OCTET_STRING).ok_or_else(malformed)?;
        let key = derive_pbkdf2(derivation, cipher.key_length(), password)?;
        return cipher.decrypt(&key, iv, encrypted);
    }
    let cipher = Cipher::of_pbes1(oid).ok_or(unknown)?;
    let salt = parameters.read(OCTET_STRING).ok_or_else(malformed)?;
    let count = iterations(parameters.read_number().ok_or_else(malformed)?)?;
    let key = derive(Hash::SHA1, (Purpose::Encryption, cipher.key_length()), password, salt, count);
    let iv = derive(Hash::SHA1, (Purpose::Iv, LEGACY_BLOCK), password, salt, count);
    cipher.decrypt(&key, &iv, encrypted)
}
