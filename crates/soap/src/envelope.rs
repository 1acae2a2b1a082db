//! The SOAP 1.1 envelope: its version, its header blocks, its operation. Tolerant of everything
//! that SOAP tolerates.
//!
//! Of WS-Addressing 1.0, this module understands the parts that could be violated: the action of
//! the message, and the reply addresses. Answers are only sent back on the same connection: an
//! address other than the anonymous one is refused, never contacted. Besides, it understands the
//! header block of the end user. Does not read the payload. The first error in the document decides.

use super::end_user::read_end_user;
use super::limits::MESSAGE_ID_CHARS;
use super::message_error::{BadMessage, MessageError};
use super::names::{self, ACTOR_NEXT, ADDRESS_ANONYMOUS, ADDRESS_NONE, Namespace, addressing, end_user, envelope};
use super::note::Note;
use super::reader::characters::trim;
use super::reader::{Name, Reader, Space, Token};
use super::well_known::{FoundNamespace, WellKnown};
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::Operation;
use ehealth_core::model::EndUser;

/// Name of the header block of WS-Security.
const SECURITY: &str = "Security";

/// Content of the WS-Addressing header blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addressing {
    /// `MessageID`: becomes `RelatesTo` of the answer, also of a fault.
    pub message_id: Option<String>,
}

/// How a `wsse:Security` block for this service is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecurityHeader {
    /// It is not understood: skipped, or refused if it must be understood.
    #[default]
    NotUnderstood,
    /// It is understood, and none occurred.
    Understood,
    /// It is understood, and occurred: [`read_security`](crate::signature::read_security) reads it.
    Present,
}

/// Content of the header blocks that the service understands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headers {
    /// Whether a `wsse:Security` block is read. Without it, one that must be understood is refused.
    pub(super) security: SecurityHeader,
    pub(super) addressing: Addressing,
    pub(super) end_user: Option<EndUser>,
}

/// Reads from the beginning of the document into the child of the body, which must be the request
/// of the operation. `headers` receives what was read, even if the envelope turns out to be wrong.
pub(super) fn open_envelope(
    reader: &mut Reader<'_>,
    operation: Operation,
    soap_actions: &[&[u8]],
    headers: &mut Headers,
) -> Result<(), Explained<BadMessage>> {
    open_root(reader)?;
    let mut part = next_part(reader, envelope::BODY)?;
    if part.is_in(Namespace::Envelope, envelope::HEADER) {
        read_header(reader, operation, headers)?;
        part = next_part(reader, envelope::BODY)?;
    }
    if !part.is_in(Namespace::Envelope, envelope::BODY) {
        return Err(reader.error_expecting(MessageError::EnvelopeStructure, envelope::BODY, Some(Namespace::Envelope)));
    }
    let request = names::request(operation);
    let refuse = |reader: &Reader<'_>, error| reader.error_expecting(error, request.name, request.namespace);
    let child = reader.next_child()?.ok_or_else(|| refuse(reader, MessageError::BodyStructure))?;
    if !child.is(request) {
        return Err(refuse(reader, MessageError::WrongOperation));
    }
    if !is_right_action(soap_actions, operation) {
        let cause = Cause::from_bytes("SOAPAction", soap_actions.first().copied().unwrap_or_default());
        let cause = match soap_actions {
            [] | [_] => cause,
            [_, second, ..] => cause.and_bytes("SOAPAction", second),
        };
        return Err(reader.error_noting(MessageError::WrongSoapAction, Note::SoapAction(operation), cause));
    }
    Ok(())
}

/// Reads from the end of the body's child to the end of the document, and checks that nothing else
/// follows.
pub(super) fn close_envelope(reader: &mut Reader<'_>) -> Result<(), Explained<BadMessage>> {
    if reader.next_child()?.is_some() {
        return Err(reader.element_error(MessageError::BodyStructure));
    }
    if reader.next_child()?.is_some() {
        return Err(reader.element_error(MessageError::EnvelopeStructure));
    }
    match reader.next_token()? {
        Token::End => Ok(()),
        // The reader itself refuses anything else after the root element.
        Token::Open(_) | Token::Text(_) | Token::Close => Err(reader.element_error(MessageError::EnvelopeStructure)),
    }
}

fn open_root(reader: &mut Reader<'_>) -> Result<(), Explained<BadMessage>> {
    let Token::Open(root) = reader.next_token()? else { return Err(reader.element_error(MessageError::NotAnEnvelope)) };
    if root.local != envelope::ENVELOPE {
        return Err(reader.element_error(MessageError::NotAnEnvelope));
    }
    if root.space != Space::Known(Namespace::Envelope) {
        let note = Note::Namespace { expected: Some(Namespace::Envelope), found: reader.namespace() };
        return Err(reader.error_noting(MessageError::VersionMismatch, note, reader.element()));
    }
    Ok(())
}

fn next_part<'a>(reader: &mut Reader<'a>, expected: &'static str) -> Result<Name<'a>, Explained<BadMessage>> {
    match reader.next_child()? {
        Some(part) => Ok(part),
        None => Err(reader.error_expecting(MessageError::EnvelopeStructure, expected, Some(Namespace::Envelope))),
    }
}

fn read_header(
    reader: &mut Reader<'_>,
    operation: Operation,
    headers: &mut Headers,
) -> Result<(), Explained<BadMessage>> {
    // Blocks that were read and may occur only once.
    let mut seen = Vec::new();
    while let Some(block) = reader.next_child()? {
        if block.space == Space::Unqualified {
            return Err(reader.element_error(MessageError::UnqualifiedHeader));
        }
        let demand = read_demand(reader)?;
        if demand != Demand::NotForUs && block.is(end_user::BLOCK) {
            once(reader, &mut seen, end_user::BLOCK.name)?;
            headers.end_user = read_end_user(reader)?;
            continue;
        }
        let is_understood = demand != Demand::NotForUs && block.space == Space::Known(Namespace::Addressing);
        match block.local {
            addressing::ACTION if is_understood => {
                once(reader, &mut seen, addressing::ACTION)?;
                let action = reader.read_value()?;
                if trim(&action) != names::soap_action(operation) {
                    let note = Note::Expected(names::soap_action(operation));
                    return Err(reader.error_noting(MessageError::WrongAction, note, Cause::new("Action", &action)));
                }
            }
            addressing::MESSAGE_ID if is_understood => {
                once(reader, &mut seen, addressing::MESSAGE_ID)?;
                let value = reader.read_value()?;
                let message_id = trim(&value);
                if message_id.is_empty() || message_id.chars().count() > MESSAGE_ID_CHARS {
                    return Err(reader.error(MessageError::MessageId, Cause::new("MessageID", &value)));
                }
                headers.addressing.message_id = Some(message_id.to_owned());
            }
            addressing::REPLY_TO if is_understood => {
                once(reader, &mut seen, addressing::REPLY_TO)?;
                read_endpoint(reader)?;
            }
            addressing::FAULT_TO if is_understood => {
                once(reader, &mut seen, addressing::FAULT_TO)?;
                read_endpoint(reader)?;
            }
            addressing::TO | addressing::FROM | addressing::RELATES_TO if is_understood => reader.skip_rest()?,
            SECURITY if demand != Demand::NotForUs && is_understood_security(reader, headers) => {
                headers.security = SecurityHeader::Present;
                reader.skip_rest()?;
            }
            _ if demand == Demand::Mandatory => return Err(refuse_block(reader)),
            _ => reader.skip_rest()?,
        }
    }
    Ok(())
}

/// Whether the block that was opened is `wsse:Security`, and such blocks are understood.
fn is_understood_security(reader: &Reader<'_>, headers: &Headers) -> bool {
    headers.security != SecurityHeader::NotUnderstood && reader.uri() == WellKnown::Security.uri()
}

/// The fault for a header block that must be understood, and is not. Names its specification, if that
/// is well known.
fn refuse_block(reader: &Reader<'_>) -> Explained<BadMessage> {
    match reader.namespace() {
        FoundNamespace::WellKnown(namespace) if namespace.header_remedy().is_some() => {
            let cause = reader.element();
            let is_security = namespace == WellKnown::Security;
            let cause = if is_security { cause.and("message_signature of this consumer", "off") } else { cause };
            reader.error_noting(MessageError::MustUnderstand, Note::HeaderBlock(namespace), cause)
        }
        FoundNamespace::None | FoundNamespace::Contract(_) | FoundNamespace::WellKnown(_) | FoundNamespace::Other => {
            reader.element_error(MessageError::MustUnderstand)
        }
    }
}

fn once(reader: &Reader<'_>, seen: &mut Vec<&'static str>, block: &'static str) -> Result<(), Explained<BadMessage>> {
    if seen.contains(&block) {
        return Err(reader.element_error(MessageError::RepeatedHeader));
    }
    seen.push(block);
    Ok(())
}

/// Whether this service must understand a header block (SOAP 1.1, sections 4.2.2 and 4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// The block is for this service, and must be understood.
    Mandatory,
    /// The block is for this service, and may be skipped.
    Optional,
    /// The block is for another node.
    NotForUs,
}

/// Whether the header block that was opened last is for this service.
pub(super) fn is_for_us(reader: &Reader<'_>) -> Result<bool, Explained<BadMessage>> {
    Ok(read_demand(reader)? != Demand::NotForUs)
}

fn read_demand(reader: &Reader<'_>) -> Result<Demand, Explained<BadMessage>> {
    let (mut is_mandatory, mut is_ours) = (false, true);
    for attribute in reader.attributes() {
        let value = trim(&attribute.value);
        if attribute.name.is_in(Namespace::Envelope, envelope::MUST_UNDERSTAND) {
            is_mandatory = match value {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(reader.error(MessageError::MustUnderstandValue, reader.attribute(attribute))),
            };
        } else if attribute.name.is_in(Namespace::Envelope, envelope::ACTOR) {
            is_ours = value.is_empty() || value == ACTOR_NEXT;
        }
    }
    Ok(match (is_ours, is_mandatory) {
        (true, true) => Demand::Mandatory,
        (true, false) => Demand::Optional,
        (false, _) => Demand::NotForUs,
    })
}

/// Reads an endpoint reference (WS-Addressing 1.0 Core, section 2.2): its address comes first, the
/// rest is skipped.
fn read_endpoint(reader: &mut Reader<'_>) -> Result<(), Explained<BadMessage>> {
    let is_address = |name: Name<'_>| name.is_in(Namespace::Addressing, addressing::ADDRESS);
    if !reader.next_child()?.is_some_and(is_address) {
        let namespace = Some(Namespace::Addressing);
        return Err(reader.error_expecting(MessageError::ReplyAddress, addressing::ADDRESS, namespace));
    }
    let address = reader.read_value()?;
    if !matches!(trim(&address), ADDRESS_ANONYMOUS | ADDRESS_NONE) {
        return Err(reader.error(MessageError::ReplyAddress, Cause::new("Address", &address)));
    }
    while let Some(other) = reader.next_child()? {
        if is_address(other) {
            return Err(reader.element_error(MessageError::ReplyAddress));
        }
        reader.skip_rest()?;
    }
    Ok(())
}

/// Whether `SOAPAction` is absent, empty or correct, quoted or not (SOAP 1.1, section 6.1.1).
fn is_right_action(soap_actions: &[&[u8]], operation: Operation) -> bool {
    match soap_actions {
        [] => true,
        [value] => {
            let value = value.trim_ascii();
            let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            bare.is_empty() || bare == names::soap_action(operation).as_bytes()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_an_absent_empty_or_correct_soap_action() {
        let is_right = |values: &[&[u8]]| is_right_action(values, Operation::SendTestMessage);
        let right = names::soap_action(Operation::SendTestMessage).as_bytes();
        let quoted = [b"\"", right, b"\""].concat();
        for values in [&[][..], &[b"".as_slice()], &[b"\"\""], &[b" "], &[right], &[&quoted]] {
            assert!(is_right(values), "{values:?}");
        }
        let other = names::soap_action(Operation::ConsultAttributes).as_bytes();
        let half = [b"\"", right].concat();
        for values in [&[other][..], &[b"\""], &[&half], &[b"x"], &[right, right], &[b"", b""], &[b"\xff"]] {
            assert!(!is_right(values), "{values:?}");
        }
    }
}
