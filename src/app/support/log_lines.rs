//! Lines of a log as a support bundle has them: of each line, what the program itself wrote.
//!
//! A line can have values that a peer sent, such as the subject of a certificate, which names a person if
//! it is the person's own. No redactor knows names, so fields are kept by name, and quoted values are
//! removed. A line in another form is left out, except those of systemd about the units.

use ehealth_core::model::Timestamp;
use serde_json::{Map, Value};

use super::redact::{redact, redact_value, remove_quoted};

/// Fields whose text the program chose: codes, identifiers of its own, numbers of organisations.
const KEPT: [&str; 20] = [
    "timestamp",
    "severity_text",
    "target",
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_flags",
    "ticket",
    "operation",
    "consumer",
    "outcome",
    "rule",
    "reason",
    "refused",
    "refusal",
    "dataset",
    "fingerprint",
    "failure",
    "status",
    "code",
];
/// Fields with sentences, in which a value of a peer or an operator is in quotes.
const SENTENCES: [&str; 7] = ["message", "cause", "diagnostic", "error", "trouble", "remedy", "kept"];
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
/// Longest line that is read, in bytes: the program bounds each value to 128 characters.
const MAX_LINE: usize = 16 * 1_024;

/// Lines that were kept, and the number of those that were not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The newest lines that fit, in their order.
    pub text: String,
    /// Lines in another form.
    pub left_out: usize,
    /// Whether older lines did not fit.
    pub is_cut: bool,
}

/// Keeps the newest lines, at most `limit` bytes of them.
#[must_use]
pub fn keep(log: &str, limit: usize) -> Kept {
    let (mut lines, mut length, mut kept) = (Vec::new(), 0_usize, Kept::default());
    for line in log.lines().rev().filter(|line| !line.trim().is_empty()) {
        let Some(shown) = show(line) else {
            kept.left_out = kept.left_out.saturating_add(1);
            continue;
        };
        length = length.saturating_add(shown.len()).saturating_add(1);
        if length > limit {
            kept.is_cut = true;
            break;
        }
        lines.push(shown);
    }
    lines.reverse();
    lines.iter().for_each(|line| {
        kept.text.push_str(line);
        kept.text.push('\n');
    });
    kept
}

fn show(line: &str) -> Option<String> {
    let line = line.trim_end();
    if line.len() > MAX_LINE {
        return None;
    }
    of_json(line).or_else(|| of_text(line)).or_else(|| of_systemd(line)).or_else(|| of_panic(line))
}

/// A line of `--log-format json`.
fn of_json(line: &str) -> Option<String> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    Timestamp::parse(text("timestamp")?).ok()?;
    let is_module = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | ':');
    if !LEVELS.contains(&text("severity_text")?) || !text("target")?.chars().all(is_module) {
        return None;
    }
    let mut shown = Map::new();
    for (name, value) in &fields {
        let kept = match value {
            Value::String(text) if SENTENCES.contains(&name.as_str()) => Some(Value::String(remove_quoted(text))),
            Value::String(text) if KEPT.contains(&name.as_str()) => Some(Value::String(remove_quoted(text))),
            Value::Number(_) | Value::Bool(_) if is_name(name) => Some(value.clone()),
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => {
                None
            }
        };
        shown.extend(kept.map(|value| (name.clone(), value)));
    }
    let omitted = fields.len().saturating_sub(shown.len());
    if omitted > 0 {
        shown.insert("omittedFields".to_owned(), omitted.into());
    }
    Some(redact_value(&Value::Object(shown)).to_string())
}

/// Whether a field with a number or a truth value is one of ours: a short name of lower-case letters.
fn is_name(name: &str) -> bool {
    name.ends_with("_seconds")
        || name.ends_with("_mib")
        || ["duration", "more", "lines", "connections", "descriptors", "status", "records", "size", "length"]
            .contains(&name)
}

/// A line of `--log-format text`: time, level, module and message; the fields behind it are left out.
fn of_text(line: &str) -> Option<String> {
    let (time, rest) = line.split_once(' ')?;
    Timestamp::parse(time).ok()?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let (target, message) = rest.split_once(": ")?;
    let is_module = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | ':');
    if !LEVELS.contains(&level) || target.is_empty() || !target.chars().all(is_module) {
        return None;
    }
    let words = message.split(' ').take_while(|word| !is_field(word));
    let kept: Vec<_> = words.collect();
    let is_whole = kept.len() == message.split(' ').count();
    let more = if is_whole { "" } else { " [fields left out]" };
    Some(redact(&format!("{time} {level} {target}: {}{more}", remove_quoted(&kept.join(" ")))))
}

fn is_field(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '%'))
    })
}

/// What systemd says of our units: their name, then words without a quote.
fn of_systemd(line: &str) -> Option<String> {
    let starts = [
        "",
        "Starting ",
        "Started ",
        "Stopping ",
        "Stopped ",
        "Finished ",
        "Failed to start ",
        "Reloading ",
        "Reloaded ",
    ];
    let behind = starts.iter().find_map(|start| line.strip_prefix(start)?.strip_prefix("ehealth-attributes"))?;
    let behind = ["-feeds", "-verify"].iter().find_map(|part| behind.strip_prefix(part)).unwrap_or(behind);
    let is_unit = [".service", ".socket", ".timer"].iter().any(|kind| behind.starts_with(kind));
    is_unit.then(|| redact(&remove_quoted(line)))
}

/// Where the program failed: the place in its source alone.
fn of_panic(line: &str) -> Option<String> {
    let (_, place) = line.strip_prefix("thread '")?.split_once("panicked at ")?;
    let place = place.trim_end_matches(':');
    let is_place = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.' | ':');
    (place.contains(".rs:") && place.chars().all(is_place)).then(|| redact(&format!("panicked at {place}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        keep(line, 10_000).text
    }

    #[test]
    fn of_a_json_line_the_programs_own_fields_remain() {
        let line = r#"{"timestamp":"2026-11-30T22:50:00.123Z","severity_text":"INFO","target":"a::b","message":"answered","ticket":"t-1","cause":"value 'Piet', 85073099932","subject":"CN=Piet","nonsense":"Piet","age":7,"duration":0.5,"more":3,"trace_id":{"x":"Piet"}}"#;
        let kept: Value = serde_json::from_str(&shown(line)).expect("JSON");
        let expected = serde_json::json!({
            "timestamp": "2026-11-30T22:50:00.123Z", "severity_text": "INFO", "target": "a::b", "message": "answered",
            "ticket": "t-1", "cause": "value '…', ***********", "duration": 0.5, "more": 3, "omittedFields": 4
        });
        assert_eq!(kept, expected);
        for other in
            ["{}", r#"{"timestamp":"x","severity_text":"INFO","target":"a","message":"b"}"#, "[1]", "Piet called"]
        {
            assert_eq!(keep(other, 100), Kept { left_out: 1, ..Kept::default() }, "{other}");
        }
    }

    #[test]
    fn of_other_lines_only_known_forms_remain() {
        for (line, expected) in [
            (
                "2026-11-30T22:50:00.123Z  INFO a::b: reload rejected; 'Piet' error=Piet subject=\"CN=Piet\"",
                "2026-11-30T22:50:00.123Z INFO a::b: reload rejected; '…' [fields left out]\n",
            ),
            ("2026-11-30T22:50:00.123Z  WARN a: stopped", "2026-11-30T22:50:00.123Z WARN a: stopped\n"),
            (
                "ehealth-attributes.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED",
                "ehealth-attributes.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED\n",
            ),
            ("Started ehealth-attributes-feeds.service - x.", "Started ehealth-attributes-feeds.service - x.\n"),
            ("thread 'main' (12) panicked at src/app/mod.rs:1:2:", "panicked at src/app/mod.rs:1:2\n"),
            ("thread 'main' panicked at 'Piet', src/app/mod.rs:1:2", ""),
            ("called `Piet`", ""),
            ("2026-11-30T22:50:00.123Z  INFO Piet Janssens: called", ""),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let line = |number: u32| format!("2026-11-30T22:50:00.123Z INFO a: line {number}\n");
        let log: String = (0..100).map(line).collect();
        let kept = keep(&log, 3 * line(99).len());
        assert_eq!((kept.text, kept.is_cut), ((97..100).map(line).collect(), true));
    }
}
