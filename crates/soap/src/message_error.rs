//! Message errors: every way in which a message can be wrong, each with a code of our own
//! (`MSG9xxxx`).
//!
//! A [`MessageError`] says what is wrong, a [`Note`] gives the detail, a [`Location`] says where.
//! None of them can contain text of the caller: sentences are fixed, names are those of the
//! contract or well known, lines are numbers. So a description of a wrong message can be sent,
//! logged and recorded without filtering. What the caller sent there is the [`Cause`] beside it,
//! for the operator's log.
//!
//! [`Cause`]: ehealth_core::explained::Cause

use std::borrow::Cow;
use std::fmt;

use super::note::Note;
use super::xml_error::XmlError;
use ehealth_core::model::OutcomeCode;

/// Maximum characters of a description (`MessageType` of the schema).
pub(crate) const DIAGNOSTIC_CHARS: usize = 256;

ehealth_core::closed_enum! {
    /// What is wrong with a message, in the order of the codes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum MessageError {
        /// Not well-formed (XML 1.0, Namespaces in XML 1.0); an [`XmlError`] says how.
        Malformed,
        /// A DOCTYPE. SOAP 1.1, section 3 forbids it; without it there are no entities.
        Doctype,
        /// A processing instruction. SOAP 1.1, section 3 forbids it.
        ProcessingInstruction,
        /// An XML version other than 1.0.
        XmlVersion,
        /// The declaration, or the first bytes, name an encoding other than UTF-8 and UTF-16.
        UnreadEncoding,
        /// `Content-Type`, byte order mark and declaration contradict each other.
        EncodingConflict,
        /// UTF-16 without a byte order mark.
        NoByteOrderMark,
        /// Deeper than [`limits::DEPTH`](super::limits::DEPTH).
        Depth,
        /// More attributes than [`limits::ATTRIBUTES`](super::limits::ATTRIBUTES).
        Attributes,
        /// More declarations than
        /// [`limits::NAMESPACE_DECLARATIONS`](super::limits::NAMESPACE_DECLARATIONS).
        NamespaceDeclarations,
        /// More children than [`limits::CHILDREN`](super::limits::CHILDREN).
        Children,
        /// More text than [`limits::TEXT_BYTES`](super::limits::TEXT_BYTES).
        TextLength,
        /// A name longer than [`limits::NAME_BYTES`](super::limits::NAME_BYTES).
        NameLength,
        /// More parser events than [`limits::EVENTS`](super::limits::EVENTS).
        Events,
        /// The root element is not an envelope of any SOAP version.
        NotAnEnvelope,
        /// The root element is an envelope of another SOAP version, or of an unknown one.
        VersionMismatch,
        /// Anything other than an optional Header and one Body in the envelope.
        EnvelopeStructure,
        /// Not exactly one child in the body.
        BodyStructure,
        /// A header block without namespace.
        UnqualifiedHeader,
        /// A `mustUnderstand` other than 0, 1, true and false.
        MustUnderstandValue,
        /// A header block that must be understood, and is not.
        MustUnderstand,
        /// The child of the body is not the request of the operation at this address.
        WrongOperation,
        /// A `SOAPAction` that does not match the operation, or more than one.
        WrongSoapAction,
        /// An `Action` of WS-Addressing that does not match the operation.
        WrongAction,
        /// A `ReplyTo` or `FaultTo` that is neither anonymous nor none.
        ReplyAddress,
        /// A `MessageID` that is empty or longer than
        /// [`limits::MESSAGE_ID_CHARS`](super::limits::MESSAGE_ID_CHARS).
        MessageId,
        /// A header block twice that may occur once.
        RepeatedHeader,
        /// An element is missing, unknown, out of order or in another namespace.
        Element,
        /// Text where only elements are allowed.
        TextAmongElements,
        /// An element where only text is allowed.
        ElementInValue,
        /// An attribute that is not allowed.
        Attribute,
        /// A value that does not match its type.
        Value,
    }
}

/// `faultcode`: which side caused the fault (SOAP 1.1, section 4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// The message: the same message fails again.
    Client,
    /// The service: the same message may succeed later.
    Server,
    /// The namespace of the envelope.
    VersionMismatch,
    /// A header block.
    MustUnderstand,
}

impl FaultCode {
    /// Local name in the namespace of the envelope.
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
    /// `reasonCode`, typed. Recorded as the outcome of the exchange.
    #[must_use]
    pub const fn outcome(self) -> OutcomeCode {
        match self {
            Self::Malformed => OutcomeCode::Malformed,
            Self::Doctype => OutcomeCode::Doctype,
            Self::ProcessingInstruction => OutcomeCode::ProcessingInstruction,
            Self::XmlVersion => OutcomeCode::XmlVersion,
            Self::UnreadEncoding => OutcomeCode::UnreadEncoding,
            Self::EncodingConflict => OutcomeCode::EncodingConflict,
            Self::NoByteOrderMark => OutcomeCode::NoByteOrderMark,
            Self::Depth => OutcomeCode::Depth,
            Self::Attributes => OutcomeCode::Attributes,
            Self::NamespaceDeclarations => OutcomeCode::NamespaceDeclarations,
            Self::Children => OutcomeCode::Children,
            Self::TextLength => OutcomeCode::TextLength,
            Self::NameLength => OutcomeCode::NameLength,
            Self::Events => OutcomeCode::Events,
            Self::NotAnEnvelope => OutcomeCode::NotAnEnvelope,
            Self::VersionMismatch => OutcomeCode::VersionMismatch,
            Self::EnvelopeStructure => OutcomeCode::EnvelopeStructure,
            Self::BodyStructure => OutcomeCode::BodyStructure,
            Self::UnqualifiedHeader => OutcomeCode::UnqualifiedHeader,
            Self::MustUnderstandValue => OutcomeCode::MustUnderstandValue,
            Self::MustUnderstand => OutcomeCode::MustUnderstand,
            Self::WrongOperation => OutcomeCode::WrongOperation,
            Self::WrongSoapAction => OutcomeCode::WrongSoapAction,
            Self::WrongAction => OutcomeCode::WrongAction,
            Self::ReplyAddress => OutcomeCode::ReplyAddress,
            Self::MessageId => OutcomeCode::MessageId,
            Self::RepeatedHeader => OutcomeCode::RepeatedHeader,
            Self::Element => OutcomeCode::Element,
            Self::TextAmongElements => OutcomeCode::TextAmongElements,
            Self::ElementInValue => OutcomeCode::ElementInValue,
            Self::Attribute => OutcomeCode::Attribute,
            Self::Value => OutcomeCode::Value,
        }
    }

    /// `reasonCode`: the code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.outcome().code()
    }

    /// `faultcode`.
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
            | Self::RepeatedHeader
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
            Self::Doctype => "A DOCTYPE is not allowed.",
            Self::ProcessingInstruction => "Processing instructions are not allowed.",
            Self::XmlVersion => "The XML version is not supported; use 1.0.",
            Self::UnreadEncoding => "The encoding is not supported; use UTF-8 or UTF-16.",
            Self::EncodingConflict => "Content-Type, byte order mark and XML declaration name different encodings.",
            Self::NoByteOrderMark => "UTF-16 requires a byte order mark.",
            Self::Depth => "Elements are nested more than 32 levels deep.",
            Self::Attributes => "An element has more than 32 attributes.",
            Self::NamespaceDeclarations => "An element declares more than 16 namespaces.",
            Self::Children => "An element has more than 1024 children.",
            Self::TextLength => "A text is longer than 65536 bytes.",
            Self::NameLength => "A name is longer than 256 bytes.",
            Self::Events => "The message has more than 16384 tags, texts, comments and references.",
            Self::NotAnEnvelope => "The message is not a SOAP envelope.",
            Self::VersionMismatch => "The SOAP version is not supported; use SOAP 1.1.",
            Self::EnvelopeStructure => "An Envelope has at most one Header, then one Body, and nothing else.",
            Self::BodyStructure => "A Body has exactly one child element.",
            Self::UnqualifiedHeader => "A header block has no namespace.",
            Self::MustUnderstandValue => "mustUnderstand is not 0, 1, true or false.",
            Self::MustUnderstand => "A header block with mustUnderstand is not supported.",
            Self::WrongOperation => "The Body is not a request of the operation at this address.",
            Self::WrongSoapAction => "SOAPAction does not match the operation, or is present twice.",
            Self::WrongAction => "The Action header does not match the operation.",
            Self::ReplyAddress => "ReplyTo and FaultTo must be the anonymous address or none.",
            Self::MessageId => "MessageID must have 1 to 256 characters.",
            Self::RepeatedHeader => "A header block that may occur once is present twice.",
            Self::Element => "An element is missing, unknown, out of order or in the wrong namespace.",
            Self::TextAmongElements => "Text is not allowed between elements.",
            Self::ElementInValue => "An element is not allowed inside a value.",
            Self::Attribute => "An attribute is not allowed here.",
            Self::Value => "A value does not match its type.",
        }
    }
}

/// Location of an error in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Path of elements (`/Envelope/Body/*`). A name that is not in the contract shows as `*`.
    pub path: String,
}

/// An error with its detail, not yet located.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) error: MessageError,
    pub(super) note: Option<Note>,
}

impl From<MessageError> for Violation {
    fn from(error: MessageError) -> Self {
        Self { error, note: None }
    }
}

impl From<XmlError> for Violation {
    fn from(error: XmlError) -> Self {
        Self { error: MessageError::Malformed, note: Some(Note::XmlError(error)) }
    }
}

/// A wrong message: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadMessage {
    error: MessageError,
    note: Option<Note>,
    location: Option<Location>,
}

impl BadMessage {
    pub(super) fn new(violation: Violation, location: Option<Location>) -> Self {
        Self { error: violation.error, note: violation.note, location }
    }

    /// What is wrong.
    #[must_use]
    pub fn error(&self) -> MessageError {
        self.error
    }

    /// Detail, where there is one.
    #[must_use]
    pub fn note(&self) -> Option<Note> {
        self.note
    }

    /// Location; `None` if the message could not be decoded as text, or if the error is outside the
    /// message.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

impl BadMessage {
    /// The sentence, and for an error without other details in the fault also the [`Note`].
    #[must_use]
    pub fn faultstring(&self) -> String {
        match (self.error.fault_code(), self.note) {
            (FaultCode::VersionMismatch | FaultCode::MustUnderstand, Some(note)) => {
                format!("{} {note}", self.error.sentence())
            }
            (FaultCode::VersionMismatch | FaultCode::MustUnderstand, None)
            | (FaultCode::Client | FaultCode::Server, _) => self.error.sentence().to_owned(),
        }
    }
}

impl fmt::Display for BadMessage {
    /// At most 256 characters. All of them are fixed, except the line and the choice of names. A
    /// path that does not fit loses its beginning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.error.sentence().to_owned();
        if let Some(note) = self.note {
            text.push_str(&format!(" {note}"));
        }
        if let Some(Location { line, path }) = &self.location {
            let line = format!(" Line {line}");
            let around = text.len().saturating_add(line.len()).saturating_add(", .".len());
            if around > DIAGNOSTIC_CHARS {
                return f.write_str(&text);
            }
            text.push_str(&line);
            if let Some(path) = shorten(path, DIAGNOSTIC_CHARS.saturating_sub(around)) {
                text.push_str(", ");
                text.push_str(&path);
            }
            text.push('.');
        }
        f.write_str(&text)
    }
}

/// The path, or its last steps after `...`, in at most `longest` bytes; `None` if not even the last
/// step fits.
fn shorten(path: &str, longest: usize) -> Option<Cow<'_, str>> {
    if path.len() <= longest {
        return Some(Cow::Borrowed(path));
    }
    let fits = |tail: &&str| tail.len().saturating_add("...".len()) <= longest;
    let tail = path.match_indices('/').filter_map(|(at, _)| path.get(at..)).find(fits)?;
    Some(Cow::Owned(["...", tail].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Namespace;
    use crate::note::KnownAttribute;
    use crate::well_known::{FoundNamespace, WellKnown};
    use ehealth_core::lookup::Operation;

    #[test]
    fn codes_are_unique_and_ascending() {
        assert!(MessageError::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        assert!(MessageError::ALL.iter().all(|error| error.code().starts_with("MSG9") && error.code().len() == 8));
    }

    #[test]
    fn the_longest_diagnostic_fits_its_type() {
        let longest_path = ["/", &"x".repeat(30)].concat().repeat(4);
        let location = Location { line: crate::limits::DOCUMENT_BYTES, path: longest_path };
        let longest = WellKnown::ALL.into_iter().max_by_key(|namespace| namespace.uri().len()).expect("one");
        let found = FoundNamespace::WellKnown(longest);
        let namespaces = Namespace::ALL.map(|expected| Note::Namespace { expected: Some(expected), found });
        let types = Note::Type {
            expected: (Namespace::Common, "OrganizationIdentificationType"),
            found: Some((Namespace::Common, "OrganizationIdentificationType")),
        };
        let expected = ["referenceDate, period or nothing more"];
        let notes: Vec<_> = (XmlError::ALL.map(Note::XmlError).into_iter())
            .chain(expected.map(Note::Expected))
            .chain(Operation::ALL.map(Note::SoapAction))
            .chain(namespaces)
            .chain(KnownAttribute::ALL.map(Note::Attribute))
            .chain([types])
            .chain(WellKnown::ALL.map(Note::HeaderBlock))
            .collect();
        for error in MessageError::ALL {
            for note in &notes {
                let bad = BadMessage::new(Violation { error, note: Some(*note) }, Some(location.clone()));
                let (text, faultstring) = (bad.to_string(), bad.faultstring());
                let may_lose_its_line = matches!(note, Note::Namespace { .. } | Note::HeaderBlock(_));
                assert!(text.len() <= 256 && (may_lose_its_line || text.contains(" Line 262144")), "{bad}");
                assert!(text.starts_with(error.sentence()) && faultstring.len() <= 256, "{faultstring}");
            }
        }
    }

    #[test]
    fn a_path_that_does_not_fit_keeps_its_last_steps() {
        assert_eq!(shorten("/a/b/c", 6).as_deref(), Some("/a/b/c"));
        assert_eq!(shorten(".../a/b/c", 8).as_deref(), Some(".../b/c"));
        assert_eq!(shorten("/aa/b/c", 6).as_deref(), Some(".../c"));
        assert_eq!(shorten("/aa/b/c", 4), None);
    }
}
