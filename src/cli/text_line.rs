//! A line of the log as text: when, how grave, where, what, and what belongs to it.
//!
//! `2026-11-22T05:19:00.000Z  INFO module: message name=value`, as tracing-subscriber's own format writes it without
//! colours, at a fraction of its cost: each answer has such a line. One event is one line, whatever it was told: a control
//! character is written as an escape.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::app::SystemClock;
use ehealth_core::model::Clock;

/// Most lines are shorter.
const USUAL_BYTES: usize = 512;

/// The format of a log that no terminal shows.
pub struct TextLine;

impl<S, N> FormatEvent<S, N> for TextLine
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
        let mut line = String::with_capacity(USUAL_BYTES);
        write!(line, "{} {level} ", SystemClock.now())?;
        line.push_str(metadata.target());
        line.push(':');
        let mut fields = Fields { line, so_far: Ok(()) };
        event.record(&mut fields);
        let Fields { mut line, so_far } = fields;
        so_far?;
        line.push('\n');
        writer.write_str(&line)
    }
}

/// Writes an event's fields as they come: the message, which is first, as it is, the others after their names.
struct Fields {
    line: String,
    so_far: fmt::Result,
}

impl Fields {
    /// Writes what stands before a value.
    fn begin(&mut self, field: &Field) {
        self.line.push(' ');
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
    }

    fn show(&mut self, value: fmt::Arguments<'_>) {
        let shown = OneLine(&mut self.line).write_fmt(value);
        self.so_far = self.so_far.and(shown);
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
            self.show(format_args!("{value:?}"));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.begin(field);
        push_decimal(&mut self.line, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.begin(field);
        self.show(format_args!("{value:?}"));
    }
}

fn push_decimal(line: &mut String, number: u64) {
    if number > 9 {
        push_decimal(line, number / 10);
    }
    line.extend(u32::try_from(number % 10).ok().and_then(|digit| char::from_digit(digit, 10)));
}

/// What stands in a line as it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Writes text that stays on its line.
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
            self.0.lock().expect("nobody panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of the events, each line from its level on.
    fn logged(is_ours: bool, events: impl FnOnce()) -> String {
        let log = Log::default();
        let lines = log.clone();
        let all = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || lines.clone());
        if is_ours {
            tracing::subscriber::with_default(all.event_format(TextLine).finish(), events);
        } else {
            tracing::subscriber::with_default(all.with_ansi(false).finish(), events);
        }
        let bytes = log.0.lock().expect("nobody panics").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| line.split_once(' ').map_or("no time", |(_, rest)| rest))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    #[test]
    fn says_what_the_librarys_own_format_says() {
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
    fn an_event_is_one_line() {
        let forged = "a\n2026-11-22T05:19:00.000Z  INFO forged\r\u{1b}[31m\u{2028}\u{85}";
        let log = logged(true, || tracing::info!(value = %forged, text = forged, list = ?[forged], "message {forged}"));
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(!log.trim_end().chars().any(|c| c.is_control() || c == '\u{2028}'), "{log}");
        assert!(log.contains(r"value=a\n2026"), "{log}");
    }
}
