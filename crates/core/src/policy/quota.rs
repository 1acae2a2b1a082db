//! How much a consumer may ask, and how often it may come away with nothing: arithmetic alone, the time handed in.
//!
//! Two token buckets bound the questions of a minute and of a day. A share of answers without anything in them bounds
//! trawling: software that routes files knows whom it asks about; whoever is mostly told "no relation" or "nothing found"
//! is trying numbers.

use std::time::Duration;

use crate::model::{Status, Timestamp};

/// What a consumer may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Questions in a minute, also at once.
    pub per_minute: u32,
    /// Questions in a day, also at once.
    pub per_day: u32,
    /// The share of answers without anything in them, in per cent, over which the consumer is slowed; 100 is never.
    pub empty_percent: u8,
}

impl Default for Quota {
    /// Ten a second, a hundred thousand a day, every other answer empty: more than one institution's software needs.
    fn default() -> Self {
        Self { per_minute: 600, per_day: 100_000, empty_percent: 50 }
    }
}

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

/// What a consumer has used up. Starts full; a clock set back stops the refill for nobody.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    minute: Bucket,
    day: Bucket,
    empty: EmptyShare,
}

/// Whether an answer is given at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// At once.
    AtOnce,
    /// Slowed since before.
    Slowed,
    /// Slowed from this answer on: the operator is told.
    SlowedFromNow,
}

/// A slowed answer waits so long: short for a person, long for whoever tries all the numbers of a day's births.
pub const THROTTLE_DELAY: Duration = Duration::from_secs(1);

impl RateLimiter {
    /// The meter of a consumer that has asked nothing yet.
    #[must_use]
    pub fn new(quota: Quota, now: Timestamp) -> Self {
        Self {
            minute: Bucket::new(quota.per_minute, MINUTE, now),
            day: Bucket::new(quota.per_day, DAY, now),
            empty: EmptyShare { answers: 0, empty: 0, since: now, is_over: false },
        }
    }

    /// Takes one question out of both buckets.
    ///
    /// # Errors
    /// How long until there is one again, if one of them is empty; then nothing is taken.
    pub fn take(&mut self, quota: Quota, now: Timestamp) -> Result<(), Duration> {
        let waits = [self.minute.refill(quota.per_minute, MINUTE, now), self.day.refill(quota.per_day, DAY, now)];
        match waits.into_iter().flatten().max() {
            Some(wait) => Err(wait),
            None => {
                self.minute.take(MINUTE);
                self.day.take(DAY);
                Ok(())
            }
        }
    }

    /// Counts an answer of this status; whether it, and those after it, are given at once.
    pub fn note(&mut self, quota: Quota, status: Status, now: Timestamp) -> Throttle {
        self.empty.note(is_empty(status), quota.empty_percent, now)
    }
}

/// Whether the answer says nothing about a person because there is nothing, or nothing for this caller.
fn is_empty(status: Status) -> bool {
    match status {
        Status::NoRelation { .. } | Status::NoDataFound => true,
        Status::NoGrant
        | Status::NotAnSsin
        | Status::WrongDates(_)
        | Status::Replaced { .. }
        | Status::Incomplete(_)
        | Status::DataFound => false,
    }
}

/// A token bucket. Its level is in tokens times the milliseconds of its period, so that it refills by whole numbers:
/// each millisecond as much as its capacity.
#[derive(Debug, Clone)]
struct Bucket {
    level: u64,
    refilled: Timestamp,
}

impl Bucket {
    fn new(capacity: u32, period: u64, now: Timestamp) -> Self {
        Self { level: u64::from(capacity).saturating_mul(period), refilled: now }
    }

    /// Refills up to `now`; how long until there is a token, if there is none.
    fn refill(&mut self, capacity: u32, period: u64, now: Timestamp) -> Option<Duration> {
        let capacity = u64::from(capacity);
        let elapsed = u64::try_from(now.since(self.refilled).as_millis()).unwrap_or(u64::MAX);
        let most = capacity.saturating_mul(period);
        self.level = self.level.saturating_add(elapsed.saturating_mul(capacity)).min(most);
        self.refilled = now;
        let missing = period.saturating_sub(self.level);
        (missing > 0).then(|| Duration::from_millis(missing.div_ceil(capacity.max(1))))
    }

    fn take(&mut self, period: u64) {
        self.level = self.level.saturating_sub(period);
    }
}

/// Below so many answers a share says nothing.
const FEWEST_ANSWERS: u32 = 50;

/// After this time what was counted counts half.
const HALF_LIFE: Duration = Duration::from_mins(10);

#[derive(Debug, Clone)]
struct EmptyShare {
    answers: u32,
    empty: u32,
    since: Timestamp,
    is_over: bool,
}

impl EmptyShare {
    fn note(&mut self, is_empty: bool, percent: u8, now: Timestamp) -> Throttle {
        let halvings = now.since(self.since).as_millis() / HALF_LIFE.as_millis();
        if halvings > 0 {
            let by = u32::try_from(halvings).unwrap_or(31).min(31);
            self.answers >>= by;
            self.empty >>= by;
            self.since = now;
        }
        self.answers = self.answers.saturating_add(1);
        self.empty = self.empty.saturating_add(u32::from(is_empty));
        let was_over = self.is_over;
        let share_is_over = u64::from(self.empty) * 100 > u64::from(self.answers) * u64::from(percent);
        self.is_over = self.answers >= FEWEST_ANSWERS && share_is_over;
        match (was_over, self.is_over) {
            (_, false) => Throttle::AtOnce,
            (true, true) => Throttle::Slowed,
            (false, true) => Throttle::SlowedFromNow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    const QUOTA: Quota = Quota { per_minute: 6, per_day: 20, empty_percent: 50 };

    #[test]
    fn a_minutes_quota_may_be_spent_at_once_and_comes_back_evenly() {
        let mut meter = RateLimiter::new(QUOTA, at(0));
        for _ in 0..6 {
            assert_eq!(meter.take(QUOTA, at(0)), Ok(()));
        }
        assert_eq!(meter.take(QUOTA, at(0)), Err(Duration::from_secs(10)));
        assert_eq!(meter.take(QUOTA, at(9_999)), Err(Duration::from_millis(1)));
        assert_eq!(meter.take(QUOTA, at(10_000)), Ok(()));
        assert_eq!(meter.take(QUOTA, at(10_000)), Err(Duration::from_secs(10)));
    }

    #[test]
    fn a_days_quota_bounds_what_minutes_would_allow() {
        let mut meter = RateLimiter::new(QUOTA, at(0));
        let taken = (0..100).filter(|minute| meter.take(QUOTA, at(minute * 60_000)).is_ok()).count();
        // Twenty at the start, and one each 72 minutes.
        assert_eq!(taken, 21);
        let wait = meter.take(QUOTA, at(100 * 60_000)).expect_err("spent");
        assert!(wait > Duration::from_secs(60), "{wait:?}");
    }

    #[test]
    fn a_clock_set_back_neither_fills_nor_blocks() {
        let mut meter = RateLimiter::new(QUOTA, at(0));
        assert!((0..6).all(|_| meter.take(QUOTA, at(0)).is_ok()));
        assert!(meter.take(QUOTA, at(-3_600_000)).is_err());
        assert_eq!(meter.take(QUOTA, at(-3_590_000)), Ok(()));
    }

    #[test]
    fn a_smaller_quota_holds_from_the_next_question_on() {
        let mut meter = RateLimiter::new(Quota::default(), at(0));
        let taken = (0..100).filter(|_| meter.take(QUOTA, at(0)).is_ok()).count();
        assert_eq!(taken, 6);
    }

    #[test]
    fn nothing_can_be_asked_with_a_quota_of_nothing() {
        let none = Quota { per_minute: 0, ..QUOTA };
        assert!(RateLimiter::new(none, at(0)).take(none, at(0)).is_err());
    }

    #[test]
    fn whoever_comes_away_with_nothing_too_often_is_slowed_until_it_does_not() {
        let mut meter = RateLimiter::new(QUOTA, at(0));
        for _ in 0..49 {
            assert_eq!(meter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::AtOnce);
        }
        assert_eq!(meter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::SlowedFromNow);
        assert_eq!(meter.note(QUOTA, Status::DataFound, at(0)), Throttle::Slowed);
        for _ in 0..48 {
            assert_eq!(meter.note(QUOTA, Status::DataFound, at(0)), Throttle::Slowed);
        }
        assert_eq!(meter.note(QUOTA, Status::DataFound, at(0)), Throttle::AtOnce, "fifty of a hundred");
        assert_eq!(meter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::SlowedFromNow);
        // An hour later what was is forgotten but for a sixty-fourth.
        assert_eq!(meter.note(QUOTA, Status::NoDataFound, at(3_600_000)), Throttle::AtOnce);
    }
}
