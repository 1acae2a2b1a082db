//! The days on which the certificates of a workspace are valid, kept in a file beside them.
//!
//! The file is written after the last certificate. A workspace without it, or with another format
//! of it, has no usable certificates: all are made again.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ehealth_core::model::{Date, Timestamp};

/// Days that the certificates are made for. They are valid a day before the first and a year after
/// the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub first: Date,
    pub last: Date,
}

impl Validity {
    /// Days of both clocks: the service's, which may be set to any moment, and this machine's,
    /// which callers use.
    pub fn new(service: Timestamp) -> Self {
        let (service, machine) = (service.brussels_day(), machine_time().brussels_day());
        Self { first: service.min(machine), last: service.max(machine) }
    }

    /// Reads the file; `None` if it is missing or has another format.
    pub fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let (first, last) = text.trim_end().split_once(' ')?;
        Some(Self { first: Date::parse(first).ok()?, last: Date::parse(last).ok()? })
    }

    /// Content of the file.
    pub fn text(self) -> String {
        format!("{} {}\n", self.first, self.last)
    }

    /// Whether certificates that were made for these days are valid on all days of `other`. A
    /// certificate ends at midnight, so its last day does not count.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last < self.last.plus_days(365)
    }
}

fn machine_time() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
