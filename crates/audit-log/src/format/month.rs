//! Calendar months in Brussels: the period of a segment and of a detail key.
//!
//! A month knows which moments belong to it, not how long it lasts.

use std::fmt;

use ehealth_core::model::{Date, Timestamp};

/// A month of the years 1 to 9999, in Brussels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// Constructs a month from its year and its number, 1 to 12; `None` outside the calendar.
    #[must_use]
    pub fn from_calendar(year: u16, month: u8) -> Option<Self> {
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// Returns the month in which this moment falls in Brussels.
    #[must_use]
    pub fn new(moment: Timestamp) -> Self {
        Self::of_day(moment.brussels_day())
    }

    /// Returns the month of a day.
    #[must_use]
    pub fn of_day(day: Date) -> Self {
        let (year, month, _) = day.calendar();
        Self { year: u16::try_from(year).unwrap_or(1), month: u8::try_from(month).unwrap_or(1) }
    }

    /// Parses `YYYY-MM`; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Self::from_calendar(year.parse().ok()?, month.parse().ok()?)
    }

    /// Returns the same month this many years earlier; `None` before the year 1.
    #[must_use]
    pub fn minus_years(self, years: u16) -> Option<Self> {
        Self::from_calendar(self.year.checked_sub(years)?, self.month)
    }

    /// Returns the year, 1 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// Returns the number of the month in its year, 1 to 12.
    #[must_use]
    pub fn number(self) -> u8 {
        self.month
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_brussels() {
        let month = |text| Month::new(Timestamp::parse(text).expect("a moment")).to_string();
        assert_eq!(month("2026-10-31T22:59:59.999Z"), "2026-10");
        assert_eq!(month("2026-10-31T23:00:00Z"), "2026-11");
        assert_eq!(month("2026-06-30T22:00:00Z"), "2026-07");
    }

    #[test]
    fn parses_what_it_writes_and_nothing_else() {
        let december = Month::from_calendar(2026, 12).expect("a month");
        assert_eq!(Month::parse(&december.to_string()), Some(december));
        for text in ["2026-13", "2026-00", "2026-1", "26-01", "2026-+1", "0000-01", "202612", ""] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }
}
