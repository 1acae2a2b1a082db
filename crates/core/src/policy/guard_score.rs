//! Score and count of empty subjects, and how a node of a cluster tells the others what changed.
//!
//! A change of the score is the effect of many answers in one: each answer adds points up to the
//! largest score, or takes points down to zero. Such steps, one after another, have the effect of
//! one addition between two bounds. So a node sends three numbers, and the result is that of its
//! answers in their order, whatever the score was before.

use std::time::Duration;

use super::quota::Quota;
use super::sliding_count::SlidingCount;

/// Empty subjects beyond the share that the score allows.
pub const ALLOWANCE: u64 = 40;

/// Points of a subject in the score.
const POINTS: u64 = 100;

/// Largest score: after it, 40 known subjects and a few minutes end the delay.
const MOST_POINTS: u64 = 2 * ALLOWANCE * POINTS;

/// [`MOST_POINTS`] with a sign.
const MOST: i64 = MOST_POINTS.cast_signed();

/// Time in which the score falls by one subject.
const DECAY: Duration = Duration::from_secs(60);

/// Slots of the absolute count: 12 of 5 min, and the one that has begun.
pub const EMPTY_SLOTS: usize = 13;
const SLOT: Duration = Duration::from_secs(300);

/// Score and absolute count of one consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardScore {
    points: u64,
    /// Time up to which the score has decayed.
    decayed: Duration,
    empty: SlidingCount<EMPTY_SLOTS>,
}

/// Totals of all nodes at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardTotals {
    /// Score, 0 to 8 000.
    pub points: u32,
    /// Empty subjects by slot of 5 min, oldest first.
    pub empties: [u32; EMPTY_SLOTS],
}

/// Effect of a sequence of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardChange {
    /// Points added less points taken.
    shift: i64,
    /// Smallest score after the sequence, whatever it was before.
    least: i64,
    /// Largest score after the sequence.
    most: i64,
    empties: u32,
}

impl GuardChange {
    /// No answer.
    pub const NONE: Self = Self { shift: 0, least: 0, most: MOST, empties: 0 };

    /// An answer about a new subject of whom the consumer gets something.
    #[must_use]
    pub fn known(percent: u8) -> Self {
        let points = i64::from(percent.min(100));
        Self { shift: points.saturating_neg(), most: MOST.saturating_sub(points), ..Self::NONE }
    }

    /// An answer about a new subject of whom the consumer gets nothing.
    #[must_use]
    pub fn empty(percent: u8) -> Self {
        let points = POINTS.cast_signed().saturating_sub(i64::from(percent.min(100)));
        Self { shift: points, least: points, most: MOST, empties: 1 }
    }

    /// This sequence, and then the next one.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            shift: self.shift.saturating_add(next.shift),
            least: next.bound(self.least),
            most: next.bound(self.most),
            empties: self.empties.saturating_add(next.empties),
        }
    }

    fn bound(self, points: i64) -> i64 {
        points.saturating_add(self.shift).min(self.most).max(self.least)
    }

    /// The score after the sequence, from this one.
    fn apply(self, points: u64) -> u64 {
        let points = i64::try_from(points.min(MOST_POINTS)).unwrap_or(MOST);
        u64::try_from(self.bound(points)).unwrap_or(0)
    }
}

impl GuardScore {
    /// State of a consumer that has asked nothing.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self { points: 0, decayed: now, empty: SlidingCount::new(SLOT, now) }
    }

    /// The state with these totals at `now`, whose score has decayed up to `decayed`.
    #[must_use]
    pub fn from_totals(totals: &GuardTotals, decayed: Duration, now: Duration) -> Self {
        let points = u64::from(totals.points).min(MOST_POINTS);
        Self { points, decayed, empty: SlidingCount::from_counts(SLOT, now, totals.empties) }
    }

    /// Moves the state to `now`.
    pub fn advance(&mut self, now: Duration) {
        let decays = now.saturating_sub(self.decayed).as_millis() / DECAY.as_millis();
        let decays = u32::try_from(decays).unwrap_or(u32::MAX);
        self.decayed = self.decayed.saturating_add(DECAY.saturating_mul(decays));
        self.points = self.points.saturating_sub(u64::from(decays).saturating_mul(POINTS));
        self.empty.advance(now);
    }

    /// Counts answers.
    pub fn add(&mut self, change: GuardChange) {
        self.points = change.apply(self.points);
        self.empty.add(change.empties);
    }

    /// Whether a limit is exceeded.
    #[must_use]
    pub fn is_over(&self, quota: Quota) -> bool {
        self.points > ALLOWANCE * POINTS || self.empty.sum() > u64::from(quota.empty_per_hour)
    }

    /// The totals.
    #[must_use]
    pub fn totals(&self) -> GuardTotals {
        let points = u32::try_from(self.points).unwrap_or(u32::MAX);
        GuardTotals { points, empties: self.empty.counts() }
    }

    /// Time up to which the score has decayed.
    #[must_use]
    pub fn decayed(&self) -> Duration {
        self.decayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_the_effect_of_its_answers_in_order() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for start in (0..=8_000).step_by(100) {
            let (mut points, mut change, mut empties) = (start, GuardChange::NONE, 0);
            for _ in 0..300 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let is_empty = state % 100 < 40;
                points = if is_empty { (points + 65).min(8_000) } else { u64::saturating_sub(points, 35) };
                empties += u32::from(is_empty);
                change = change.then(if is_empty { GuardChange::empty(35) } else { GuardChange::known(35) });
                assert_eq!((change.apply(start), change.empties), (points, empties));
            }
        }
    }

    #[test]
    fn changes_are_joined_in_any_grouping() {
        let (empty, known) = (GuardChange::empty(35), GuardChange::known(35));
        assert_eq!(empty.then(known).then(known), empty.then(known.then(known)));
        assert_eq!(GuardChange::NONE.then(empty), empty);
        assert_eq!(known.then(GuardChange::NONE), known);
    }
}
