//! Forms of numbers, times and states.

use std::time::Duration;

use maud::{Markup, html};

use super::super::health::Rounded;
use ehealth_core::model::Timestamp;

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
    fn an_expired_time_is_red() {
        let at = Timestamp::from_millis;
        let warning = Duration::from_secs(30 * 86_400);
        let shown = |end, now| time_left(at(end), at(now), warning).into_string();
        assert!(shown(0, 1).contains("tag bad") && shown(1, 0).contains("tag warn"));
        assert!(shown(86_400_000 * 31, 0).contains("tag good"));
    }
}
