//! The head of a request: request line and header fields (RFC 9112, sections 3 and 5), strictly.
//!
//! Nothing is repaired or guessed: a head that two readers could read differently is refused.

use memchr::memchr;

use crate::server::http::refusal::HttpRefusal;
use ehealth_core::model::ByteSet;

/// Maximum bytes of a request target. The longest that is served has some 70.
pub(super) const MAX_TARGET_BYTES: usize = 1_024;
/// Maximum bytes of a request line. A longer one has a target that is too long, or an unknown
/// method.
pub(super) const MAX_LINE_BYTES: usize = MAX_TARGET_BYTES + 64;
/// Maximum header fields of a request: SOAP stacks send at most some 15.
pub(super) const MAX_FIELDS: usize = 64;

/// How a request's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    /// This many bytes.
    Sized(u64),
    /// Chunks.
    Chunked,
}

/// Version of a request. HTTP/1.0 is what old stacks and the default of some reverse proxies speak
/// (WS-I Basic Profile 1.1, R1141).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
}

/// Checks a request line, without its line end; returns the version.
///
/// # Errors
/// [`HttpRefusal`] for an unsupported version, a target that is too long, or a line that is not of
/// the form `METHOD TARGET HTTP/1.1`.
pub(super) fn check_request_line(line: &[u8]) -> Result<Version, HttpRefusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HttpRefusal::RequestLine);
    };
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(HttpRefusal::Version);
        }
        _ => return Err(HttpRefusal::RequestLine),
    };
    if target.len() > MAX_TARGET_BYTES {
        return Err(HttpRefusal::TargetTooLong);
    }
    match (is_token(method), is_target(method, target)) {
        (true, true) => Ok(version),
        (false, _) => Err(HttpRefusal::RequestLine),
        (true, false) => Err(HttpRefusal::Target),
    }
}

/// Whether a target has a form that may be answered (RFC 9112, section 3.2): a path, an absolute URL
/// with any authority, or `*` of `OPTIONS`.
fn is_target(method: &[u8], target: &[u8]) -> bool {
    let after_scheme = |scheme: &[u8]| {
        let (found, rest) = target.split_at_checked(scheme.len())?;
        found.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    if let Some(rest) = after_scheme(b"https://").or_else(|| after_scheme(b"http://")) {
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
        return !authority.is_empty() && HOST_BYTES.contains_all(authority) && TARGET_BYTES.contains_all(path);
    }
    target.first() == Some(&b'/') && TARGET_BYTES.contains_all(target) || (method, target) == (b"OPTIONS", b"*")
}

/// Checks the header fields; returns how the body is framed. `fields` are whole lines with line
/// ends.
///
/// # Errors
/// [`HttpRefusal`] for an invalid field, too many fields, a `Host` that is missing (in HTTP/1.1) or
/// repeated, a length that is given twice, in two ways, or not as a number, chunks in HTTP/1.0 (RFC
/// 9112, section 6.1), or another transfer coding.
pub(super) fn check_fields(version: Version, fields: &[u8]) -> Result<BodyFraming, HttpRefusal> {
    let (mut count, mut hosts) = (0_usize, 0_usize);
    let (mut length, mut is_chunked) = (None, false);
    for line in fields.split_inclusive(|byte| *byte == b'\n') {
        let (name, value) = split_field(line.strip_suffix(b"\r\n").unwrap_or(line)).ok_or(HttpRefusal::Field)?;
        count = count.saturating_add(1);
        if name.eq_ignore_ascii_case(b"host") {
            hosts = hosts.saturating_add(1);
            if value.is_empty() || !HOST_BYTES.contains_all(value) {
                return Err(HttpRefusal::Host);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if length.replace(read_length(value).ok_or(HttpRefusal::Length)?).is_some() {
                return Err(HttpRefusal::Length);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HttpRefusal::TransferCoding);
            }
            if is_chunked {
                return Err(HttpRefusal::Length);
            }
            is_chunked = true;
        }
    }
    if count > MAX_FIELDS {
        return Err(HttpRefusal::HeadTooLarge);
    }
    match (version, hosts) {
        (Version::Http11, 1) | (Version::Http10, 0 | 1) => {}
        (Version::Http11 | Version::Http10, _) => return Err(HttpRefusal::Host),
    }
    match (version, length, is_chunked) {
        (_, Some(length), false) => Ok(BodyFraming::Sized(length)),
        (Version::Http11, None, true) => Ok(BodyFraming::Chunked),
        (_, None, false) => Ok(BodyFraming::Sized(0)),
        (Version::Http10, None, true) | (_, Some(_), true) => Err(HttpRefusal::Length),
    }
}

/// Splits a field line into name and value, trimming blanks around the value; `None` if it is
/// invalid. A line that begins with a blank (obsolete folding) has no name, nor has one with a
/// blank before its colon.
pub(super) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let value = value.strip_prefix(b":")?;
    let is_printable = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    (is_token(name) && value.iter().copied().all(is_printable)).then(|| (name, value.trim_ascii()))
}

/// Reads decimal digits only, and no more of them than fit into a `u64`.
fn read_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}

fn is_token(bytes: &[u8]) -> bool {
    const TOKEN_BYTES: ByteSet = ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    !bytes.is_empty() && TOKEN_BYTES.contains_all(bytes)
}

/// Characters that RFC 3986 allows in a path or query.
const TARGET_BYTES: ByteSet = ByteSet::alphanumeric_and(b"-._~%!$&'()*+,;=:@/?");

/// Characters of a host name or address with port. No comma, which would make one field of two
/// hosts.
const HOST_BYTES: ByteSet = ByteSet::alphanumeric_and(b"-._~:[]");
