//! A strict DER reader (X.690) for revocation lists and keys.
//!
//! A list may have hundreds of thousands of entries, so nothing is allocated here. A list must be
//! read whole or not at all, so every element is requested by its tag, and the caller treats
//! leftover bytes as an error. Only tags of one byte and lengths of at most four bytes are
//! supported: the formats read here have no others.

use ehealth_core::model::Timestamp;

/// BOOLEAN.
pub(super) const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;
/// An explicitly tagged `[0]`.
pub(super) const TAGGED_0: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Unread bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reader at the first of the bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub(super) fn has_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Content of the next element; `None`, and nothing is read, if it has another tag or its
    /// length is not DER.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.read_whole(tag).map(|(_, content)| content)
    }

    /// Reader of the content of the next element.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.read(tag).map(Self)
    }

    /// The whole next element (tag, length, content), and its content.
    pub(super) fn read_whole(&mut self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let (header, length) = match *self.0 {
            [found, short @ 0..=0x7f, ..] if found == tag => (2, usize::from(short)),
            [found, 0x81, length @ 0x80..=0xff, ..] if found == tag => (3, usize::from(length)),
            [found, 0x82, a @ 1..=0xff, b, ..] if found == tag => (4, from_bytes([0, 0, a, b])?),
            [found, 0x83, a @ 1..=0xff, b, c, ..] if found == tag => (5, from_bytes([0, a, b, c])?),
            [found, 0x84, a @ 1..=0xff, b, c, d, ..] if found == tag => (6, from_bytes([a, b, c, d])?),
            _ => return None,
        };
        let (whole, rest) = self.0.split_at_checked(length.checked_add(header)?)?;
        self.0 = rest;
        Some((whole, whole.get(header..)?))
    }

    /// A bit string of whole octets.
    pub(super) fn read_bits(&mut self) -> Option<&'a [u8]> {
        match self.read(BIT_STRING)? {
            [0, octets @ ..] => Some(octets),
            _ => None,
        }
    }

    /// Whether a time is next.
    pub(super) fn has_time(self) -> bool {
        self.has_next(UTC_TIME) || self.has_next(GENERALIZED_TIME)
    }

    /// A time as RFC 5280 (4.1.2.5) defines it: to the second, in UTC.
    pub(super) fn read_time(&mut self) -> Option<Timestamp> {
        if self.has_next(UTC_TIME) {
            let digits = self.read(UTC_TIME)?;
            let century = if digits.first()? < &b'5' { *b"20" } else { *b"19" };
            read_digits(century.iter().chain(digits))
        } else {
            read_digits(self.read(GENERALIZED_TIME)?.iter())
        }
    }
}

fn from_bytes(length: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(length)).ok()
}

/// Reads `YYYYMMDDhhmmssZ`.
fn read_digits<'a>(bytes: impl Iterator<Item = &'a u8>) -> Option<Timestamp> {
    let mut text = String::with_capacity(20);
    for (index, byte) in bytes.enumerate() {
        match index {
            4 | 6 => text.push('-'),
            8 => text.push('T'),
            10 | 12 => text.push(':'),
            // One byte too many: refused.
            16.. => return None,
            _ => {}
        }
        let is_valid = if index == 14 { *byte == b'Z' } else { byte.is_ascii_digit() };
        if !is_valid {
            return None;
        }
        text.push(char::from(*byte));
    }
    // An xs:dateTime may write the end of a day as 24:00:00 and omit the zone; a certificate may
    // not.
    if text.contains("T24") || !text.ends_with('Z') { None } else { Timestamp::parse(&text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_of_a_length_is_read() {
        let read = |bytes: &[u8]| Reader::new(bytes).read(INTEGER).map(<[u8]>::len);
        let long = |header: &[u8], length: usize| [header, &vec![7; length]].concat();
        assert_eq!(read(&[2, 0]), Some(0));
        assert_eq!(read(&long(&[2, 0x7f], 127)), Some(127));
        assert_eq!(read(&long(&[2, 0x81, 0x80], 128)), Some(128));
        assert_eq!(read(&long(&[2, 0x82, 1, 0], 256)), Some(256));
        assert_eq!(read(&long(&[2, 0x83, 1, 0, 0], 65_536)), Some(65_536));
        for wrong in [
            &[][..],
            &[2],
            &[2, 1],
            &[3, 0],
            &[2, 0x80, 0, 0],
            &[2, 0x81, 1, 7],
            &[2, 0x82, 0, 1, 7],
            &[2, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[2, 0x85, 1, 0, 0, 0, 0],
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn only_times_in_utc_to_the_second_are_read() {
        let read = |tag: u8, text: &str| {
            let bytes = [&[tag, u8::try_from(text.len()).unwrap_or(0x7f)], text.as_bytes()].concat();
            Reader::new(&bytes).read_time()
        };
        let moment = |text| Timestamp::parse(text).ok();
        assert_eq!(read(UTC_TIME, "260501120000Z"), moment("2026-05-01T12:00:00Z"));
        assert_eq!(read(UTC_TIME, "491231235959Z"), moment("2049-12-31T23:59:59Z"));
        assert_eq!(read(UTC_TIME, "500101000000Z"), moment("1950-01-01T00:00:00Z"));
        assert_eq!(read(GENERALIZED_TIME, "20260501120000Z"), moment("2026-05-01T12:00:00Z"));
        for (tag, wrong) in [
            (UTC_TIME, ""),
            (UTC_TIME, "2605011200Z"),
            (UTC_TIME, "260501120000"),
            (UTC_TIME, "260501120000+0000"),
            (UTC_TIME, "260501240000Z"),
            (UTC_TIME, "260231120000Z"),
            (UTC_TIME, "20260501120000Z"),
            (GENERALIZED_TIME, "260501120000Z"),
            (GENERALIZED_TIME, "20260501120000.5Z"),
            (GENERALIZED_TIME, "20260501120000ZZ"),
        ] {
            assert_eq!(read(tag, wrong), None, "{wrong}");
        }
    }
}
