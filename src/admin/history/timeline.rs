//! The history in memory.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::codec::{self, HistoryError};
use super::range::{Range, Resolution};
use super::reading::{BUCKETS, Reading, Slot};
use super::ring::Ring;
use ehealth_core::model::Timestamp;

/// Upper bounds of the buckets of durations, in microseconds.
pub(super) type Ends = [u64; BUCKETS - 1];

/// The history of a service.
#[derive(Debug, Clone)]
pub struct History {
    ends: Ends,
    minutes: Ring,
    half_hours: Ring,
    /// The last reading; `None` before the first.
    last: Option<Reading>,
}

/// A history that one thread writes and operators' requests read. Clones share it.
#[derive(Debug, Clone)]
pub struct SharedHistory(Arc<Mutex<History>>);

impl SharedHistory {
    /// Shares a history.
    #[must_use]
    pub fn new(history: History) -> Self {
        Self(Arc::new(Mutex::new(history)))
    }

    /// Reads or changes the history. The lock is held for microseconds: `act` must not wait.
    pub fn with<T>(&self, act: impl FnOnce(&mut History) -> T) -> T {
        act(&mut self.0.lock())
    }
}

/// A point of a range.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Point {
    /// Begin of its time.
    pub begin: Timestamp,
    /// What is known of its time; `None`: nothing.
    pub slot: Option<Slot>,
}

impl History {
    /// A history without data. `ends` are the upper bounds of the buckets of durations, in microseconds.
    #[must_use]
    pub fn new(ends: &[u64; BUCKETS - 1]) -> Self {
        Self { ends: *ends, minutes: Ring::new(), half_hours: Ring::new(), last: None }
    }

    /// The history of an encoded form, which may be hostile: it is checked, and its numbers are only
    /// counted with.
    ///
    /// # Errors
    /// [`HistoryError`]: why it cannot be used.
    pub fn decode(bytes: &[u8], ends: &[u64; BUCKETS - 1], now: Timestamp) -> Result<Self, HistoryError> {
        let [minutes, half_hours] = codec::decode(bytes, ends)?;
        for (ring, resolution) in [(&minutes, Resolution::Minutes), (&half_hours, Resolution::HalfHours)] {
            let latest = number(now, resolution).saturating_add(codec::TOLERANCE_PERIODS);
            if ring.newest().is_some_and(|newest| newest > latest) {
                return Err(HistoryError::Future);
            }
        }
        Ok(Self { minutes, half_hours, ..Self::new(ends) })
    }

    /// The encoded form, of [`super::FILE_BYTES`] bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.ends, [&self.minutes, &self.half_hours])
    }

    /// Adds what happened since the last reading, `elapsed` ago by the monotonic clock. The first reading
    /// is only the one with which the next is compared.
    pub fn add(&mut self, now: Timestamp, elapsed: Duration, reading: Reading) {
        if let Some(last) = &self.last {
            let slot = Slot::between(last, &reading, elapsed);
            self.minutes.add(number(now, Resolution::Minutes), &slot);
            self.half_hours.add(number(now, Resolution::HalfHours), &slot);
        }
        self.last = Some(reading);
    }

    /// Upper bounds of the buckets of durations.
    pub(in crate::admin) fn ends(&self) -> &[u64; BUCKETS - 1] {
        &self.ends
    }

    /// The points of a range that ends now, oldest first.
    pub(in crate::admin) fn points(&self, range: Range, now: Timestamp) -> Vec<Point> {
        let (resolution, step) = (range.resolution(), range.step());
        let ring = match resolution {
            Resolution::Minutes => &self.minutes,
            Resolution::HalfHours => &self.half_hours,
        };
        let last = number(now, resolution).div_euclid(step);
        let point = |point: i64| {
            let first = point.saturating_mul(step);
            let known = (first..first.saturating_add(step)).filter_map(|number| ring.find(number));
            let slot = known.fold(None, |sum: Option<Slot>, slot| {
                let mut sum = sum.unwrap_or_default();
                sum.add(slot);
                Some(sum)
            });
            Point { begin: Timestamp::from_millis(first.saturating_mul(resolution.millis())), slot }
        };
        (last.saturating_sub(range.points() - 1)..=last).map(point).collect()
    }
}

/// Number of the period of a moment.
fn number(at: Timestamp, resolution: Resolution) -> i64 {
    at.as_millis().div_euclid(resolution.millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = [1; BUCKETS - 1];
    const MINUTE: i64 = 60_000;
    /// A moment at the begin of a day.
    const DAY: i64 = 20_000 * 86_400_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(DAY + minutes * MINUTE)
    }

    /// A reading after this number of answered exchanges.
    fn answered(exchanges: u64) -> Reading {
        Reading { kinds: [exchanges, 0, 0, 0], ..Reading::default() }
    }

    /// The known points: minutes since `DAY`, exchanges, milliseconds.
    fn known(history: &History, range: Range, minutes: i64) -> Vec<(i64, u64, u32)> {
        let points = history.points(range, at(minutes));
        assert_eq!(i64::try_from(points.len()).expect("few"), range.points());
        let known = points.into_iter().filter_map(|point| Some((point.begin, point.slot?)));
        known.map(|(begin, slot)| ((begin.as_millis() - DAY) / MINUTE, slot.exchanges(), slot.millis)).collect()
    }

    #[test]
    fn exchanges_are_shown_in_their_minute_and_gaps_as_gaps() {
        let mut history = History::new(&ENDS);
        history.add(at(0), Duration::ZERO, answered(7));
        assert_eq!(known(&history, Range::Hour, 0), []);
        history.add(at(1), Duration::from_secs(10), answered(9));
        history.add(at(1), Duration::from_secs(10), answered(9));
        history.add(at(20), Duration::from_secs(10), answered(12));
        assert_eq!(known(&history, Range::Hour, 20), [(1, 2, 20_000), (20, 3, 10_000)]);
        assert_eq!(known(&history, Range::Hour, 61), [(20, 3, 10_000)]);
        assert_eq!(known(&history, Range::Day, 20), [(0, 2, 20_000), (15, 3, 10_000)]);
        assert_eq!(known(&history, Range::Month, 20), [(0, 5, 30_000)]);
        assert_eq!(known(&history, Range::Month, 31 * 24 * 60), []);
    }

    #[test]
    fn a_restart_is_a_gap_and_no_negative_count() {
        let mut history = History::new(&ENDS);
        history.add(at(0), Duration::ZERO, answered(0));
        history.add(at(1), Duration::from_secs(60), answered(1_000));
        let mut again = History::decode(&history.encode(), &ENDS, at(5)).expect("sound");
        again.add(at(5), Duration::ZERO, answered(0));
        again.add(at(6), Duration::from_secs(60), answered(4));
        assert_eq!(known(&again, Range::Hour, 6), [(1, 1_000, 60_000), (6, 4, 60_000)]);
    }

    #[test]
    fn a_clock_that_jumps_makes_gaps_and_no_wrong_rate() {
        let mut history = History::new(&ENDS);
        history.add(at(0), Duration::ZERO, answered(0));
        // Forward by a day, then back.
        for (minutes, exchanges) in [(1, 60), (1_441, 120), (2, 180), (3, 240)] {
            history.add(at(minutes), Duration::from_secs(60), answered(exchanges));
        }
        let shown = known(&history, Range::Hour, 3);
        assert_eq!(shown, [(2, 60, 60_000), (3, 60, 60_000)], "what the jump overwrote is gone");
        assert_eq!(known(&history, Range::Hour, 1_441), [], "the time that has not come is empty");
        for point in history.points(Range::Month, at(3)) {
            assert!(point.slot.is_none_or(|slot| slot.rate_per_1000_s() == Some(1_000)));
        }
    }
}
