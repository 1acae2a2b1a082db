//! Short ASCII texts that are stored in place: they are copied with every exchange.

/// Printable ASCII text of 1 to `N` bytes, filled with NUL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AsciiName<const N: usize>([u8; N]);

impl<const N: usize> AsciiName<N> {
    /// No text: [`AsciiName::new`] never returns it.
    pub(super) const EMPTY: Self = Self([0; N]);

    /// Stores the text; `None` if it is empty, too long, or has a byte that is not printable ASCII.
    pub(super) const fn new(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > N {
            return None;
        }
        let mut bytes = [0; N];
        let (mut rest, mut room) = (text, bytes.as_mut_slice());
        while let (Some((byte, after)), Some((place, behind))) = (rest.split_first(), room.split_first_mut()) {
            if !matches!(*byte, b' '..=b'~') {
                return None;
            }
            *place = *byte;
            (rest, room) = (after, behind);
        }
        Some(Self(bytes))
    }

    pub(super) fn as_str(&self) -> &str {
        let name = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        // Only ASCII is stored.
        std::str::from_utf8(name).unwrap_or_default()
    }

    /// Whether it is this text. Compares bytes, without searching for the end: each question does.
    pub(super) fn is(&self, text: &str) -> bool {
        let (name, rest) = self.0.split_at_checked(text.len()).unwrap_or((&[], &[]));
        let ends = rest.first().is_none_or(|byte| *byte == 0) && name.last().is_some_and(|byte| *byte != 0);
        ends && name == text.as_bytes()
    }

    /// Whether the text has at most `max` digits: eleven could be an SSIN.
    pub(super) fn has_at_most_digits(&self, max: usize) -> bool {
        self.0.iter().filter(|byte| byte.is_ascii_digit()).count() <= max
    }
}
