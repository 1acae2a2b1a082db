//! Namespace declarations in the canonical form: which of them an element needs, and which its
//! ancestors already have (Exclusive XML Canonicalization 1.0, section 3).
//!
//! The declarations of one prefix in scope form a chain, from the innermost to the outermost. An
//! ancestor in the canonical form has the namespace of the first declaration of the chain that was
//! rendered: between that ancestor and here, no other declaration of the prefix was used. A chain is
//! at most as long as elements are deep (32), so that a look-up has a bounded cost, whatever the
//! caller declares.

use super::octets::{CanonicalizationError, Octets};
use crate::reader::{BindingIndex, Declaration, Reader};

/// A declaration that an open element of the canonical form has.
struct Rendered {
    depth: usize,
    binding: BindingIndex,
}

/// The declarations of the open elements of the canonical form.
#[derive(Default)]
pub(super) struct RenderedNamespaces {
    /// Outermost first.
    open: Vec<Rendered>,
    /// Whether a declaration is in `open`, by its position in scope.
    is_open: Vec<bool>,
    /// Declarations that the element has which was opened last, sorted by prefix.
    of_element: Vec<BindingIndex>,
}

impl RenderedNamespaces {
    /// Starts at an element without ancestors in the canonical form.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.is_open.clear();
        self.of_element.clear();
    }

    /// Starts the next element: it has no declarations yet.
    pub(super) fn open(&mut self) {
        self.of_element.clear();
    }

    /// Ends the elements deeper than `depth`: their declarations are no longer in scope.
    pub(super) fn close(&mut self, depth: usize) {
        while let Some(rendered) = self.open.pop_if(|rendered| rendered.depth > depth) {
            if let Some(is_open) = self.is_open.get_mut(rendered.binding.position()) {
                *is_open = false;
            }
        }
    }

    /// Renders the declaration in the element that was opened last, unless an ancestor or the element
    /// itself has it.
    pub(super) fn require(
        &mut self,
        reader: &Reader<'_>,
        binding: Option<BindingIndex>,
        octets: &mut Octets,
    ) -> Result<(), CanonicalizationError> {
        // Without a declaration the prefix is that of the default namespace, and no ancestor has one.
        let Some(binding) = binding else { return Ok(()) };
        if self.is_open(binding) {
            return Ok(());
        }
        let Some(declaration) = reader.declaration(binding) else { return Ok(()) };
        // Namespace nodes of this prefix are not rendered (Canonical XML 1.0, section 2.3).
        if declaration.prefix == "xml" || self.is_of_ancestor(reader, binding, declaration, octets)? {
            return Ok(());
        }
        check_absolute(declaration.uri)?;
        let position = binding.position();
        if self.is_open.len() <= position {
            self.is_open.resize(position.saturating_add(1), false);
        }
        if let Some(is_open) = self.is_open.get_mut(position) {
            *is_open = true;
        }
        self.open.push(Rendered { depth: reader.depth(), binding });
        self.of_element.push(binding);
        Ok(())
    }

    /// The declarations that the element has which was opened last, sorted by prefix: the default
    /// namespace first (Canonical XML 1.0, section 2.2).
    pub(super) fn sorted<'r>(&mut self, reader: &'r Reader<'_>) -> impl Iterator<Item = Declaration<'r>> {
        let prefix = |binding: &BindingIndex| reader.declaration(*binding).map(|declaration| declaration.prefix);
        self.of_element.sort_unstable_by(|one, other| prefix(one).cmp(&prefix(other)));
        self.of_element.iter().filter_map(|binding| reader.declaration(*binding))
    }

    fn is_open(&self, binding: BindingIndex) -> bool {
        self.is_open.get(binding.position()).copied().unwrap_or(false)
    }

    /// Whether the nearest ancestor that has a declaration of the prefix has the same namespace.
    /// Without such an ancestor there is no default namespace, and other prefixes have none.
    fn is_of_ancestor(
        &self,
        reader: &Reader<'_>,
        binding: BindingIndex,
        declaration: Declaration<'_>,
        octets: &mut Octets,
    ) -> Result<bool, CanonicalizationError> {
        let mut hidden = declaration.hidden;
        while let Some(outer) = hidden {
            if self.is_open(outer) {
                octets.charge(declaration.uri.len())?;
                return Ok(reader.is_same_namespace(binding, outer));
            }
            hidden = reader.declaration(outer).and_then(|declaration| declaration.hidden);
        }
        Ok(declaration.uri.is_empty())
    }
}

/// Refuses a relative URI: one that does not begin with a scheme (RFC 3986, sections 3.1 and 4.1). An
/// empty one is the absence of a namespace.
pub(super) fn check_absolute(uri: &str) -> Result<(), CanonicalizationError> {
    let is_scheme_rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_scheme_rest)
    };
    let is_absolute = uri.is_empty() || uri.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
    if is_absolute { Ok(()) } else { Err(CanonicalizationError::RelativeNamespace) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_uri_begins_with_a_scheme() {
        for uri in ["", "http://a.example/", "urn:a", "a+b-c.1:", "X:y"] {
            assert_eq!(check_absolute(uri), Ok(()), "{uri}");
        }
        for uri in ["a", "../a", "/a:b", ":a", "1a:b", "a b:c", "#a:b", "é:a", " urn:a"] {
            assert_eq!(check_absolute(uri), Err(CanonicalizationError::RelativeNamespace), "{uri}");
        }
    }
}
