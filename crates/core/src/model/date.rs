//! A calendar day: a count of days, with the canonical text `YYYY-MM-DD`.
//!
//! Years 0001 to 9999 of the proleptic Gregorian calendar (ISO 8601). The code that reads a date
//! from a message handles zones and white space around it.

use std::fmt;

use super::digits::{decimal, write_ascii};

/// A calendar day, stored as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// The text or the number is not a day of the years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar day of the form YYYY-MM-DD")]
pub struct DateError;

impl Date {
    /// First supported day: 0001-01-01.
    pub const MIN: Self = Self(-719_162);
    /// Last supported day: 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// Creates a day from year, month (1 to 12) and day of month (from 1).
    ///
    /// # Errors
    /// [`DateError`] if the calendar has no such day (30 February).
    pub fn from_calendar(year: i32, month: u32, day: u32) -> Result<Self, DateError> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
            return Err(DateError);
        }
        if day < 1 || day > days_in_month(year, month) {
            return Err(DateError);
        }
        // Count in a year that begins in March, so that the leap day is the last day.
        let (month, day) = (month.cast_signed(), day.cast_signed());
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Ok(Self(era * 146_097 + day_of_era - 719_468))
    }

    /// Parses exactly `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`DateError`] for any other form, and for days that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
            return Err(DateError);
        };
        if ![a, b, c, d, e, f, g, h].iter().all(u8::is_ascii_digit) {
            return Err(DateError);
        }
        let number = |digits: &[u8]| digits.iter().fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        Self::from_calendar(number(&[a, b, c, d]).cast_signed(), number(&[e, f]), number(&[g, h]))
    }

    /// Creates a day from the count of days since 1970-01-01: the form in the database.
    ///
    /// # Errors
    /// [`DateError`] outside the years 0001 to 9999.
    pub fn from_days(days: i64) -> Result<Self, DateError> {
        match i32::try_from(days) {
            Ok(days) if (Self::MIN.0..=Self::MAX.0).contains(&days) => Ok(Self(days)),
            _ => Err(DateError),
        }
    }

    /// Days since 1970-01-01: the form in the database.
    #[must_use]
    pub fn as_days(self) -> i32 {
        self.0
    }

    /// Year, month (1 to 12) and day of month (from 1).
    #[must_use]
    pub fn calendar(self) -> (i32, u32, u32) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, month.cast_unsigned(), day.cast_unsigned())
    }

    /// The text `YYYY-MM-DD`.
    pub(super) fn text(self) -> [u8; 10] {
        let (year, month, day) = self.calendar();
        // A year is 1 to 9999.
        let [a, b, c, d] = decimal(u64::from(year.unsigned_abs()));
        let ([e, f], [g, h]) = (decimal(u64::from(month)), decimal(u64::from(day)));
        [a, b, c, d, b'-', e, f, b'-', g, h]
    }

    /// The day `days` later (earlier if negative), clamped to the years 0001 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// The same day `years` years earlier; 29 February becomes 28 February in a year without one.
    #[must_use]
    pub fn minus_years(self, years: u16) -> Self {
        let (year, month, day) = self.calendar();
        let year = year - i32::from(years);
        Self::from_calendar(year, month, day.min(days_in_month(year, month))).unwrap_or(Self::MIN)
    }
}

/// Days of a month of the Gregorian calendar; `month` is 1 to 12.
fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ascii(f, &self.text())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_supported_day_converts_and_follows_the_one_before() {
        let mut previous = (0, 12, 31);
        for days in Date::MIN.as_days()..=Date::MAX.as_days() {
            let date = Date::from_days(i64::from(days)).expect("inside the range");
            let (year, month, day) = date.calendar();
            assert_eq!(Date::from_calendar(year, month, day), Ok(date));
            let follows = match previous {
                (y, 12, 31) => (y + 1, 1, 1),
                (y, m, d) if d == days_in_month(y, m) => (y, m + 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
            assert_eq!((year, month, day), follows);
            previous = follows;
        }
        assert_eq!(previous, (9999, 12, 31));
        assert_eq!(Date::parse("1970-01-01").map(Date::as_days), Ok(0));
    }

    #[test]
    fn refuses_days_that_do_not_exist() {
        for text in ["2026-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01", "2026-1-01"] {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
        assert!(Date::parse("2024-02-29").is_ok());
    }

    #[test]
    fn years_back_from_a_leap_day_stay_in_february() {
        let leap_day = Date::parse("2024-02-29").expect("a day");
        assert_eq!(leap_day.minus_years(5).to_string(), "2019-02-28");
        assert_eq!(leap_day.minus_years(4).to_string(), "2020-02-29");
        assert_eq!(leap_day.minus_years(9_999), Date::MIN);
        assert_eq!(Date::MAX.plus_days(i32::MAX), Date::MAX);
    }
}
