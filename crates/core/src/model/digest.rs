//! A SHA-256 value. This crate carries, compares and writes it; other crates compute it.

use std::fmt;

use super::digits::{hexadecimal, write_ascii};

/// A SHA-256 value (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 value has exactly 64 hexadecimal digits")]
pub struct DigestError;

impl Digest {
    /// Creates a digest from its bytes, already computed.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`DigestError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        if text.len() != 64 {
            return Err(DigestError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return Err(DigestError) };
            *byte = hex_value(high)? << 4 | hex_value(low)?;
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn hex_value(digit: u8) -> Result<u8, DigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(DigestError),
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [[0; 2]; 32];
        text.iter_mut().zip(self.0).for_each(|(digits, byte)| *digits = hexadecimal(byte));
        write_ascii(f, text.as_flattened())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_displays_and_capital_digits() {
        let digest = Digest::new(*b"0123456789:;<=>PQRSTUVWXYZ\xe0\xe1\xe2\xfd\xfe\xff");
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        assert_eq!(Digest::parse(&digest.to_string().to_uppercase()), Ok(digest));
        assert_eq!(Digest::parse("00"), Err(DigestError));
        assert_eq!(Digest::parse(&"g".repeat(64)), Err(DigestError));
        assert_eq!(Digest::parse(&"é".repeat(32)), Err(DigestError));
    }
}
