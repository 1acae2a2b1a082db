//! Conditional requests (RFC 9110, section 13): the validator of a response, and the condition of
//! the next request.

use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{DATE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};

use crate::store::{CachedNotification, Validator};

/// Header field of a conditional request.
pub(super) type Condition = (HeaderName, HeaderValue);

/// Validator of a response; `None` if it has none that can be used.
pub(super) fn validator(response: &Response<Incoming>) -> Option<Validator> {
    let field = |name| response.headers().get(name).map(|value: &HeaderValue| value.as_bytes().to_vec());
    if let Some(tag) = field(ETAG) {
        return Some(Validator::EntityTag(tag));
    }
    // A document that changed in the second of the response may change again in it and keep its
    // date (RFC 9110, section 8.8.2.2).
    field(LAST_MODIFIED).filter(|modified| field(DATE).is_some_and(|sent| sent != *modified)).map(Validator::Date)
}

/// Condition that asks whether the cached document is still current.
pub(super) fn condition(cached: &CachedNotification) -> Option<Condition> {
    let (name, value) = match &cached.validator {
        Validator::EntityTag(tag) => (IF_NONE_MATCH, tag),
        Validator::Date(date) => (IF_MODIFIED_SINCE, date),
    };
    Some((name, HeaderValue::from_bytes(value).ok()?))
}
