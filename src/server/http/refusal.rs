//! Refusals below SOAP: a closed list, each with its HTTP status and its plain-text body.

use hyper::StatusCode;

ehealth_core::closed_enum! {
    /// Why a request is refused below SOAP (docs/reference/contract.md "HTTP details").
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum HttpRefusal {
        /// 400: the request's framing is invalid, or its body ended early.
        Framing,
        /// 403: the certificate expired or was revoked since the handshake.
        NotAdmitted,
        /// 404: no resource at this path.
        NotFound,
        /// 405: a method other than GET and POST.
        Method,
        /// 408: head or body did not arrive in time.
        TooSlow,
        /// 411: a POST without a length.
        LengthRequired,
        /// 413: the body exceeds 256 KiB.
        TooLarge,
        /// 414: the request target is too long.
        TargetTooLong,
        /// 415: another media type or charset, or a content encoding.
        MediaType,
        /// 431: too many header fields, or too long ones.
        HeadTooLarge,
        /// 503: a concurrency limit or a rate limit is reached, the caller's or the total.
        Overloaded,
        /// 505: a version other than HTTP/1.1.
        Version,
    }
}

impl HttpRefusal {
    /// HTTP status of the response. Each refusal has its own, so that metrics can use it as a
    /// label.
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

    /// Plain-text body of the response: what to do, and nothing of what the client sent.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Framing => "The request framing is not valid HTTP/1.1.\n",
            Self::NotAdmitted => "The client certificate is no longer valid. Connect with a valid certificate.\n",
            Self::NotFound => "Not found. The WSDL names the service paths; a POST takes no query.\n",
            Self::Method => "Method not allowed. Use GET or POST.\n",
            Self::TooSlow => "The request did not arrive in time.\n",
            Self::LengthRequired => "A POST needs a Content-Length or a chunked body.\n",
            Self::TooLarge => "The message exceeds 256 KiB.\n",
            Self::TargetTooLong => "The request target is too long.\n",
            Self::MediaType => "The message must be text/xml in UTF-8 or UTF-16, without Content-Encoding.\n",
            Self::HeadTooLarge => "The request header exceeds 64 fields or 16 KiB.\n",
            Self::Overloaded => "A limit on requests is reached. Retry after the time in Retry-After.\n",
            Self::Version => "Only HTTP/1.1 is supported.\n",
        }
    }

    /// Whether the connection may stay open after the whole body was read.
    pub(crate) fn keeps_connection(self) -> bool {
        match self {
            // A client that retries costs a fraction if it needs no new handshake.
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_refusal_has_its_own_status() {
        let statuses: HashSet<_> = HttpRefusal::ALL.map(HttpRefusal::status).into_iter().collect();
        assert_eq!(statuses.len(), HttpRefusal::ALL.len());
    }
}
