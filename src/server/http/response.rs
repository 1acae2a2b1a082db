//! The HTTP response type, and the constructor that most answers share.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};

/// A response whose body is in memory.
pub(super) type HttpResponse = Response<Full<Bytes>>;

/// `200 OK` with an XML body.
pub(super) fn xml(body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}
