//! Text format of the log: timestamp, level, module, message, fields.
//!
//! `2026-11-22T05:19:00.000Z  INFO module: message name=value`: the same text as
//! tracing-subscriber's own format without colours, at a fraction of its cost, because every answer
//! logs a line. One event is one line whatever its values are: control characters are escaped, so
//! that a peer cannot forge log lines.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::app::SystemClock;
use ehealth_core::model::Clock;

/// Initial capacity of a line; most lines are shorter.
const LINE_CAPACITY: usize = 512;

/// Format of a text log that does not go to a terminal.
pub(super) struct TextFormat;

impl<S, N> FormatEvent<S, N> for TextFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "ERROR",
            Level::WARN => " WARN",
            Level::INFO => " INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        let mut line = String::with_capacity(LINE_CAPACITY);
        write!(line, "{} {level} ", SystemClock.now())?;
        line.push_str(metadata.target());
        line.push(':');
        let mut fields = Fields { line, result: Ok(()) };
        event.record(&mut fields);
        let Fields { mut line, result } = fields;
        result?;
        line.push('\n');
        writer.write_str(&line)
    }
}

/// Writes the fields of an event in their order: the message, which is first, alone; the others
/// after their names.
struct Fields {
    line: String,
    result: fmt::Result,
}

impl Fields {
    /// Writes the part before a value.
    fn begin(&mut self, field: &Field) {
        self.line.push(' ');
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
    }

    fn write_escaped(&mut self, value: fmt::Arguments<'_>) {
        let shown = OneLine(&mut self.line).write_fmt(value);
        self.result = self.result.and(shown);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.begin(field);
        if value.bytes().all(|byte| is_plain(byte) && !matches!(byte, b'"' | b'\\')) {
            self.line.push('"');
            self.line.push_str(value);
            self.line.push('"');
        } else {
            self.write_escaped(format_args!("{value:?}"));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.begin(field);
        push_decimal(&mut self.line, value);
    }

    /// Without an exponent: an operator reads and sorts durations.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.begin(field);
        self.write_escaped(format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.begin(field);
        self.write_escaped(format_args!("{value:?}"));
    }
}

fn push_decimal(line: &mut String, number: u64) {
    if number > 9 {
        push_decimal(line, number / 10);
    }
    line.extend(u32::try_from(number % 10).ok().and_then(|digit| char::from_digit(digit, 10)));
}

/// Whether a byte is written without an escape.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Writes text and escapes control characters and line separators.
struct OneLine<'l>(&'l mut String);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(is_plain) {
            self.0.push_str(text);
            return Ok(());
        }
        text.chars().try_for_each(|character| match character {
            '\u{2028}' | '\u{2029}' => write!(self.0, "{}", character.escape_unicode()),
            _ if character.is_control() => write!(self.0, "{}", character.escape_default()),
            _ => self.0.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

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

    /// The log of the events, each line without its timestamp.
    fn logged(with_our_format: bool, events: impl FnOnce()) -> String {
        let log = Log::default();
        let lines = log.clone();
        let all = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || lines.clone());
        if with_our_format {
            tracing::subscriber::with_default(all.event_format(TextFormat).finish(), events);
        } else {
            tracing::subscriber::with_default(all.with_ansi(false).finish(), events);
        }
        let bytes = log.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| line.split_once(' ').map_or("no time", |(_, rest)| rest))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    #[test]
    fn output_equals_the_format_of_the_library() {
        let events = || {
            tracing::info!(ticket = %"a-b", micros = 12_u64, most = u64::MAX, nothing = 0_u64, less = -3, is = true, none = None::<u8>, "answered");
            tracing::warn!(plain = "no quotes", quoted = "a \"b\" \\ é", list = ?["x", "y"], "two words");
            tracing::error!(part = 0.5, "an error");
            tracing::debug!(only = 1_u64);
            tracing::trace!("é");
        };
        let ours = logged(true, events);
        assert!(ours.starts_with(" INFO "), "{ours}");
        assert_eq!(ours.lines().count(), 5, "{ours}");
        assert_eq!(ours, logged(false, events));
    }

    #[test]
    fn an_event_is_always_one_line() {
        let forged = "a\n2026-11-22T05:19:00.000Z  INFO forged\r\u{1b}[31m\u{2028}\u{85}";
        let log = logged(true, || tracing::info!(value = %forged, text = forged, list = ?[forged], "message {forged}"));
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(!log.trim_end().chars().any(|c| c.is_control() || c == '\u{2028}'), "{log}");
        assert!(log.contains(r"value=a\n2026"), "{log}");
    }
}
