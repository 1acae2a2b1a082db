//! JSON format of the log: one object per line, for a collector.
//!
//! Times, severity and trace have the names of OpenTelemetry's log data model in the form of
//! "Trace Context in non-OTLP Log Formats": `timestamp`, `severity_text`, `trace_id`, `span_id`,
//! `trace_flags`. That document names no field for the body; it is `message`, which tools without a
//! collector show as the text of the line. `deploy/opentelemetry/collector.yaml` maps all of them.

use std::fmt::{self, Debug, Display, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::app::SystemClock;
use ehealth_core::model::Clock;

/// Initial capacity of a line; most lines are shorter.
const LINE_CAPACITY: usize = 768;

/// Format of a JSON log.
pub(super) struct JsonFormat;

impl<S, N> FormatEvent<S, N> for JsonFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let severity = match *metadata.level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        let mut line = String::with_capacity(LINE_CAPACITY);
        write!(line, "{{\"timestamp\":\"{}\",\"severity_text\":\"{severity}\"", SystemClock.now())?;
        let mut fields = Fields { line };
        fields.write("target", &JsonText(metadata.target()));
        event.record(&mut fields);
        let Fields { mut line } = fields;
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// Writes the fields of an event in their order.
struct Fields {
    line: String,
}

impl Fields {
    fn write(&mut self, name: &str, value: &dyn Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.line, ",{}:{value}", JsonText(name));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field.name(), &JsonText(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        if value.is_finite() {
            self.write(field.name(), &value);
        } else {
            self.write(field.name(), &JsonText(&value.to_string()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field.name(), &JsonText(&format!("{value:?}")));
    }
}

/// A JSON string.
struct JsonText<'t>(&'t str);

impl Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(|c: char| c.is_control() || matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}')) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = special.chars();
            match characters.next() {
                Some('"') => f.write_str("\\\"")?,
                Some('\\') => f.write_str("\\\\")?,
                Some('\n') => f.write_str("\\n")?,
                Some(other) => write!(f, "\\u{:04x}", u32::from(other))?,
                None => {}
            }
            rest = characters.as_str();
        }
        f.write_str(rest)?;
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(events: impl FnOnce()) -> String {
        let log = Log::default();
        let lines = log.clone();
        let all = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || lines.clone());
        tracing::subscriber::with_default(all.event_format(JsonFormat).finish(), events);
        let bytes = log.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn values_keep_their_types() {
        let line = logged(|| {
            tracing::warn!(
                text = "a", number = 12_u64, less = -3, part = 0.000_123, is = true, none = None::<u8>, shown = %"b",
                list = ?["x"], endless = f64::INFINITY, "two words"
            );
        });
        let mut line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let time = line.as_object_mut().and_then(|line| line.remove("timestamp")).expect("a time");
        assert!(time.as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{time}");
        let expected = json!({
            "severity_text": "WARN", "target": module_path!(), "message": "two words", "text": "a", "number": 12, "less": -3,
            "part": 0.000_123, "is": true, "shown": "b", "list": "[\"x\"]", "endless": "inf"
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn an_event_is_always_one_line() {
        let forged = "a\"}\n{\"message\":\"forged\"}\r\u{1b}[31m\u{2028}\u{85}\\";
        let log = logged(|| tracing::info!(value = %forged, text = forged, "message {forged}"));
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(!log.trim_end().chars().any(|c| c.is_control() || c == '\u{2028}'), "{log}");
        let line: serde_json::Value = serde_json::from_str(&log).expect("JSON");
        assert_eq!((line["value"].as_str(), line["text"].as_str()), (Some(forged), Some(forged)));
        assert_eq!(line["message"], format!("message {forged}"));
    }
}
