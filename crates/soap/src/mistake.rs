//! Every way in which a message can be wrong: one code each, ours (`MSG9xxxx`).
//!
//! A [`MessageError`] says what is wrong, a [`Note`] more exactly, a [`Location`] where. None of them can hold a text of the
//! caller: sentences are fixed, names are the contract's, lines are numbers. So what is told of a wrong message can be
//! sent, logged and recorded without being looked through.

use std::fmt;

use super::flaw::XmlError;

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageError {
    /// Not well-formed (XML 1.0, Namespaces in XML 1.0); a [`XmlError`] says how.
    Malformed,
    /// A DOCTYPE: SOAP 1.1, section 3 forbids it, and with it goes every entity.
    Doctype,
    /// A processing instruction: SOAP 1.1, section 3 forbids it.
    ProcessingInstruction,
    /// An XML version other than 1.0.
    XmlVersion,
    /// The declaration, or the first bytes, say an encoding other than UTF-8 and UTF-16.
    UnreadEncoding,
    /// `Content-Type`, byte order mark and declaration contradict each other.
    EncodingConflict,
    /// UTF-16 without its byte order mark.
    NoByteOrderMark,
    /// Deeper than [`limits::DEPTH`](super::limits::DEPTH).
    Depth,
    /// More attributes than [`limits::ATTRIBUTES`](super::limits::ATTRIBUTES).
    Attributes,
    /// More declarations than [`limits::NAMESPACE_DECLARATIONS`](super::limits::NAMESPACE_DECLARATIONS).
    NamespaceDeclarations,
    /// More children than [`limits::CHILDREN`](super::limits::CHILDREN).
    Children,
    /// More text than [`limits::TEXT_BYTES`](super::limits::TEXT_BYTES).
    TextLength,
    /// A name longer than [`limits::NAME_BYTES`](super::limits::NAME_BYTES).
    NameLength,
    /// More parser events than [`limits::EVENTS`](super::limits::EVENTS).
    Events,
    /// The root is no envelope of any version.
    NotAnEnvelope,
    /// The root is an envelope of another SOAP version, or of none.
    VersionMismatch,
    /// Something else than an optional Header and one Body in the envelope.
    EnvelopeStructure,
    /// Not exactly one child in the body.
    BodyStructure,
    /// A header block without namespace.
    UnqualifiedHeader,
    /// A `mustUnderstand` that is none of 0, 1, true, false.
    MustUnderstandValue,
    /// A header block that must be understood, and is not.
    MustUnderstand,
    /// The body's child is no request of the operation at this address.
    WrongOperation,
    /// A `SOAPAction` that is not the operation's, or more than one.
    WrongSoapAction,
    /// An `Action` of WS-Addressing that is not the operation's.
    WrongAction,
    /// A `ReplyTo` or `FaultTo` that is neither anonymous nor none.
    ReplyAddress,
    /// A `MessageID` that is empty or longer than [`limits::MESSAGE_ID_CHARS`](super::limits::MESSAGE_ID_CHARS).
    MessageId,
    /// A header block of WS-Addressing that may occur once, twice.
    RepeatedAddressing,
    /// An element is missing, unknown, out of order or in another namespace.
    Element,
    /// Text where only elements may stand.
    TextAmongElements,
    /// An element where only text may stand.
    ElementInValue,
    /// An attribute that may not stand there.
    Attribute,
    /// A value that breaks its type.
    Value,
}

/// Who is at fault, in the words of SOAP 1.1, section 4.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// The message: the same message will not do better.
    Client,
    /// Us: the same message may do better later.
    Server,
    /// The envelope's namespace.
    VersionMismatch,
    /// A header block.
    MustUnderstand,
}

impl FaultCode {
    /// The local name in the envelope's namespace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
            Self::VersionMismatch => "VersionMismatch",
            Self::MustUnderstand => "MustUnderstand",
        }
    }
}

impl MessageError {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 32] = [
        Self::Malformed,
        Self::Doctype,
        Self::ProcessingInstruction,
        Self::XmlVersion,
        Self::UnreadEncoding,
        Self::EncodingConflict,
        Self::NoByteOrderMark,
        Self::Depth,
        Self::Attributes,
        Self::NamespaceDeclarations,
        Self::Children,
        Self::TextLength,
        Self::NameLength,
        Self::Events,
        Self::NotAnEnvelope,
        Self::VersionMismatch,
        Self::EnvelopeStructure,
        Self::BodyStructure,
        Self::UnqualifiedHeader,
        Self::MustUnderstandValue,
        Self::MustUnderstand,
        Self::WrongOperation,
        Self::WrongSoapAction,
        Self::WrongAction,
        Self::ReplyAddress,
        Self::MessageId,
        Self::RepeatedAddressing,
        Self::Element,
        Self::TextAmongElements,
        Self::ElementInValue,
        Self::Attribute,
        Self::Value,
    ];

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MSG90001",
            Self::Doctype => "MSG90002",
            Self::ProcessingInstruction => "MSG90003",
            Self::XmlVersion => "MSG90004",
            Self::UnreadEncoding => "MSG90005",
            Self::EncodingConflict => "MSG90006",
            Self::NoByteOrderMark => "MSG90007",
            Self::Depth => "MSG90011",
            Self::Attributes => "MSG90012",
            Self::NamespaceDeclarations => "MSG90013",
            Self::Children => "MSG90014",
            Self::TextLength => "MSG90015",
            Self::NameLength => "MSG90016",
            Self::Events => "MSG90017",
            Self::NotAnEnvelope => "MSG90021",
            Self::VersionMismatch => "MSG90022",
            Self::EnvelopeStructure => "MSG90023",
            Self::BodyStructure => "MSG90024",
            Self::UnqualifiedHeader => "MSG90025",
            Self::MustUnderstandValue => "MSG90026",
            Self::MustUnderstand => "MSG90027",
            Self::WrongOperation => "MSG90028",
            Self::WrongSoapAction => "MSG90029",
            Self::WrongAction => "MSG90031",
            Self::ReplyAddress => "MSG90032",
            Self::MessageId => "MSG90033",
            Self::RepeatedAddressing => "MSG90034",
            Self::Element => "MSG90041",
            Self::TextAmongElements => "MSG90042",
            Self::ElementInValue => "MSG90043",
            Self::Attribute => "MSG90044",
            Self::Value => "MSG90045",
        }
    }

    /// Who is at fault.
    #[must_use]
    pub const fn fault_code(self) -> FaultCode {
        match self {
            Self::VersionMismatch => FaultCode::VersionMismatch,
            Self::MustUnderstand => FaultCode::MustUnderstand,
            Self::Malformed
            | Self::Doctype
            | Self::ProcessingInstruction
            | Self::XmlVersion
            | Self::UnreadEncoding
            | Self::EncodingConflict
            | Self::NoByteOrderMark
            | Self::Depth
            | Self::Attributes
            | Self::NamespaceDeclarations
            | Self::Children
            | Self::TextLength
            | Self::NameLength
            | Self::Events
            | Self::NotAnEnvelope
            | Self::EnvelopeStructure
            | Self::BodyStructure
            | Self::UnqualifiedHeader
            | Self::MustUnderstandValue
            | Self::WrongOperation
            | Self::WrongSoapAction
            | Self::WrongAction
            | Self::ReplyAddress
            | Self::MessageId
            | Self::RepeatedAddressing
            | Self::Element
            | Self::TextAmongElements
            | Self::ElementInValue
            | Self::Attribute
            | Self::Value => FaultCode::Client,
        }
    }

    /// One fixed sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "The message is not well-formed XML.",
            Self::Doctype => "A message has no DOCTYPE.",
            Self::ProcessingInstruction => "A message has no processing instructions.",
            Self::XmlVersion => "Only XML 1.0 is read.",
            Self::UnreadEncoding => "Only UTF-8 and UTF-16 are read.",
            Self::EncodingConflict => "Content-Type, byte order mark and XML declaration name different encodings.",
            Self::NoByteOrderMark => "UTF-16 needs its byte order mark.",
            Self::Depth => "Elements are nested more than 32 deep.",
            Self::Attributes => "An element has more than 32 attributes.",
            Self::NamespaceDeclarations => "An element declares more than 16 namespaces.",
            Self::Children => "An element has more than 1024 children.",
            Self::TextLength => "A text is longer than 65536 bytes.",
            Self::NameLength => "A name is longer than 256 bytes.",
            Self::Events => "The message has more than 16384 tags, texts, comments and references.",
            Self::NotAnEnvelope => "The message is not a SOAP envelope.",
            Self::VersionMismatch => "The envelope is not one of SOAP 1.1.",
            Self::EnvelopeStructure => "An envelope has at most one Header, then one Body, and nothing else.",
            Self::BodyStructure => "A Body has exactly one child.",
            Self::UnqualifiedHeader => "A header block has no namespace.",
            Self::MustUnderstandValue => "mustUnderstand is none of 0, 1, true and false.",
            Self::MustUnderstand => "A header block that must be understood is not.",
            Self::WrongOperation => "The body holds no request of the operation at this address.",
            Self::WrongSoapAction => "SOAPAction is not that of the operation, or is given twice.",
            Self::WrongAction => "Action is not that of the operation.",
            Self::ReplyAddress => "Answers go to the anonymous address or to none.",
            Self::MessageId => "A MessageID has 1 to 256 characters.",
            Self::RepeatedAddressing => "A header block of WS-Addressing is given twice.",
            Self::Element => "An element is missing, unknown, out of order or in another namespace.",
            Self::TextAmongElements => "There is text where only elements may be.",
            Self::ElementInValue => "There is an element where only text may be.",
            Self::Attribute => "An attribute is not allowed there.",
            Self::Value => "A value breaks its type.",
        }
    }
}

/// What there is to say beyond the mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// How the message is not well-formed.
    XmlError(XmlError),
    /// What should have stood there, in the contract's words.
    Expected(&'static str),
}

/// Where in a message something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The line, from 1.
    pub line: usize,
    /// The elements that lead there (`/Envelope/Body/*`). A name that is not the contract's shows as `*`.
    pub path: String,
}

/// A mistake, without where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Objection {
    pub(super) mistake: MessageError,
    pub(super) note: Option<Note>,
}

impl From<MessageError> for Objection {
    fn from(mistake: MessageError) -> Self {
        Self { mistake, note: None }
    }
}

impl From<XmlError> for Objection {
    fn from(flaw: XmlError) -> Self {
        Self { mistake: MessageError::Malformed, note: Some(Note::XmlError(flaw)) }
    }
}

/// A message that is wrong: how, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadMessage {
    mistake: MessageError,
    note: Option<Note>,
    place: Option<Location>,
}

impl BadMessage {
    pub(super) fn new(objection: Objection, place: Option<Location>) -> Self {
        Self { mistake: objection.mistake, note: objection.note, place }
    }

    /// What is wrong.
    #[must_use]
    pub fn mistake(&self) -> MessageError {
        self.mistake
    }

    /// More exactly.
    #[must_use]
    pub fn note(&self) -> Option<Note> {
        self.note
    }

    /// Where; `None` if the message could not be read as text, or if the mistake is not in it.
    #[must_use]
    pub fn place(&self) -> Option<&Location> {
        self.place.as_ref()
    }
}

impl fmt::Display for BadMessage {
    /// At most 256 characters, all of them fixed but the line and the choice of element names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mistake.sentence())?;
        match self.note {
            Some(Note::XmlError(flaw)) => write!(f, " {}", flaw.sentence())?,
            Some(Note::Expected(expected)) => write!(f, " Expected: {expected}.")?,
            None => {}
        }
        match &self.place {
            Some(place) => write!(f, " Line {}, {}.", place.line, place.path),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ascending_and_so_each_its_own() {
        assert!(MessageError::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        assert!(
            MessageError::ALL.iter().all(|mistake| mistake.code().starts_with("MSG9") && mistake.code().len() == 8)
        );
    }

    #[test]
    fn the_longest_diagnostic_fits_its_type() {
        let longest_path = "x".repeat(crate::reader::place::PATH_CHARS);
        let place = Location { line: crate::limits::DOCUMENT_BYTES, path: longest_path };
        let notes = XmlError::ALL.into_iter().map(|flaw| (MessageError::Malformed, Note::XmlError(flaw)));
        let longest_expected = Note::Expected("referenceDate, period or nothing more");
        let others = MessageError::ALL.into_iter().filter(|mistake| *mistake != MessageError::Malformed);
        for (mistake, note) in notes.chain(others.map(|mistake| (mistake, longest_expected))) {
            let bad = BadMessage::new(Objection { mistake, note: Some(note) }, Some(place.clone()));
            assert!(bad.to_string().len() <= 256, "{bad}");
        }
    }
}
