//! Trace ID of a caller's request (W3C Trace Context, `traceparent`), so that the caller's
//! operators and ours find the same exchange. It goes only to the log; nothing is decided by it.

use std::fmt;

use hyper::HeaderMap;

/// A trace ID: 32 lowercase hexadecimal digits, not all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId([u8; 32]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

/// Trace ID of a request; `None` if absent. An invalid field is ignored, as the
/// recommendation requires (section 3.2.2.5).
pub(super) fn read_trace(headers: &HeaderMap) -> Option<TraceId> {
    let mut fields = headers.get_all("traceparent").iter();
    let field = fields.next()?.as_bytes();
    if fields.next().is_some() {
        return None;
    }
    // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01; a later version may append more.
    let mut parts = field.splitn(5, |byte| *byte == b'-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &[u8], length| {
        part.len() == length && part.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    };
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let ends = parts.next().is_none() || version != b"00";
    let is_valid = is_hex(version, 2) && version != b"ff" && is_hex(trace, 32) && is_hex(parent, 16);
    if is_valid && is_hex(flags, 2) && ends && !is_zero(trace) && !is_zero(parent) {
        trace.try_into().ok().map(TraceId)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(fields: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("traceparent", HeaderValue::from_str(field).expect("a field"));
        }
        read_trace(&headers).map(|trace| trace.to_string())
    }

    #[test]
    fn a_valid_field_yields_its_trace_id() {
        let trace = Some("0af7651916cd43dd8448eb211c80319c".to_owned());
        assert_eq!(read(&[VALID]), trace);
        assert_eq!(read(&[&VALID.replacen("00", "01", 1)]), trace);
        assert_eq!(read(&[&format!("{}-more", VALID.replacen("00", "01", 1))]), trace, "a later version");
    }

    #[test]
    fn an_invalid_field_is_ignored() {
        let zeros = VALID.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
        let orphan = VALID.replace("b7ad6b7169203331", &"0".repeat(16));
        let long = format!("{VALID}-more");
        let (version, capitals) = (VALID.replacen("00", "ff", 1), VALID.to_uppercase());
        for wrong in [zeros.as_str(), &orphan, &long, &version, &capitals, "", "00", &VALID[..54], "85073099932"] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
        assert_eq!(read(&[VALID, VALID]), None, "two fields");
        assert_eq!(read(&[]), None);
    }
}
