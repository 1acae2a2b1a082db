//! The questions of a consumer in the last day, and the lease by which the count survives a crash.
//!
//! A day is any 24 hours: the count is a sliding window of the hour that has begun and the 24 before
//! it. No consumer ever asks more than its quota in 24 hours, whenever these begin.
//!
//! The count is kept in a file, which is not written for each question: the file says that a few
//! more questions were asked than were. That difference is the *lease*: questions that may be asked
//! before the file is written again. A process that is killed loses the rest of its lease, and never
//! forgets a question.

use std::time::Duration;

use super::sliding_count::SlidingCount;

/// Hours that are counted: the one that has begun, and the 24 before it.
pub const HOURS: usize = 25;

const HOUR: Duration = Duration::from_secs(3_600);

/// Smallest lease: more questions than one consumer asks at the same time by default.
const SMALLEST_LEASE: u32 = 16;

/// Questions of a consumer by hour, oldest hour first. As the file says it: the last one includes
/// the lease.
pub type HourCounts = [u32; HOURS];

/// Why no question may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoQuestion {
    /// The quota is spent; the time until it allows another question.
    Spent(Duration),
    /// The quota allows it; the file must be written first.
    NoLease,
    /// The counts that the nodes share cannot be reached: whether the quota allows it is not known.
    Unknown,
}

/// The count, and what the file says of the hour that has begun.
#[derive(Debug, Clone)]
pub struct DayCount {
    asked: SlidingCount<HOURS>,
    /// Questions of this hour that the file counts; `None` if there is no file.
    written: Option<u32>,
}

impl DayCount {
    /// Count of no question, without a file.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self { asked: SlidingCount::new(HOUR, now), written: None }
    }

    /// Count as it was restored from the file, or of no question; there is a file from now on.
    #[must_use]
    pub fn with_file(counts: HourCounts, now: Duration) -> Self {
        // The first lease of this process must be written before it is used.
        Self { asked: SlidingCount::from_counts(HOUR, now, counts), written: Some(0) }
    }

    /// Time until the quota allows another question; `None` if it allows one now.
    fn wait(&self, per_day: u32, now: Duration) -> Option<Duration> {
        let most = u64::from(per_day);
        (self.asked.sum() >= most).then(|| self.asked.wait_for(most, now))
    }

    /// Whether a question may be asked.
    ///
    /// # Errors
    /// [`NoQuestion`].
    pub fn check(&mut self, per_day: u32, now: Duration) -> Result<(), NoQuestion> {
        self.advance(now);
        match (self.wait(per_day, now), self.written) {
            (Some(wait), _) => Err(NoQuestion::Spent(wait)),
            (None, Some(written)) if self.asked.newest() >= written => Err(NoQuestion::NoLease),
            (None, _) => Ok(()),
        }
    }

    /// Counts a question.
    pub fn add(&mut self) {
        self.asked.add(1);
    }

    /// Takes back a question that was counted and not asked.
    pub fn remove(&mut self) {
        self.asked.remove();
    }

    /// Whether the lease is half used, so that the file must be written soon.
    #[must_use]
    pub fn is_short(&self, lease: u32) -> bool {
        self.written.is_some_and(|written| written.saturating_sub(self.asked.newest()) < lease.div_ceil(2))
    }

    /// The counts to write: with a lease of up to this size, and at most `per_day` in total.
    pub fn plan(&mut self, lease: u32, per_day: u32, now: Duration) -> HourCounts {
        self.advance(now);
        let left = u64::from(per_day).saturating_sub(self.asked.sum());
        let lease = u32::try_from(left).unwrap_or(u32::MAX).min(lease);
        let mut counts = self.asked.counts();
        if let Some(newest) = counts.last_mut() {
            *newest = newest.saturating_add(lease);
        }
        counts
    }

    /// Number of the hour that has begun.
    #[must_use]
    pub fn hour(&self) -> u64 {
        self.asked.slot()
    }

    /// The counts that were planned in this hour are in the file.
    pub fn note_written(&mut self, counts: &HourCounts, hour: u64) {
        if self.written.is_some() && hour == self.asked.slot() {
            self.written = counts.last().copied();
        }
    }

    fn advance(&mut self, now: Duration) {
        // A lease is one of its hour: in the file its questions leave the window with that hour.
        if self.asked.advance(now) && self.written.is_some() {
            self.written = Some(0);
        }
    }
}

/// Size of a consumer's lease: a hundredth of the day's quota, at most the questions of two minutes,
/// at least 16.
#[must_use]
pub fn lease_size(per_minute: u32, per_day: u32) -> u32 {
    (per_day / 100).min(per_minute.saturating_mul(2)).max(SMALLEST_LEASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        HOUR * u32::try_from(hours).expect("few")
    }

    fn ask(count: &mut DayCount, per_day: u32, now: Duration) -> u32 {
        let mut asked = 0;
        while count.check(per_day, now).is_ok() {
            count.add();
            asked += 1;
        }
        asked
    }

    #[test]
    fn a_day_is_any_24_hours() {
        let mut count = DayCount::new(Duration::ZERO);
        let late = Duration::from_millis(3_599_999);
        assert_eq!(ask(&mut count, 20, late), 20);
        assert_eq!(count.check(20, late), Err(NoQuestion::Spent(hours(24) + Duration::from_millis(1))));
        assert_eq!(ask(&mut count, 20, late + hours(24)), 0);
        assert_eq!(ask(&mut count, 20, hours(25)), 20);
    }

    #[test]
    fn nothing_is_asked_before_the_file_counts_it() {
        let mut count = DayCount::with_file([0; HOURS], Duration::ZERO);
        assert_eq!(count.check(100, Duration::ZERO), Err(NoQuestion::NoLease));
        let plan = count.plan(10, 100, Duration::ZERO);
        assert_eq!(count.check(100, Duration::ZERO), Err(NoQuestion::NoLease), "not yet written");
        count.note_written(&plan, count.hour());
        assert!(!count.is_short(10));
        assert_eq!(ask(&mut count, 100, Duration::ZERO), 10);
        assert!(count.is_short(10));
        count.remove();
        assert_eq!(ask(&mut count, 100, Duration::ZERO), 1, "taken back");
    }

    #[test]
    fn a_lease_ends_with_its_hour() {
        let mut count = DayCount::with_file([0; HOURS], Duration::ZERO);
        let plan = count.plan(10, 100, Duration::ZERO);
        count.note_written(&plan, 0);
        assert_eq!(count.check(100, hours(1)), Err(NoQuestion::NoLease));
        count.note_written(&plan, 0);
        assert_eq!(count.check(100, hours(1)), Err(NoQuestion::NoLease), "of an hour that has ended");
    }

    #[test]
    fn a_crash_loses_the_lease_and_no_question() {
        let (per_day, mut asked, mut file) = (100, 0, [0; HOURS]);
        for _ in 0..20 {
            let mut count = DayCount::with_file(file, Duration::ZERO);
            file = count.plan(10, per_day, Duration::ZERO);
            count.note_written(&file, 0);
            for _ in 0..7 {
                if count.check(per_day, Duration::ZERO).is_ok() {
                    count.add();
                    asked += 1;
                }
            }
        }
        assert_eq!(asked, 70, "ten leases of ten, of each of which seven are asked");
        assert_eq!(file.iter().sum::<u32>(), per_day);
    }

    #[test]
    fn a_lease_is_a_hundredth_of_the_day() {
        assert_eq!(lease_size(600, 100_000), 1_000);
        assert_eq!((lease_size(100, 100_000), lease_size(600, 50), lease_size(0, 0)), (200, 16, 16));
    }
}
