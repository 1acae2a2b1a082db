//! Names of segments and indexes (docs/reference/audit-log-format.md "Files").

use std::fmt;

use super::month::Month;

/// Name of a segment: `<first>-<YYYY>-<MM>.seg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// Sequence of its first record.
    pub first: u64,
    /// Month of the segment.
    pub month: Month,
}

impl SegmentName {
    /// Parses a file name; `None` if it is not that of a segment.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (first, month) = name.strip_suffix(".seg")?.split_once('-')?;
        let parsed = Self { first: first.parse().ok()?, month: Month::parse(month)? };
        (parsed.to_string() == name).then_some(parsed)
    }

    /// Name of the file of the segment's index.
    pub(crate) fn index_file(self) -> String {
        self.to_string().replace(".seg", ".idx")
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}-{}.seg", self.first, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_names_that_it_writes_and_no_others() {
        let name = SegmentName { first: 83_000, month: Month::from_calendar(2026, 11).expect("a month") };
        assert_eq!(name.to_string(), "000000083000-2026-11.seg");
        assert_eq!(SegmentName::parse("000000083000-2026-11.seg"), Some(name));
        for other in ["83000-2026-11.seg", "000000083000-2026-11.seg.tmp", "000000083000-2026-13.seg", "lock"] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }
}
