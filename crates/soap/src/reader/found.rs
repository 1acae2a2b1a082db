//! What was read last, where it is wrong: for the operator's log, and as far as it is known for the
//! caller.

use super::location::known;
use super::namespaces::Space;
use super::tag::Attribute;
use super::token_reader::{OpenElement, Reader};
use crate::message_error::{BadMessage, MessageError};
use crate::names::Namespace;
use crate::note::Note;
use crate::well_known::FoundNamespace;
use ehealth_core::explained::{Cause, Explained};

impl Reader<'_> {
    /// An error in the element that was read last.
    pub(crate) fn element_error(&self, error: MessageError) -> Explained<BadMessage> {
        self.error(error, self.element())
    }

    /// An error in the element that was read last, where others were expected. `expected` has all
    /// their names, and `namespace` is theirs. If only the namespace is wrong, the note says so.
    pub(crate) fn error_expecting(
        &self,
        error: MessageError,
        expected: &'static str,
        namespace: Option<Namespace>,
    ) -> Explained<BadMessage> {
        let element = self.open.last().filter(|_| !self.is_at_end_of_element());
        let is_expected = |name: &str| expected.split([' ', ',']).any(|word| word == name);
        let space = namespace.map_or(Space::Unqualified, Space::Known);
        let is_only_misplaced = |element: &&OpenElement<'_>| {
            let name = element.tag.name;
            name.space != space && known(name.local).is_some_and(is_expected)
        };
        let note = match element.filter(is_only_misplaced) {
            Some(element) => {
                Note::Namespace { expected: namespace, found: FoundNamespace::of(self.namespace_of(element)) }
            }
            None => Note::Expected(expected),
        };
        self.error_noting(error, note, self.element())
    }

    /// The namespace of the element that was read last.
    pub(crate) fn namespace(&self) -> FoundNamespace {
        self.open.last().map_or(FoundNamespace::None, |element| FoundNamespace::of(self.namespace_of(element)))
    }

    /// The element that was read last, or whose end was.
    pub(crate) fn element(&self) -> Cause {
        let Some(element) = self.open.last() else { return Cause::fixed("end of the document") };
        let what = if self.is_at_end_of_element() { "end of element" } else { "element" };
        Cause::new(what, element.tag.name.local).and("namespace", self.namespace_of(element))
    }

    /// An attribute of the element that was read last.
    pub(crate) fn attribute(&self, attribute: &Attribute<'_>) -> Cause {
        Cause::new("attribute", attribute.name.local)
            .and("namespace", self.uri_of_attribute(attribute))
            .and("value", &attribute.value)
    }

    /// The namespace of an attribute of the element that was read last.
    pub(crate) fn namespace_of_attribute(&self, attribute: &Attribute<'_>) -> FoundNamespace {
        FoundNamespace::of(self.uri_of_attribute(attribute))
    }

    /// URI of an attribute's namespace: without a prefix it has none.
    pub(crate) fn uri_of_attribute(&self, attribute: &Attribute<'_>) -> &str {
        let prefix = Some(attribute.prefix()).filter(|prefix| !prefix.is_empty());
        prefix.and_then(|prefix| self.namespaces.uri(prefix)).unwrap_or_default()
    }

    /// The markup or text that was read last.
    pub(super) fn excerpt(&self) -> Cause {
        let ends: &[char] = match self.rest_before.as_bytes() {
            [] => return Cause::fixed("end of the document"),
            [b'<', ..] => &['>'],
            [b'&', ..] => &[';', '<'],
            _ => &['<'],
        };
        let piece = self.rest_before.split_inclusive(ends).next().unwrap_or_default();
        Cause::new("text", piece.strip_suffix(|last| last == '<' && piece.len() > 1).unwrap_or(piece))
    }

    fn namespace_of(&self, element: &OpenElement<'_>) -> &str {
        let prefix = element.tag.written.split_once(':').map_or("", |(prefix, _)| prefix);
        self.namespaces.uri(prefix).unwrap_or_default()
    }
}
