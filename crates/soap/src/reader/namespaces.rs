//! Namespaces in XML 1.0: the scopes of prefixes.
//!
//! Resolving a prefix takes one look-up in a tree, and comparing two namespaces takes one
//! comparison of numbers, whatever the caller declares: neither the count of declarations in scope
//! nor the length of their URIs multiplies with the count of uses. URIs are compared character by
//! character, never resolved and never fetched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use crate::names::{Element, Namespace, XMLNS_URI};
use crate::xml_error::XmlError;

/// Namespace of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// No namespace.
    Unqualified,
    /// A namespace of the contract.
    Known(Namespace),
    /// Any other namespace.
    Foreign,
}

/// A name with its prefix resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// Namespace of the name.
    pub space: Space,
    /// Local name, without the prefix.
    pub local: &'a str,
}

impl Name<'_> {
    /// Whether this is the name of the element.
    pub(crate) fn is(self, element: Element) -> bool {
        self.space == element.namespace.map_or(Space::Unqualified, Space::Known) && self.local == element.name
    }

    /// Whether this is the local name in the namespace.
    #[must_use]
    pub fn is_in(self, namespace: Namespace, local: &str) -> bool {
        self.space == Space::Known(namespace) && self.local == local
    }
}

/// A name as written. The prefix is empty if absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QName<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
}

/// One declaration in scope.
struct Binding<'a> {
    prefix: &'a str,
    uri: Cow<'a, str>,
    space: Space,
    /// Hash of a foreign URI under a key that the caller does not know: equal URIs have equal
    /// hashes, and a caller cannot construct unequal URIs with equal hashes.
    hash: u64,
    /// The declaration of the same prefix that this one hides.
    hidden: Option<usize>,
}

/// Index of a declaration in scope. Valid until the element that made the declaration ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BindingIndex(usize);

impl BindingIndex {
    /// Number of declarations in scope before this one.
    pub(crate) fn position(self) -> usize {
        self.0
    }
}

/// A declaration in scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declaration<'n> {
    /// The prefix; empty for the default namespace.
    pub(crate) prefix: &'n str,
    /// Normalised URI; empty where the default namespace is undeclared.
    pub(crate) uri: &'n str,
    /// The declaration of the same prefix that this one hides.
    pub(crate) hidden: Option<BindingIndex>,
}

/// The declarations in scope.
pub(super) struct Namespaces<'a> {
    bindings: Vec<Binding<'a>>,
    /// The innermost declaration of each prefix; `default` is that of the default namespace.
    innermost: BTreeMap<&'a str, usize>,
    default: Option<usize>,
    hasher: RandomState,
}

impl<'a> Namespaces<'a> {
    /// Creates the scope outside the root element, with only the prefix `xml`.
    pub(super) fn new() -> Self {
        let mut namespaces =
            Self { bindings: Vec::new(), innermost: BTreeMap::new(), default: None, hasher: RandomState::new() };
        namespaces.push("xml", Cow::Borrowed(Namespace::Xml.uri()));
        namespaces
    }

    /// Number of declarations in scope, for [`Self::release`].
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Adds a declaration of an element to the scope; the default namespace has the empty prefix.
    /// `since` is the mark from before the element.
    pub(super) fn declare(&mut self, prefix: &'a str, uri: Cow<'a, str>, since: usize) -> Result<(), XmlError> {
        if self.find(prefix).is_some_and(|(index, _)| index >= since) {
            return Err(XmlError::DuplicateAttribute);
        }
        let is_xml = uri == Namespace::Xml.uri();
        if prefix == "xmlns" || uri == XMLNS_URI || is_xml != (prefix == "xml") {
            return Err(XmlError::NamespaceDeclaration);
        }
        if uri.is_empty() && !prefix.is_empty() {
            return Err(XmlError::NamespaceDeclaration);
        }
        self.push(prefix, uri);
        Ok(())
    }

    fn push(&mut self, prefix: &'a str, uri: Cow<'a, str>) {
        let space = match Namespace::from_uri(&uri) {
            _ if uri.is_empty() => Space::Unqualified,
            Some(namespace) => Space::Known(namespace),
            None => Space::Foreign,
        };
        let hash = if space == Space::Foreign { self.hasher.hash_one(&*uri) } else { 0 };
        let hidden = self.set_innermost(prefix, Some(self.bindings.len()));
        self.bindings.push(Binding { prefix, uri, space, hash, hidden });
    }

    /// Restores the scope that had `mark` declarations.
    pub(super) fn release(&mut self, mark: usize) {
        while self.bindings.len() > mark {
            let Some(binding) = self.bindings.pop() else { return };
            self.set_innermost(binding.prefix, binding.hidden);
        }
    }

    /// Resolves the name of an element, or a name in a value: without a prefix it is in the default
    /// namespace.
    pub(super) fn resolve<'n>(&self, name: QName<'n>) -> Result<Name<'n>, XmlError> {
        let space = match self.find(name.prefix) {
            Some((_, binding)) => binding.space,
            None if name.prefix.is_empty() => Space::Unqualified,
            None => return Err(XmlError::UnboundPrefix),
        };
        Ok(Name { space, local: name.local })
    }

    /// Resolves the namespace of an attribute: without a prefix it has none.
    pub(super) fn resolve_attribute(&self, prefix: &str) -> Result<(Space, Option<BindingIndex>), XmlError> {
        if prefix.is_empty() {
            return Ok((Space::Unqualified, None));
        }
        let (index, binding) = self.find(prefix).ok_or(XmlError::UnboundPrefix)?;
        Ok((binding.space, Some(BindingIndex(index))))
    }

    /// Whether two declarations in scope are of the same namespace.
    ///
    /// Compares the URIs only if their hashes are equal. That happens once: then the element has an
    /// attribute twice, and the document is refused.
    pub(super) fn is_same(&self, one: Option<BindingIndex>, other: Option<BindingIndex>) -> bool {
        let find = |index: Option<BindingIndex>| index.and_then(|BindingIndex(index)| self.bindings.get(index));
        one == other
            || match (find(one), find(other)) {
                (Some(one), Some(other)) => one.space == other.space && one.hash == other.hash && one.uri == other.uri,
                _ => false,
            }
    }

    /// URI of the namespace of a prefix in scope; the default namespace has the empty prefix.
    pub(super) fn uri(&self, prefix: &str) -> Option<&str> {
        self.find(prefix).map(|(_, binding)| &*binding.uri)
    }

    /// The innermost declaration of a prefix; the default namespace has the empty prefix.
    pub(super) fn index(&self, prefix: &str) -> Option<BindingIndex> {
        self.find(prefix).map(|(index, _)| BindingIndex(index))
    }

    /// The declarations since a mark, in document order.
    pub(super) fn since(&self, mark: usize) -> impl Iterator<Item = BindingIndex> + use<> {
        (mark..self.bindings.len()).map(BindingIndex)
    }

    /// Reads a declaration; `None` if it is no longer in scope.
    pub(super) fn declaration(&self, BindingIndex(index): BindingIndex) -> Option<Declaration<'_>> {
        let Binding { prefix, uri, hidden, .. } = self.bindings.get(index)?;
        Some(Declaration { prefix, uri, hidden: hidden.map(BindingIndex) })
    }

    fn find(&self, prefix: &str) -> Option<(usize, &Binding<'a>)> {
        let index = if prefix.is_empty() { self.default? } else { *self.innermost.get(prefix)? };
        Some((index, self.bindings.get(index)?))
    }

    /// Sets the innermost declaration of a prefix. Returns the previous one.
    fn set_innermost(&mut self, prefix: &'a str, index: Option<usize>) -> Option<usize> {
        if prefix.is_empty() {
            return std::mem::replace(&mut self.default, index);
        }
        match index {
            Some(index) => self.innermost.insert(prefix, index),
            None => self.innermost.remove(prefix),
        }
    }
}
