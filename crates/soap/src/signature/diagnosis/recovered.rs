//! Recovers what an RSA key signed: the block that PKCS #1 v1.5 padded (RFC 8017, section 8.2.2).
//!
//! Shows whether the key is right without the octets that were signed. Works on public values only, so
//! that its time may depend on them.

use std::cmp::Ordering;

/// Longest public exponent, in bytes.
const EXPONENT_BYTES: usize = 4;

/// Longest modulus, in bytes.
const MODULUS_BYTES: usize = 1_024;

/// What the padding of a signature has.
pub(super) enum Recovered {
    /// PKCS #1 v1.5, with this content: a `DigestInfo`, or what a careless signer put in its place.
    Pkcs1(Vec<u8>),
    /// Perhaps PSS: it ends as PSS does.
    PerhapsPss,
    /// Neither: another key signed.
    Unknown,
}

/// Recovers the content of a signature; `None` if the key is no RSA key of a usual form.
pub(super) fn recover(spki: &[u8], value: &[u8]) -> Option<Recovered> {
    let (modulus, exponent) = read_key(spki)?;
    if exponent.len() > EXPONENT_BYTES || modulus.len() > MODULUS_BYTES || value.len() != modulus.len() {
        return None;
    }
    let modulus = Number::from_bytes(modulus);
    let base = Number::from_bytes(value);
    if base.compare(&modulus) != Ordering::Less {
        return Some(Recovered::Unknown);
    }
    let mut power = Number::from_bytes(&[1]).resized(modulus.0.len());
    let bits = exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    for bit in bits {
        power = power.multiply(&power, &modulus);
        if bit {
            power = power.multiply(&base, &modulus);
        }
    }
    let block = power.to_bytes(value.len());
    Some(match block.as_slice() {
        [0, 1, padded @ ..] => {
            let content = padded.iter().position(|byte| *byte != 0xff).and_then(|at| padded.get(at..));
            match content {
                Some([0, content @ ..]) => Recovered::Pkcs1(content.to_vec()),
                Some(_) | None => Recovered::Unknown,
            }
        }
        [.., 0xbc] => Recovered::PerhapsPss,
        _ => Recovered::Unknown,
    })
}

/// The hash in a `DigestInfo`; `None` for other content.
pub(super) fn hash_of(content: &[u8]) -> Option<&[u8]> {
    let inside = content.strip_prefix(&[0x30])?;
    [20_u8, 28, 32, 48, 64].into_iter().find_map(|length| {
        let start = inside.len().checked_sub(usize::from(length))?;
        let (head, hash) = inside.split_at_checked(start)?;
        head.ends_with(&[0x04, length]).then_some(hash)
    })
}

/// Modulus and exponent of a `SubjectPublicKeyInfo`.
fn read_key(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, _) = read(spki, 0x30)?;
    let (_, bits) = read(info, 0x30)?;
    let (bits, _) = read(bits, 0x03)?;
    let (key, _) = read(bits.strip_prefix(&[0])?, 0x30)?;
    let (modulus, rest) = read(key, 0x02)?;
    let (exponent, _) = read(rest, 0x02)?;
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

/// The content of a DER value with this tag, and what follows it.
fn read(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match length {
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        length => (usize::from(*length), rest),
    };
    rest.split_at_checked(length)
}

/// A number in digits of 32 bits, least significant first.
#[derive(Clone)]
struct Number(Vec<u32>);

impl Number {
    fn from_bytes(bytes: &[u8]) -> Self {
        let digit = |chunk: &[u8]| chunk.iter().rev().fold(0_u32, |digit, byte| digit << 8 | u32::from(*byte));
        let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
        Self(reversed.chunks(4).map(digit).collect())
    }

    fn to_bytes(&self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|digit| digit.to_le_bytes()).collect();
        bytes.resize(length, 0);
        bytes.reverse();
        bytes
    }

    fn resized(mut self, length: usize) -> Self {
        self.0.resize(length, 0);
        self
    }

    /// Compares numbers with the same count of digits.
    fn compare(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }

    /// The product, by doubling and adding. All numbers have the digits of the modulus.
    fn multiply(&self, other: &Self, modulus: &Self) -> Self {
        let mut product = Self(vec![0; modulus.0.len()]);
        let bits = self.0.iter().rev().flat_map(|digit| (0..32).rev().map(move |bit| digit >> bit & 1 == 1));
        for bit in bits {
            let doubled = product.clone();
            product.add(&doubled, modulus);
            if bit {
                product.add(other, modulus);
            }
        }
        product
    }

    /// Adds a number; both are below the modulus, and so is the result.
    fn add(&mut self, other: &Self, modulus: &Self) {
        let mut carry = 0_u64;
        for (digit, added) in self.0.iter_mut().zip(&other.0) {
            let sum = u64::from(*digit).saturating_add(u64::from(*added)).saturating_add(carry);
            (*digit, carry) = (low(sum), sum >> 32);
        }
        if carry == 0 && self.compare(modulus) == Ordering::Less {
            return;
        }
        let mut borrow = 0_u64;
        for (digit, taken) in self.0.iter_mut().zip(&modulus.0) {
            let difference = u64::from(*digit).wrapping_sub(u64::from(*taken)).wrapping_sub(borrow);
            (*digit, borrow) = (low(difference), difference >> 63);
        }
    }
}

/// The 32 least significant bits.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_multiplied_modulo() {
        let number = |value: u64| Number::from_bytes(&value.to_be_bytes());
        for (one, other, modulus) in
            [(3, 5, 7), (u64::MAX - 60, u64::MAX - 59, u64::MAX - 58), (1 << 40, 1 << 41, 1 << 63)]
        {
            let product = u128::from(one) * u128::from(other) % u128::from(modulus);
            let found = number(one).multiply(&number(other), &number(modulus)).to_bytes(8);
            assert_eq!(found, u64::try_from(product).expect("small").to_be_bytes());
        }
    }

    #[test]
    fn reads_the_hash_of_a_digest_info() {
        let info = [&[0x30, 0x31, 0x30, 0x0d, 5, 0, 0x04, 0x20][..], &[7; 32]].concat();
        assert_eq!(hash_of(&info), Some(&[7; 32][..]));
        assert_eq!(hash_of(&[7; 32]), None);
    }
}
