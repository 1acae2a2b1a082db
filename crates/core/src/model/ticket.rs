//! Ticket: the UUID that identifies an exchange, and by which an operator finds its record.

use std::fmt;

use super::digits::{hexadecimal, write_ascii};

/// A random UUID (RFC 9562, version 4): `ticketCBSS` on the wire, `X-Request-Id` over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket([u8; 16]);

impl Ticket {
    /// Creates a ticket from sixteen random bytes. Sets the version and variant bits.
    #[must_use]
    pub fn new(mut random: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut random;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Self(random)
    }

    /// Parses a UUID of version 4 in its canonical form: 36 characters, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.split('-').collect();
        let number = u128::from_str_radix(&digits, 16).ok()?;
        Some(Self::new(number.to_be_bytes())).filter(|ticket| ticket.to_string().eq_ignore_ascii_case(text))
    }

    /// The sixteen bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        let mut positions = text.iter_mut();
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                // Keep the hyphen.
                positions.next();
            }
            for digit in hexadecimal(*byte) {
                if let Some(position) = positions.next() {
                    *position = digit;
                }
            }
        }
        write_ascii(f, &text)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_version_4_uuid() {
        assert_eq!(Ticket::new([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Ticket::new([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn parses_what_it_displays_and_no_other_uuid() {
        for bytes in [[0; 16], [0xff; 16], [0x5a; 16]] {
            let text = Ticket::new(bytes).to_string();
            assert_eq!(Ticket::parse(&text), Some(Ticket::new(bytes)));
            assert_eq!(Ticket::parse(&text.to_uppercase()), Some(Ticket::new(bytes)));
        }
        for text in ["", "00000000-0000-1000-8000-000000000000", "00000000000040008000000000000000", "+"] {
            assert_eq!(Ticket::parse(text), None, "{text}");
        }
    }
}
