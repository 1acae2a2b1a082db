//! The SOAP envelope around a message.
//!
//! A reply is read by the strict reader of the crate `soap`: the element order must be exactly that
//! of the contract. Attributes, prefixes, comments and white space between elements are free. After
//! [`read`] returned a message, the reply was well-formed XML in UTF-8, within the limits of a reply,
//! with that message and no other in its body.

use ehealth_core::model::EndUser;
use soap::Charset;
use soap::names::{Namespace, end_user, envelope as names};
use soap::reader::{Document, Reader, ReaderLimits, Token};
use soap::writer::Writer;

use crate::binding::{Children, Content, ElementName, Occurrence, around_message, inside_message};
use crate::messages::{Fault, FaultDetail, Message};
use crate::not_understood::NotUnderstood;

pub use crate::fault_code::FaultCode;

/// Content of a reply's body.
#[derive(Debug)]
pub enum Reply<M> {
    /// Response of the operation.
    Response(M),
    /// SOAP fault with the meaning of its `faultcode`.
    Fault(FaultCode, Box<Fault>),
}

/// Writes the message in an envelope, as UTF-8 XML with a declaration.
#[must_use]
pub fn write<M: Message>(message: &M) -> String {
    write_by(message, None)
}

/// The same, with a header block for the person at the caller who asks.
#[must_use]
pub fn write_by<M: Message>(message: &M, end_user: Option<&EndUser>) -> String {
    let mut writer = Writer::new();
    writer.declare(Namespace::Envelope, names::ENVELOPE, |writer| {
        if let Some(end_user) = end_user {
            writer.qualified(Namespace::Envelope, names::HEADER, |writer| write_end_user(writer, end_user));
        }
        writer.qualified(Namespace::Envelope, names::BODY, |writer| Occurrence::write(message, M::NAME, writer));
    });
    writer.into_string()
}

fn write_end_user(writer: &mut Writer, end_user: &EndUser) {
    writer.mandatory_block(end_user::BLOCK, |writer| {
        writer.value(end_user::ID, end_user.id());
        writer.value(end_user::QUALITY, end_user.quality());
        end_user.consent_reference().iter().for_each(|text| writer.value(end_user::CONSENT_REFERENCE, text));
    });
}

/// Reads a reply: the response `M` or a fault.
///
/// # Errors
/// [`NotUnderstood`] for everything else, without any of its text.
pub fn read<M: Message>(bytes: &[u8]) -> Result<Reply<M>, NotUnderstood> {
    let document = Document::from_bytes(bytes, Some(Charset::Utf8)).map_err(around_message)?;
    let mut reader = Reader::with_limits(&document, ReaderLimits::REPLY);
    enter_body(&mut reader)?;
    let reply = read_payload(&mut reader)?;
    leave_body(&mut reader)?;
    reply
}

/// Reads a request, as a service would: for tests that compare another codec with this one.
///
/// # Errors
/// [`NotUnderstood`] for everything that is not `M`.
pub fn read_message<M: Message>(bytes: &[u8]) -> Result<M, NotUnderstood> {
    match read::<M>(bytes)? {
        Reply::Response(message) => Ok(message),
        Reply::Fault(..) => Err(NotUnderstood::NotTheMessage),
    }
}

/// Reads Envelope, the optional Header and the start of Body.
fn enter_body(reader: &mut Reader<'_>) -> Result<(), NotUnderstood> {
    match reader.next_token().map_err(around_message)? {
        Token::Open(name) if name.is_in(Namespace::Envelope, names::ENVELOPE) => {}
        Token::Open(_) => {
            finish_document(reader)?;
            return Err(NotUnderstood::NotAnEnvelope);
        }
        Token::Text(_) | Token::Close | Token::End => return Err(NotUnderstood::NotAnEnvelope),
    }
    let mut part = reader.next_child().map_err(around_message)?;
    if part.is_some_and(|part| part.is_in(Namespace::Envelope, names::HEADER)) {
        reader.skip_rest().map_err(around_message)?;
        part = reader.next_child().map_err(around_message)?;
    }
    match part {
        Some(part) if part.is_in(Namespace::Envelope, names::BODY) => Ok(()),
        Some(_) | None => Err(NotUnderstood::NotAnEnvelope),
    }
}

/// Reads the one child of Body. The inner result is for the caller to return once the envelope is
/// known to be right: "no envelope" is more exact than "another message".
fn read_payload<M: Message>(reader: &mut Reader<'_>) -> Result<Result<Reply<M>, NotUnderstood>, NotUnderstood> {
    let Some(name) = reader.next_child().map_err(around_message)? else {
        return Err(NotUnderstood::NotAnEnvelope);
    };
    if M::NAME.matches(name) {
        let mut body = Children::of_open_element(reader);
        return Ok(Ok(Reply::Response(<M as Content>::read(&mut body)?)));
    }
    if name.is_in(Namespace::Envelope, names::FAULT) {
        return Ok(read_fault(reader)?.map(|(code, fault)| Reply::Fault(code, Box::new(fault))));
    }
    reader.skip_rest().map_err(around_message)?;
    Ok(Err(NotUnderstood::NotTheMessage))
}

/// Reads the rest: the end of Body, the end of Envelope, the end of the document.
fn leave_body(reader: &mut Reader<'_>) -> Result<(), NotUnderstood> {
    for _ in [names::BODY, names::ENVELOPE] {
        if reader.next_child().map_err(around_message)?.is_some() {
            return Err(NotUnderstood::NotAnEnvelope);
        }
    }
    finish_document(reader)
}

fn finish_document(reader: &mut Reader<'_>) -> Result<(), NotUnderstood> {
    while reader.next_token().map_err(around_message)? != Token::End {}
    Ok(())
}

/// Reads a SOAP 1.1 fault (section 4.4), whose own children are unqualified. The inner error is
/// about the value of `faultcode`.
fn read_fault(reader: &mut Reader<'_>) -> Result<Result<(FaultCode, Fault), NotUnderstood>, NotUnderstood> {
    let local = |local| ElementName { namespace: None, local };
    if !reader.next_child().map_err(inside_message)?.is_some_and(|name| local("faultcode").matches(name)) {
        return Err(NotUnderstood::Shape);
    }
    let faultcode = reader.read_value().map_err(inside_message)?.into_owned();
    // The scope of the element's namespaces lasts until the next token is read.
    let code = reader
        .resolve_name(&faultcode)
        .and_then(|name| FaultCode::ALL.into_iter().find(|code| name.is_in(Namespace::Envelope, code.code())));
    let mut children = Children::of_open_element(reader);
    let fault = Fault {
        faultcode,
        faultstring: children.required(local("faultstring"))?,
        faultactor: children.optional(local("faultactor"))?,
        detail: children.optional::<FaultDetail>(local("detail"))?,
    };
    children.finish()?;
    Ok(code.map(|code| (code, fault)).ok_or(NotUnderstood::Value("faultcode")))
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
