//! A count over a sliding window of time, in slots.

use std::time::Duration;

/// A count over the last `N - 1` whole slots and the one that has begun. Every event of the last
/// `N - 1` slot widths is in it; an event leaves it at most one slot width later.
///
/// Time is a duration since any origin. It never goes back: an earlier time counts as the newest
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlidingCount<const N: usize> {
    /// Width of a slot, at least 1 ms.
    width: Duration,
    /// Number of the newest slot since the origin.
    newest: u64,
    /// Slot `s` is at `s % N`.
    counts: [u32; N],
}

impl<const N: usize> SlidingCount<N> {
    /// A count of no event, whose newest slot is that of `now`.
    #[must_use]
    pub fn new(width: Duration, now: Duration) -> Self {
        let mut count = Self { width, newest: 0, counts: [0; N] };
        count.newest = count.slot_of(now);
        count
    }

    /// The counts of `counts`, oldest first; the last one is that of the slot of `now`.
    #[must_use]
    pub fn from_counts(width: Duration, now: Duration, counts: [u32; N]) -> Self {
        let mut restored = Self::new(width, now);
        for (back, count) in counts.iter().rev().enumerate() {
            let back = u64::try_from(back).unwrap_or(u64::MAX);
            if let Some(slot) = restored.newest.checked_sub(back) {
                restored.add_to(slot, *count);
            } else if let Some(first) = restored.counts.first_mut() {
                // Slots before the origin: counted in the origin's, which stays longer.
                *first = first.saturating_add(*count);
            }
        }
        restored
    }

    /// Moves the window to `now`. Returns whether a new slot began.
    pub fn advance(&mut self, now: Duration) -> bool {
        let slot = self.slot_of(now);
        let gone = slot.saturating_sub(self.newest);
        for passed in 1..=gone.min(u64::try_from(N).unwrap_or(u64::MAX)) {
            let index = Self::index(self.newest.saturating_add(passed));
            if let Some(count) = self.counts.get_mut(index) {
                *count = 0;
            }
        }
        self.newest = self.newest.max(slot);
        gone > 0
    }

    /// Adds events to the newest slot.
    pub fn add(&mut self, events: u32) {
        self.add_to(self.newest, events);
    }

    /// Removes an event from the newest slot, if it has one.
    pub fn remove(&mut self) {
        let index = Self::index(self.newest);
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_sub(1);
        }
    }

    /// Removes all events.
    pub fn clear(&mut self) {
        self.counts = [0; N];
    }

    /// Removes events from the slot of this time, if it is in the window.
    pub fn remove_at(&mut self, time: Duration, events: u32) {
        let slot = self.slot_of(time);
        let slots = u64::try_from(N).unwrap_or(u64::MAX);
        if slot > self.newest || self.newest.saturating_sub(slot) >= slots {
            return;
        }
        if let Some(count) = self.counts.get_mut(Self::index(slot)) {
            *count = count.saturating_sub(events);
        }
    }

    /// Number of events in the newest slot.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.counts.get(Self::index(self.newest)).copied().unwrap_or(0)
    }

    /// Number of the newest slot since the origin.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.newest
    }

    /// Number of events in the window.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The counts, oldest slot first.
    #[must_use]
    pub fn counts(&self) -> [u32; N] {
        let mut counts = [0; N];
        let oldest = Self::index(self.newest.saturating_add(1));
        let in_order = self.counts.iter().cycle().skip(oldest);
        counts.iter_mut().zip(in_order).for_each(|(into, count)| *into = *count);
        counts
    }

    /// Time from `now` until the window has fewer than `most` events, if no more are added; a whole
    /// window if that never happens.
    #[must_use]
    pub fn wait_for(&self, most: u64, now: Duration) -> Duration {
        let slots = u64::try_from(N).unwrap_or(u64::MAX);
        let mut left = self.sum();
        for (index, count) in self.counts().into_iter().enumerate() {
            left = left.saturating_sub(u64::from(count));
            if left < most {
                let ends = self.newest.saturating_add(1).saturating_add(u64::try_from(index).unwrap_or(0));
                let millis = ends.saturating_mul(self.width_millis());
                return Duration::from_millis(millis).saturating_sub(now).max(Duration::from_millis(1));
            }
        }
        Duration::from_millis(self.width_millis().saturating_mul(slots))
    }

    fn add_to(&mut self, slot: u64, events: u32) {
        let index = Self::index(slot);
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(events);
        }
    }

    fn slot_of(&self, now: Duration) -> u64 {
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX) / self.width_millis()
    }

    fn width_millis(&self) -> u64 {
        u64::try_from(self.width.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn index(slot: u64) -> usize {
        let slots = u64::try_from(N).unwrap_or(u64::MAX).max(1);
        usize::try_from(slot % slots).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn an_event_leaves_after_the_window_and_one_slot() {
        for origin in [0, 7_000, 7_999] {
            let mut count = SlidingCount::<4>::new(SECOND, at(origin));
            count.add(5);
            let begin = origin / 1_000 * 1_000;
            count.advance(at(begin + 3_999));
            assert_eq!((count.sum(), count.wait_for(5, at(begin + 3_999))), (5, at(1)));
            count.advance(at(begin + 4_000));
            assert_eq!(count.sum(), 0);
        }
    }

    #[test]
    fn the_wait_is_that_of_the_oldest_events() {
        let mut count = SlidingCount::<4>::new(SECOND, at(100_000));
        count.add(2);
        count.advance(at(101_500));
        count.add(3);
        assert_eq!(count.wait_for(5, at(101_500)), at(2_500));
        assert_eq!(count.wait_for(3, at(101_500)), at(3_500));
        assert_eq!(count.wait_for(0, at(101_500)), at(4_000), "never");
    }

    #[test]
    fn events_are_removed_from_their_slot_while_it_is_in_the_window() {
        let mut count = SlidingCount::<4>::new(SECOND, at(10_000));
        for slot in 10..14 {
            count.advance(at(slot * 1_000));
            count.add(5);
        }
        count.remove_at(at(9_999), 1);
        count.remove_at(at(14_000), 1);
        assert_eq!(count.counts(), [5; 4], "outside");
        count.remove_at(at(10_999), 2);
        count.remove_at(at(13_000), 9);
        assert_eq!(count.counts(), [3, 5, 5, 0]);
    }

    #[test]
    fn time_that_goes_back_changes_nothing() {
        let mut count = SlidingCount::<4>::new(SECOND, at(9_000));
        count.add(1);
        assert!(!count.advance(at(0)));
        assert_eq!((count.sum(), count.slot()), (1, 9));
    }

    #[test]
    fn counts_are_restored_with_their_slots() {
        let mut count = SlidingCount::<4>::new(SECOND, at(50_000));
        for events in 1..=4 {
            count.add(events);
            count.advance(at(50_000 + u64::from(events) * 1_000));
        }
        let counts = count.counts();
        assert_eq!(counts, [2, 3, 4, 0]);
        let restored = SlidingCount::from_counts(SECOND, at(54_000), counts);
        assert_eq!(restored, count);
        assert_eq!(SlidingCount::from_counts(SECOND, at(0), counts).sum(), 9, "before the origin");
    }
}
