//! Exclusive XML Canonicalization 1.0 without comments, of one element and its content
//! (`http://www.w3.org/2001/10/xml-exc-c14n#`, W3C Recommendation of 18 July 2002).
//!
//! Works on tokens of the reader as they come: line ends, references, sections and attribute values
//! are normalised there, comments are skipped, processing instructions are refused. The octets are
//! UTF-8, whatever the encoding of the document. Nothing is allocated in proportion to the document:
//! the state is one entry for each namespace declaration in scope (at most 512), the attributes of
//! one element, and one piece of output.

use std::cmp::Ordering;

use super::octets::{CANONICAL_WORK, CanonicalizationError, Octets};
use super::prefix_list::PrefixList;
use super::rendered::{RenderedNamespaces, check_absolute};
use crate::reader::{Attribute, Reader, Token};

/// Makes canonical forms. Its buffers are reused from element to element.
///
/// One value serves one message: the limit [`CANONICAL_WORK`] applies to
/// everything that it makes.
pub struct Canonicalizer {
    namespaces: RenderedNamespaces,
    /// Attributes of one element in canonical order, as indexes in document order.
    order: Vec<usize>,
    octets: Octets,
}

/// The canonical form of one element, from its start to its end.
pub struct Subtree<'c, S> {
    canonicalizer: &'c mut Canonicalizer,
    inclusive: &'c PrefixList,
    sink: &'c mut S,
    /// Depth of the element in the document.
    apex: usize,
}

/// Whether a canonical form is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The element is still open.
    Open,
    /// The element ended, and all octets were passed on.
    Complete,
}

impl Default for Canonicalizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Canonicalizer {
    /// Creates a canonicaliser for one request.
    #[must_use]
    pub fn new() -> Self {
        Self::with_work(CANONICAL_WORK)
    }

    /// Creates a canonicaliser for one message, with a limit in place of
    /// [`CANONICAL_WORK`].
    pub(super) fn with_work(work: usize) -> Self {
        Self { namespaces: RenderedNamespaces::default(), order: Vec::new(), octets: Octets::new(work) }
    }

    /// Passes the canonical form of an element to `sink`, piece by piece. The reader has just
    /// returned the [`Token::Open`] of the element; it is read to the element's end.
    ///
    /// # Errors
    /// [`CanonicalizationError`]. What was passed to `sink` is then a part, and means nothing.
    pub fn canonicalize(
        &mut self,
        reader: &mut Reader<'_>,
        inclusive: &PrefixList,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), CanonicalizationError> {
        let mut subtree = self.open_subtree(reader, inclusive, sink)?;
        loop {
            let token = reader.next_token()?;
            match subtree.write(reader, &token)? {
                Progress::Open => {}
                Progress::Complete => return Ok(()),
            }
        }
    }

    /// Starts the canonical form of an element, for a caller that reads the tokens itself and passes
    /// each to [`Subtree::write`]. The reader has just returned the [`Token::Open`] of the element.
    ///
    /// # Errors
    /// [`CanonicalizationError`], except [`CanonicalizationError::Document`].
    pub fn open_subtree<'c, S: FnMut(&[u8])>(
        &'c mut self,
        reader: &Reader<'_>,
        inclusive: &'c PrefixList,
        sink: &'c mut S,
    ) -> Result<Subtree<'c, S>, CanonicalizationError> {
        self.namespaces.clear();
        self.octets.discard();
        self.namespaces.open();
        for prefix in inclusive.prefixes() {
            self.namespaces.require(reader, reader.binding(prefix), &mut self.octets)?;
        }
        let mut subtree = Subtree { canonicalizer: self, inclusive, sink, apex: reader.depth() };
        subtree.write_start(reader)?;
        Ok(subtree)
    }
}

impl<S: FnMut(&[u8])> Subtree<'_, S> {
    /// Writes the token that the reader has just returned.
    ///
    /// # Errors
    /// [`CanonicalizationError`], except [`CanonicalizationError::Document`].
    pub fn write(&mut self, reader: &Reader<'_>, token: &Token<'_>) -> Result<Progress, CanonicalizationError> {
        let Canonicalizer { namespaces, octets, .. } = &mut *self.canonicalizer;
        match token {
            Token::Open(_) => {
                namespaces.open();
                self.write_start(reader)?;
            }
            Token::Text(text) => octets.write_text(text, self.sink)?,
            Token::Close => {
                for part in ["</", reader.written_name(), ">"] {
                    octets.write(part.as_bytes(), self.sink)?;
                }
                namespaces.close(reader.depth().saturating_sub(1));
                if reader.depth() == self.apex {
                    octets.flush(self.sink);
                    return Ok(Progress::Complete);
                }
            }
            Token::End => return Ok(Progress::Complete),
        }
        Ok(Progress::Open)
    }

    /// Writes the start tag of the element that the reader opened last.
    fn write_start(&mut self, reader: &Reader<'_>) -> Result<(), CanonicalizationError> {
        let Canonicalizer { namespaces, order, octets } = &mut *self.canonicalizer;
        for binding in reader.declared_here() {
            let Some(declaration) = reader.declaration(binding) else { continue };
            check_absolute(declaration.uri)?;
            if self.inclusive.contains(declaration.prefix) {
                namespaces.require(reader, Some(binding), octets)?;
            }
        }
        let name = reader.written_name();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        namespaces.require(reader, reader.binding(prefix), octets)?;
        for attribute in reader.attributes() {
            namespaces.require(reader, attribute.binding(), octets)?;
        }
        for part in ["<", name] {
            octets.write(part.as_bytes(), self.sink)?;
        }
        for declaration in namespaces.sorted(reader) {
            let parts = if declaration.prefix.is_empty() {
                [" xmlns", "", "=\""]
            } else {
                [" xmlns:", declaration.prefix, "=\""]
            };
            for part in parts {
                octets.write(part.as_bytes(), self.sink)?;
            }
            octets.write_value(declaration.uri, self.sink)?;
            octets.write(b"\"", self.sink)?;
        }
        sort_attributes(reader, order, octets)?;
        for attribute in order.iter().filter_map(|index| reader.attributes().get(*index)) {
            let colon = if attribute.prefix().is_empty() { "" } else { ":" };
            for part in [" ", attribute.prefix(), colon, attribute.name.local, "=\""] {
                octets.write(part.as_bytes(), self.sink)?;
            }
            octets.write_value(&attribute.value, self.sink)?;
            octets.write(b"\"", self.sink)?;
        }
        octets.write(b">", self.sink)
    }
}

/// Sorts the attributes of the element that the reader opened last: by namespace URI, those without
/// namespace first, then by local name (Canonical XML 1.0, section 2.2). `order` receives their
/// indexes. The order of UTF-8 is that of code points.
fn sort_attributes(
    reader: &Reader<'_>,
    order: &mut Vec<usize>,
    octets: &mut Octets,
) -> Result<(), CanonicalizationError> {
    let attributes = reader.attributes();
    order.clear();
    order.extend(0..attributes.len());
    let mut compared = 0_usize;
    let mut by_name = |one: &Attribute<'_>, other: &Attribute<'_>| {
        let namespaces = if one.binding() == other.binding() {
            Ordering::Equal
        } else {
            let (one, other) = (uri(reader, one), uri(reader, other));
            compared = compared.saturating_add(one.len().min(other.len()));
            one.cmp(other)
        };
        namespaces.then_with(|| one.name.local.cmp(other.name.local))
    };
    order.sort_unstable_by(|one, other| match (attributes.get(*one), attributes.get(*other)) {
        (Some(one), Some(other)) => by_name(one, other),
        // Every index is below their number.
        (None, _) | (_, None) => Ordering::Equal,
    });
    octets.charge(compared)
}

/// URI of an attribute's namespace; empty if it has none.
fn uri<'r>(reader: &'r Reader<'_>, attribute: &Attribute<'_>) -> &'r str {
    let declaration = attribute.binding().and_then(|binding| reader.declaration(binding));
    declaration.map_or("", |declaration| declaration.uri)
}
