//! The head of a request: its request line and its fields (RFC 9112, sections 3 and 5), by the letter.
//!
//! Nothing is repaired and nothing guessed: where two readers could read two things, there is no request.

use memchr::memchr;

use super::Body;
use crate::server::door::HttpRefusal;
use ehealth_core::model::ByteSet;

/// A target longer than this names nothing that is served (the longest has some 70 bytes).
pub(super) const TARGET_BYTES: usize = 1_024;
/// A request line longer than this has a target that is too long, or no method that anybody serves.
pub(super) const LINE_BYTES: usize = TARGET_BYTES + 64;
/// A request's head may have this many fields: the longest that a SOAP stack sends has some fifteen.
pub(super) const FIELDS: usize = 64;

/// Judges a request line, without its end.
///
/// # Errors
/// [`HttpRefusal`] for a version that is not ours, a target that is too long, or none of the form `METHOD /path HTTP/1.1`.
pub(super) fn judge_request_line(line: &[u8]) -> Result<(), HttpRefusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HttpRefusal::Framing);
    };
    match version {
        b"HTTP/1.1" => {}
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(HttpRefusal::Version);
        }
        _ => return Err(HttpRefusal::Framing),
    }
    if target.len() > TARGET_BYTES {
        return Err(HttpRefusal::TargetTooLong);
    }
    let is_origin_form = target.first() == Some(&b'/') && OF_TARGET.contains_all(target);
    if is_token(method) && is_origin_form { Ok(()) } else { Err(HttpRefusal::Framing) }
}

/// What the fields say about the message's frame. `fields` are whole lines, each with its end.
///
/// # Errors
/// [`HttpRefusal`] for a field that is none, too many of them, a Host that is not told exactly once, or a length that is
/// told twice, in two ways or in no number.
pub(super) fn judge_fields(fields: &[u8]) -> Result<Body, HttpRefusal> {
    let (mut count, mut hosts) = (0_usize, 0_usize);
    let (mut length, mut is_chunked) = (None, false);
    for line in fields.split_inclusive(|byte| *byte == b'\n') {
        let (name, value) = split_field(line.strip_suffix(b"\r\n").unwrap_or(line)).ok_or(HttpRefusal::Framing)?;
        count = count.saturating_add(1);
        if name.eq_ignore_ascii_case(b"host") {
            hosts = hosts.saturating_add(1);
            if value.is_empty() || !OF_HOST.contains_all(value) {
                return Err(HttpRefusal::Framing);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if length.replace(read_length(value).ok_or(HttpRefusal::Framing)?).is_some() {
                return Err(HttpRefusal::Framing);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HttpRefusal::Framing);
            }
            is_chunked = true;
        }
    }
    if count > FIELDS {
        return Err(HttpRefusal::HeadTooLarge);
    }
    match (hosts, length, is_chunked) {
        (1, Some(length), false) => Ok(Body::Sized(length)),
        (1, None, true) => Ok(Body::Chunked),
        (1, None, false) => Ok(Body::Sized(0)),
        _ => Err(HttpRefusal::Framing),
    }
}

/// Name and value of a field's line, the blanks around the value aside; `None` if it is none. A line that begins with a
/// blank (a folded one) has no name, nor has one with a blank before its colon.
pub(super) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let value = value.strip_prefix(b":")?;
    let is_printable = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    (is_token(name) && value.iter().copied().all(is_printable)).then(|| (name, value.trim_ascii()))
}

/// Digits and nothing else, and not more of them than a `u64` has.
fn read_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}

fn is_token(bytes: &[u8]) -> bool {
    const TOKEN: ByteSet = ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    !bytes.is_empty() && TOKEN.contains_all(bytes)
}

/// What RFC 3986 lets stand in a path or query.
const OF_TARGET: ByteSet = ByteSet::alphanumeric_and(b"-._~%!$&'()*+,;=:@/?");

/// What stands in a name or an address with its port. Not the comma, with which two hosts become one field.
const OF_HOST: ByteSet = ByteSet::alphanumeric_and(b"-._~:[]");
