//! Namespaces in XML 1.0: which prefix means what, where.
//!
//! A prefix is found by one look-up in a tree and two namespaces are told apart by a number, whatever the caller declares:
//! neither the count of declarations in scope nor the length of their names multiplies with the count of uses. Names of
//! namespaces are compared letter by letter, never resolved and never fetched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use crate::names::{Element, Namespace, XMLNS_URI};
use crate::xml_error::XmlError;

/// The namespace that a name is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// None.
    Unqualified,
    /// One that the contract knows.
    Known(Namespace),
    /// Any other.
    Foreign,
}

/// A name, its prefix resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The namespace.
    pub space: Space,
    /// The name without its prefix.
    pub local: &'a str,
}

impl Name<'_> {
    /// Whether this is the name of an element of the contract.
    pub(crate) fn is(self, element: Element) -> bool {
        self.space == element.namespace.map_or(Space::Unqualified, Space::Known) && self.local == element.name
    }

    /// Whether this is the local name in the namespace.
    pub(crate) fn is_in(self, namespace: Namespace, local: &str) -> bool {
        self.space == Space::Known(namespace) && self.local == local
    }
}

/// A name as written. The prefix is empty if there is none.
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
    /// Of a name that the contract does not know, under a key that a caller does not know: equal names have equal prints,
    /// and unequal names with equal prints cannot be made.
    print: u64,
    /// The declaration of the same prefix further out.
    hidden: Option<usize>,
}

/// A declaration in scope, as attributes remember it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BindingIndex(usize);

/// The declarations in scope.
pub(super) struct Namespaces<'a> {
    bindings: Vec<Binding<'a>>,
    /// The innermost declaration of each prefix, and of none: the default namespace's.
    innermost: BTreeMap<&'a str, usize>,
    default: Option<usize>,
    printer: RandomState,
}

impl<'a> Namespaces<'a> {
    /// The scope outside the root element: the prefix `xml` alone.
    pub(super) fn new() -> Self {
        let mut namespaces =
            Self { bindings: Vec::new(), innermost: BTreeMap::new(), default: None, printer: RandomState::new() };
        namespaces.push("xml", Cow::Borrowed(Namespace::Xml.uri()));
        namespaces
    }

    /// How many declarations are in scope: what [`Self::release`] goes back to.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Takes a declaration of an element into scope; the default namespace has the empty prefix. `since` is the mark
    /// from before the element.
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
        let print = if space == Space::Foreign { self.printer.hash_one(&*uri) } else { 0 };
        let hidden = self.set_innermost(prefix, Some(self.bindings.len()));
        self.bindings.push(Binding { prefix, uri, space, print, hidden });
    }

    /// Goes back to the scope that had so many declarations.
    pub(super) fn release(&mut self, mark: usize) {
        while self.bindings.len() > mark {
            let Some(binding) = self.bindings.pop() else { return };
            self.set_innermost(binding.prefix, binding.hidden);
        }
    }

    /// The name of an element, or a name in a value: without a prefix it is in the default namespace.
    pub(super) fn resolve<'n>(&self, name: QName<'n>) -> Result<Name<'n>, XmlError> {
        let space = match self.find(name.prefix) {
            Some((_, binding)) => binding.space,
            None if name.prefix.is_empty() => Space::Unqualified,
            None => return Err(XmlError::UnboundPrefix),
        };
        Ok(Name { space, local: name.local })
    }

    /// The namespace of an attribute: without a prefix it is in none.
    pub(super) fn resolve_attribute(&self, prefix: &str) -> Result<(Space, Option<BindingIndex>), XmlError> {
        if prefix.is_empty() {
            return Ok((Space::Unqualified, None));
        }
        let (index, binding) = self.find(prefix).ok_or(XmlError::UnboundPrefix)?;
        Ok((binding.space, Some(BindingIndex(index))))
    }

    /// Whether two declarations in scope are of the same namespace.
    ///
    /// The names themselves are compared only if their prints are equal, that is once: then the element has an attribute
    /// twice, and the document is refused.
    pub(super) fn is_same(&self, one: Option<BindingIndex>, other: Option<BindingIndex>) -> bool {
        let find = |index: Option<BindingIndex>| index.and_then(|BindingIndex(index)| self.bindings.get(index));
        one == other
            || match (find(one), find(other)) {
                (Some(one), Some(other)) => {
                    one.space == other.space && one.print == other.print && one.uri == other.uri
                }
                _ => false,
            }
    }

    fn find(&self, prefix: &str) -> Option<(usize, &Binding<'a>)> {
        let index = if prefix.is_empty() { self.default? } else { *self.innermost.get(prefix)? };
        Some((index, self.bindings.get(index)?))
    }

    /// Sets the innermost declaration of a prefix; gives the one that was.
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
