//! Content models: reads elements in the order of a schema, each by its name, with nothing between
//! them.
//!
//! Implements the rules of XML Schema that hold for every element of any type: which attributes it
//! may have, that order and presence matter, that white space between elements does not. Values are
//! returned as text; the caller validates them.

use std::borrow::Cow;

use super::message_error::{BadMessage, MessageError};
use super::names::{Element, Namespace, envelope, instance};
use super::note::{KnownAttribute, Note};
use super::reader::characters::trim;
use super::reader::{Attribute, Name, Reader, Space};
use super::well_known::{FoundNamespace, WellKnown, known_type};
use ehealth_core::explained::{Cause, Explained};

/// A reader with a lookahead of one child.
pub(super) struct Content<'r, 'a> {
    reader: &'r mut Reader<'a>,
    lookahead: Lookahead<'a>,
}

/// The next child of the open element.
#[derive(Debug, Clone, Copy)]
enum Lookahead<'a> {
    /// Not read yet.
    Unknown,
    /// A child, whose start tag was read.
    Child(Name<'a>),
    /// The end of the element, which was read.
    End,
}

impl<'r, 'a> Content<'r, 'a> {
    /// Starts at the content of the open element.
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, lookahead: Lookahead::Unknown }
    }

    /// Whether the next child is this element.
    pub(super) fn is_next(&mut self, element: Element) -> Result<bool, Explained<BadMessage>> {
        Ok(self.look_ahead()?.is_some_and(|name| name.is(element)))
    }

    /// Enters the next child, which must be this element.
    pub(super) fn enter(&mut self, element: Element) -> Result<(), Explained<BadMessage>> {
        self.require(element, element.name)?;
        self.lookahead = Lookahead::Unknown;
        check_attributes(self.reader, element)
    }

    /// Checks that the next child is this element. `expected` names everything that is allowed
    /// here.
    pub(super) fn require(&mut self, element: Element, expected: &'static str) -> Result<(), Explained<BadMessage>> {
        if self.is_next(element)? { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// Leaves the open element, which must end here. `expected` names everything that is allowed
    /// here.
    pub(super) fn leave(&mut self, expected: &'static str) -> Result<(), Explained<BadMessage>> {
        if self.look_ahead()?.is_some() {
            return Err(self.unexpected(expected));
        }
        self.lookahead = Lookahead::Unknown;
        Ok(())
    }

    /// The error for a child other than these. All children of the payload are unqualified.
    fn unexpected(&self, expected: &'static str) -> Explained<BadMessage> {
        self.reader.error_expecting(MessageError::Element, expected, None)
    }

    /// Reads the text of the next child, which must be this element.
    pub(super) fn read_text(&mut self, element: Element) -> Result<Cow<'a, str>, Explained<BadMessage>> {
        self.enter(element)?;
        self.reader.read_value()
    }

    /// Reads the value of the next child, which must be this element. `parse` returns `None` for a
    /// text that is not of the type that `expected` describes.
    pub(super) fn read_value<T>(
        &mut self,
        element: Element,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Explained<BadMessage>> {
        let text = self.read_text(element)?;
        parse(&text).ok_or_else(|| {
            self.reader.error_noting(MessageError::Value, Note::Expected(expected), Cause::new("value", &text))
        })
    }

    /// Reads the value of the next child, if it is this element.
    pub(super) fn read_optional<T>(
        &mut self,
        element: Element,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Explained<BadMessage>> {
        if self.is_next(element)? { self.read_value(element, expected, parse).map(Some) } else { Ok(None) }
    }

    fn look_ahead(&mut self) -> Result<Option<Name<'a>>, Explained<BadMessage>> {
        if let Lookahead::Unknown = self.lookahead {
            self.lookahead = self.reader.next_child()?.map_or(Lookahead::End, Lookahead::Child);
        }
        Ok(match self.lookahead {
            Lookahead::Child(name) => Some(name),
            Lookahead::End | Lookahead::Unknown => None,
        })
    }
}

/// Checks the attributes of the element whose start was just read. Allowed are only those of XML
/// Schema itself (part 1, section 2.6), with values that change nothing.
pub(super) fn check_attributes(reader: &Reader<'_>, element: Element) -> Result<(), Explained<BadMessage>> {
    match reader.attributes().iter().find(|attribute| !is_allowed(reader, attribute, element)) {
        None => Ok(()),
        Some(refused) => Err(refuse_attribute(reader, refused, element)),
    }
}

/// The same for a header block, which may also have the attributes of SOAP: the reader of the
/// envelope has read them.
pub(super) fn check_block_attributes(reader: &Reader<'_>, block: Element) -> Result<(), Explained<BadMessage>> {
    let is_of_soap = |attribute: &Attribute<'_>| attribute.name.space == Space::Known(Namespace::Envelope);
    let mut others = reader.attributes().iter().filter(|attribute| !is_of_soap(attribute));
    match others.find(|attribute| !is_allowed(reader, attribute, block)) {
        None => Ok(()),
        Some(refused) => Err(refuse_attribute(reader, refused, block)),
    }
}

fn refuse_attribute(reader: &Reader<'_>, attribute: &Attribute<'_>, element: Element) -> Explained<BadMessage> {
    let cause = reader.attribute(attribute);
    let note = match (attribute.name.space, element.declared_type) {
        (Space::Known(Namespace::SchemaInstance), Some(expected)) if attribute.name.local == instance::TYPE => {
            let found = reader.resolve_name(&attribute.value).and_then(|named| match named.space {
                Space::Known(namespace) => known_type(namespace, named.local),
                Space::Unqualified | Space::Foreign => None,
            });
            Some(Note::Type { expected, found })
        }
        _ => known_attribute(reader, attribute).map(Note::Attribute),
    };
    match note {
        Some(note) => reader.error_noting(MessageError::Attribute, note, cause),
        None => reader.error(MessageError::Attribute, cause),
    }
}

/// An attribute that many stacks send, by namespace and name.
fn known_attribute(reader: &Reader<'_>, attribute: &Attribute<'_>) -> Option<KnownAttribute> {
    match (reader.namespace_of_attribute(attribute), attribute.name.local) {
        (FoundNamespace::Contract(Namespace::SchemaInstance), instance::NIL) => Some(KnownAttribute::Nil),
        (FoundNamespace::Contract(Namespace::SchemaInstance), instance::TYPE) => Some(KnownAttribute::Type),
        (FoundNamespace::Contract(Namespace::Envelope), envelope::ENCODING_STYLE)
        | (FoundNamespace::WellKnown(WellKnown::SoapEncoding), _) => Some(KnownAttribute::Encoding),
        (FoundNamespace::None, "href" | "id") => Some(KnownAttribute::Reference),
        (FoundNamespace::WellKnown(WellKnown::SecurityUtility), "Id") => Some(KnownAttribute::SignatureId),
        _ => None,
    }
}

fn is_allowed(reader: &Reader<'_>, attribute: &Attribute<'_>, element: Element) -> bool {
    if attribute.name.space != Space::Known(Namespace::SchemaInstance) {
        return false;
    }
    match attribute.name.local {
        instance::SCHEMA_LOCATION | instance::NO_NAMESPACE_SCHEMA_LOCATION => true,
        instance::NIL => matches!(trim(&attribute.value), "false" | "0"),
        instance::TYPE => {
            let Some((namespace, name)) = element.declared_type else { return false };
            reader.resolve_name(&attribute.value).is_some_and(|named| named.is_in(namespace, name))
        }
        _ => false,
    }
}
