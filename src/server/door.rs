//! The HTTP door: what is asked for, decided from the head of a request alone, before its body is read.
//!
//! Knows paths, methods and media types (contract.md "Transport"), where `framing` knows where a request begins and ends;
//! knows no XML. What it refuses never becomes
//! SOAP: a short plain text and a status say why.

use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use ehealth_core::lookup::Operation;
use soap::{Charset, MediaType, names};

/// `SOAPAction`, the header of SOAP 1.1 section 6.1.1.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// What the head of a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A SOAP message to this operation.
    Message(Operation),
    /// The WSDL of the operation's service.
    Wsdl(Operation),
    /// A schema of the operation's service.
    Schema(Operation, String),
    /// The service, in a browser.
    Page(Operation),
}

/// Why a request is refused below SOAP (contract.md "refused below SOAP").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpRefusal {
    /// 400: the request is framed wrongly, or its body broke off.
    Framing,
    /// 403: the certificate has run out, or was revoked, since the connection was made.
    NotAdmitted,
    /// 404: nothing is served here.
    NotFound,
    /// 405: only GET and POST are served.
    Method,
    /// 408: the body did not come in time.
    TooSlow,
    /// 411: a POST without a length.
    LengthRequired,
    /// 413: the document is over the size limit.
    TooLarge,
    /// 414: the target is too long.
    TargetTooLong,
    /// 415: another media type, charset or any content encoding.
    MediaType,
    /// 431: too many fields, or too long.
    HeadTooLarge,
    /// 503: more is asked than can be answered, by all or by this caller.
    Overloaded,
    /// 505: another version than HTTP/1.1.
    Version,
}

impl HttpRefusal {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Framing,
        Self::NotAdmitted,
        Self::NotFound,
        Self::Method,
        Self::TooSlow,
        Self::LengthRequired,
        Self::TooLarge,
        Self::TargetTooLong,
        Self::MediaType,
        Self::HeadTooLarge,
        Self::Overloaded,
        Self::Version,
    ];

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Framing => StatusCode::BAD_REQUEST,
            Self::NotAdmitted => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// The plain text of the answer: what to do, and nothing of what was sent.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Framing => "The request is not framed as HTTP/1.1 wants it.\n",
            Self::NotAdmitted => "The certificate does not hold any more; connect with one that does.\n",
            Self::NotFound => "Nothing is served here. The contract names the paths; POST takes no query.\n",
            Self::Method => "Only GET and POST are served here.\n",
            Self::TooSlow => "The request did not come in time.\n",
            Self::LengthRequired => "A POST needs a Content-Length or a chunked body.\n",
            Self::TooLarge => "A message has at most 256 KiB.\n",
            Self::TargetTooLong => "The request target is too long.\n",
            Self::MediaType => "A message is text/xml in utf-8 or utf-16, without any Content-Encoding.\n",
            Self::HeadTooLarge => "A request has at most 64 header fields, and 16 KiB of them.\n",
            Self::Overloaded => "Too much is asked at this moment. Ask again after the time in Retry-After.\n",
            Self::Version => "Only HTTP/1.1 is spoken here.\n",
        }
    }

    /// Whether the connection may stay open, if the whole body was read.
    pub(super) fn keeps_connection(self) -> bool {
        match self {
            // Whoever is to come back does so at a fraction of the work if no new handshake is needed.
            Self::NotFound | Self::Method | Self::MediaType | Self::Overloaded => true,
            Self::Framing
            | Self::NotAdmitted
            | Self::TooSlow
            | Self::LengthRequired
            | Self::TooLarge
            | Self::TargetTooLong
            | Self::HeadTooLarge
            | Self::Version => false,
        }
    }
}

/// Decides what the head of a request asks for.
///
/// # Errors
/// [`HttpRefusal`] where it asks for nothing that is served.
pub(super) fn read_head(head: &Parts) -> Result<Route, HttpRefusal> {
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

/// The charset that `Content-Type` names; `None` if it names none.
///
/// # Errors
/// [`HttpRefusal::MediaType`] for another media type or charset, two `Content-Type` fields, any `Content-Encoding`.
pub(super) fn read_media_type(headers: &HeaderMap) -> Result<Option<Charset>, HttpRefusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(HttpRefusal::MediaType);
    }
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => {
            let media_type = field.to_str().ok().and_then(MediaType::parse).ok_or(HttpRefusal::MediaType)?;
            Ok(media_type.charset)
        }
        _ => Err(HttpRefusal::MediaType),
    }
}

/// The `SOAPAction` fields, as they came.
pub(super) fn soap_actions(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(SOAP_ACTION).iter().map(hyper::header::HeaderValue::as_bytes).collect()
}
