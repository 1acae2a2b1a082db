//! Conditional requests (RFC 9110, section 13): the validator of a response, and the condition of
//! the next request.

use hyper::header::{DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};

use super::date::parse_http_date;
use crate::store::{CachedNotification, Validator};
use ehealth_core::model::Timestamp;

/// Header field of a conditional request.
pub(super) type Condition = (HeaderName, HeaderValue);

/// Validator of a response; `None` if it has none that can be used.
pub(super) fn validator(headers: &HeaderMap, now: Timestamp) -> Option<Validator> {
    let field = |name| headers.get(name).map(HeaderValue::as_bytes);
    if let Some(tag) = field(ETAG) {
        return Some(Validator::EntityTag(tag.to_vec()));
    }
    let (modified, sent) = (field(LAST_MODIFIED)?, field(DATE)?);
    is_usable(parse_http_date(modified)?, parse_http_date(sent)?, now).then(|| Validator::Date(modified.to_vec()))
}

/// Whether a document's date tells that it changed. A document that changed in the second of the
/// response may change again in it and keep its date (RFC 9110, section 8.8.2.2). A date from the
/// future would make the server answer "not modified" until then.
fn is_usable(modified: Timestamp, sent: Timestamp, now: Timestamp) -> bool {
    modified < sent && !modified.is_in_the_future(now)
}

/// Condition that asks whether the cached document is still current.
pub(super) fn condition(cached: &CachedNotification) -> Option<Condition> {
    let (name, value) = match &cached.validator {
        Validator::EntityTag(tag) => (IF_NONE_MATCH, tag),
        Validator::Date(date) => (IF_MODIFIED_SINCE, date),
    };
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modification_date_is_used_only_if_it_is_past() {
        let now = Timestamp::parse("1994-11-06T09:00:00Z").expect("a timestamp");
        let used = |modified: &'static str, sent: &'static str| {
            let (modified, sent) = (HeaderValue::from_static(modified), HeaderValue::from_static(sent));
            let headers = HeaderMap::from_iter([(LAST_MODIFIED, modified), (DATE, sent)]);
            validator(&headers, now).is_some()
        };
        assert!(used("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"));
        assert!(!used("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!used("Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"));
        // A server whose clock is ahead, too.
        assert!(!used("Tue, 06 Nov 2094 08:49:37 GMT", "Wed, 07 Nov 2094 08:49:37 GMT"));
        assert!(!used("yesterday", "Sun, 06 Nov 1994 08:49:37 GMT"));
        let tag = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"1\""))]);
        assert_eq!(validator(&tag, now), Some(Validator::EntityTag(b"\"1\"".to_vec())));
    }
}
