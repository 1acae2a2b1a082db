//! Rate limits of a consumer. Arithmetic only: the caller passes in the time.
//!
//! The time is monotonic: a clock that is set changes no limit. A token bucket limits the questions
//! per minute; a sliding count limits those of 24 hours ([`DayCount`]).

use std::time::Duration;

use super::day_count::{DayCount, HourCounts, NoQuestion, lease_size};

/// Rate limits of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Maximum questions per minute; all of them may come at once.
    pub per_minute: u32,
    /// Maximum questions in any 24 hours; all of them may come at once.
    pub per_day: u32,
    /// Maximum recorded requests per minute: questions, test messages and refused messages. All of
    /// them may come at once. Further requests are refused before they are read.
    pub requests_per_minute: u32,
    /// Share of empty subjects above which the consumer is slowed, in percent; 100 disables this
    /// limit.
    pub empty_percent: u8,
    /// Empty subjects in an hour above which the consumer is slowed, whatever the share.
    pub empty_per_hour: u32,
    /// Maximum different days about one person in a calendar month, besides today.
    pub dates_per_person: u16,
}

impl Default for Quota {
    /// [`Quota::USUAL`].
    fn default() -> Self {
        Self::USUAL
    }
}

impl Quota {
    /// 10 questions per second, 100 000 per day, 20 requests of any kind per second: more than the
    /// software of one institution needs. 35 % empty subjects, 12 days about one person.
    pub const USUAL: Self = Self {
        per_minute: 600,
        per_day: 100_000,
        requests_per_minute: 1_200,
        empty_percent: 35,
        empty_per_hour: 12_200,
        dates_per_person: 12,
    };

    /// Usual `requests_per_minute` of a consumer with this `per_minute`: twice as many, so that it
    /// learns from a fault that its quota is exhausted, and never fewer than by default.
    #[must_use]
    pub fn usual_requests(per_minute: u32) -> u32 {
        per_minute.saturating_mul(2).max(Self::default().requests_per_minute)
    }

    /// Usual `empty_per_hour` of a consumer with this `per_minute`: a third of the questions of an
    /// hour, 60 minutes and a full bucket. A caller with 30 % empty subjects cannot have as many.
    #[must_use]
    pub fn usual_empty_per_hour(per_minute: u32) -> u32 {
        u32::try_from(u64::from(per_minute) * 61 / 3).unwrap_or(u32::MAX)
    }
}

const MINUTE: u64 = 60_000;

/// The limits on the questions of one consumer.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    minute: Bucket,
    day: DayCount,
}

impl RateLimiter {
    /// Creates the limiter of a consumer that has asked nothing yet, whose count is in no file.
    #[must_use]
    pub fn new(quota: Quota, now: Duration) -> Self {
        Self { minute: Bucket::new(quota.per_minute, MINUTE, now), day: DayCount::new(now) }
    }

    /// Creates the limiter of a consumer with these questions in the last day. The count is in a
    /// file: nothing can be asked before [`RateLimiter::note_written`].
    #[must_use]
    pub fn with_file(quota: Quota, counts: HourCounts, now: Duration) -> Self {
        Self { minute: Bucket::new(quota.per_minute, MINUTE, now), day: DayCount::with_file(counts, now) }
    }

    /// Takes one question from both limits.
    ///
    /// # Errors
    /// [`NoQuestion`]; then nothing is taken.
    pub fn take(&mut self, quota: Quota, now: Duration) -> Result<(), NoQuestion> {
        let minute = self.minute.refill(quota.per_minute, MINUTE, now);
        match (minute, self.day.check(quota.per_day, now)) {
            (wait, Err(NoQuestion::Spent(day))) => Err(NoQuestion::Spent(wait.unwrap_or_default().max(day))),
            (Some(wait), Ok(()) | Err(NoQuestion::NoLease)) => Err(NoQuestion::Spent(wait)),
            (_, Err(NoQuestion::Unknown)) => Err(NoQuestion::Unknown),
            (None, Err(NoQuestion::NoLease)) => Err(NoQuestion::NoLease),
            (None, Ok(())) => {
                self.minute.take(MINUTE);
                self.day.add();
                Ok(())
            }
        }
    }

    /// Gives a question back that was taken and not asked.
    pub fn give_back(&mut self, quota: Quota) {
        self.minute.give_back(quota.per_minute, MINUTE);
        self.day.remove();
    }

    /// Whether the file must be written soon, so that the next questions need not wait for it.
    #[must_use]
    pub fn is_short(&self, quota: Quota) -> bool {
        self.day.is_short(lease_size(quota.per_minute, quota.per_day))
    }

    /// The counts to write, with a lease, and the hour to which they belong.
    pub fn plan(&mut self, quota: Quota, now: Duration) -> (HourCounts, u64) {
        let lease = lease_size(quota.per_minute, quota.per_day);
        (self.day.plan(lease, quota.per_day, now), self.day.hour())
    }

    /// The counts to write at the end, without a lease.
    pub fn plan_end(&mut self, quota: Quota, now: Duration) -> HourCounts {
        self.day.plan(0, quota.per_day, now)
    }

    /// The planned counts are in the file.
    pub fn note_written(&mut self, counts: &HourCounts, hour: u64) {
        self.day.note_written(counts, hour);
    }
}

/// A token bucket. Its level is in tokens times the milliseconds of its period, so that it refills
/// by whole numbers: per millisecond by its capacity.
#[derive(Debug, Clone)]
struct Bucket {
    level: u64,
    refilled: Duration,
}

impl Bucket {
    fn new(capacity: u32, period: u64, now: Duration) -> Self {
        Self { level: u64::from(capacity).saturating_mul(period), refilled: now }
    }

    /// Refills up to `now`. Returns the time until the next token if the bucket is empty.
    fn refill(&mut self, capacity: u32, period: u64, now: Duration) -> Option<Duration> {
        let capacity = u64::from(capacity);
        let elapsed = now.saturating_sub(self.refilled).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let most = capacity.saturating_mul(period);
        self.level = self.level.saturating_add(elapsed.saturating_mul(capacity)).min(most);
        self.refilled = self.refilled.saturating_add(Duration::from_millis(elapsed));
        let missing = period.saturating_sub(self.level);
        (missing > 0).then(|| Duration::from_millis(missing.div_ceil(capacity.max(1))))
    }

    fn take(&mut self, period: u64) {
        self.level = self.level.saturating_sub(period);
    }

    fn give_back(&mut self, capacity: u32, period: u64) {
        self.level = self.level.saturating_add(period).min(u64::from(capacity).saturating_mul(period));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(1_800_000_000 + millis)
    }

    fn spent(wait: Duration) -> Result<(), NoQuestion> {
        Err(NoQuestion::Spent(wait))
    }

    const QUOTA: Quota = Quota {
        per_minute: 6,
        per_day: 20,
        requests_per_minute: 12,
        empty_percent: 35,
        empty_per_hour: 122,
        dates_per_person: 12,
    };

    #[test]
    fn a_minutes_quota_refills_evenly() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        for _ in 0..6 {
            assert_eq!(limiter.take(QUOTA, at(0)), Ok(()));
        }
        assert_eq!(limiter.take(QUOTA, at(0)), spent(Duration::from_secs(10)));
        assert_eq!(limiter.take(QUOTA, at(9_999)), spent(Duration::from_millis(1)));
        assert_eq!(limiter.take(QUOTA, at(10_000)), Ok(()));
        assert_eq!(limiter.take(QUOTA, at(10_000)), spent(Duration::from_secs(10)));
        limiter.give_back(QUOTA);
        assert_eq!(limiter.take(QUOTA, at(10_000)), Ok(()));
    }

    #[test]
    fn the_daily_quota_limits_the_quota_per_minute() {
        let mut limiter = RateLimiter::new(QUOTA, at(0));
        let taken = (0..24 * 60).filter(|minute| limiter.take(QUOTA, at(minute * 60_000)).is_ok()).count();
        assert_eq!(taken, 20);
        let wait = limiter.take(QUOTA, at(24 * 3_600_000 - 1)).expect_err("spent");
        assert_eq!(wait, NoQuestion::Spent(Duration::from_secs(3_600) + Duration::from_millis(1)));
    }

    #[test]
    fn many_refills_lose_no_time() {
        // Refilled every half millisecond, as many questions at once would.
        let mut limiter = RateLimiter::new(Quota { per_day: 1_000, ..QUOTA }, at(0));
        let mut taken = 0;
        for half in 0..120_000 {
            let quota = Quota { per_day: 1_000, ..QUOTA };
            taken += u32::from(limiter.take(quota, at(0) + Duration::from_micros(half * 500)).is_ok());
        }
        assert_eq!(taken, 11, "six, and one each ten seconds");
    }

    #[test]
    fn a_smaller_quota_applies_to_the_next_question() {
        let mut limiter = RateLimiter::new(Quota::default(), at(0));
        let taken = (0..100).filter(|_| limiter.take(QUOTA, at(0)).is_ok()).count();
        assert_eq!(taken, 6);
    }

    #[test]
    fn a_quota_of_zero_allows_no_question() {
        for none in [Quota { per_minute: 0, ..QUOTA }, Quota { per_day: 0, ..QUOTA }] {
            assert!(RateLimiter::new(none, at(0)).take(none, at(0)).is_err());
        }
    }

    #[test]
    fn the_usual_absolute_limit_is_above_30_percent() {
        for per_minute in [1, 6, 600, 1_000_000] {
            let questions = u64::from(per_minute) * 61;
            assert!(u64::from(Quota::usual_empty_per_hour(per_minute)) * 10 >= questions * 3);
        }
        assert_eq!(Quota::usual_empty_per_hour(Quota::default().per_minute), Quota::default().empty_per_hour);
    }
}
