//! Binds the contract's messages to structs, element for element, in the order of the schema.
//!
//! A reply is a legal basis for what a physician does, so nothing is skipped: an element that is
//! unknown, missing, repeated or out of order is [`NotUnderstood::Shape`]. Attributes are ignored,
//! except the one that [`Attributed`] reads. [`bind!`] states the elements of a struct once, for
//! reading and for writing.

use ehealth_core::explained::Explained;
use soap::names::Namespace;
use soap::reader::{Name, Reader, Space};
use soap::writer::Writer;
use soap::{BadMessage, MessageError, Note, XmlError};

use crate::not_understood::NotUnderstood;

/// Name of an element: a message element has a namespace, a local element has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementName {
    /// Namespace; `None` for local elements (`elementFormDefault="unqualified"`).
    pub namespace: Option<Namespace>,
    /// Local name.
    pub local: &'static str,
}

impl ElementName {
    pub(crate) fn matches(self, name: Name<'_>) -> bool {
        name.space == self.namespace.map_or(Space::Unqualified, Space::Known) && name.local == self.local
    }
}

/// Children of one open element, read in order with a look-ahead of one.
pub struct Children<'r, 'a> {
    reader: &'r mut Reader<'a>,
    ahead: Option<Option<Name<'a>>>,
}

impl<'r, 'a> Children<'r, 'a> {
    pub(crate) fn of_open_element(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, ahead: None }
    }

    pub(crate) fn reader(&mut self) -> &mut Reader<'a> {
        self.reader
    }

    /// Reads the child of this name, which must come next.
    pub(crate) fn required<T: Content>(&mut self, name: ElementName) -> Result<T, NotUnderstood> {
        self.optional(name)?.ok_or(NotUnderstood::Shape)
    }

    /// Reads the child of this name if it comes next.
    pub(crate) fn optional<T: Content>(&mut self, name: ElementName) -> Result<Option<T>, NotUnderstood> {
        let next = match self.ahead {
            Some(next) => next,
            None => *self.ahead.insert(self.reader.next_child().map_err(inside_message)?),
        };
        if !next.is_some_and(|next| name.matches(next)) {
            return Ok(None);
        }
        self.ahead = None;
        T::read(self).map(Some)
    }

    /// Leaves the open element, which must have no further child.
    pub(crate) fn finish(mut self) -> Result<(), NotUnderstood> {
        let next = match self.ahead.take() {
            Some(next) => next,
            None => self.reader.next_child().map_err(inside_message)?,
        };
        if next.is_none() { Ok(()) } else { Err(NotUnderstood::Shape) }
    }
}

/// Content of an element: text, or the children of a type.
pub trait Content: Sized {
    /// Reads the content of the element that is open, to its end.
    ///
    /// # Errors
    /// [`NotUnderstood`] if it is not of this type.
    fn read(parent: &mut Children<'_, '_>) -> Result<Self, NotUnderstood>;

    /// Writes the content.
    fn write(&self, writer: &mut Writer);

    /// Writes the element.
    fn write_element(&self, name: ElementName, writer: &mut Writer) {
        match name.namespace {
            Some(namespace) => writer.declare(namespace, name.local, |writer| self.write(writer)),
            None => writer.local(name.local, |writer| self.write(writer)),
        }
    }
}

/// Text of an element with one attribute (XML Schema `xs:simpleContent`).
pub trait Attributed: Sized {
    /// Local name of the attribute, which has no namespace.
    const ATTRIBUTE: &'static str;

    /// Creates the value of both texts; the attribute is `None` if it is absent.
    fn from_texts(attribute: Option<String>, text: String) -> Self;

    /// Attribute and text.
    fn texts(&self) -> (Option<&str>, &str);
}

impl<T: Attributed> Content for T {
    fn read(parent: &mut Children<'_, '_>) -> Result<Self, NotUnderstood> {
        let has_name = |name: Name<'_>| name.space == Space::Unqualified && name.local == Self::ATTRIBUTE;
        let attribute = parent.reader.attributes().iter().find(|attribute| has_name(attribute.name));
        let attribute = attribute.map(|attribute| attribute.value.clone().into_owned());
        Ok(Self::from_texts(attribute, <String as Content>::read(parent)?))
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self.texts().1);
    }

    fn write_element(&self, name: ElementName, writer: &mut Writer) {
        match self.texts() {
            (Some(attribute), text) => writer.annotated(name.local, Self::ATTRIBUTE, attribute, text),
            (None, text) => writer.local(name.local, |writer| writer.text(text)),
        }
    }
}

impl Content for String {
    fn read(parent: &mut Children<'_, '_>) -> Result<Self, NotUnderstood> {
        Ok(parent.reader.read_value().map_err(inside_message)?.into_owned())
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

/// How often an element occurs: `T` once, `Option<T>` at most once, `Vec<T>` any number of times.
pub trait Occurrence: Sized {
    /// Reads the occurrences that come next.
    ///
    /// # Errors
    /// [`NotUnderstood`] if one is missing or not of its type.
    fn read(name: ElementName, children: &mut Children<'_, '_>) -> Result<Self, NotUnderstood>;

    /// Writes each occurrence.
    fn write(&self, name: ElementName, writer: &mut Writer);
}

impl<T: Content> Occurrence for T {
    fn read(name: ElementName, children: &mut Children<'_, '_>) -> Result<Self, NotUnderstood> {
        children.required(name)
    }

    fn write(&self, name: ElementName, writer: &mut Writer) {
        self.write_element(name, writer);
    }
}

impl<T: Content> Occurrence for Option<T> {
    fn read(name: ElementName, children: &mut Children<'_, '_>) -> Result<Self, NotUnderstood> {
        children.optional(name)
    }

    fn write(&self, name: ElementName, writer: &mut Writer) {
        if let Some(content) = self {
            Occurrence::write(content, name, writer);
        }
    }
}

impl<T: Content> Occurrence for Vec<T> {
    fn read(name: ElementName, children: &mut Children<'_, '_>) -> Result<Self, NotUnderstood> {
        let mut all = Self::new();
        while let Some(content) = children.optional(name)? {
            all.push(content);
        }
        Ok(all)
    }

    fn write(&self, name: ElementName, writer: &mut Writer) {
        self.iter().for_each(|content| Occurrence::write(content, name, writer));
    }
}

/// Implements [`Content`] for structs whose fields are the elements of a sequence (XML Schema
/// `xs:sequence`).
macro_rules! bind {
    ($($type:ident { $($field:ident: $namespace:expr, $local:literal,)+ })+) => {$(
        impl $crate::binding::Content for $type {
            fn read(parent: &mut $crate::binding::Children<'_, '_>) -> Result<Self, $crate::not_understood::NotUnderstood> {
                let mut children = $crate::binding::Children::of_open_element(parent.reader());
                let content = Self {
                    $($field: $crate::binding::Occurrence::read(
                        $crate::binding::ElementName { namespace: $namespace, local: $local },
                        &mut children,
                    )?,)+
                };
                children.finish()?;
                Ok(content)
            }

            fn write(&self, writer: &mut soap::writer::Writer) {
                $($crate::binding::Occurrence::write(
                    &self.$field,
                    $crate::binding::ElementName { namespace: $namespace, local: $local },
                    writer,
                );)+
            }
        }
    )+};
}

pub(crate) use bind;

/// Converts an error of the reader inside the message: what is well-formed and not of the contract
/// is [`NotUnderstood::Shape`].
pub(crate) fn inside_message(bad: Explained<BadMessage>) -> NotUnderstood {
    not_understood(bad.reason(), NotUnderstood::Shape)
}

/// Converts an error of the reader around the message: what is well-formed is not a SOAP 1.1
/// envelope.
pub(crate) fn around_message(bad: Explained<BadMessage>) -> NotUnderstood {
    not_understood(bad.reason(), NotUnderstood::NotAnEnvelope)
}

fn not_understood(bad: &BadMessage, structure: NotUnderstood) -> NotUnderstood {
    let not_xml = || NotUnderstood::NotXml {
        line: bad.location().and_then(|location| u64::try_from(location.line).ok()).unwrap_or(1),
    };
    match bad.error() {
        MessageError::UnreadEncoding | MessageError::EncodingConflict | MessageError::NoByteOrderMark => {
            NotUnderstood::NotUtf8
        }
        MessageError::Malformed if bad.note() == Some(Note::XmlError(XmlError::Encoding)) => NotUnderstood::NotUtf8,
        MessageError::Malformed
        | MessageError::Doctype
        | MessageError::ProcessingInstruction
        | MessageError::XmlVersion
        | MessageError::Attributes
        | MessageError::NamespaceDeclarations
        | MessageError::NameLength => not_xml(),
        MessageError::Depth | MessageError::Children | MessageError::TextLength | MessageError::Events => {
            NotUnderstood::TooLarge
        }
        MessageError::NotAnEnvelope
        | MessageError::VersionMismatch
        | MessageError::EnvelopeStructure
        | MessageError::BodyStructure
        | MessageError::UnqualifiedHeader
        | MessageError::MustUnderstandValue
        | MessageError::MustUnderstand
        | MessageError::WrongOperation
        | MessageError::WrongSoapAction
        | MessageError::WrongAction
        | MessageError::ReplyAddress
        | MessageError::MessageId
        | MessageError::RepeatedHeader
        | MessageError::Element
        | MessageError::TextAmongElements
        | MessageError::ElementInValue
        | MessageError::Attribute
        | MessageError::Value => structure,
    }
}
