//! The envelope around a message: written whole, and read with nothing left over.
//!
//! yaserde reads generously: it skips elements that it does not know, takes the last of two where one may be, and looks at
//! neither order nor text beside elements. A reply is a legal basis for what a physician does, so here it is the
//! contract's to the letter: what was read is written again, and must be, element for element, what was sent. Attributes,
//! prefixes, comments and blanks between elements are free. The envelope is read by hand, because yaserde cannot say
//! "exactly one child, and nothing after it".
//!
//! Knows no connection and no meaning of a value. After [`read`] handed back a message, the reply was well-formed XML in
//! UTF-8, within the limits below, with that message and no other in its body.

// The parser that yaserde is built on, by yaserde's own re-export: the one name under which it is sure to be the same
// version, without which the reader below could not be handed to yaserde.
use yaserde::__xml::common::Position;
use yaserde::__xml::name::OwnedName;
use yaserde::__xml::namespace::Namespace;
use yaserde::__xml::reader::{EventReader, ParserConfig, XmlEvent};
use yaserde::YaDeserialize;
use yaserde::de::Deserializer;
use yaserde::ser::Config;

use super::error::NotUnderstood;
use super::messages::{ENVELOPE, Fault, Message};

/// The deepest element of the contract's replies is the tenth; a parser's work grows with depth times declarations.
const DEPTH_AT_MOST: usize = 32;
/// More than a thousand employments; a hostile reply of small elements would keep a processor busy for minutes.
const EVENTS_AT_MOST: usize = 65_536;
/// Attributes of one element, namespace declarations included.
const ATTRIBUTES_AT_MOST: usize = 32;
/// The longest name of the contract has 25 characters, the longest namespace 59.
const NAME_AT_MOST: usize = 256;
/// Where a body's child stands: below Envelope and Body.
const PAYLOAD_DEPTH: usize = 2;

/// What was in the body of a reply.
#[derive(Debug)]
pub enum Reply<M> {
    /// The operation's response.
    Response(M),
    /// A fault, and the local name of its code.
    Fault(FaultCode, Box<Fault>),
}

/// `faultcode`: the four of SOAP 1.1 section 4.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The message or the one who sent it is at fault.
    Client,
    /// The service is at fault.
    Server,
    /// The envelope is of another version of SOAP.
    VersionMismatch,
    /// A header that had to be understood was not.
    MustUnderstand,
}

impl FaultCode {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Client, Self::Server, Self::VersionMismatch, Self::MustUnderstand];

    /// The local name on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
            Self::VersionMismatch => "VersionMismatch",
            Self::MustUnderstand => "MustUnderstand",
        }
    }
}

/// The message in an envelope, as UTF-8 XML with a declaration. Every character of its texts must be one of XML 1.0.
///
/// # Errors
/// The writer's own error; none is known that a message of [`super::messages`] can cause.
pub fn write<M: Message>(message: &M) -> Result<String, yaserde::Error> {
    let config = Config { write_document_declaration: false, ..Config::default() };
    let payload = yaserde::ser::to_string_with_config(message, &config)?;
    // The writer lets a carriage return pass as it is, which a reader would take for a line feed (XML 1.0, 2.11). It can
    // only stand in a text: no attribute is written but the declarations of namespaces.
    let payload = payload.replace('\r', "&#13;");
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{payload}</s:Body></s:Envelope>"#
    ))
}

/// Reads a reply: the response `M` or a fault.
///
/// # Errors
/// [`NotUnderstood`] for everything else, without a word of what it said.
pub fn read<M: Message>(bytes: &[u8]) -> Result<Reply<M>, NotUnderstood> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotUnderstood::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let sent = sift(text)?;
    match sent.payload.first() {
        Some(piece) if piece.starts(M::NAMESPACE, M::NAME) => read_whole(text, &sent).map(Reply::Response),
        Some(piece) if piece.starts(Fault::NAMESPACE, Fault::NAME) => {
            let fault = read_whole(text, &sent)?;
            let code = sent.fault_code.ok_or(NotUnderstood::Value("faultcode"))?;
            Ok(Reply::Fault(code, Box::new(fault)))
        }
        _ => Err(NotUnderstood::NotTheMessage),
    }
}

/// Reads a request, as a service would: for tests that hold another codec against this one.
///
/// # Errors
/// [`NotUnderstood`] for everything that is not `M`.
pub fn read_message<M: Message>(bytes: &[u8]) -> Result<M, NotUnderstood> {
    match read::<M>(bytes)? {
        Reply::Response(message) => Ok(message),
        Reply::Fault(..) => Err(NotUnderstood::NotTheMessage),
    }
}

/// One step through a document: what is left when prefixes, attributes and comments are forgotten.
#[derive(PartialEq, Eq)]
enum Piece {
    Start { namespace: Option<String>, name: String },
    Text(String),
    End,
}

impl Piece {
    fn starts(&self, namespace: &str, name: &str) -> bool {
        matches!(self, Self::Start { namespace: Some(its), name: own } if its == namespace && own == name)
    }

    fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')))
    }
}

/// What an envelope held.
#[derive(Default)]
struct Sifted {
    /// The body's one child, from its start to its end.
    payload: Vec<Piece>,
    /// The code of a fault, if it is one of SOAP 1.1's, in the envelope's namespace.
    fault_code: Option<FaultCode>,
}

fn open(text: &str) -> EventReader<&[u8]> {
    let config = ParserConfig::new()
        .trim_whitespace(false)
        .whitespace_to_characters(true)
        .cdata_to_characters(true)
        .ignore_comments(true)
        .coalesce_characters(true)
        .allow_multiple_root_elements(false)
        .max_attributes(ATTRIBUTES_AT_MOST)
        .max_attribute_length(NAME_AT_MOST)
        .max_name_length(NAME_AT_MOST);
    EventReader::new_with_config(text.as_bytes(), config)
}

/// Goes through a document once: the envelope is judged, the payload kept.
fn sift(text: &str) -> Result<Sifted, NotUnderstood> {
    let mut reader = open(text);
    let mut sifted = Sifted::default();
    let mut walk = Walk::default();
    for _ in 0..EVENTS_AT_MOST {
        let event = reader.next().map_err(|error| NotUnderstood::NotXml { line: error.position().row() + 1 })?;
        match event {
            XmlEvent::StartDocument { encoding, .. } if !encoding.eq_ignore_ascii_case("utf-8") => {
                return Err(NotUnderstood::NotUtf8);
            }
            XmlEvent::StartDocument { .. } | XmlEvent::Comment(_) => {}
            XmlEvent::StartElement { name, namespace, .. } => {
                walk.enter(name.namespace.as_deref(), &name.local_name)?;
                if walk.in_payload() {
                    let is_code = name.local_name == "faultcode" && walk.depth == PAYLOAD_DEPTH + 2;
                    walk.scope = is_code.then_some(namespace);
                    sifted.payload.push(Piece::Start { namespace: name.namespace, name: name.local_name });
                }
            }
            XmlEvent::EndElement { .. } => {
                if walk.in_payload() {
                    sifted.payload.push(Piece::End);
                }
                walk.leave();
            }
            XmlEvent::Characters(text) | XmlEvent::Whitespace(text) | XmlEvent::CData(text) => {
                if let Some(scope) = walk.scope.take() {
                    sifted.fault_code = resolve_fault_code(&text, &scope);
                }
                let piece = Piece::Text(text);
                if walk.in_payload() {
                    sifted.payload.push(piece);
                } else if walk.place != Place::Header && !piece.is_blank() {
                    return Err(NotUnderstood::NotAnEnvelope);
                }
            }
            XmlEvent::EndDocument => {
                return if walk.place == Place::BodyClosed { Ok(sifted) } else { Err(NotUnderstood::NotAnEnvelope) };
            }
            // SOAP 1.1 section 3: a message has neither. A DOCTYPE is how a document makes itself larger than it is.
            XmlEvent::ProcessingInstruction { .. } | XmlEvent::Doctype { .. } => {
                return Err(NotUnderstood::NotXml { line: reader.position().row() + 1 });
            }
        }
    }
    Err(NotUnderstood::TooLarge)
}

/// Where in the envelope the reader is.
#[derive(Default)]
struct Walk {
    depth: usize,
    place: Place,
    /// The prefixes in force inside `faultcode`, while the reader is there.
    scope: Option<Namespace>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    Envelope,
    Header,
    HeaderClosed,
    Body,
    Payload,
    PayloadClosed,
    BodyClosed,
}

impl Walk {
    fn in_payload(&self) -> bool {
        self.place == Place::Payload
    }

    fn enter(&mut self, namespace: Option<&str>, name: &str) -> Result<(), NotUnderstood> {
        self.depth += 1;
        if self.depth > DEPTH_AT_MOST {
            return Err(NotUnderstood::TooLarge);
        }
        let is = |wanted: &str| namespace == Some(ENVELOPE) && name == wanted;
        self.place = match self.place {
            Place::Outside if is("Envelope") => Place::Envelope,
            Place::Envelope if is("Header") => Place::Header,
            Place::Envelope | Place::HeaderClosed if is("Body") => Place::Body,
            Place::Body => Place::Payload,
            inside @ (Place::Header | Place::Payload) => inside,
            _ => return Err(NotUnderstood::NotAnEnvelope),
        };
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.scope = None;
        self.place = match (self.place, self.depth) {
            (Place::Header, 1) => Place::HeaderClosed,
            (Place::Payload, PAYLOAD_DEPTH) => Place::PayloadClosed,
            (Place::PayloadClosed, 1) => Place::BodyClosed,
            (place, _) => place,
        };
    }
}

/// The code that a qualified name means where it stands.
fn resolve_fault_code(text: &str, scope: &Namespace) -> Option<FaultCode> {
    let text = text.trim();
    let (prefix, local) = text.split_once(':').unwrap_or(("", text));
    if scope.get(prefix) != Some(ENVELOPE) {
        return None;
    }
    FaultCode::ALL.into_iter().find(|code| code.code() == local)
}

/// Lets yaserde read the body's child, and holds what it read against what was sent.
fn read_whole<M: Message>(text: &str, sent: &Sifted) -> Result<M, NotUnderstood> {
    let mut deserializer = Deserializer::new(open(text));
    // Envelope is 1 deep, its body 2; a header's own children are deeper. That there is a body was seen.
    loop {
        match deserializer.next_event().map_err(|_| NotUnderstood::Shape)? {
            XmlEvent::StartElement { name, .. } if is_body(&name) && deserializer.depth() == PAYLOAD_DEPTH => break,
            XmlEvent::EndDocument => return Err(NotUnderstood::Shape),
            _ => {}
        }
    }
    while let XmlEvent::Characters(_) = deserializer.peek().map_err(|_| NotUnderstood::Shape)? {
        deserializer.next_event().map_err(|_| NotUnderstood::Shape)?;
    }
    let message = <M as YaDeserialize>::deserialize(&mut deserializer).map_err(|_| NotUnderstood::Shape)?;
    let again = write(&message).map_err(|_| NotUnderstood::Shape)?;
    let again = sift(&again).map_err(|_| NotUnderstood::Shape)?;
    if is_the_same(&sent.payload, &again.payload) { Ok(message) } else { Err(NotUnderstood::Shape) }
}

fn is_body(name: &OwnedName) -> bool {
    name.local_name == "Body" && name.namespace.as_deref() == Some(ENVELOPE)
}

/// Whether `again` is what was sent. Blanks that were sent where nothing is written again stood between elements.
fn is_the_same(sent: &[Piece], again: &[Piece]) -> bool {
    let mut again = again.iter().peekable();
    for piece in sent {
        if again.next_if(|written| *written == piece).is_none() && !piece.is_blank() {
            return false;
        }
    }
    again.next().is_none()
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
