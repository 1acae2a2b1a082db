//! Days and times as people write them in Belgium, in four languages. Times are in Europe/Brussels.

use ehealth_core::model::{BrusselsTime, Date, Language, Timestamp, Window};

const DUTCH: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];
const FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Formats a day: `30 november 2026`, `30 novembre 2026`, `30. November 2026`, `30 November 2026`.
/// French says `1er` for the first day of a month.
#[must_use]
pub fn show_day(day: Date, language: Language) -> String {
    let (year, month, day) = day.calendar();
    let names = match language {
        Language::Dutch => &DUTCH,
        Language::French => &FRENCH,
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    };
    let index = usize::try_from(month).unwrap_or(0).saturating_sub(1);
    let name = names.get(index).copied().unwrap_or_default();
    let mark = match language {
        Language::German => ".",
        Language::French if day == 1 => "er",
        Language::Dutch | Language::French | Language::English => "",
    };
    format!("{day}{mark} {name} {year}")
}

/// Formats a time with its day and zone: `30 november 2026, 14:05:07 CET`. German writes `MEZ` and
/// `MESZ`.
#[must_use]
pub fn show_time(time: Timestamp, language: Language) -> String {
    let BrusselsTime { hour, minute, second, is_summer } = time.brussels_time();
    let zone = match (language, is_summer) {
        (Language::German, false) => "MEZ",
        (Language::German, true) => "MESZ",
        (Language::Dutch | Language::French | Language::English, false) => "CET",
        (Language::Dutch | Language::French | Language::English, true) => "CEST",
    };
    format!("{}, {hour:02}:{minute:02}:{second:02} {zone}", show_day(time.brussels_day(), language))
}

/// Formats the first and the last day, or the only one.
#[must_use]
pub fn show_days(days: Window, language: Language) -> String {
    let (from, to) = (show_day(days.from(), language), show_day(days.to(), language));
    match language {
        _ if days.from() == days.to() => from,
        Language::Dutch => format!("{from} tot en met {to}"),
        Language::French => format!("du {from} au {to} inclus"),
        Language::German => format!("{from} bis einschließlich {to}"),
        Language::English => format!("{from} to {to} inclusive"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_have_the_form_of_each_language() {
        let day = |text| Date::parse(text).expect("a day");
        let written = |text| Language::ALL.map(|language| show_day(day(text), language));
        assert_eq!(
            written("2026-11-30"),
            ["30 november 2026", "30 novembre 2026", "30. November 2026", "30 November 2026"]
        );
        assert_eq!(written("2026-08-01"), ["1 augustus 2026", "1er août 2026", "1. August 2026", "1 August 2026"]);
        let time = |text| Timestamp::parse(text).expect("a time");
        let written = |text| Language::ALL.map(|language| show_time(time(text), language));
        assert_eq!(
            written("2026-11-30T13:05:07.900Z"),
            [
                "30 november 2026, 14:05:07 CET",
                "30 novembre 2026, 14:05:07 CET",
                "30. November 2026, 14:05:07 MEZ",
                "30 November 2026, 14:05:07 CET",
            ]
        );
        // The day of Brussels, and the hour that October has twice.
        assert_eq!(show_time(time("2026-06-30T22:00:00Z"), Language::French), "1er juillet 2026, 00:00:00 CEST");
        assert_eq!(show_time(time("2026-10-25T00:30:00Z"), Language::German), "25. Oktober 2026, 02:30:00 MESZ");
        assert_eq!(show_time(time("2026-10-25T01:30:00Z"), Language::German), "25. Oktober 2026, 02:30:00 MEZ");
        let days = |from, to| Window::from_days(day(from), day(to)).expect("days");
        let written = |days| Language::ALL.map(|language| show_days(days, language));
        assert_eq!(
            written(days("2026-01-01", "2026-11-22")),
            [
                "1 januari 2026 tot en met 22 november 2026",
                "du 1er janvier 2026 au 22 novembre 2026 inclus",
                "1. Januar 2026 bis einschließlich 22. November 2026",
                "1 January 2026 to 22 November 2026 inclusive",
            ]
        );
        assert_eq!(show_days(days("2026-01-01", "2026-01-01"), Language::French), "1er janvier 2026");
    }
}
