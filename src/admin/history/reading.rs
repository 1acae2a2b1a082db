//! What is read of the service, and what is kept of it for one period.

use std::time::Duration;

use ehealth_core::model::Dataset;

/// Buckets of the histogram of durations. The last one is for longer durations.
pub const BUCKETS: usize = 17;

/// Kinds by which exchanges are counted.
const KINDS: usize = 4;

/// Counters and gauges at one moment. Counters begin at 0 with the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Exchanges by kind, in the order of the report's kinds.
    pub kinds: [u64; KINDS],
    /// Requests answered `503`.
    pub overloads: u64,
    /// Exchanges by duration.
    pub durations: [u64; BUCKETS],
    /// Age of the oldest record that no checkpoint signs.
    pub unsigned: Duration,
    /// Time by which the copy of the checkpoint is behind.
    pub uncopied: Duration,
    /// Age of each dataset; `None`: unknown or never loaded.
    pub ages: [Option<Duration>; Dataset::ALL.len()],
}

/// A period: what was counted in it, and the highest value of each gauge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::admin) struct Slot {
    /// Milliseconds that were observed; 0: a gap.
    pub millis: u32,
    pub kinds: [u32; KINDS],
    pub overloads: u32,
    pub durations: [u32; BUCKETS],
    /// Seconds.
    pub unsigned: u32,
    /// Seconds.
    pub uncopied: u32,
    /// Seconds plus one; 0: unknown.
    pub(super) ages: [u32; Dataset::ALL.len()],
}

impl Slot {
    /// Number of 32-bit words of a slot.
    pub const WORDS: usize = 4 + KINDS + BUCKETS + Dataset::ALL.len();

    /// What happened between two readings, `elapsed` apart. A counter that fell counts as 0.
    pub fn between(before: &Reading, after: &Reading, elapsed: Duration) -> Self {
        let mut slot = Self {
            millis: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
            overloads: difference(before.overloads, after.overloads),
            unsigned: seconds(after.unsigned),
            uncopied: seconds(after.uncopied),
            ages: after.ages.map(|age| age.map_or(0, |age| seconds(age).saturating_add(1))),
            ..Self::default()
        };
        let counts = before.kinds.iter().chain(&before.durations).zip(after.kinds.iter().chain(&after.durations));
        let places = slot.kinds.iter_mut().chain(&mut slot.durations);
        places.zip(counts).for_each(|(place, (before, after))| *place = difference(*before, *after));
        slot
    }

    /// Adds another part of the same period.
    pub fn add(&mut self, other: &Self) {
        self.millis = self.millis.saturating_add(other.millis);
        self.overloads = self.overloads.saturating_add(other.overloads);
        let counts = self.kinds.iter_mut().chain(&mut self.durations);
        let others = other.kinds.iter().chain(&other.durations);
        counts.zip(others).for_each(|(count, other)| *count = count.saturating_add(*other));
        self.unsigned = self.unsigned.max(other.unsigned);
        self.uncopied = self.uncopied.max(other.uncopied);
        self.ages.iter_mut().zip(&other.ages).for_each(|(age, other)| *age = (*age).max(*other));
    }

    /// Exchanges of all kinds.
    pub fn exchanges(&self) -> u64 {
        self.kinds.iter().map(|count| u64::from(*count)).sum()
    }

    /// Exchanges in a thousand seconds.
    pub fn rate_per_1000_s(&self) -> Option<u64> {
        self.exchanges().saturating_mul(1_000_000).checked_div(u64::from(self.millis))
    }

    /// Highest age of each dataset in seconds, if it was known.
    pub fn ages(&self) -> [Option<u64>; Dataset::ALL.len()] {
        self.ages.map(|age| age.checked_sub(1).map(u64::from))
    }

    /// The words of the slot.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let Self { millis, kinds, overloads, durations, unsigned, uncopied, ages } = *self;
        [millis, overloads, unsigned, uncopied].into_iter().chain(kinds).chain(durations).chain(ages)
    }

    /// The slot of these words.
    pub fn from_words(mut words: impl Iterator<Item = u32>) -> Self {
        let mut slot = Self::default();
        let scalars = [&mut slot.millis, &mut slot.overloads, &mut slot.unsigned, &mut slot.uncopied];
        let places = scalars.into_iter().chain(&mut slot.kinds).chain(&mut slot.durations).chain(&mut slot.ages);
        places.for_each(|place| *place = words.next().unwrap_or(0));
        slot
    }
}

fn difference(before: u64, after: u64) -> u32 {
    u32::try_from(after.saturating_sub(before)).unwrap_or(u32::MAX)
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_differences_and_highest_values() {
        let before = Reading { kinds: [5, 1, 0, 0], overloads: 7, ..Reading::default() };
        let mut after = Reading { kinds: [9, 0, 0, u64::MAX], overloads: 8, ..Reading::default() };
        (after.unsigned, after.ages[1]) = (Duration::from_secs(3), Some(Duration::ZERO));
        let mut slot = Slot::between(&before, &after, Duration::from_secs(2));
        assert_eq!((slot.millis, slot.overloads, slot.unsigned), (2_000, 1, 3));
        assert_eq!(slot.kinds, [4, 0, 0, u32::MAX], "a counter that fell counts as 0");
        assert_eq!(slot.ages(), [None, Some(0), None, None, None]);
        slot.kinds[3] = 0;
        slot.add(&Slot { unsigned: 1, overloads: u32::MAX, ..slot });
        assert_eq!((slot.millis, slot.overloads, slot.unsigned, slot.exchanges()), (4_000, u32::MAX, 3, 8));
        assert_eq!((slot.rate_per_1000_s(), Slot::default().rate_per_1000_s()), (Some(2_000), None));
        assert_eq!(slot.words().count(), Slot::WORDS);
        assert_eq!(Slot::from_words(slot.words()), slot);
    }
}
