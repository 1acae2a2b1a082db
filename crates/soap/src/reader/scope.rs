//! Names as written, and the namespace declarations in scope: the parts of a document that have no
//! meaning of their own, and that a canonical form preserves.
//!
//! Returns what the reader already has: nothing here is computed while a document is read.

use super::namespaces::{BindingIndex, Declaration};
use super::tag::parse_name;
use super::text::count_line_ends;
use super::token_reader::Reader;
use crate::limits::NAME_BYTES;

impl<'a> Reader<'a> {
    /// Number of open elements, with the element that was opened or closed last.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Name of the innermost open element as written, with its prefix; empty outside the root
    /// element. Still the name of the element whose end was read last.
    pub(crate) fn written_name(&self) -> &'a str {
        self.open.last().map_or("", |element| element.tag.written)
    }

    /// URI of the namespace of the innermost open element; empty if it has none.
    pub(crate) fn uri(&self) -> &str {
        let name = self.written_name();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        self.namespaces.uri(prefix).unwrap_or_default()
    }

    /// Position of the piece that was read last, in bytes from the end of the XML declaration. Two
    /// readers of one document have the same position at the same element.
    pub(crate) fn position(&self) -> usize {
        self.content.len().saturating_sub(self.rest_before.len())
    }

    /// Position behind the piece that was read last.
    pub(crate) fn next_position(&self) -> usize {
        self.content.len().saturating_sub(self.rest.len())
    }

    /// Line of the piece that was read last, from 1.
    pub(crate) fn line(&self) -> usize {
        let before = self.content.get(..self.position()).unwrap_or_default();
        let ended = count_line_ends(self.declaration).saturating_add(count_line_ends(before));
        ended.saturating_add(1)
    }

    /// Names of the open elements as written, outermost first.
    pub(crate) fn written_path(&self) -> String {
        self.open.iter().flat_map(|element| ["/", element.tag.written]).collect()
    }

    /// The innermost declaration of a prefix; the default namespace has the empty prefix.
    pub(crate) fn binding(&self, prefix: &str) -> Option<BindingIndex> {
        self.namespaces.index(prefix)
    }

    /// The declarations of the innermost open element, in document order.
    pub(crate) fn declared_here(&self) -> impl Iterator<Item = BindingIndex> + use<'a> {
        self.namespaces.since(self.open.last().map_or(usize::MAX, |element| element.outside))
    }

    /// Reads a declaration; `None` if it is no longer in scope.
    pub(crate) fn declaration(&self, index: BindingIndex) -> Option<Declaration<'_>> {
        self.namespaces.declaration(index)
    }

    /// Whether two declarations in scope are of the same namespace. Compares the URIs only if their
    /// hashes are equal.
    pub(crate) fn is_same_namespace(&self, one: BindingIndex, other: BindingIndex) -> bool {
        self.namespaces.is_same(Some(one), Some(other))
    }
}

/// Whether the text can be the prefix of a name in a document that the reader accepts (Namespaces in
/// XML 1.0, production 10).
pub(crate) fn is_prefix(text: &str) -> bool {
    text.len() <= NAME_BYTES && parse_name(text).is_ok_and(|name| name.prefix.is_empty())
}
