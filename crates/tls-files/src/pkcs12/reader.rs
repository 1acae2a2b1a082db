//! A strict DER reader (X.690) for PKCS #12 files.

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;
/// An explicitly tagged `[0]`.
pub(super) const EXPLICIT_0: u8 = 0xa0;
/// An implicitly tagged `[0]` of a primitive type.
pub(super) const IMPLICIT_0: u8 = 0x80;

/// Unread bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub(super) fn has_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Content of the next element; `None`, and nothing is read, if it has another tag or its length
    /// is not DER.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.read_any().filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| {
            self.0 = rest;
            content
        })
    }

    /// Reader of the content of the next element.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.read(tag).map(Self)
    }

    /// The whole next element, with tag and length.
    pub(super) fn read_whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0;
        self.read(tag)?;
        before.get(..before.len().checked_sub(self.0.len())?)
    }

    /// A non-negative INTEGER of at most 31 bits.
    pub(super) fn read_number(&mut self) -> Option<u32> {
        let octets = self.read(INTEGER).filter(|octets| (1..=4).contains(&octets.len()))?;
        let is_negative = octets.first().is_some_and(|octet| *octet > 0x7f);
        (!is_negative).then(|| octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    fn read_any(self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((*tag, content, rest))
    }
}
