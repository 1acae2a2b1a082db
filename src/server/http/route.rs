//! Routing: what a request asks for, decided from its head alone, before its body is read.
//!
//! Knows paths, methods and media types (docs/reference/contract.md "Transport"), while `framing`
//! knows where a request begins and ends; knows no XML. A request that is refused here never
//! becomes SOAP: it is answered with a status and a short plain text.

use hyper::Method;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::http::request::Parts;

use super::page;
use super::refusal::{HttpRefusal, Refusal};
use ehealth_core::explained::Cause;
use ehealth_core::lookup::Operation;
use soap::{Charset, MediaType, MediaTypeError, names};

/// `SOAPAction`, the header of SOAP 1.1, section 6.1.1.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A SOAP message to this operation.
    Message(Operation),
    /// The WSDL of the operation's service.
    Wsdl(Operation),
    /// The same with its schemas inside.
    SingleWsdl(Operation),
    /// A schema of the operation's service, by file name.
    Schema(Operation, String),
    /// The service path itself, as a browser opens it.
    Page(Operation),
    /// The root: the list of services.
    Services,
    /// The list of codes.
    Codes,
}

/// Decides what the head of a request asks for.
///
/// # Errors
/// [`Refusal`] if nothing is served at this path, with this query or by this method.
pub(super) fn route(head: &Parts) -> Result<Route, Refusal> {
    find(head).map_err(|refusal| refusal.because(asked(head)))
}

/// What a request asked for, for the operator's log.
pub(super) fn asked(head: &Parts) -> Cause {
    let target = head.uri.path_and_query().map_or(head.uri.path(), hyper::http::uri::PathAndQuery::as_str);
    Cause::new("method", head.method.as_str()).and("target", target)
}

fn find(head: &Parts) -> Result<Route, HttpRefusal> {
    let (path, query) = (head.uri.path(), head.uri.query());
    // HEAD is GET without content (RFC 9110, section 9.3.2); the HTTP library leaves it out.
    let is_get = head.method == Method::GET || head.method == Method::HEAD;
    if path == "/" && query.is_none() {
        return if is_get { Ok(Route::Services) } else { Err(HttpRefusal::Method) };
    }
    if path == page::CODES && query.is_none() {
        return if is_get { Ok(Route::Codes) } else { Err(HttpRefusal::Method) };
    }
    if path == "*" {
        return Err(HttpRefusal::Method);
    }
    let Some(operation) = names::operation_at(path) else { return Err(near_miss(path)) };
    if is_get {
        return match query {
            None => Ok(Route::Page(operation)),
            Some(query) if query.eq_ignore_ascii_case("wsdl") => Ok(Route::Wsdl(operation)),
            Some(query) if query.eq_ignore_ascii_case("singleWsdl") => Ok(Route::SingleWsdl(operation)),
            Some(query) => match query.strip_prefix("xsd=") {
                Some(file) => Ok(Route::Schema(operation, file.to_owned())),
                None => Err(near(operation)),
            },
        };
    }
    if head.method != Method::POST {
        return Err(HttpRefusal::Method);
    }
    if query.is_some() {
        return Err(near(operation));
    }
    if !head.headers.contains_key(CONTENT_LENGTH) && !head.headers.contains_key(TRANSFER_ENCODING) {
        return Err(HttpRefusal::LengthRequired);
    }
    Ok(Route::Message(operation))
}

/// The refusal that names the address of an operation.
pub(super) fn near(operation: Operation) -> HttpRefusal {
    match operation {
        Operation::ConsultAttributes => HttpRefusal::NearConsult,
        Operation::SendTestMessage => HttpRefusal::NearTest,
    }
}

/// The refusal of a path at which nothing is served: the service that it names first, below KSZ's
/// platform or not.
fn near_miss(path: &str) -> HttpRefusal {
    let platform = path.get(..names::PLATFORM.len()).filter(|found| found.eq_ignore_ascii_case(names::PLATFORM));
    let path = platform.and_then(|found| path.get(found.len()..)).unwrap_or(path);
    let begins = |operation| {
        let service = names::service(operation);
        path.get(1..)
            .and_then(|path| path.get(..service.len()))
            .is_some_and(|found| found.eq_ignore_ascii_case(service))
    };
    Operation::ALL.into_iter().find(|operation| begins(*operation)).map_or(HttpRefusal::NotFound, near)
}

/// Charset that `Content-Type` names; `None` if it names none.
///
/// # Errors
/// [`Refusal`] for another media type or charset, two `Content-Type` fields, or any
/// `Content-Encoding`.
pub(super) fn read_charset(headers: &HeaderMap) -> Result<Option<Charset>, Refusal> {
    if let Some(coding) = headers.get(CONTENT_ENCODING) {
        return Err(HttpRefusal::ContentEncoding.because(Cause::from_bytes("Content-Encoding", coding.as_bytes())));
    }
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (fields.next(), fields.next());
    let Some(field) = first else { return Err(HttpRefusal::NoMediaType.because(Cause::fixed("no Content-Type"))) };
    let cause = || Cause::from_bytes("Content-Type", field.as_bytes());
    if let Some(second) = second {
        return Err(HttpRefusal::BadMediaType.because(cause().and_bytes("Content-Type", second.as_bytes())));
    }
    let parsed = field.to_str().map_err(|_| HttpRefusal::BadMediaType).and_then(|field| {
        MediaType::parse(field).map_err(|error| match error {
            MediaTypeError::Malformed => HttpRefusal::BadMediaType,
            MediaTypeError::Soap12 => HttpRefusal::Soap12,
            MediaTypeError::Multipart => HttpRefusal::Multipart,
            MediaTypeError::Other => HttpRefusal::MediaType,
            MediaTypeError::Charset => HttpRefusal::Charset,
        })
    });
    parsed.map(|media_type| media_type.charset).map_err(|refusal| refusal.because(cause()))
}

/// Values of the `SOAPAction` fields, as sent.
pub(super) fn soap_actions(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(SOAP_ACTION).iter().map(hyper::header::HeaderValue::as_bytes).collect()
}
