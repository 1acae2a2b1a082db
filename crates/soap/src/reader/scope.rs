//! Names as written, and the namespace declarations in scope: the parts of a document that have no
//! meaning of their own, and that a canonical form preserves.
//!
//! Returns what the reader already has: nothing here is computed while a document is read.

use super::namespaces::{BindingIndex, Declaration};
use super::tag::parse_name;
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
