//! Spans of a log line.

use serde_json::{Map, Value};

use crate::server::counters::Stage;
use ehealth_core::model::Timestamp;

/// Fields of a line that become attributes of its span. Others can have what a caller sent.
const ATTRIBUTES: [&str; 6] = ["ticket", "operation", "consumer", "application", "outcome", "rule"];
/// Outcomes that are errors of the service.
const ERRORS: [&str; 2] = ["MSG00003", "MSG90053"];
/// Stages whose durations a line has, in the order in which an exchange passes them.
const STAGES: [Stage; 5] = [Stage::Read, Stage::Decide, Stage::Resolve, Stage::Record, Stage::Write];
/// Maximum duration of a span, one day in nanoseconds: a line with more is not one of ours.
const MAX_DURATION: u64 = 86_400_000_000_000;

/// A span (OpenTelemetry, "Trace API").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub trace_id: String,
    pub id: String,
    pub parent: Option<String>,
    pub name: String,
    pub is_server: bool,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    pub attributes: Vec<(&'static str, String)>,
    pub is_error: bool,
}

/// The spans of a log line: the exchange, then its stages. None if the line is not that of an
/// exchange with a trace, or if its caller did not sample it and `all` is false.
pub(super) fn spans_of(line: &[u8], all: bool) -> Vec<Span> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(line) else { return Vec::new() };
    exchange_of(&fields, all).map_or_else(Vec::new, |exchange| {
        let stages = stages_of(&fields, &exchange);
        [exchange].into_iter().chain(stages).collect()
    })
}

fn exchange_of(fields: &Map<String, Value>, all: bool) -> Option<Span> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let flags = text("trace_flags").filter(|flags| is_hexadecimal(flags, 2))?;
    let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    if !(all || is_sampled) {
        return None;
    }
    let trace_id = text("trace_id").filter(|id| is_hexadecimal(id, 32))?;
    let id = text("span_id").filter(|id| is_hexadecimal(id, 16))?;
    let duration = nanoseconds(fields.get("duration")?)?;
    let end = u64::try_from(Timestamp::parse(text("timestamp")?).ok()?.as_millis()).ok()?.checked_mul(1_000_000)?;
    let attributes = ATTRIBUTES.into_iter().filter_map(|name| Some((name, text(name)?.to_owned())));
    Some(Span {
        trace_id: trace_id.to_owned(),
        id: id.to_owned(),
        parent: text("parent_span_id").filter(|id| is_hexadecimal(id, 16)).map(str::to_owned),
        name: text("operation").unwrap_or("exchange").to_owned(),
        is_server: true,
        start: end.checked_sub(duration)?,
        end,
        attributes: attributes.collect(),
        is_error: text("outcome").is_some_and(|outcome| ERRORS.contains(&outcome)),
    })
}

/// A span for each stage, one behind the other from the start of the exchange: the line has their
/// durations, and not when they began.
fn stages_of(fields: &Map<String, Value>, exchange: &Span) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = exchange.start;
    for (number, stage) in (1_u64..).zip(STAGES) {
        let duration = fields.get(&format!("{}_seconds", stage.code())).and_then(nanoseconds);
        let Some(duration) = duration.filter(|duration| *duration > 0) else { continue };
        let end = start.saturating_add(duration).min(exchange.end);
        spans.push(Span {
            trace_id: exchange.trace_id.clone(),
            id: below(&exchange.id, number),
            parent: Some(exchange.id.clone()),
            name: stage.code().to_owned(),
            is_server: false,
            start,
            end,
            attributes: Vec::new(),
            is_error: false,
        });
        start = end;
    }
    spans
}

/// Span ID of a stage: that of the exchange, which is random, with its low bits changed.
fn below(span_id: &str, number: u64) -> String {
    let id = u64::from_str_radix(span_id, 16).unwrap_or_default() ^ number;
    format!("{:016x}", if id == 0 { u64::MAX } else { id })
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Seconds of a line in nanoseconds; `None` if they are negative or longer than a day.
fn nanoseconds(seconds: &Value) -> Option<u64> {
    let Value::Number(seconds) = seconds else { return None };
    let nanoseconds = std::time::Duration::try_from_secs_f64(seconds.as_f64()?).ok()?.as_nanos();
    u64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds <= MAX_DURATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-01-15T09:30:00.127Z","severity_text":"INFO","target":"x","message":"answered",
        "ticket":"49c243fd-dd28-413e-b8cb-07f3a3bd5b83","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id":"b8cb07f3a3bd5b83","parent_span_id":"00f067aa0ba902b7","trace_flags":"01","operation":"consultAttributes",
        "consumer":"0999010126","outcome":"MSG00000","rule":"granted","cause":"a","duration":0.002354,"read_seconds":0.000421,
        "decide_seconds":1.5e-5,"resolve_seconds":0.000336,"record_seconds":0.001504,"write_seconds":0.000078}"#;

    #[test]
    fn an_exchange_becomes_a_span_with_its_stages() {
        let spans = spans_of(LINE.as_bytes(), false);
        let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["consultAttributes", "read", "decide", "resolve", "record", "write"]);
        let exchange = &spans[0];
        assert_eq!(exchange.end, 1_768_469_400_127_000_000);
        assert_eq!(exchange.end - exchange.start, 2_354_000);
        assert_eq!(exchange.parent.as_deref(), Some("00f067aa0ba902b7"));
        assert!(exchange.attributes.iter().all(|(name, _)| *name != "cause"), "what a caller sent stays here");
        assert!(spans[1..].iter().all(|stage| stage.parent.as_ref() == Some(&exchange.id)));
        assert!(spans.windows(2).skip(1).all(|pair| pair[0].end == pair[1].start), "stages follow each other");
        let ids: std::collections::BTreeSet<_> = spans.iter().map(|span| &span.id).collect();
        assert_eq!(ids.len(), spans.len());
    }

    #[test]
    fn a_line_that_is_not_a_sampled_exchange_has_no_span() {
        let unsampled = LINE.replace("\"trace_flags\":\"01\"", "\"trace_flags\":\"00\"");
        assert!(spans_of(unsampled.as_bytes(), false).is_empty());
        assert_eq!(spans_of(unsampled.as_bytes(), true).len(), 6);
        for (from, to) in [
            ("4bf92f3577b34da6a3ce929d0e0e4736", "4BF92F3577B34DA6A3CE929D0E0E4736"),
            ("b8cb07f3a3bd5b83\",\"parent", "x\",\"parent"),
            ("2026-01-15T09:30:00.127Z", "yesterday"),
            ("2026-01-15T09:30:00.127Z", "1969-01-15T09:30:00.127Z"),
            ("0.002354", "\"soon\""),
            ("0.002354", "-1"),
            ("0.002354", "1e300"),
            ("\"trace_flags\":\"01\",", ""),
        ] {
            assert!(LINE.contains(from), "{from}");
            assert!(spans_of(LINE.replace(from, to).as_bytes(), true).is_empty(), "{from} as {to}");
        }
        for other in ["", "{", "[]", "Started ehealth-attributes.service.", "{\"trace_id\":1}", "\u{0}"] {
            assert!(spans_of(other.as_bytes(), true).is_empty(), "{other}");
        }
        let failed = LINE.replace("MSG00000", "MSG90053");
        assert!(spans_of(failed.as_bytes(), false)[0].is_error);
    }
}
