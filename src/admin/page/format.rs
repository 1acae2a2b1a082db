//! Forms of numbers, times and states.

use std::time::Duration;

use maud::{Markup, html};

use super::super::health::Rounded;
use super::super::history::Estimate;
use ehealth_core::model::{Date, Timestamp};
use ehealth_core::policy::EXPIRY_WARNING_DAYS;

/// Shows a time to the second: `2026-11-22 05:19:00`.
pub(super) fn timestamp(at: Timestamp) -> Markup {
    let text = at.to_string();
    let shown = text.get(..19).unwrap_or(&text).replace('T', " ");
    html! { time datetime=(text) { (shown) } }
}

/// Separates thousands by a no-break space.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push('\u{a0}');
        }
        shown.push(digit);
    }
    shown
}

/// Bytes as MiB, from 10 GiB as GiB.
pub(super) fn binary_size(bytes: u64) -> String {
    match bytes >> 20 {
        small if small < 10_240 => format!("{} MiB", grouped(small)),
        large => format!("{} GiB", grouped(large >> 10)),
    }
}

/// Microseconds as µs, ms or s.
pub(super) fn latency(micros: u64) -> String {
    match micros {
        small if small < 1_000 => format!("{small} µs"),
        medium if medium < 1_000_000 => format!("{}.{} ms", medium / 1_000, medium / 100 % 10),
        large => format!("{}.{:02} s", large / 1_000_000, large / 10_000 % 100),
    }
}

/// An estimated latency.
pub(super) fn latency_of(estimate: Estimate) -> String {
    let Estimate { micros, is_beyond } = estimate;
    if is_beyond { format!("> {}", latency(micros)) } else { latency(micros) }
}

/// A number in 1 000 s as a number in 1 s.
pub(super) fn rate(per_1000_s: u64) -> String {
    format!("{}.{:02}/s", grouped(per_1000_s / 1_000), per_1000_s / 10 % 100)
}

/// Text with code between backticks.
pub(super) fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

/// Colour of a tag.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    /// Green.
    Good,
    /// Yellow.
    Warn,
    /// Red.
    Bad,
}

/// A coloured state.
pub(super) fn tag(tone: Tone, text: &str) -> Markup {
    let class = match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    html! { span .tag .(class) { (text) } }
}

/// A table cell with a number; zero is shown pale.
pub(super) fn number_cell(number: u64) -> Markup {
    html! { td .number .quiet[number == 0] { (grouped(number)) } }
}

/// Time until `end`: yellow if it is less than `warning`, red if it has passed.
pub(super) fn time_left(end: Timestamp, now: Timestamp, warning: Duration) -> Markup {
    let left = end.since(now);
    let text = format!("{} left", Rounded(left));
    if now > end {
        tag(Tone::Bad, &format!("expired {} ago", Rounded(now.since(end))))
    } else if left < warning {
        tag(Tone::Warn, &text)
    } else {
        tag(Tone::Good, &text)
    }
}

/// The last day of a context or grant, with the days that are left.
pub(super) fn until(is_valid: bool, end: Date, days: i32) -> Markup {
    let (tone, left) = match days {
        days if days < 0 => (Tone::Bad, "ended".to_owned()),
        days if !is_valid => (Tone::Bad, format!("not begun; {days} d left")),
        days if days <= EXPIRY_WARNING_DAYS => (Tone::Warn, format!("{days} d left")),
        days => (Tone::Good, format!("{days} d left")),
    };
    html! { (tag(tone, &left)) span .quiet { "until " (end) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([grouped(0), grouped(999), grouped(1_000)], ["0", "999", "1\u{a0}000"]);
        assert_eq!(grouped(12_345_678), "12\u{a0}345\u{a0}678");
        assert_eq!([binary_size(1 << 20), binary_size(20 << 30)], ["1 MiB", "20 GiB"]);
    }

    #[test]
    fn latencies_and_rates_have_a_unit() {
        assert_eq!([latency(999), latency(1_250), latency(2_345_678)], ["999 µs", "1.2 ms", "2.34 s"]);
        assert_eq!([rate(0), rate(5), rate(1_234_567)], ["0.00/s", "0.00/s", "1\u{a0}234.56/s"]);
        assert_eq!(with_code("a `b` <").into_string(), "a <code>b</code> &lt;");
    }

    #[test]
    fn an_expired_time_is_red() {
        let at = Timestamp::from_millis;
        let warning = Duration::from_secs(30 * 86_400);
        let shown = |end, now| time_left(at(end), at(now), warning).into_string();
        assert!(shown(0, 1).contains("tag bad") && shown(1, 0).contains("tag warn"));
        assert!(shown(86_400_000 * 31, 0).contains("tag good"));
    }
}
