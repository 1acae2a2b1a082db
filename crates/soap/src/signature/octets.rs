//! Octets of a canonical form: escaped, collected into pieces, and bounded (Canonical XML 1.0,
//! section 2.3).

use crate::limits::{DOCUMENT_BYTES, REPLY_BYTES};
use crate::message_error::BadMessage;
use ehealth_core::explained::Explained;

/// Maximum canonical octets of all signed elements of one message, together with the octets of
/// namespace URIs that are compared for them. Exclusive canonicalisation repeats a declaration in
/// each sibling that uses it: with one long URI, a document of 256 KiB can have a canonical form of
/// 400 MiB, and each comparison of two such URIs reads the whole. Signed messages of clients have a
/// canonical form that is hardly longer than the document.
pub const CANONICAL_WORK: usize = 4 * DOCUMENT_BYTES;

/// The same for a reply, which may be longer.
pub const REPLY_CANONICAL_WORK: usize = 4 * REPLY_BYTES;

/// Size of a piece in bytes: a digest is computed faster over few long pieces than over many short
/// ones. A longer text is passed on as it is.
const PIECE_BYTES: usize = 1_024;

/// Why an element has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanonicalizationError {
    /// The document is not well-formed or exceeds a limit of the reader.
    Document(Explained<BadMessage>),
    /// A namespace URI is relative: canonicalisation must fail (Canonical XML 1.0, section 1.3).
    RelativeNamespace,
    /// More than [`CANONICAL_WORK`], or [`REPLY_CANONICAL_WORK`] in a reply.
    Length,
}

impl From<Explained<BadMessage>> for CanonicalizationError {
    fn from(bad: Explained<BadMessage>) -> Self {
        Self::Document(bad)
    }
}

/// The octets that were not passed on yet, and the work that is left.
pub(super) struct Octets {
    piece: Vec<u8>,
    work_left: usize,
}

impl Octets {
    pub(super) fn new(work: usize) -> Self {
        Self { piece: Vec::with_capacity(PIECE_BYTES), work_left: work }
    }

    /// Drops what was not passed on.
    pub(super) fn discard(&mut self) {
        self.piece.clear();
    }

    /// Counts work, in bytes.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), CanonicalizationError> {
        self.work_left = self.work_left.checked_sub(bytes).ok_or(CanonicalizationError::Length)?;
        Ok(())
    }

    /// Writes text that needs no escape.
    pub(super) fn write(&mut self, text: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), CanonicalizationError> {
        self.charge(text.len())?;
        if self.piece.len().saturating_add(text.len()) > PIECE_BYTES {
            self.flush(sink);
        }
        if text.len() >= PIECE_BYTES {
            sink(text);
        } else {
            self.piece.extend_from_slice(text);
        }
        Ok(())
    }

    /// Writes the text of an element.
    pub(super) fn write_text(&mut self, text: &str, sink: &mut impl FnMut(&[u8])) -> Result<(), CanonicalizationError> {
        let escape = |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        };
        self.write_escaped(text, escape, sink)
    }

    /// Writes the value of an attribute or of a declaration, without its quotes.
    pub(super) fn write_value(
        &mut self,
        value: &str,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), CanonicalizationError> {
        let escape = |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'"' => Some("&quot;"),
            b'\t' => Some("&#x9;"),
            b'\n' => Some("&#xA;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        };
        self.write_escaped(value, escape, sink)
    }

    /// Passes on what was written.
    pub(super) fn flush(&mut self, sink: &mut impl FnMut(&[u8])) {
        if !self.piece.is_empty() {
            sink(&self.piece);
            self.piece.clear();
        }
    }

    fn write_escaped(
        &mut self,
        text: &str,
        escape: impl Fn(u8) -> Option<&'static str>,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), CanonicalizationError> {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| escape(*byte).is_some()) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            self.write(plain, sink)?;
            let Some((byte, after)) = special.split_first() else { break };
            self.write(escape(*byte).unwrap_or_default().as_bytes(), sink)?;
            rest = after;
        }
        self.write(rest, sink)
    }
}
