//! The head of a request: request line and header fields (RFC 9112, sections 3 and 5), strictly.
//!
//! Nothing is repaired or guessed: a head that two readers could read differently is refused.

use memchr::memchr;

use crate::server::http::refusal::{HttpRefusal, Refusal};
use ehealth_core::explained::Cause;
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
/// [`Refusal`] for an unsupported version, a target that is too long, or a line that is not of
/// the form `METHOD TARGET HTTP/1.1`.
pub(super) fn check_request_line(line: &[u8]) -> Result<Version, Refusal> {
    let malformed = || HttpRefusal::RequestLine.because(Cause::from_bytes("request line", line));
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(HttpRefusal::Version.because(Cause::from_bytes("version", version)));
        }
        _ => return Err(malformed()),
    };
    let cause = || Cause::from_bytes("method", method).and_bytes("target", target);
    if target.len() > MAX_TARGET_BYTES {
        return Err(HttpRefusal::TargetTooLong.because(cause()));
    }
    match (is_token(method), is_target(method, target)) {
        (true, true) => Ok(version),
        (false, _) => Err(malformed()),
        (true, false) => Err(HttpRefusal::Target.because(cause())),
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
/// [`Refusal`] for an invalid field, too many fields, a `Host` that is missing (in HTTP/1.1) or
/// repeated, a length that is given twice, in two ways, or not as a number, chunks in HTTP/1.0 (RFC
/// 9112, section 6.1), or another transfer coding.
pub(super) fn check_fields(version: Version, fields: &[u8]) -> Result<BodyFraming, Refusal> {
    let mut count = 0_usize;
    let (mut host, mut length, mut coding) = (None, None, None);
    for line in fields.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        let (name, value) = split_field(line).ok_or_else(|| refuse_field(line))?;
        count = count.saturating_add(1);
        let cause = |what| Cause::from_bytes(what, value);
        if name.eq_ignore_ascii_case(b"host") {
            if value.is_empty() || !HOST_BYTES.contains_all(value) {
                return Err(HttpRefusal::Host.because(cause("Host")));
            }
            if let Some(first) = host.replace(value) {
                return Err(HttpRefusal::Host.because(Cause::from_bytes("Host", first).and_bytes("Host", value)));
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let bytes = read_length(value).ok_or_else(|| HttpRefusal::Length.because(cause("Content-Length")))?;
            if let Some((_, first)) = length.replace((bytes, value)) {
                let both = Cause::from_bytes("Content-Length", first).and_bytes("Content-Length", value);
                return Err(HttpRefusal::Length.because(both));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HttpRefusal::TransferCoding.because(cause("Transfer-Encoding")));
            }
            if let Some(first) = coding.replace(value) {
                let both = Cause::from_bytes("Transfer-Encoding", first).and_bytes("Transfer-Encoding", value);
                return Err(HttpRefusal::Length.because(both));
            }
        }
    }
    if count > MAX_FIELDS {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        return Err(HttpRefusal::HeadTooLarge.because(Cause::number("fields", count)));
    }
    if version == Version::Http11 && host.is_none() {
        return Err(HttpRefusal::Host.because(Cause::fixed("no Host")));
    }
    match (version, length, coding) {
        (_, Some((bytes, _)), None) => Ok(BodyFraming::Sized(bytes)),
        (Version::Http11, None, Some(_)) => Ok(BodyFraming::Chunked),
        (_, None, None) => Ok(BodyFraming::Sized(0)),
        (Version::Http10, None, Some(coding)) => {
            let cause = Cause::new("version", "HTTP/1.0").and_bytes("Transfer-Encoding", coding);
            Err(HttpRefusal::Length.because(cause))
        }
        (_, Some((_, length)), Some(coding)) => {
            let cause = Cause::from_bytes("Content-Length", length).and_bytes("Transfer-Encoding", coding);
            Err(HttpRefusal::Length.because(cause))
        }
    }
}

/// Refuses a field line.
fn refuse_field(line: &[u8]) -> Refusal {
    HttpRefusal::Field.because(name_of_field(line))
}

/// The name of a field that is refused. Its value may be a password, and so may a folded line.
pub(super) fn name_of_field(line: &[u8]) -> Cause {
    match memchr(b':', line).and_then(|colon| line.get(..colon)) {
        Some(name) => Cause::from_bytes("field", name),
        None => Cause::fixed("a line without a colon"),
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
