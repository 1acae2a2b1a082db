//! Content models: elements read in the order of a schema, each by its name, with nothing between them.
//!
//! Holds what XML Schema says of every element whatever its type: which attributes it may have, that order and presence
//! count, that white space between elements does not. Values are handed out as they are; what they may be is said by
//! whoever asks for them.

use std::borrow::Cow;

use super::message_error::{BadMessage, MessageError};
use super::names::{Element, Namespace, instance};
use super::reader::characters::trim;
use super::reader::{Attribute, Name, Reader, Space};

/// A reader that looks one child ahead.
pub(super) struct Content<'r, 'a> {
    reader: &'r mut Reader<'a>,
    ahead: Ahead<'a>,
}

/// What comes next in the open element.
#[derive(Debug, Clone, Copy)]
enum Ahead<'a> {
    /// Not looked at.
    Unknown,
    /// A child, whose begin was read.
    Child(Name<'a>),
    /// The element's end, which was read.
    End,
}

impl<'r, 'a> Content<'r, 'a> {
    /// Reads the content of the open element.
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, ahead: Ahead::Unknown }
    }

    /// Whether the next child is this element.
    pub(super) fn is_next(&mut self, element: Element) -> Result<bool, BadMessage> {
        Ok(self.look_ahead()?.is_some_and(|name| name.is(element)))
    }

    /// Goes into the next child, which must be this element.
    pub(super) fn enter(&mut self, element: Element) -> Result<(), BadMessage> {
        self.require(element, element.name)?;
        self.ahead = Ahead::Unknown;
        check_attributes(self.reader, element)
    }

    /// Sees to it that the next child is this element. `expected` names what else could have stood here.
    pub(super) fn require(&mut self, element: Element, expected: &'static str) -> Result<(), BadMessage> {
        if self.is_next(element)? { Ok(()) } else { Err(self.reader.error_expecting(MessageError::Element, expected)) }
    }

    /// Leaves the open element, which must end here. `expected` names what else could have stood here.
    pub(super) fn leave(&mut self, expected: &'static str) -> Result<(), BadMessage> {
        if self.look_ahead()?.is_some() {
            return Err(self.reader.error_expecting(MessageError::Element, expected));
        }
        self.ahead = Ahead::Unknown;
        Ok(())
    }

    /// The text of the next child, which must be this element.
    pub(super) fn read_text(&mut self, element: Element) -> Result<Cow<'a, str>, BadMessage> {
        self.enter(element)?;
        self.reader.read_value()
    }

    /// The value of the next child, which must be this element. `parse` says whether the text is one.
    pub(super) fn read_value<T>(
        &mut self,
        element: Element,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, BadMessage> {
        let text = self.read_text(element)?;
        parse(&text).ok_or_else(|| self.reader.error(MessageError::Value))
    }

    /// The value of the next child if it is this element.
    pub(super) fn read_optional<T>(
        &mut self,
        element: Element,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, BadMessage> {
        if self.is_next(element)? { self.read_value(element, parse).map(Some) } else { Ok(None) }
    }

    fn look_ahead(&mut self) -> Result<Option<Name<'a>>, BadMessage> {
        if let Ahead::Unknown = self.ahead {
            self.ahead = self.reader.next_child()?.map_or(Ahead::End, Ahead::Child);
        }
        Ok(match self.ahead {
            Ahead::Child(name) => Some(name),
            Ahead::End | Ahead::Unknown => None,
        })
    }
}

/// Judges the attributes of an element that was just told: those of XML Schema itself (part 1, section 2.6), as far as
/// they say nothing new, and no other.
pub(super) fn check_attributes(reader: &Reader<'_>, element: Element) -> Result<(), BadMessage> {
    if reader.attributes().iter().all(|attribute| is_allowed(reader, attribute, element)) {
        Ok(())
    } else {
        Err(reader.error(MessageError::Attribute))
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
            let (namespace, name) = element.declared_type;
            reader.resolve_name(&attribute.value).is_some_and(|named| named.is_in(namespace, name))
        }
        _ => false,
    }
}
