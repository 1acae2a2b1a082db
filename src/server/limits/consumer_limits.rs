//! Limits on the questions of one consumer: quota, empty answers, days about one person.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use ehealth_core::model::{CriteriaDates, Date, WrongDates};
use ehealth_core::policy::{
    DatesPerPerson, EmptyAnswers, Finding, HourCounts, NoQuestion, Quota, RateLimiter, SubjectHash, THROTTLE_INTERVAL,
    Throttle,
};

/// State of one consumer's limits. Each part has a lock of its own, held for no more than its
/// arithmetic.
#[derive(Debug)]
pub(super) struct ConsumerLimits {
    rate: Mutex<Rate>,
    empty: Mutex<EmptyAnswers>,
    dates: Mutex<Option<DatesPerPerson>>,
    refused_dates: AtomicU64,
    /// Time of the last delayed answer.
    delayed_until: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Rate {
    limiter: RateLimiter,
    /// The quota of the last question; `None` if this process has had none yet.
    quota: Option<Quota>,
}

impl ConsumerLimits {
    pub fn new(limiter: RateLimiter, now: Duration) -> Self {
        Self {
            rate: Mutex::new(Rate { limiter, quota: None }),
            empty: Mutex::new(EmptyAnswers::new(now)),
            dates: Mutex::default(),
            refused_dates: AtomicU64::new(0),
            delayed_until: Mutex::default(),
        }
    }

    /// Takes a question. Returns it, and whether the file must be written soon.
    ///
    /// # Errors
    /// [`NoQuestion`].
    pub fn take(self: &Arc<Self>, quota: Quota, time: Duration) -> Result<(TakenQuestion, bool), NoQuestion> {
        let mut rate = self.rate.lock();
        rate.quota = Some(quota);
        rate.limiter.take(quota, time)?;
        let is_short = rate.limiter.is_short(quota);
        Ok((TakenQuestion { limits: Some(Arc::clone(self)), quota }, is_short))
    }

    /// The counts to write, with a lease if the consumer has asked since the start, and their hour.
    pub fn plan(&self, time: Duration) -> (HourCounts, u64) {
        let Rate { limiter, quota } = &mut *self.rate.lock();
        match quota {
            Some(quota) => limiter.plan(*quota, time),
            None => limiter.plan(Quota { per_day: 0, ..Quota::default() }, time),
        }
    }

    /// The counts to write at the end.
    pub fn plan_end(&self, time: Duration) -> HourCounts {
        self.rate.lock().limiter.plan_end(Quota::default(), time)
    }

    pub fn note_written(&self, counts: &HourCounts, hour: u64) {
        self.rate.lock().limiter.note_written(counts, hour);
    }

    pub fn note(&self, quota: Quota, subject: SubjectHash, finding: Finding, now: Duration) -> Throttle {
        self.empty.lock().note(quota, subject, finding, now)
    }

    pub fn is_slowed(&self, quota: Quota, now: Duration) -> bool {
        self.empty.lock().is_slowed(quota, now)
    }

    /// Time of the next delayed answer: an interval after the one before. Answers that were in
    /// progress when the delay began therefore do not leave together.
    pub fn delay_answer(&self) -> Instant {
        let mut last = self.delayed_until.lock();
        let now = Instant::now();
        let next = last.map_or(now, |last| last.max(now)) + THROTTLE_INTERVAL;
        *last = Some(next);
        next
    }

    pub fn count_dates(
        &self,
        quota: Quota,
        subject: SubjectHash,
        dates: CriteriaDates,
        today: Date,
        now: Duration,
    ) -> Result<(), WrongDates> {
        let mut counted = self.dates.lock();
        let counted = counted.get_or_insert_with(|| DatesPerPerson::new(today, now));
        counted.count(quota.dates_per_person, subject, dates, today, now).inspect_err(|_| {
            self.refused_dates.fetch_add(1, Ordering::Relaxed);
        })
    }

    pub fn refused_dates(&self) -> u64 {
        self.refused_dates.load(Ordering::Relaxed)
    }
}

/// A question that was taken from a consumer's quota. It is given back when dropped, unless it was
/// asked: what arrives as a question may be no question when it is read.
#[derive(Debug)]
pub(crate) struct TakenQuestion {
    /// `None` once it was asked.
    limits: Option<Arc<ConsumerLimits>>,
    quota: Quota,
}

impl TakenQuestion {
    /// The question is asked.
    pub fn spend(mut self) {
        self.limits = None;
    }
}

impl Drop for TakenQuestion {
    fn drop(&mut self) {
        if let Some(limits) = self.limits.take() {
            limits.rate.lock().limiter.give_back(self.quota);
        }
    }
}
