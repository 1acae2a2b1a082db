//! Limits on the questions of one consumer: quota, empty answers, days about one person.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use ehealth_core::model::{CriteriaDates, Date, WrongDates};
use ehealth_core::policy::{
    ConsumerId, DatesPerPerson, EmptyAnswers, Finding, GuardChange, HourCounts, Lease, LeaseRequest, LeaseSource,
    LeasedQuota, NoQuestion, PlannedLease, Quota, RateLimiter, SubjectHash, THROTTLE_INTERVAL, TakenLease, Throttle,
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
    limiter: Limiter,
    /// The quota of the last question; `None` if this process has had none yet.
    quota: Option<Quota>,
}

#[derive(Debug)]
enum Limiter {
    /// This node has the whole quota.
    Own(RateLimiter),
    /// All nodes of the cluster share it.
    Leased(Box<LeasedQuota>),
}

impl ConsumerLimits {
    pub fn new(limiter: RateLimiter, now: Duration) -> Self {
        Self::with(Limiter::Own(limiter), EmptyAnswers::new(now))
    }

    /// Limits of a consumer that all nodes of the cluster share.
    pub fn leased(now: Duration) -> Self {
        Self::with(Limiter::Leased(Box::new(LeasedQuota::new(now))), EmptyAnswers::shared(now))
    }

    fn with(limiter: Limiter, empty: EmptyAnswers) -> Self {
        Self {
            rate: Mutex::new(Rate { limiter, quota: None }),
            empty: Mutex::new(empty),
            dates: Mutex::default(),
            refused_dates: AtomicU64::new(0),
            delayed_until: Mutex::default(),
        }
    }

    /// Takes a question. Returns it, and whether the file must be written soon, or a lease is
    /// needed soon. `source` is that of the leases.
    ///
    /// # Errors
    /// [`NoQuestion`].
    pub fn take(
        self: &Arc<Self>,
        quota: Quota,
        source: LeaseSource,
        time: Duration,
    ) -> Result<(TakenQuestion, bool), NoQuestion> {
        let mut rate = self.rate.lock();
        rate.quota = Some(quota);
        let (lease, is_short) = match &mut rate.limiter {
            Limiter::Own(limiter) => {
                limiter.take(quota, time)?;
                (None, limiter.is_short(quota))
            }
            Limiter::Leased(leases) => (Some(leases.take(quota, source, time)?), leases.is_short()),
        };
        Ok((TakenQuestion { limits: Some(Arc::clone(self)), quota, lease }, is_short))
    }

    /// The counts to write, with a lease if the consumer has asked since the start, and their hour.
    pub fn plan(&self, time: Duration) -> (HourCounts, u64) {
        let Rate { limiter, quota } = &mut *self.rate.lock();
        match (limiter, quota) {
            (Limiter::Own(limiter), Some(quota)) => limiter.plan(*quota, time),
            (Limiter::Own(limiter), None) => limiter.plan(Quota { per_day: 0, ..Quota::default() }, time),
            // No file has it.
            (Limiter::Leased(_), _) => (HourCounts::default(), 0),
        }
    }

    /// The counts to write at the end.
    pub fn plan_end(&self, time: Duration) -> HourCounts {
        match &mut self.rate.lock().limiter {
            Limiter::Own(limiter) => limiter.plan_end(Quota::default(), time),
            Limiter::Leased(_) => HourCounts::default(),
        }
    }

    pub fn note_written(&self, counts: &HourCounts, hour: u64) {
        match &mut self.rate.lock().limiter {
            Limiter::Own(limiter) => limiter.note_written(counts, hour),
            Limiter::Leased(_) => {}
        }
    }

    /// What to ask of the other nodes, and to tell them; `None` if there is nothing.
    pub fn plan_lease(&self, consumer: ConsumerId, purpose: LeasePurpose, now: Duration) -> Option<LeaseRequest> {
        let (planned, quota) = {
            let Rate { limiter, quota } = &mut *self.rate.lock();
            let Limiter::Leased(leases) = limiter else { return None };
            let quota = (*quota)?;
            let planned = match purpose {
                LeasePurpose::NextQuestions => leases.plan(quota, now),
                LeasePurpose::End => leases.plan_end(),
            };
            (planned, quota)
        };
        let guard = self.empty.lock().plan_change();
        let is_empty = planned.is_none() && guard == GuardChange::NONE;
        let PlannedLease { wanted, returned, unleased } = planned.unwrap_or_default();
        let consumer = consumer.to_string();
        (!is_empty).then_some(LeaseRequest { consumer, quota, wanted, returned, unleased, guard, requested: now })
    }

    /// The answer to the plan.
    pub fn note_lease(&self, lease: &Lease, now: Duration) {
        if let Limiter::Leased(leases) = &mut self.rate.lock().limiter {
            leases.note_lease(lease, now);
        }
        self.empty.lock().note_totals(&lease.guard, now);
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

/// What the leases of a plan are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeasePurpose {
    NextQuestions,
    /// Nothing: the service ends, and all leases are returned.
    End,
}

/// Why no question was taken from a consumer's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The quota is spent; the time until it allows another question.
    Spent(Duration),
    /// The nodes of the cluster share the quota, and it cannot be reached.
    Unknown,
}

/// A question that was taken from a consumer's quota. It is given back when dropped, unless it was
/// asked: what arrives as a question may be no question when it is read.
#[derive(Debug)]
pub(crate) struct TakenQuestion {
    /// `None` once it was asked.
    limits: Option<Arc<ConsumerLimits>>,
    quota: Quota,
    /// `None` if the node has the whole quota.
    lease: Option<TakenLease>,
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
            match (&mut limits.rate.lock().limiter, self.lease) {
                (Limiter::Own(limiter), _) => limiter.give_back(self.quota),
                (Limiter::Leased(leases), Some(lease)) => leases.give_back(lease),
                (Limiter::Leased(_), None) => {}
            }
        }
    }
}
