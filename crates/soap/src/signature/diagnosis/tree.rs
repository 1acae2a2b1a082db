//! A whole document in memory, to write its elements in other forms than the canonical one.
//!
//! Built from the tokens of the crate's reader. Comments are kept here, because a signer may have
//! hashed them.

use crate::message_error::BadMessage;
use crate::reader::{Document, Reader, Token};
use crate::signature::elements::ids;
use ehealth_core::explained::Explained;

/// Index of an element in a [`Tree`], in document order.
pub(super) type ElementIndex = usize;

/// Elements of a document.
pub(super) struct Tree<'a> {
    /// The document after its XML declaration.
    pub(super) content: &'a str,
    pub(super) elements: Vec<Element>,
}

/// One element.
pub(super) struct Element {
    /// Name as written, with its prefix.
    pub(super) name: String,
    pub(super) parent: Option<ElementIndex>,
    /// Its namespace declarations, in document order: prefix and URI.
    pub(super) declared: Vec<(String, String)>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Node>,
    pub(super) ids: Vec<String>,
    /// Line of its start tag.
    pub(super) line: usize,
    /// Path of its start tag.
    pub(super) path: String,
    /// Bytes of its start tag in the content: first, and behind the last.
    pub(super) start_tag: (usize, usize),
    /// Bytes of its end tag.
    pub(super) end_tag: (usize, usize),
}

/// An attribute that is no namespace declaration.
pub(super) struct Attribute {
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) uri: String,
    pub(super) value: String,
    pub(super) is_id: bool,
}

/// A child of an element.
pub(super) enum Node {
    Element(ElementIndex),
    Text(String),
    /// Text between `<!--` and `-->`.
    Comment(String),
}

impl<'a> Tree<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`BadMessage`] if it is not well-formed.
    pub(super) fn read(document: &'a Document<'_>) -> Result<Self, Explained<BadMessage>> {
        let mut tree = Self { content: document.split().1, elements: Vec::new() };
        let reader = &mut Reader::new(document);
        let mut open: Vec<ElementIndex> = Vec::new();
        let mut behind = 0;
        loop {
            let token = reader.next_token()?;
            let position = reader.position();
            if let Some(parent) = open.last() {
                tree.add_comments(*parent, behind, position);
            }
            match token {
                Token::End => return Ok(tree),
                Token::Text(text) => {
                    if let Some(parent) = open.last() {
                        tree.add_text(*parent, &text);
                    }
                }
                Token::Open(_) => {
                    let index = tree.elements.len();
                    let element = read_element(reader, open.last().copied());
                    tree.elements.push(element);
                    if let Some(parent) = open.last() {
                        tree.add_child(*parent, Node::Element(index));
                    }
                    open.push(index);
                }
                Token::Close => {
                    let closed = open.pop().and_then(|index| tree.elements.get_mut(index));
                    if let Some(element) = closed {
                        element.end_tag = (position, reader.next_position());
                    }
                }
            }
            behind = reader.next_position();
        }
    }

    /// The element.
    pub(super) fn element(&self, index: ElementIndex) -> Option<&Element> {
        self.elements.get(index)
    }

    /// The element that begins here.
    pub(super) fn at_position(&self, position: usize) -> Option<ElementIndex> {
        self.elements.iter().position(|element| element.start_tag.0 == position)
    }

    /// The elements with this id.
    pub(super) fn with_id<'t>(&'t self, id: &'t str) -> impl Iterator<Item = ElementIndex> + 't {
        let has_id = move |element: &Element| element.ids.iter().any(|other| other == id);
        self.elements.iter().enumerate().filter(move |(_, element)| has_id(element)).map(|(index, _)| index)
    }

    /// The ancestors of an element, innermost first.
    pub(super) fn ancestors(&self, index: ElementIndex) -> impl Iterator<Item = &Element> {
        let parent = |element: &Element| element.parent.and_then(|parent| self.element(parent));
        std::iter::successors(self.element(index).and_then(parent), move |element| parent(element))
    }

    /// The element as it is written in the document.
    pub(super) fn written(&self, index: ElementIndex) -> Option<&'a str> {
        let element = self.element(index)?;
        // The end of an empty-element tag begins where the tag does.
        self.content.get(element.start_tag.0..element.end_tag.1.max(element.start_tag.1))
    }

    fn add_child(&mut self, parent: ElementIndex, node: Node) {
        if let Some(element) = self.elements.get_mut(parent) {
            element.children.push(node);
        }
    }

    /// Adds text; the reader returns it in pieces.
    fn add_text(&mut self, parent: ElementIndex, text: &str) {
        let children = self.elements.get_mut(parent).map(|element| &mut element.children);
        match children.and_then(|children| children.last_mut()) {
            Some(Node::Text(before)) => before.push_str(text),
            Some(Node::Element(_) | Node::Comment(_)) | None => self.add_child(parent, Node::Text(text.to_owned())),
        }
    }

    /// Adds the comments between two pieces.
    fn add_comments(&mut self, parent: ElementIndex, from: usize, to: usize) {
        let mut rest = self.content.get(from..to).unwrap_or_default();
        while let Some((comment, after)) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->")) {
            self.add_child(parent, Node::Comment(comment.to_owned()));
            rest = after;
        }
    }
}

/// The element that the reader opened last.
fn read_element(reader: &Reader<'_>, parent: Option<ElementIndex>) -> Element {
    let declaration = |binding| {
        let declaration = reader.declaration(binding)?;
        Some((declaration.prefix.to_owned(), declaration.uri.to_owned()))
    };
    let ids: Vec<_> = ids(reader).map(str::to_owned).collect();
    let attributes = reader.attributes().iter().map(|attribute| Attribute {
        prefix: attribute.prefix().to_owned(),
        local: attribute.name.local.to_owned(),
        uri: reader.uri_of_attribute(attribute).to_owned(),
        value: attribute.value.to_string(),
        is_id: attribute.name.local == "Id" && ids.iter().any(|id| *id == *attribute.value),
    });
    let tag = (reader.position(), reader.next_position());
    Element {
        name: reader.written_name().to_owned(),
        parent,
        declared: reader.declared_here().filter_map(declaration).collect(),
        attributes: attributes.collect(),
        children: Vec::new(),
        ids,
        line: reader.line(),
        path: reader.written_path(),
        start_tag: tag,
        end_tag: tag,
    }
}
