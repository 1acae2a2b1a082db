//! Steps over the elements of a block: by name, by id, each part once. Every unexpected thing is a
//! [`Problem`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ehealth_core::explained::Explained;

use super::problem::{Problem, SignatureError};
use crate::message_error::BadMessage;
use crate::reader::characters::{is_blank, is_space, trim};
use crate::reader::{Name, Reader, Space, Token};
use crate::well_known::WellKnown;

/// Type of the token (WS-Security X.509 Certificate Token Profile 1.1, section 3.1).
pub(super) const X509_V3: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";

/// Encoding of the token (WS-Security 1.1, section 6.3).
pub(super) const BASE64_BINARY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// Why reading stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The block is not of the profile.
    Problem(Box<Problem>),
    /// The document is no well-formed message.
    Document(Explained<BadMessage>),
}

impl From<Box<Problem>> for ReadError {
    fn from(problem: Box<Problem>) -> Self {
        Self::Problem(problem)
    }
}

impl From<Explained<BadMessage>> for ReadError {
    fn from(bad: Explained<BadMessage>) -> Self {
        Self::Document(bad)
    }
}

/// Whether the element that was read last has this name.
pub(super) fn is(reader: &Reader<'_>, namespace: WellKnown, local: &str) -> bool {
    let name = reader.written_name();
    name.split_once(':').map_or(name, |(_, local)| local) == local && reader.uri() == namespace.uri()
}

/// The next child; text other than white space is a problem.
pub(super) fn next_child<'a>(reader: &mut Reader<'a>) -> Result<Option<Name<'a>>, ReadError> {
    loop {
        match reader.next_token()? {
            Token::Open(name) => return Ok(Some(name)),
            Token::Close | Token::End => return Ok(None),
            Token::Text(text) if is_blank(&text) => {}
            Token::Text(text) => {
                return Err(Problem::here(reader, SignatureError::UnexpectedText, "only elements", text).into());
            }
        }
    }
}

/// The text of the open element; an element inside is a problem.
pub(super) fn text(reader: &mut Reader<'_>) -> Result<String, ReadError> {
    let mut value = String::new();
    loop {
        match reader.next_token()? {
            Token::Text(text) => value.push_str(&text),
            Token::Open(_) => {
                return Err(Problem::here(reader, SignatureError::UnexpectedElement, "text", "an element").into());
            }
            Token::Close | Token::End => return Ok(value),
        }
    }
}

/// The base64 value of the open element, of at most `longest` bytes. White space is allowed anywhere
/// (XML Schema 1.0 part 2, section 3.2.16).
pub(super) fn base64(
    reader: &mut Reader<'_>,
    longest: usize,
    what: &'static str,
    error: SignatureError,
) -> Result<Vec<u8>, ReadError> {
    let text: String = text(reader)?.chars().filter(|character| !is_space(*character)).collect();
    let refuse = |reader: &Reader<'_>, found: String| Err(Problem::here(reader, error, what, found).into());
    match STANDARD.decode(&text) {
        Ok(bytes) if bytes.is_empty() || bytes.len() > longest => refuse(reader, format!("{} bytes", bytes.len())),
        Ok(bytes) => Ok(bytes),
        Err(_) => refuse(reader, format!("{} characters that are not base64", text.len())),
    }
}

/// Value of an attribute without namespace; empty if it is absent.
pub(super) fn attribute<'r>(reader: &'r Reader<'_>, local: &str) -> &'r str {
    let has_name = |name: Name<'_>| name.space == Space::Unqualified && name.local == local;
    reader.attributes().iter().find(|attribute| has_name(attribute.name)).map_or("", |attribute| trim(&attribute.value))
}

/// The ids of the element that was opened last: `wsu:Id`, and `Id` without namespace.
pub(super) fn ids<'r>(reader: &'r Reader<'_>) -> impl Iterator<Item = &'r str> {
    let is_id = |attribute: &&crate::reader::Attribute<'_>| {
        attribute.name.local == "Id"
            && (attribute.name.space == Space::Unqualified
                || reader.uri_of_attribute(attribute) == WellKnown::SecurityUtility.uri())
    };
    reader.attributes().iter().filter(is_id).map(|attribute| &*attribute.value)
}

/// Keeps the one occurrence of a part.
pub(super) fn once<T>(reader: &Reader<'_>, slot: &mut Option<T>, value: T) -> Result<(), ReadError> {
    if slot.is_some() {
        return Err(Problem::here(reader, SignatureError::RepeatedElement, "this element once", "a second one").into());
    }
    *slot = Some(value);
    Ok(())
}

/// The one occurrence of a part, at the end of its parent.
pub(super) fn required<T>(reader: &Reader<'_>, slot: Option<T>, name: &'static str) -> Result<T, ReadError> {
    slot.ok_or_else(|| Problem::here(reader, SignatureError::MissingElement, name, "none").into())
}

/// An element that the profile does not have here.
pub(super) fn unexpected(reader: &Reader<'_>, expected: &'static str) -> ReadError {
    Problem::here(reader, SignatureError::UnexpectedElement, expected, reader.written_name()).into()
}
