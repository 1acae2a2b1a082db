//! Reads the `wsse:Security` block of a message: its structure, each part once, in any order.
//!
//! Reads the document from its beginning to the start of the body, with the reader that
//! [`read_request`](crate::read_request) uses. What is signed is identified by its position in the
//! document, so that no id and no name decides it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ehealth_core::model::Timestamp;

use super::block::{CERTIFICATE_BYTES, Places, SIGNATURE_BYTES, SecurityBlock};
use super::elements::{
    BASE64_BINARY, ReadError, X509_V3, attribute, base64, ids, is, next_child, once, required, text, unexpected,
};
use super::kind::MessageKind;
use super::problem::{Problem, SignatureError};
use super::read_signature::{SignaturePart, read_signature};
use crate::envelope::is_for_us;
use crate::names::{Namespace, addressing, envelope};
use crate::reader::characters::{is_space, trim};
use crate::reader::{Document, Name, Reader, Space, Token};
use crate::well_known::WellKnown;

/// Reads the `wsse:Security` block for this service; `None` if the message has none.
///
/// # Errors
/// [`ReadError`].
pub fn read_security(document: &Document<'_>, kind: MessageKind) -> Result<Option<SecurityBlock>, ReadError> {
    let reader = &mut Reader::with_limits(document, kind.limits());
    let mut places = Places::default();
    let mut found = None;
    let Token::Open(_) = reader.next_token()? else { return Ok(None) };
    let mut part = next_child(reader)?;
    if part.is_some_and(|part| part.is_in(Namespace::Envelope, envelope::HEADER)) {
        while let Some(block) = next_child(reader)? {
            if is_addressing(block) {
                places.addressing.push(reader.position());
            }
            if !is(reader, WellKnown::Security, "Security") || !is_for_us(reader)? {
                reader.skip_rest()?;
            } else if found.is_some() {
                let expected = "one wsse:Security block for this service";
                return Err(Problem::here(reader, SignatureError::RepeatedBlock, expected, "a second one").into());
            } else {
                found = Some(read_block(reader, kind, &mut places)?);
            }
        }
        part = next_child(reader)?;
    }
    if part.is_some_and(|part| part.is_in(Namespace::Envelope, envelope::BODY)) {
        places.body = reader.position();
    }
    Ok(found.map(|parts| parts.into_block(kind, places)))
}

fn is_addressing(block: Name<'_>) -> bool {
    use addressing::{ACTION, FAULT_TO, FROM, MESSAGE_ID, RELATES_TO, REPLY_TO, TO};
    block.space == Space::Known(Namespace::Addressing)
        && [ACTION, FAULT_TO, FROM, MESSAGE_ID, RELATES_TO, REPLY_TO, TO].contains(&block.local)
}

/// The parts of a block.
struct Parts {
    created: Timestamp,
    expires: Timestamp,
    certificate: Vec<u8>,
    signature: SignaturePart,
    confirmations: Vec<Vec<u8>>,
}

impl Parts {
    fn into_block(self, kind: MessageKind, places: Places) -> SecurityBlock {
        let Self { created, expires, certificate, signature, confirmations } = self;
        let SignaturePart { method, value, prefixes, references, refused_algorithm, .. } = signature;
        SecurityBlock {
            kind,
            created,
            expires,
            certificate,
            method,
            value,
            confirmations,
            prefixes,
            references,
            refused_algorithm,
            places,
        }
    }
}

fn read_block(reader: &mut Reader<'_>, kind: MessageKind, places: &mut Places) -> Result<Parts, ReadError> {
    const PARTS: &str = "wsse:BinarySecurityToken, wsu:Timestamp, ds:Signature";
    let (mut time, mut token, mut signature) = (None, None, None);
    let mut confirmations = Vec::new();
    while next_child(reader)?.is_some() {
        let at = reader.position();
        if is(reader, WellKnown::SecurityUtility, "Timestamp") {
            places.timestamp = at;
            let read = read_time(reader)?;
            once(reader, &mut time, read)?;
        } else if is(reader, WellKnown::Security, "BinarySecurityToken") {
            places.token = at;
            let read = read_token(reader)?;
            once(reader, &mut token, read)?;
        } else if is(reader, WellKnown::Signature, "Signature") {
            let read = read_signature(reader, places)?;
            once(reader, &mut signature, read)?;
        } else if kind == MessageKind::Response
            && places.confirmations.is_empty()
            && is(reader, WellKnown::Security11, "SignatureConfirmation")
        {
            places.confirmations.push(at);
            confirmations.extend(read_confirmation(reader)?);
        } else {
            return Err(unexpected(reader, PARTS));
        }
    }
    let (created, expires) = required(reader, time, "wsu:Timestamp")?;
    let (certificate, token_ids) = required(reader, token, "wsse:BinarySecurityToken")?;
    let signature = required(reader, signature, "ds:Signature")?;
    if !token_ids.contains(&signature.key_id) {
        let expected = "a direct reference to the wsse:BinarySecurityToken of this block";
        let found = format!("a reference to '{}'", signature.key_id);
        return Err(Problem::here(reader, SignatureError::KeyReference, expected, found).into());
    }
    Ok(Parts { created, expires, certificate, signature, confirmations })
}

fn read_time(reader: &mut Reader<'_>) -> Result<(Timestamp, Timestamp), ReadError> {
    let (mut created, mut expires) = (None, None);
    while next_child(reader)?.is_some() {
        let slot = if is(reader, WellKnown::SecurityUtility, "Created") {
            &mut created
        } else if is(reader, WellKnown::SecurityUtility, "Expires") {
            &mut expires
        } else {
            return Err(unexpected(reader, "wsu:Created, wsu:Expires"));
        };
        let written = text(reader)?;
        let Ok(time) = Timestamp::parse_zoned(trim(&written)) else {
            let expected = "a time with its zone, such as 2026-01-15T09:30:00Z";
            return Err(Problem::here(reader, SignatureError::Value, expected, written).into());
        };
        once(reader, slot, time)?;
    }
    Ok((required(reader, created, "wsu:Created")?, required(reader, expires, "wsu:Expires")?))
}

/// Reads the token: the certificate, and its ids.
fn read_token(reader: &mut Reader<'_>) -> Result<(Vec<u8>, Vec<String>), ReadError> {
    let ids: Vec<_> = ids(reader).map(str::to_owned).collect();
    let value_type = attribute(reader, "ValueType");
    if value_type != X509_V3 {
        let (expected, found) = (format!("ValueType {X509_V3}"), value_type.to_owned());
        return Err(Problem::here(reader, SignatureError::TokenType, expected, found).into());
    }
    // The default of the attribute (WS-Security 1.1, section 6.3).
    let encoding = attribute(reader, "EncodingType");
    if !encoding.is_empty() && encoding != BASE64_BINARY {
        let (expected, found) = (format!("EncodingType {BASE64_BINARY}"), encoding.to_owned());
        return Err(Problem::here(reader, SignatureError::TokenType, expected, found).into());
    }
    let expected = "one DER certificate of at most 8 KiB, in base64";
    Ok((base64(reader, CERTIFICATE_BYTES, expected, SignatureError::TokenType)?, ids))
}

/// Reads a `SignatureConfirmation`; one without a value confirms that the request was not signed.
fn read_confirmation(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, ReadError> {
    let value: String = attribute(reader, "Value").chars().filter(|character| !is_space(*character)).collect();
    let decoded = STANDARD.decode(&value).ok().filter(|bytes| bytes.len() <= SIGNATURE_BYTES);
    let Some(value) = decoded else {
        return Err(Problem::here(reader, SignatureError::Value, "Value in base64", value).into());
    };
    if next_child(reader)?.is_some() {
        return Err(unexpected(reader, "no child"));
    }
    Ok(Some(value).filter(|value| !value.is_empty()))
}
