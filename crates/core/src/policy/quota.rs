//! Rate limit and throttle of a consumer. Arithmetic only: the caller passes in the time.
//!
//! Two token buckets limit the questions per minute and per day. A limit on the share of empty
//! answers slows trawling: software that routes files knows whom it asks about, so a consumer that
//! mostly gets "no relation" or "no data found" is trying numbers.

use std::time::Duration;

use crate::model::{Status, Timestamp};

/// Rate limits of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Maximum questions per minute; all of them may come at once.
    pub per_minute: u32,
    /// Maximum questions per day; all of them may come at once.
    pub per_day: u32,
    /// Maximum recorded requests per minute: questions, test messages and refused messages. All of
    /// them may come at once. Further requests are refused before they are read.
    pub requests_per_minute: u32,
    /// Share of empty answers above which the consumer is throttled, in percent; 100 disables the
    /// throttle.
    pub empty_percent: u8,
}

impl Default for Quota {
    /// 10 questions per second, 100 000 per day, 20 requests of any kind per second, 50 % empty
    /// answers: more than the software of one institution needs.
    fn default() -> Self {
        Self { per_minute: 600, per_day: 100_000, requests_per_minute: 1_200, empty_percent: 50 }
    }
}

impl Quota {
    /// Usual `requests_per_minute` of a consumer with this `per_minute`: twice as many, so that it
    /// learns from a fault that its quota is exhausted, and never fewer than by default.
    #[must_use]
    pub fn usual_requests(per_minute: u32) -> u32 {
        per_minute.saturating_mul(2).max(Self::default().requests_per_minute)
    }
}

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

/// Token buckets and empty share of one consumer. The buckets start full. A clock that is set back
/// does not stop the refill.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    minute: Bucket,
    day: Bucket,
    empty: EmptyShare,
}

/// Whether an answer is delayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// No delay.
    AtOnce,
    /// Delayed, as the answer before.
    Slowed,
    /// Delayed from this answer on: the operator gets a log line.
    SlowedFromNow,
}

/// Delay of a throttled answer: short for a person, long for software that tries all numbers of a
/// day's births.
pub const THROTTLE_DELAY: Duration = Duration::from_secs(1);

impl RateLimiter {
    /// Creates the limiter of a consumer that has asked nothing yet.
    #[must_use]
    pub fn new(quota: Quota, now: Timestamp) -> Self {
        Self {
            minute: Bucket::new(quota.per_minute, MINUTE, now),
            day: Bucket::new(quota.per_day, DAY, now),
            empty: EmptyShare { answers: 0, empty: 0, since: now, is_over: false },
        }
    }

    /// Takes one token from both buckets.
    ///
    /// # Errors
    /// Time until the next token, if a bucket is empty; then no token is taken.
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

    /// Counts an answer of this status. Returns whether this answer is delayed.
    pub fn note(&mut self, quota: Quota, status: Status, now: Timestamp) -> Throttle {
        self.empty.note(is_empty(status), quota.empty_percent, now)
    }
}

/// Whether the answer is empty: there are no data, or none for this caller.
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

/// A token bucket. Its level is in tokens times the milliseconds of its period, so that it refills
/// by whole numbers: per millisecond by its capacity.
#[derive(Debug, Clone)]
struct Bucket {
    level: u64,
    refilled: Timestamp,
}

impl Bucket {
    fn new(capacity: u32, period: u64, now: Timestamp) -> Self {
        Self { level: u64::from(capacity).saturating_mul(period), refilled: now }
    }

    /// Refills up to `now`. Returns the time until the next token if the bucket is empty.
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

/// Minimum number of answers for a meaningful share.
const FEWEST_ANSWERS: u32 = 50;

/// Half-life of the counts.
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

    const QUOTA: Quota = Quota { per_minute: 6, per_day: 20, requests_per_minute: 12, empty_percent: 50 };

    #[test]
    fn a_minutes_quota_refills_evenly() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        for _ in 0..6 {
            assert_eq!(limiter.take(QUOTA, at(0)), Ok(()));
        }
        assert_eq!(limiter.take(QUOTA, at(0)), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take(QUOTA, at(9_999)), Err(Duration::from_millis(1)));
        assert_eq!(limiter.take(QUOTA, at(10_000)), Ok(()));
        assert_eq!(limiter.take(QUOTA, at(10_000)), Err(Duration::from_secs(10)));
    }

    #[test]
    fn the_daily_quota_limits_the_quota_per_minute() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        let taken = (0..100).filter(|minute| limiter.take(QUOTA, at(minute * 60_000)).is_ok()).count();
        // Twenty at the start, and one each 72 minutes.
        assert_eq!(taken, 21);
        let wait = limiter.take(QUOTA, at(100 * 60_000)).expect_err("spent");
        assert!(wait > Duration::from_secs(60), "{wait:?}");
    }

    #[test]
    fn a_clock_set_back_neither_fills_nor_blocks() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        assert!((0..6).all(|_| limiter.take(QUOTA, at(0)).is_ok()));
        assert!(limiter.take(QUOTA, at(-3_600_000)).is_err());
        assert_eq!(limiter.take(QUOTA, at(-3_590_000)), Ok(()));
    }

    #[test]
    fn a_smaller_quota_applies_to_the_next_question() {
        let mut limiter = RateLimiter::new(Quota::default(), at(0));
        let taken = (0..100).filter(|_| limiter.take(QUOTA, at(0)).is_ok()).count();
        assert_eq!(taken, 6);
    }

    #[test]
    fn a_quota_of_zero_allows_no_question() {
        let none = Quota { per_minute: 0, ..QUOTA };
        assert!(RateLimiter::new(none, at(0)).take(none, at(0)).is_err());
    }

    #[test]
    fn too_many_empty_answers_throttle_until_the_share_falls() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        for _ in 0..49 {
            assert_eq!(limiter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::AtOnce);
        }
        assert_eq!(limiter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::SlowedFromNow);
        assert_eq!(limiter.note(QUOTA, Status::DataFound, at(0)), Throttle::Slowed);
        for _ in 0..48 {
            assert_eq!(limiter.note(QUOTA, Status::DataFound, at(0)), Throttle::Slowed);
        }
        assert_eq!(limiter.note(QUOTA, Status::DataFound, at(0)), Throttle::AtOnce, "50 of 100");
        assert_eq!(limiter.note(QUOTA, Status::NoDataFound, at(0)), Throttle::SlowedFromNow);
        // An hour later the counts are a sixty-fourth.
        assert_eq!(limiter.note(QUOTA, Status::NoDataFound, at(3_600_000)), Throttle::AtOnce);
    }
}
