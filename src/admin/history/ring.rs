//! A ring of periods: the newest ones, without a gap in their numbers.

use super::reading::Slot;

/// Periods of a ring.
pub(super) const SLOTS: usize = 1_440;
const LENGTH: i64 = 1_440;

/// The last [`SLOTS`] periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ring {
    /// Number of the newest period: its begin since 1970, in periods.
    newest: Option<i64>,
    /// Period `number` is at `number` modulo [`SLOTS`].
    slots: Vec<Slot>,
}

impl Ring {
    /// A ring without data.
    pub fn new() -> Self {
        Self { newest: None, slots: vec![Slot::default(); SLOTS] }
    }

    /// A ring of this data; the slots are in the order of their places.
    pub fn from_slots(newest: Option<i64>, mut slots: Vec<Slot>) -> Self {
        slots.resize(SLOTS, Slot::default());
        Self { newest, slots }
    }

    /// Number of the newest period.
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// All slots, in the order of their places.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Adds a part of period `number`, which becomes the newest.
    ///
    /// Periods that were passed over become gaps. If the clock went back, the periods after `number` are
    /// removed: they are of a time that has not come yet.
    pub fn add(&mut self, number: i64, part: &Slot) {
        match self.newest {
            None => self.slots.fill(Slot::default()),
            Some(newest) if newest < number => self.clear(newest.saturating_add(1), number),
            Some(newest) => self.clear(number.saturating_add(1), newest),
        }
        self.newest = Some(number);
        if let Some(slot) = self.slots.get_mut(place(number)) {
            slot.add(part);
        }
    }

    /// The period `number`; `None` for a gap.
    pub fn find(&self, number: i64) -> Option<&Slot> {
        let age = self.newest?.checked_sub(number)?;
        let slot = if (0..LENGTH).contains(&age) { self.slots.get(place(number)) } else { None };
        slot.filter(|slot| slot.millis > 0)
    }

    /// Makes the periods from `first` to `last` gaps.
    fn clear(&mut self, first: i64, last: i64) {
        if last.saturating_sub(first) >= LENGTH {
            self.slots.fill(Slot::default());
            return;
        }
        for number in first..=last {
            if let Some(slot) = self.slots.get_mut(place(number)) {
                *slot = Slot::default();
            }
        }
    }
}

/// Place of a period in the ring.
fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(LENGTH)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Slot {
        Slot { millis: 10, ..Slot::default() }
    }

    fn known(ring: &Ring) -> Vec<i64> {
        (-5_000..5_000).filter(|number| ring.find(*number).is_some()).collect()
    }

    #[test]
    fn periods_that_were_passed_over_are_gaps() {
        let mut ring = Ring::new();
        for number in [100, 100, 103] {
            ring.add(number, &part());
        }
        assert_eq!(known(&ring), [100, 103]);
        assert_eq!(ring.find(100).map(|slot| slot.millis), Some(20));
        // The place of 103 is used again after a turn, and whatever is older is gone.
        ring.add(103 + LENGTH - 1, &part());
        assert_eq!(known(&ring), [103, 103 + LENGTH - 1]);
        ring.add(4_900, &part());
        assert_eq!(known(&ring), [4_900]);
        ring.add(i64::MAX, &part());
        assert_eq!((known(&ring), ring.find(i64::MAX).is_some()), (vec![], true));
    }

    #[test]
    fn a_clock_that_goes_back_removes_what_has_not_come_yet() {
        let mut ring = Ring::new();
        (200..220).for_each(|number| ring.add(number, &part()));
        ring.add(205, &part());
        assert_eq!(known(&ring), (200..=205).collect::<Vec<_>>());
        assert_eq!(ring.find(205).map(|slot| slot.millis), Some(20));
        ring.add(206, &part());
        assert_eq!(known(&ring), (200..=206).collect::<Vec<_>>());
        ring.add(-3_000, &part());
        assert_eq!(known(&ring), [-3_000]);
        ring.add(i64::MIN, &part());
        ring.add(i64::MAX, &part());
        assert_eq!(ring.find(i64::MIN), None);
    }
}
