//! Writes an element in forms that a signer may have hashed in error.
//!
//! The first form is the canonical one; the others differ from it in one or two respects.

use super::tree::{Attribute, Element, ElementIndex, Node, Tree};
use super::white_space::Space;
use crate::signature::octets::CANONICAL_WORK;

/// A form of an element. The default is exclusive C14N with an empty list.
#[derive(Clone, Default)]
pub(super) struct Form {
    pub(super) declarations: Declarations,
    pub(super) space: Space,
    pub(super) part: Part,
    /// Comments are written.
    pub(super) comments: bool,
    /// Ids are left out.
    pub(super) without_ids: bool,
    /// `<a/>` for an element without content; attributes and declarations in document order.
    pub(super) written_style: bool,
    /// Other texts of some elements.
    pub(super) texts: Vec<(ElementIndex, String)>,
}

/// Which namespace declarations are written, and where.
#[derive(Clone)]
pub(super) enum Declarations {
    /// Exclusive C14N with this prefix list.
    Exclusive(Vec<String>),
    /// Inclusive C14N.
    Inclusive,
    /// Inclusive C14N of the element outside of its document.
    Detached,
    /// Only those that the element and its content have in the document.
    Literal,
    /// Exclusive C14N with this list, whose prefixes are declared further out than in the document.
    HoistedListed(Vec<String>),
    /// The declarations of all used prefixes in the outermost element.
    HoistedUsed,
    /// All declarations of the content in the outermost element.
    HoistedAll,
}

impl Default for Declarations {
    fn default() -> Self {
        Self::Exclusive(Vec::new())
    }
}

/// Which part of the element is written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Element,
    /// Its content, cut out of the form of the element.
    Content,
    /// Each of its children, as an element of its own.
    Children,
}

/// Writes an element; `None` if the form is longer than a canonical form may be.
pub(super) fn write(tree: &Tree<'_>, index: ElementIndex, form: &Form) -> Option<Vec<u8>> {
    let mut writer = Writer::new(tree, form, index);
    if form.part == Part::Children {
        let declared = tree.element(index).map(|element| &element.declared);
        writer.scope.extend(declared.into_iter().flatten().map(pair));
        for child in tree.element(index).map(|element| &element.children).into_iter().flatten() {
            match child {
                Node::Element(child) => {
                    writer.apex = *child;
                    writer.element(*child, 0);
                }
                Node::Text(text) => writer.push(&escape_text(text)),
                Node::Comment(_) => {}
            }
        }
    } else {
        writer.element(index, 0);
    }
    let Writer { out, content, .. } = writer;
    if out.len() > CANONICAL_WORK {
        return None;
    }
    if form.part == Part::Content { out.get(content.0..content.1).map(<[u8]>::to_vec) } else { Some(out) }
}

fn pair((prefix, uri): &(String, String)) -> (&str, &str) {
    (prefix, uri)
}

struct Writer<'t> {
    tree: &'t Tree<'t>,
    form: &'t Form,
    apex: ElementIndex,
    out: Vec<u8>,
    /// Bytes of the content of the outermost element.
    content: (usize, usize),
    /// Declarations in scope in the document, innermost last.
    scope: Vec<(&'t str, &'t str)>,
    /// Declarations that were written for open elements, innermost last.
    rendered: Vec<(&'t str, &'t str)>,
}

impl<'t> Writer<'t> {
    fn new(tree: &'t Tree<'t>, form: &'t Form, apex: ElementIndex) -> Self {
        let mut ancestors: Vec<_> = tree.ancestors(apex).collect();
        ancestors.reverse();
        let scope = ancestors.into_iter().flat_map(|element| &element.declared).map(pair).collect();
        Self { tree, form, apex, out: Vec::new(), content: (0, 0), scope, rendered: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        // A form that is too long is not used: what follows need not be written.
        if self.out.len() <= CANONICAL_WORK {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn element(&mut self, index: ElementIndex, depth: usize) {
        let tree = self.tree;
        let Some(element) = tree.element(index) else { return };
        let (scope, rendered) = (self.scope.len(), self.rendered.len());
        self.scope.extend(element.declared.iter().map(pair));
        self.start_tag(index, element);
        let replaced = self.form.texts.iter().find(|(other, _)| *other == index).map(|(_, text)| text);
        let is_empty = element.children.is_empty() && replaced.is_none();
        if self.form.written_style && is_empty {
            self.push("/>");
        } else {
            self.push(">");
            self.mark(depth, index, |content, at| content.0 = at);
            match replaced {
                Some(text) => self.push(&escape_text(text)),
                None => self.children(element, depth),
            }
            self.mark(depth, index, |content, at| content.1 = at);
            self.push("</");
            self.push(&element.name);
            self.push(">");
        }
        self.scope.truncate(scope);
        self.rendered.truncate(rendered);
    }

    fn mark(&mut self, depth: usize, index: ElementIndex, set: impl Fn(&mut (usize, usize), usize)) {
        if depth == 0 && index == self.apex {
            set(&mut self.content, self.out.len());
        }
    }

    fn start_tag(&mut self, index: ElementIndex, element: &'t Element) {
        self.push("<");
        self.push(&element.name);
        let mut declared = self.declarations(index, element);
        if !self.form.written_style {
            declared.sort_by_key(|(prefix, _)| *prefix);
        }
        for (prefix, uri) in &declared {
            self.push(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.push(prefix);
            self.push("=\"");
            self.push(&escape_value(uri));
            self.push("\"");
        }
        self.rendered.extend(declared);
        let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
        if !self.form.written_style {
            attributes.sort_by_key(|attribute| (&attribute.uri, &attribute.local));
        }
        for attribute in attributes.into_iter().filter(|attribute| !(self.form.without_ids && attribute.is_id)) {
            let colon = if attribute.prefix.is_empty() { "" } else { ":" };
            for part in [" ", &attribute.prefix, colon, &attribute.local, "=\""] {
                self.push(part);
            }
            self.push(&escape_value(&attribute.value));
            self.push("\"");
        }
    }

    /// The declarations that this element has in the form.
    fn declarations(&self, index: ElementIndex, element: &'t Element) -> Vec<(&'t str, &'t str)> {
        if let Declarations::Literal = self.form.declarations {
            return element.declared.iter().map(pair).collect();
        }
        let mut found: Vec<(&str, &str)> = Vec::new();
        let mut candidates = self.candidates(index, element);
        candidates.retain(|prefix| *prefix != "xml");
        for prefix in candidates {
            let find = |list: &[(&'t str, &'t str)]| list.iter().rev().find(|(other, _)| *other == prefix).copied();
            let in_scope = find(&self.scope).or_else(|| self.hoisted(index, prefix));
            let uri = in_scope.map_or("", |(_, uri)| uri);
            let is_new = uri != find(&self.rendered).map_or("", |(_, uri)| uri);
            if is_new && !found.iter().any(|(other, _)| *other == prefix) {
                found.push(in_scope.unwrap_or(("", "")));
            }
        }
        found
    }

    /// A declaration from the content, if the form has it in the outermost element.
    fn hoisted(&self, index: ElementIndex, prefix: &str) -> Option<(&'t str, &'t str)> {
        let tree = self.tree;
        let moves = match self.form.declarations {
            Declarations::HoistedListed(_) | Declarations::HoistedUsed | Declarations::HoistedAll => true,
            Declarations::Exclusive(_) | Declarations::Inclusive | Declarations::Detached | Declarations::Literal => {
                false
            }
        };
        if !moves || index != self.apex || prefix.is_empty() {
            return None;
        }
        let mut inside = tree.elements.iter().skip(index);
        inside.find_map(|element| element.declared.iter().map(pair).find(|(other, _)| *other == prefix))
    }

    /// The prefixes that the element may have to declare.
    fn candidates(&self, index: ElementIndex, element: &'t Element) -> Vec<&'t str> {
        let is_apex = index == self.apex;
        let declared = || element.declared.iter().map(|(prefix, _)| prefix.as_str());
        let without_ids = self.form.without_ids;
        let used = |element| used_with(element, move |attribute: &Attribute| !(without_ids && attribute.is_id));
        match &self.form.declarations {
            Declarations::Exclusive(list) => {
                let is_listed = |prefix: &&str| list.iter().any(|listed| listed == prefix);
                let listed: Vec<&'t str> = if is_apex {
                    self.scope.iter().map(|(prefix, _)| *prefix).filter(is_listed).collect()
                } else {
                    declared().filter(is_listed).collect()
                };
                used(element).chain(listed).collect()
            }
            Declarations::HoistedListed(list) if is_apex => {
                let listed = self.inside(index, |element| element.declared.iter().map(|(prefix, _)| prefix.as_str()));
                used(element).chain(listed.filter(|prefix| list.iter().any(|other| other == prefix))).collect()
            }
            Declarations::Inclusive if is_apex => {
                used(element).chain(self.scope.iter().map(|(prefix, _)| *prefix)).collect()
            }
            Declarations::Inclusive | Declarations::Detached => used(element).chain(declared()).collect(),
            Declarations::HoistedUsed if is_apex => self.inside(index, self::used).collect(),
            Declarations::HoistedAll if is_apex => {
                self.inside(index, |element| element.declared.iter().map(|(prefix, _)| prefix.as_str())).collect()
            }
            Declarations::HoistedListed(_)
            | Declarations::HoistedUsed
            | Declarations::HoistedAll
            | Declarations::Literal => used(element).collect(),
        }
    }

    /// Prefixes of the element and of every element inside. The default namespace is not moved.
    fn inside<I: Iterator<Item = &'t str>>(
        &self,
        index: ElementIndex,
        of: impl Fn(&'t Element) -> I + 't,
    ) -> impl Iterator<Item = &'t str> {
        let tree = self.tree;
        let own = tree.element(index).into_iter().flat_map(used);
        let end = tree.element(index).map_or(0, |element| element.end_tag.1);
        let content = tree.elements.iter().skip(index).take_while(move |element| element.start_tag.0 < end);
        own.chain(content.flat_map(of).filter(|prefix| !prefix.is_empty()))
    }

    fn children(&mut self, element: &'t Element, depth: usize) {
        let has_elements = element.children.iter().any(|child| matches!(child, Node::Element(_)));
        let space = self.form.space;
        for child in &element.children {
            match child {
                Node::Element(child) => {
                    self.push(&space.before_child(depth));
                    self.element(*child, depth.saturating_add(1));
                }
                Node::Text(text) => {
                    if let Some(text) = space.text(text, has_elements) {
                        self.push(&space.line_ends(escape_text(&text)));
                    }
                }
                Node::Comment(comment) if self.form.comments => {
                    self.push("<!--");
                    self.push(comment);
                    self.push("-->");
                }
                Node::Comment(_) => {}
            }
        }
        if has_elements {
            self.push(&space.before_end(depth));
        }
    }
}

/// The prefixes of an element's name and attributes.
fn used(element: &Element) -> impl Iterator<Item = &str> {
    used_with(element, |_| true)
}

/// The prefixes of an element's name and of some of its attributes.
fn used_with(element: &Element, counts: impl Fn(&Attribute) -> bool) -> impl Iterator<Item = &str> {
    let own = element.name.split_once(':').map_or("", |(prefix, _)| prefix);
    let of_attributes = element.attributes.iter().filter(move |attribute| counts(attribute));
    let of_attributes = of_attributes.map(|attribute| attribute.prefix.as_str());
    std::iter::once(own).chain(of_attributes.filter(|prefix| !prefix.is_empty()))
}

fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

fn escape_value(value: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    value.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}
