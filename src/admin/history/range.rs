//! The times that the page shows.

use ehealth_core::closed_enum;

closed_enum! {
    /// A time that ends now. Its code is the value of `range` in the query of the page.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(in crate::admin) enum Range {
        /// One hour, a point each minute.
        #[default]
        Hour => "1h",
        /// One day, a point each quarter of an hour.
        Day => "24h",
        /// Thirty days, a point each quarter of a day.
        Month => "30d",
    }
}

/// The ring that a range reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    Minutes,
    HalfHours,
}

impl Resolution {
    /// Milliseconds of a period.
    pub const fn millis(self) -> i64 {
        match self {
            Self::Minutes => 60_000,
            Self::HalfHours => 30 * 60_000,
        }
    }
}

impl Range {
    /// In words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::Day => "24 hours",
            Self::Month => "30 days",
        }
    }

    /// Time of a point, in words.
    pub const fn step_label(self) -> &'static str {
        match self {
            Self::Hour => "1 minute",
            Self::Day => "15 minutes",
            Self::Month => "6 hours",
        }
    }

    pub(super) const fn resolution(self) -> Resolution {
        match self {
            Self::Hour | Self::Day => Resolution::Minutes,
            Self::Month => Resolution::HalfHours,
        }
    }

    /// Periods of a point.
    pub(super) const fn step(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 15,
            Self::Month => 12,
        }
    }

    /// Number of points.
    pub const fn points(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => 96,
            Self::Month => 120,
        }
    }
}
