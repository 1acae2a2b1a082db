//! Spans of days, both ends inclusive: the period of a record, which may be open, and the window of
//! a question.

use super::Date;

/// A span of days, both inclusive; an absent end is open. The end is never before the begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    begin: Date,
    end: Option<Date>,
}

/// The end of a period is before its begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the period ends before it begins")]
pub struct PeriodError;

impl Period {
    /// Creates a period from `begin` to `end`, open if `end` is absent.
    ///
    /// # Errors
    /// [`PeriodError`] if the end is before the begin.
    pub fn from_days(begin: Date, end: Option<Date>) -> Result<Self, PeriodError> {
        match end {
            Some(end) if end < begin => Err(PeriodError),
            _ => Ok(Self { begin, end }),
        }
    }

    /// The first day.
    #[must_use]
    pub fn begin(&self) -> Date {
        self.begin
    }

    /// The last day; `None` if open.
    #[must_use]
    pub fn end(&self) -> Option<Date> {
        self.end
    }

    /// The last day; [`Date::MAX`] if open.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.end.unwrap_or(Date::MAX)
    }

    /// Whether the day is in the period.
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.begin <= day && day <= self.last_day()
    }

    /// Whether the two periods have a day in common.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        self.begin <= other.last_day() && other.begin <= self.last_day()
    }

    /// Whether the period has a day in common with the window.
    #[must_use]
    pub fn touches_window(&self, window: Window) -> bool {
        self.begin <= window.to && window.from <= self.last_day()
    }

    /// The period that spans both, if they overlap or follow each other without a day between.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Option<Self> {
        let (first, second) = if self.begin <= other.begin { (self, other) } else { (other, self) };
        if second.begin > first.last_day().plus_days(1) {
            return None;
        }
        let end = match (first.end, second.end) {
            (Some(a), Some(b)) => Some(a.max(b)),
            _ => None,
        };
        Some(Self { begin: first.begin, end })
    }
}

/// The days that a question is about, both inclusive. A reference date is a window of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    from: Date,
    to: Date,
}

impl Window {
    /// Creates a window of one day.
    #[must_use]
    pub fn new(day: Date) -> Self {
        Self { from: day, to: day }
    }

    /// Creates a window from two days.
    ///
    /// # Errors
    /// [`PeriodError`] if the end is before the begin.
    pub fn from_days(from: Date, to: Date) -> Result<Self, PeriodError> {
        if to < from { Err(PeriodError) } else { Ok(Self { from, to }) }
    }

    /// The first day.
    #[must_use]
    pub fn from(self) -> Date {
        self.from
    }

    /// The last day.
    #[must_use]
    pub fn to(self) -> Date {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(begin: i64, end: Option<i64>) -> Period {
        let day = |days| Date::from_days(days).expect("inside the range");
        Period::from_days(day(begin), end.map(day)).expect("not reversed")
    }

    #[test]
    fn merges_periods_that_overlap_or_follow_directly() {
        assert_eq!(period(1, Some(3)).merge(&period(4, Some(9))), Some(period(1, Some(9))));
        assert_eq!(period(4, Some(9)).merge(&period(1, Some(3))), Some(period(1, Some(9))));
        assert_eq!(period(1, Some(3)).merge(&period(5, Some(9))), None);
        assert_eq!(period(1, Some(9)).merge(&period(2, Some(3))), Some(period(1, Some(9))));
        assert_eq!(period(1, None).merge(&period(2, Some(3))), Some(period(1, None)));
        assert_eq!(period(5, None).merge(&period(1, Some(3))), None);
        assert_eq!(period(4, None).merge(&period(1, Some(3))), Some(period(1, None)));
    }

    #[test]
    fn touching_counts_both_ends() {
        assert!(period(1, Some(3)).touches(&period(3, Some(3))));
        assert!(!period(1, Some(3)).touches(&period(4, None)));
        assert!(period(1, None).touches(&period(99, None)));
        assert!(period(3, Some(3)).covers(period(3, None).begin()));
    }

    #[test]
    fn a_reversed_period_is_refused() {
        let day = |days| Date::from_days(days).expect("inside the range");
        assert_eq!(Period::from_days(day(2), Some(day(1))), Err(PeriodError));
        assert_eq!(Window::from_days(day(2), day(1)), Err(PeriodError));
    }
}
