//! Routing: what a request asks for, decided from its head alone, before its body is read.
//!
//! Knows paths, methods and media types (docs/reference/contract.md "Transport"), while `framing`
//! knows where a request begins and ends; knows no XML. A request that is refused here never
//! becomes SOAP: it is answered with a status and a short plain text.

use hyper::Method;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::http::request::Parts;

use super::refusal::HttpRefusal;
use ehealth_core::lookup::Operation;
use soap::{Charset, MediaType, names};

/// `SOAPAction`, the header of SOAP 1.1, section 6.1.1.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A SOAP message to this operation.
    Message(Operation),
    /// The WSDL of the operation's service.
    Wsdl(Operation),
    /// A schema of the operation's service, by file name.
    Schema(Operation, String),
    /// The service path itself, as a browser opens it.
    Page(Operation),
}

/// Decides what the head of a request asks for.
///
/// # Errors
/// [`HttpRefusal`] if nothing is served at this path, with this query or by this method.
pub(super) fn route(head: &Parts) -> Result<Route, HttpRefusal> {
    let query = head.uri.query();
    let operation = names::operation_at(head.uri.path()).ok_or(HttpRefusal::NotFound)?;
    if head.method == Method::GET {
        return match query {
            None => Ok(Route::Page(operation)),
            Some("wsdl") => Ok(Route::Wsdl(operation)),
            Some(query) => match query.strip_prefix("xsd=") {
                Some(file) => Ok(Route::Schema(operation, file.to_owned())),
                None => Err(HttpRefusal::NotFound),
            },
        };
    }
    if head.method != Method::POST {
        return Err(HttpRefusal::Method);
    }
    if query.is_some() {
        return Err(HttpRefusal::NotFound);
    }
    if !head.headers.contains_key(CONTENT_LENGTH) && !head.headers.contains_key(TRANSFER_ENCODING) {
        return Err(HttpRefusal::LengthRequired);
    }
    Ok(Route::Message(operation))
}

/// Charset that `Content-Type` names; `None` if it names none.
///
/// # Errors
/// [`HttpRefusal::MediaType`] for another media type or charset, two `Content-Type` fields, or any
/// `Content-Encoding`.
pub(super) fn read_charset(headers: &HeaderMap) -> Result<Option<Charset>, HttpRefusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(HttpRefusal::MediaType);
    }
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => {
            let media_type = field.to_str().ok().and_then(MediaType::parse).ok_or(HttpRefusal::MediaType)?;
            Ok(media_type.charset)
        }
        (None, _) | (Some(_), Some(_)) => Err(HttpRefusal::MediaType),
    }
}

/// Values of the `SOAPAction` fields, as sent.
pub(super) fn soap_actions(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(SOAP_ACTION).iter().map(hyper::header::HeaderValue::as_bytes).collect()
}
