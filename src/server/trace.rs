//! The trace that a caller's request belongs to, so that its operators and ours find the same exchange (W3C Trace Context,
//! `traceparent`). Only the number of the trace is taken, and only into the log; nothing is decided by it.

use std::fmt;

use hyper::HeaderMap;

/// The number of a trace: 32 hexadecimal digits, in small letters, not all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId([u8; 32]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

/// The trace of a request; `None` where none is named, or not as the recommendation wants it: such a field is ignored
/// (section 3.2.2.5).
pub(super) fn read_trace(headers: &HeaderMap) -> Option<TraceId> {
    let mut fields = headers.get_all("traceparent").iter();
    let field = fields.next()?.as_bytes();
    if fields.next().is_some() {
        return None;
    }
    // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01; a later version may have more behind it.
    let mut parts = field.splitn(5, |byte| *byte == b'-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &[u8], length| {
        part.len() == length && part.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    };
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let ends = parts.next().is_none() || version != b"00";
    let is_right = is_hex(version, 2) && version != b"ff" && is_hex(trace, 32) && is_hex(parent, 16);
    if is_right && is_hex(flags, 2) && ends && !is_zero(trace) && !is_zero(parent) {
        trace.try_into().ok().map(TraceId)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const RIGHT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(fields: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("traceparent", HeaderValue::from_str(field).expect("a field"));
        }
        read_trace(&headers).map(|trace| trace.to_string())
    }

    #[test]
    fn the_trace_of_a_right_field_is_read() {
        let trace = Some("0af7651916cd43dd8448eb211c80319c".to_owned());
        assert_eq!(read(&[RIGHT]), trace);
        assert_eq!(read(&[&RIGHT.replacen("00", "01", 1)]), trace);
        assert_eq!(read(&[&format!("{}-more", RIGHT.replacen("00", "01", 1))]), trace, "of a later version");
    }

    #[test]
    fn what_is_no_trace_is_ignored() {
        let zeros = RIGHT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
        let orphan = RIGHT.replace("b7ad6b7169203331", &"0".repeat(16));
        let long = format!("{RIGHT}-more");
        let (version, capitals) = (RIGHT.replacen("00", "ff", 1), RIGHT.to_uppercase());
        for wrong in [zeros.as_str(), &orphan, &long, &version, &capitals, "", "00", &RIGHT[..54], "85073000160"] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
        assert_eq!(read(&[RIGHT, RIGHT]), None, "two of them");
        assert_eq!(read(&[]), None);
    }
}
