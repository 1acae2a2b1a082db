//! Days and times of `--from` and `--to`.

use ehealth_core::model::{Date, Timestamp};

/// What the arguments must be.
const FORM: &str = "expected a day, YYYY-MM-DD, or a time with its zone, such as 2026-01-15T08:00:00Z";

/// Parses `--from`: the first moment of a day in Brussels, or the moment itself.
pub(super) fn parse_from(text: &str) -> Result<Timestamp, String> {
    parse(text, first_moment)
}

/// Parses `--to`: the last moment of a day in Brussels, or the moment itself.
pub(super) fn parse_to(text: &str) -> Result<Timestamp, String> {
    parse(text, |day| match day.plus_days(1) {
        next if next == day => Timestamp::from_millis(i64::MAX),
        next => first_moment(next).plus_millis(-1),
    })
}

fn parse(text: &str, of_day: impl FnOnce(Date) -> Timestamp) -> Result<Timestamp, String> {
    match Date::parse(text) {
        Ok(day) => Ok(of_day(day)),
        Err(_) => Timestamp::parse_zoned(text).map_err(|_| FORM.to_owned()),
    }
}

/// Midnight in Brussels, which is one or two hours before that of UTC.
fn first_moment(day: Date) -> Timestamp {
    let utc = Timestamp::from_millis(i64::from(day.as_days()).saturating_mul(86_400_000));
    let candidates = [2, 1].map(|hours: i64| utc.plus_millis(hours.saturating_mul(-3_600_000)));
    candidates.into_iter().find(|moment| moment.brussels_day() == day).unwrap_or(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_brussels() {
        let from = |text| parse_from(text).map(|moment| moment.to_string());
        let to = |text| parse_to(text).map(|moment| moment.to_string());
        assert_eq!(from("2026-01-15").as_deref(), Ok("2026-01-14T23:00:00.000Z"));
        assert_eq!(to("2026-01-15").as_deref(), Ok("2026-01-15T22:59:59.999Z"));
        assert_eq!(from("2026-07-15").as_deref(), Ok("2026-07-14T22:00:00.000Z"));
        // The days on which the clocks change have 23 and 25 hours.
        assert_eq!(from("2026-03-29").as_deref(), Ok("2026-03-28T23:00:00.000Z"));
        assert_eq!(to("2026-03-29").as_deref(), Ok("2026-03-29T21:59:59.999Z"));
        assert_eq!(from("2026-10-25").as_deref(), Ok("2026-10-24T22:00:00.000Z"));
        assert_eq!(to("2026-10-25").as_deref(), Ok("2026-10-25T22:59:59.999Z"));
        assert_eq!(from("2026-01-15T08:00:00+01:00").as_deref(), Ok("2026-01-15T07:00:00.000Z"));
        assert_eq!(to("2026-01-15T08:00:00Z").as_deref(), Ok("2026-01-15T08:00:00.000Z"));
        assert_eq!(to("9999-12-31").as_deref(), Ok("9999-12-31T23:59:59.999Z"));
        for wrong in ["", "2026", "2026-02-30", "2026-01-15T08:00:00", "today"] {
            assert!(from(wrong).is_err() && to(wrong).is_err(), "{wrong}");
        }
    }
}
