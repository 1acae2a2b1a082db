//! Trace context of a caller's request (W3C Trace Context, `traceparent`), so that the caller's
//! operators and ours find the same exchange. It goes to the log and to the exemplars of the
//! metrics; nothing is decided by it.

use std::fmt;

use hyper::HeaderMap;

use ehealth_core::model::{Ssin, Ticket};

/// Digits of an SSIN.
const SSIN_DIGITS: usize = 11;

/// A trace ID: 32 lowercase hexadecimal digits, not all zeros, of which no eleven in a row are an
/// SSIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId([u8; 32]);

/// A span ID: 16 lowercase hexadecimal digits, not all zeros, of which no eleven in a row are an
/// SSIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanId([u8; 16]);

/// The trace of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The caller's span, in which it waits for the response.
    pub parent: SpanId,
    /// Flags: two hexadecimal digits; bit 0 is set if the caller records the trace.
    pub flags: Flags,
}

/// Flags of a trace: two lowercase hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags([u8; 2]);

impl SpanId {
    /// Span ID of an exchange: the second half of its ticket, which is random and is never zero
    /// (RFC 9562, section 4.1: its first bits are the variant).
    pub fn of_exchange(ticket: &Ticket) -> Self {
        let mut digits = [b'0'; 16];
        let half = ticket.as_bytes().iter().skip(8);
        let nibbles = half.flat_map(|byte| [byte >> 4, byte & 15]);
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        Self(digits)
    }
}

fn write_digits(f: &mut fmt::Formatter<'_>, digits: &[u8]) -> fmt::Result {
    digits.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_digits(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_digits(f, &self.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_digits(f, &self.0)
    }
}

/// Trace of a request; `None` if absent. An invalid field is ignored, as the recommendation requires
/// (section 3.2.2.5).
pub(super) fn read_trace(headers: &HeaderMap) -> Option<TraceContext> {
    let mut fields = headers.get_all("traceparent").iter();
    let field = fields.next()?.as_bytes();
    if fields.next().is_some() {
        return None;
    }
    // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01; a later version may append more.
    let mut parts = field.splitn(5, |byte| *byte == b'-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let ends = parts.next().is_none() || version != b"00";
    let is_version = version.len() == 2 && is_hex(version) && version != b"ff";
    let are_hex = [trace, parent, flags].into_iter().all(is_hex);
    if !is_version || !are_hex || !ends || is_zero(trace) || is_zero(parent) {
        return None;
    }
    let context = TraceContext {
        trace: TraceId(trace.try_into().ok()?),
        parent: SpanId(parent.try_into().ok()?),
        flags: Flags(flags.try_into().ok()?),
    };
    (!names_person(trace) && !names_person(parent)).then_some(context)
}

/// Whether an SSIN is among the digits: it would get into the log and the metrics. This is so in
/// less than one of 10 000 random trace IDs.
fn names_person(digits: &[u8]) -> bool {
    let ssin = |digits: &[u8]| std::str::from_utf8(digits).is_ok_and(|digits| Ssin::parse(digits).is_ok());
    digits.windows(SSIN_DIGITS).any(ssin)
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
        read_trace(&headers).map(|context| context.trace.to_string())
    }

    #[test]
    fn a_valid_field_yields_its_trace_id() {
        let trace = Some("0af7651916cd43dd8448eb211c80319c".to_owned());
        assert_eq!(read(&[VALID]), trace);
        assert_eq!(read(&[&VALID.replacen("00", "01", 1)]), trace);
        assert_eq!(read(&[&format!("{}-more", VALID.replacen("00", "01", 1))]), trace, "a later version");
    }

    #[test]
    fn a_span_has_the_second_half_of_the_ticket() {
        let ticket = Ticket::parse("5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f").expect("a ticket");
        assert_eq!(SpanId::of_exchange(&ticket).to_string(), "9d0a6d7a3c2b1e0f");
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
        let person = VALID.replace("0af7651916cd43dd8448", "0af785073099932d8448");
        assert_eq!(person.len(), VALID.len());
        assert_eq!(read(&[&person]), None, "an SSIN");
        let person_as_parent = VALID.replace("b7ad6b7169203331", "b85073099932b331");
        assert_eq!(read(&[&person_as_parent]), None, "an SSIN");
        assert!(read(&[&person.replace("99932d", "99933d")]).is_some(), "eleven digits that are no SSIN");
        assert_eq!(read(&[VALID, VALID]), None, "two fields");
        assert_eq!(read(&[]), None);
    }
}
