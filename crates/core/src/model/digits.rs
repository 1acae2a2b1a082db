//! Numbers as text of a fixed length. Every answer has about twenty of them; format strings would
//! cost more.

use std::fmt;

/// The last `N` decimal digits of a number, zeros in front.
pub(super) fn decimal<const N: usize>(number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// The two hexadecimal digits of a byte, in lower case.
pub(super) fn hexadecimal(byte: u8) -> [u8; 2] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]]
}

/// Writes ASCII text.
pub(super) fn write_ascii(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    f.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_equal_those_of_format_strings() {
        for number in [0, 7, 42, 12_345, 99_999, 4_294_967_295] {
            assert_eq!(decimal::<10>(number), *format!("{number:010}").as_bytes());
        }
        assert_eq!(decimal::<2>(1_234), *b"34", "leading digits are dropped");
        for byte in 0..=u8::MAX {
            assert_eq!(hexadecimal(byte), *format!("{byte:02x}").as_bytes());
        }
    }
}
