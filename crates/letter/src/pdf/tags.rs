//! The structure of the document (PDF 1.7, 14.8): what a screen reader reads.

use std::num::NonZeroU16;

use krilla::tagging::{Identifier, ListNumbering, Node, TableHeaderScope, Tag, TagGroup, TagTree};

/// Number of an element of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TagId(usize);

/// Kind of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    /// Level, text.
    Heading(u16, String),
    Paragraph,
    /// Alternative text.
    Figure(String),
    /// Whether the items have numbers.
    List(bool),
    Item,
    Label,
    Body,
    Division,
    Table,
    TableHead,
    TableBody,
    Row,
    HeaderCell,
    Cell,
}

enum Child {
    Element(TagId),
    Content(Identifier),
}

struct Element {
    kind: Kind,
    children: Vec<Child>,
}

/// Elements, each with its children in the order of reading.
pub(super) struct Tags(Vec<Element>);

impl Tags {
    pub const ROOT: TagId = TagId(0);

    pub fn new() -> Self {
        Self(vec![Element { kind: Kind::Root, children: Vec::new() }])
    }

    /// Adds an element at the end of another.
    pub fn add(&mut self, parent: TagId, kind: Kind) -> TagId {
        let tag = TagId(self.0.len());
        self.0.push(Element { kind, children: Vec::new() });
        if let Some(parent) = self.0.get_mut(parent.0) {
            parent.children.push(Child::Element(tag));
        }
        tag
    }

    /// Adds content that was drawn.
    pub fn push(&mut self, tag: TagId, content: Identifier) {
        if let Some(element) = self.0.get_mut(tag.0) {
            element.children.push(Child::Content(content));
        }
    }

    /// The tree.
    pub fn into_tree(self, language: &str) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
        // Children have greater numbers than their parents, so each group is complete when it is moved.
        let mut groups: Vec<Option<TagGroup>> = self.0.iter().map(|_| None).collect();
        for (index, element) in self.0.into_iter().enumerate().rev() {
            let nodes = element.children.into_iter().filter_map(|child| match child {
                Child::Content(content) => Some(Node::from(content)),
                Child::Element(tag) => groups.get_mut(tag.0).and_then(Option::take).map(Node::from),
            });
            let nodes: Vec<Node> = nodes.collect();
            if element.kind == Kind::Root {
                nodes.into_iter().for_each(|node| tree.push(node));
            } else if let Some(place) = groups.get_mut(index) {
                *place = group(&element.kind, nodes);
            }
        }
        tree
    }
}

/// The group of an element; an element without children says nothing, unless it is a cell.
fn group(kind: &Kind, nodes: Vec<Node>) -> Option<TagGroup> {
    if nodes.is_empty() && !matches!(kind, Kind::Cell | Kind::HeaderCell) {
        return None;
    }
    Some(match kind {
        Kind::Root | Kind::Division => TagGroup::with_children(Tag::Div, nodes),
        Kind::Heading(level, text) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            TagGroup::with_children(Tag::Hn(level, Some(text.clone())), nodes)
        }
        Kind::Paragraph => TagGroup::with_children(Tag::P, nodes),
        Kind::Figure(alternative) => TagGroup::with_children(Tag::Figure(Some(alternative.clone())), nodes),
        Kind::List(is_numbered) => {
            let numbering = if *is_numbered { ListNumbering::Decimal } else { ListNumbering::None };
            TagGroup::with_children(Tag::L(numbering), nodes)
        }
        Kind::Item => TagGroup::with_children(Tag::LI, nodes),
        Kind::Label => TagGroup::with_children(Tag::Lbl, nodes),
        Kind::Body => TagGroup::with_children(Tag::LBody, nodes),
        Kind::Table => TagGroup::with_children(Tag::Table, nodes),
        Kind::TableHead => TagGroup::with_children(Tag::THead, nodes),
        Kind::TableBody => TagGroup::with_children(Tag::TBody, nodes),
        Kind::Row => TagGroup::with_children(Tag::TR, nodes),
        Kind::HeaderCell => TagGroup::with_children(Tag::TH(TableHeaderScope::Column), nodes),
        Kind::Cell => TagGroup::with_children(Tag::TD, nodes),
    })
}
