//! Refusals below SOAP: a closed list, each with its HTTP status and its plain-text body.

use ehealth_core::explained::{Cause, Explained};
use hyper::StatusCode;

/// A refusal below SOAP, with its cause for the operator's log.
pub(super) type Refusal = Explained<HttpRefusal>;

ehealth_core::closed_enum! {
    /// Why a request is refused below SOAP (docs/reference/contract.md "HTTP details"). Codes: log
    /// and metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum HttpRefusal {
        /// 400: the request line does not have the form of RFC 9112, section 3.
        RequestLine => "request-line",
        /// 400: the target is neither a path nor an absolute URL.
        Target => "target",
        /// 400: a line of the head does not end with CRLF.
        LineEnd => "line-end",
        /// 400: a header field is malformed.
        Field => "field",
        /// 400: `Host` is missing, repeated or malformed.
        Host => "host",
        /// 400: `Content-Length` is repeated, no number, or together with `Transfer-Encoding`; or
        /// HTTP/1.0 with chunks.
        Length => "length",
        /// 400: a chunked body is malformed.
        Chunk => "chunk",
        /// 400: the body ended early.
        BodyEnd => "body-end",
        /// 403: the certificate expired or was revoked since the handshake.
        NotAdmitted => "not-admitted",
        /// 404: no resource at this path.
        NotFound => "not-found",
        /// 404: almost the address of the service.
        NearConsult => "near-consult",
        /// 404: almost the address of the connection test.
        NearTest => "near-test",
        /// 405: a method other than GET, HEAD and POST.
        Method => "method",
        /// 408: head or body did not arrive in time.
        TooSlow => "too-slow",
        /// 411: a POST without a length.
        LengthRequired => "length-required",
        /// 413: the body exceeds 256 KiB.
        TooLarge => "too-large",
        /// 414: the request target is too long.
        TargetTooLong => "target-too-long",
        /// 415: no `Content-Type`.
        NoMediaType => "no-media-type",
        /// 415: two `Content-Type` fields, or a malformed one, or one with two charsets.
        BadMediaType => "bad-media-type",
        /// 415: the media type of SOAP 1.2.
        Soap12 => "soap-1.2",
        /// 415: a multipart message (MTOM, SOAP with attachments).
        Multipart => "multipart",
        /// 415: another media type.
        MediaType => "media-type",
        /// 415: another charset.
        Charset => "charset",
        /// 415: a content encoding.
        ContentEncoding => "content-encoding",
        /// 431: too many header fields, or too long ones.
        HeadTooLarge => "head-too-large",
        /// 501: a transfer coding other than chunked.
        TransferCoding => "transfer-coding",
        /// 503: a concurrency limit or a rate limit is reached, the caller's or the total.
        Overloaded => "overloaded",
        /// 505: a version other than HTTP/1.1 and HTTP/1.0.
        Version => "version",
    }
}

impl HttpRefusal {
    /// This refusal, and the value that caused it: for the operator's log, never for the response.
    pub(super) fn because(self, cause: Cause) -> Refusal {
        Refusal::new(self, cause)
    }

    /// HTTP status of the response.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::RequestLine
            | Self::Target
            | Self::LineEnd
            | Self::Field
            | Self::Host
            | Self::Length
            | Self::Chunk
            | Self::BodyEnd => StatusCode::BAD_REQUEST,
            Self::NotAdmitted => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NearConsult | Self::NearTest => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::NoMediaType
            | Self::BadMediaType
            | Self::Soap12
            | Self::Multipart
            | Self::MediaType
            | Self::Charset
            | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// Plain-text body of the response: what to do, and nothing of what the client sent.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::RequestLine => "The request line is not METHOD TARGET VERSION with single blanks.\n",
            Self::Target => "The request target is neither a path nor an absolute URL (RFC 9112, section 3.2).\n",
            Self::LineEnd => "A line of the request header does not end with CRLF.\n",
            Self::Field => "A header field is malformed, or has a blank before its colon or a control character.\n",
            Self::Host => "An HTTP/1.1 request has exactly one Host field: a host name or address, and a port.\n",
            Self::Length => {
                "Give Content-Length once and in digits, or Transfer-Encoding: chunked in HTTP/1.1, not both.\n"
            }
            Self::Chunk => "The chunked body is malformed.\n",
            Self::BodyEnd => "The body ended before its Content-Length.\n",
            Self::NotAdmitted => "The client certificate is no longer valid. Connect with a valid certificate.\n",
            Self::NotFound => "Not found. GET / lists the services.\n",
            Self::NearConsult => {
                "Not found. POST to /eHealthAttributesService/v1/consult, without a query; its WSDL is \
                 /eHealthAttributesService/v1/consult?wsdl.\n"
            }
            Self::NearTest => {
                "Not found. POST to /TestConnectionServiceService/sendTestMessage, without a query; its WSDL is \
                 /TestConnectionServiceService/sendTestMessage?wsdl.\n"
            }
            Self::Method => {
                "Method not allowed. Use POST for a message; GET or HEAD for a page, the WSDL and schemas.\n"
            }
            Self::TooSlow => "The request did not arrive in time.\n",
            Self::LengthRequired => "A POST needs a Content-Length or a chunked body.\n",
            Self::TooLarge => "The message exceeds 256 KiB.\n",
            Self::TargetTooLong => "The request target is too long.\n",
            Self::NoMediaType => "The message has no Content-Type: send text/xml; charset=utf-8.\n",
            Self::BadMediaType => {
                "Content-Type is malformed, or given twice, or has two charsets: send text/xml; charset=utf-8.\n"
            }
            Self::Soap12 => {
                "application/soap+xml is SOAP 1.2. This is a SOAP 1.1 service: send text/xml; charset=utf-8.\n"
            }
            Self::Multipart => {
                "Multipart messages (MTOM, attachments) are not read: send the envelope alone, as text/xml.\n"
            }
            Self::MediaType => "The message must be text/xml.\n",
            Self::Charset => "The charset must be utf-8 or utf-16.\n",
            Self::ContentEncoding => "Compressed messages are not read: send the message without Content-Encoding.\n",
            Self::HeadTooLarge => "The request header exceeds 64 fields or 16 KiB.\n",
            Self::TransferCoding => "The only transfer coding is chunked.\n",
            Self::Overloaded => "A limit on requests is reached. Retry after the time in Retry-After.\n",
            Self::Version => "Only HTTP/1.1 and HTTP/1.0 are supported.\n",
        }
    }

    /// Whether the connection may stay open after the whole body was read.
    pub(crate) fn keeps_connection(self) -> bool {
        match self {
            // A client that retries costs a fraction if it needs no new handshake.
            Self::NotFound
            | Self::NearConsult
            | Self::NearTest
            | Self::Method
            | Self::NoMediaType
            | Self::BadMediaType
            | Self::Soap12
            | Self::Multipart
            | Self::MediaType
            | Self::Charset
            | Self::ContentEncoding
            | Self::Overloaded => true,
            Self::RequestLine
            | Self::Target
            | Self::LineEnd
            | Self::Field
            | Self::Host
            | Self::Length
            | Self::Chunk
            | Self::BodyEnd
            | Self::NotAdmitted
            | Self::TooSlow
            | Self::LengthRequired
            | Self::TooLarge
            | Self::TargetTooLong
            | Self::HeadTooLarge
            | Self::TransferCoding
            | Self::Version => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ehealth_core::lookup::Operation;
    use soap::names;

    use super::*;

    #[test]
    fn each_refusal_has_its_own_text() {
        let texts: HashSet<_> = HttpRefusal::ALL.map(HttpRefusal::text).into_iter().collect();
        assert_eq!(texts.len(), HttpRefusal::ALL.len());
        assert!(texts.iter().all(|text| text.ends_with(".\n") && text.len() < 200), "{texts:?}");
    }

    #[test]
    fn a_near_miss_names_the_right_address() {
        for (refusal, operation) in [
            (HttpRefusal::NearConsult, Operation::ConsultAttributes),
            (HttpRefusal::NearTest, Operation::SendTestMessage),
        ] {
            let path = names::path(operation);
            assert!(refusal.text().contains(&format!(" {path},")) && refusal.text().contains(&format!("{path}?wsdl")));
        }
    }
}
