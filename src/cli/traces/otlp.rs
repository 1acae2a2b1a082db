//! A request of OTLP/HTTP with JSON (opentelemetry-proto 1.x, "JSON Protobuf Encoding"): IDs are
//! hexadecimal, 64-bit numbers are text, enumerations are numbers.

use serde_json::{Value, json};

use super::span::Span;

/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;
/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// An `ExportTraceServiceRequest`.
pub(super) fn write_request(spans: &[Span], service_name: &str) -> String {
    let spans: Vec<_> = spans.iter().map(write_span).collect();
    let scope = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
    let resource = json!({ "attributes": [attribute("service.name", service_name)] });
    json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": spans }] }] })
        .to_string()
}

fn write_span(span: &Span) -> Value {
    let attributes: Vec<_> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    json!({
        "traceId": span.trace_id,
        "spanId": span.id,
        "parentSpanId": span.parent.as_deref().unwrap_or_default(),
        "name": span.name,
        "kind": if span.is_server { SERVER } else { INTERNAL },
        "startTimeUnixNano": span.start.to_string(),
        "endTimeUnixNano": span.end.to_string(),
        "attributes": attributes,
        "status": if span.is_error { json!({ "code": ERROR }) } else { json!({}) },
    })
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// Spans that a collector refused, by its answer (`ExportTraceServiceResponse`), and its reason.
pub(super) fn refused_of(answer: &[u8]) -> (u64, String) {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let partial = answer.get("partialSuccess");
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let refused = partial.and_then(|partial| number(partial.get("rejectedSpans")?)).unwrap_or(0);
    let reason = partial.and_then(|partial| partial.get("errorMessage")?.as_str()).unwrap_or_default();
    (refused, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_how_many_spans_were_refused() {
        for (answer, refused) in [
            ("", 0),
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"full"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedSpans":4}}"#, 4),
            (r#"{"partialSuccess":{"rejectedSpans":-4}}"#, 0),
        ] {
            assert_eq!(refused_of(answer.as_bytes()).0, refused, "{answer}");
        }
    }
}
