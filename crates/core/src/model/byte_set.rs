//! A set of bytes as a table: one look-up per byte. Most of what peers send is validated byte by
//! byte.

/// A set of bytes.
pub struct ByteSet([bool; 256]);

impl ByteSet {
    /// The ASCII letters and digits, and the bytes of `others`.
    #[must_use]
    pub const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut left = table.as_mut_slice();
        let mut byte = 0_u8;
        while let [first, after @ ..] = left {
            *first = byte.is_ascii_alphanumeric();
            let mut unseen = others;
            while let [other, more @ ..] = unseen {
                *first |= *other == byte;
                unseen = more;
            }
            left = after;
            byte = byte.wrapping_add(1);
        }
        Self(table)
    }

    /// Whether the byte is in the set.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|is_in| *is_in)
    }

    /// Whether all bytes are in the set.
    #[must_use]
    pub fn contains_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.contains(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_letters_digits_and_the_named_bytes() {
        const SET: ByteSet = ByteSet::alphanumeric_and(b"-\xff");
        for byte in 0..=0xff_u8 {
            let expected = byte.is_ascii_alphanumeric() || byte == b'-' || byte == 0xff;
            assert_eq!(SET.contains(byte), expected, "{byte}");
        }
        assert!(SET.contains_all(b"a-Z9") && SET.contains_all(b"") && !SET.contains_all(b"a b"));
    }
}
