//! Limits on questions, of each consumer. Kept outside the active configuration, so that a reload
//! does not reset them.
//!
//! All times are monotonic: a clock that is set changes no limit. The quota of a day survives a
//! restart ([`QuotaCounts`]): a thread of the application writes the counts, with a lease, before the
//! questions are asked.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::concurrency::{Capacity, ConcurrencyLimit, Patience, Slot};
use super::consumer_limits::{ConsumerLimits, NotTaken, TakenQuestion};
use super::holder::Holder;
use super::quota_counts::QuotaCounts;
use super::shared_leases::SharedLeases;
use crate::peer_event;
use crate::peer_log::PeerLog;
use ehealth_core::lookup::{Permitted, Resolved};
use ehealth_core::model::{Clock, Ssin, WrongDates};
use ehealth_core::policy::{
    Consumer, ConsumerId, HourCounts, LeaseSource, NoQuestion, RateLimiter, Register, SubjectHash, Throttle,
};

/// Time for which a question waits for the file of the counts. It is written ahead, so that only
/// the first question of an hour waits, and those of a sudden burst. In a cluster: for the next
/// exchange of leases.
const LEASE_WAIT: Duration = Duration::from_secs(1);

/// Limits of the consumers that have sent a question. Only registered consumers get one.
pub(crate) struct RateLimits {
    pub(super) clock: Arc<dyn Clock>,
    /// Its random key makes the hashes of persons.
    hasher: RandomState,
    pub(super) consumers: Mutex<HashMap<ConsumerId, Arc<ConsumerLimits>>>,
    /// One question at a time of each slowed consumer.
    turns: Arc<ConcurrencyLimit>,
    /// Empty if the counts are in memory only, or shared.
    file: OnceLock<CountsFile>,
    /// Empty if no other node has a part of the quotas.
    pub(super) shared: OnceLock<SharedLeases>,
}

/// Times of the counts that were restored, and the exchange with the thread that writes them.
#[derive(Default)]
struct CountsFile {
    /// The counts' own time at the start, and the machine's.
    time: Duration,
    uptime: Duration,
    /// Whether the thread shall write, or end.
    request: Mutex<Request>,
    requested: Condvar,
    written: Notify,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Request {
    #[default]
    None,
    Write,
    End,
}

/// Counts to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedCounts {
    pub counts: QuotaCounts,
    hour: u64,
}

impl PlannedCounts {
    /// Whether the file would say the same, except for the time.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.hour, &self.counts.consumers) == (other.hour, &other.counts.consumers)
    }
}

/// What operators see of one consumer's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitState {
    /// Whether its answers are delayed, because too many are empty.
    pub is_slowed: bool,
    /// Questions that were refused for too many days about one person.
    pub refused_dates: u64,
}

impl RateLimits {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            hasher: RandomState::new(),
            consumers: Mutex::default(),
            turns: ConcurrencyLimit::new(Capacity { total: usize::MAX, each: 1 }),
            file: OnceLock::new(),
            shared: OnceLock::new(),
        }
    }

    /// Waits until this consumer may have a question in progress: at once, or, while it is slowed,
    /// when it has no other.
    ///
    /// # Errors
    /// None of them ended in time.
    pub async fn await_turn(&self, consumer: &Consumer, patience: Patience) -> Result<Option<Slot>, ()> {
        if !self.of(consumer).is_slowed(consumer.quota, self.clock.uptime()) {
            return Ok(None);
        }
        self.turns.acquire(Holder::Registered(consumer.id()), patience).await.map(Some).ok_or(())
    }

    /// Takes one question from the consumer's quota.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn take(&self, consumer: &Consumer) -> Result<TakenQuestion, NotTaken> {
        let limits = self.of(consumer);
        match self.try_take(&limits, consumer) {
            Ok(question) => Ok(question),
            Err(NoQuestion::Spent(wait)) => Err(NotTaken::Spent(wait)),
            Err(NoQuestion::Unknown) => Err(NotTaken::Unknown),
            Err(NoQuestion::NoLease) => self.take_after_write(&limits, consumer).await,
        }
    }

    /// Takes a question as soon as the file has the consumer's next lease, or an exchange brought
    /// one.
    async fn take_after_write(
        &self,
        limits: &Arc<ConsumerLimits>,
        consumer: &Consumer,
    ) -> Result<TakenQuestion, NotTaken> {
        let late = if self.shared.get().is_some() { NotTaken::Unknown } else { NotTaken::Spent(LEASE_WAIT) };
        let file = self.file.get().map(|file| &file.written);
        let renewed = file.or_else(|| self.shared.get().map(SharedLeases::noted)).ok_or(late)?;
        let deadline = Instant::now() + LEASE_WAIT;
        loop {
            let mut written = pin!(renewed.notified());
            // From here on, a write or an exchange that ends is not missed.
            written.as_mut().enable();
            match self.try_take(limits, consumer) {
                Ok(question) => return Ok(question),
                Err(NoQuestion::Spent(wait)) => return Err(NotTaken::Spent(wait)),
                Err(NoQuestion::Unknown) => return Err(NotTaken::Unknown),
                Err(NoQuestion::NoLease) => self.request(Request::Write),
            }
            timeout_at(deadline, written).await.map_err(|_| late)?;
        }
    }

    fn try_take(&self, limits: &Arc<ConsumerLimits>, consumer: &Consumer) -> Result<TakenQuestion, NoQuestion> {
        let (question, is_short) = limits.take(consumer.quota, self.lease_source(), self.time())?;
        if is_short {
            self.request(Request::Write);
        }
        Ok(question)
    }

    /// Counts an outcome. Returns the time of its answer if the consumer is slowed. Logs the moment
    /// when that begins.
    pub fn note(&self, resolved: &Resolved, log: &PeerLog) -> Option<Instant> {
        let consumer = resolved.consumer();
        let limits = self.of(consumer);
        let now = self.clock.uptime();
        let throttle = match resolved.subject() {
            Some(ssin) => limits.note(consumer.quota, self.hash(ssin), resolved.finding(), now),
            None if limits.is_slowed(consumer.quota, now) => Throttle::Slowed,
            None => Throttle::AtOnce,
        };
        match throttle {
            Throttle::AtOnce => return None,
            Throttle::Slowed => {}
            Throttle::SlowedFromNow => {
                let (consumer, name) = (consumer.id(), consumer.name.as_str());
                peer_event!(log, WARN, "consumer slowed: it asks about too many people of whom it gets nothing",
                    "throttled", consumer; %consumer, name);
            }
        }
        Some(limits.delay_answer())
    }

    /// Counts the days of a question. Logs the refusal of a consumer.
    ///
    /// # Errors
    /// The days over the consumer's limit.
    pub fn count_dates(&self, permitted: &Permitted, log: &PeerLog) -> Result<(), WrongDates> {
        let consumer = permitted.consumer();
        let (subject, today) = (self.hash(permitted.subject()), permitted.today());
        let limits = self.of(consumer);
        let counted = limits.count_dates(consumer.quota, subject, permitted.dates(), today, self.clock.uptime());
        counted.inspect_err(|_| {
            let (consumer, name) = (consumer.id(), consumer.name.as_str());
            peer_event!(log, WARN, "question refused: the consumer asked about too many days of one person this month",
                "dates", consumer; %consumer, name);
        })
    }

    /// State of each consumer of the policy that has sent a question, in the order of their numbers.
    pub fn read(&self, register: &Register) -> Vec<(ConsumerId, LimitState)> {
        let now = self.clock.uptime();
        let known = self.consumers.lock().clone();
        let state = |consumer: &Arc<Consumer>| {
            let limits = known.get(&consumer.id())?;
            let is_slowed = limits.is_slowed(consumer.quota, now);
            Some((consumer.id(), LimitState { is_slowed, refused_dates: limits.refused_dates() }))
        };
        let mut states: Vec<_> = register.consumers().filter_map(state).collect();
        states.sort_unstable_by_key(|(consumer, _)| *consumer);
        states
    }

    fn of(&self, consumer: &Consumer) -> Arc<ConsumerLimits> {
        let mut consumers = self.consumers.lock();
        let new = || {
            let time = self.time();
            let limiter = match (self.file.get(), self.shared.get()) {
                (Some(_), _) => RateLimiter::with_file(consumer.quota, HourCounts::default(), time),
                (None, Some(_)) => return Arc::new(ConsumerLimits::leased(time)),
                (None, None) => RateLimiter::new(consumer.quota, time),
            };
            Arc::new(ConsumerLimits::new(limiter, self.clock.uptime()))
        };
        Arc::clone(consumers.entry(consumer.id()).or_insert_with(new))
    }

    fn lease_source(&self) -> LeaseSource {
        self.shared.get().map(SharedLeases::source).unwrap_or_default()
    }

    fn hash(&self, ssin: Ssin) -> SubjectHash {
        SubjectHash::new(self.hasher.hash_one(ssin))
    }

    /// The counts' own time.
    fn time(&self) -> Duration {
        let uptime = self.clock.uptime();
        self.file.get().map_or(uptime, |file| file.time.saturating_add(uptime.saturating_sub(file.uptime)))
    }
}

/// The file of the counts. Its thread calls these.
impl RateLimits {
    /// Continues the counts of the file, and has them written from now on. Call it before the first
    /// question.
    pub fn keep_counts(&self, register: &Register, restored: Option<QuotaCounts>) {
        let (uptime, clock) = (self.clock.uptime(), self.clock.now());
        let time = restored.as_ref().map_or(uptime, |counts| counts.time_at(uptime, clock));
        let saved = restored.as_ref().map_or(time, |counts| counts.time);
        let mut consumers = self.consumers.lock();
        for (text, counts) in restored.into_iter().flat_map(|counts| counts.consumers) {
            let known = register.consumers().find(|consumer| consumer.id().to_string() == text);
            if let Some(consumer) = known {
                let limiter = RateLimiter::with_file(consumer.quota, counts, saved);
                consumers.insert(consumer.id(), Arc::new(ConsumerLimits::new(limiter, uptime)));
            }
        }
        // Fails only if this is called twice: then the first file stays.
        let _ = self.file.set(CountsFile { time, uptime, ..CountsFile::default() });
    }

    /// Waits until the counts shall be written: when a question needs it, and at this interval.
    /// `false`: the service has ended.
    pub fn await_request(&self, interval: Duration) -> bool {
        let Some(file) = self.file.get() else { return false };
        let mut request = file.request.lock();
        if *request == Request::None {
            file.requested.wait_for(&mut request, interval);
        }
        let is_to_go_on = *request != Request::End;
        if is_to_go_on {
            *request = Request::None;
        }
        is_to_go_on
    }

    /// Ends [`RateLimits::await_request`].
    pub fn end_requests(&self) {
        self.request(Request::End);
    }

    fn request(&self, wanted: Request) {
        if let Some(shared) = self.shared.get() {
            shared.request();
        }
        let Some(file) = self.file.get() else { return };
        let mut request = file.request.lock();
        if *request != Request::End && *request != wanted {
            *request = wanted;
            file.requested.notify_one();
        }
    }

    /// The counts to write, with the leases of the next questions.
    pub fn plan_counts(&self) -> PlannedCounts {
        let mut hour = 0;
        let counts = self.collect(|limits, time| {
            let (counts, of) = limits.plan(time);
            hour = of;
            counts
        });
        PlannedCounts { counts, hour }
    }

    /// The counts to write at the end, without leases.
    pub fn plan_end(&self) -> QuotaCounts {
        self.collect(ConsumerLimits::plan_end)
    }

    /// These counts are in the file: the questions that wait for it go on.
    pub fn note_written(&self, planned: &PlannedCounts) {
        let by_text =
            |(consumer, limits): (&ConsumerId, &Arc<ConsumerLimits>)| (consumer.to_string(), Arc::clone(limits));
        let known: HashMap<_, _> = self.consumers.lock().iter().map(by_text).collect();
        for (consumer, counts) in &planned.counts.consumers {
            if let Some(limits) = known.get(consumer) {
                limits.note_written(counts, planned.hour);
            }
        }
        if let Some(file) = self.file.get() {
            file.written.notify_waiters();
        }
    }

    fn collect(&self, mut plan: impl FnMut(&ConsumerLimits, Duration) -> HourCounts) -> QuotaCounts {
        let mut known: Vec<_> =
            self.consumers.lock().iter().map(|(consumer, limits)| (*consumer, Arc::clone(limits))).collect();
        known.sort_unstable_by_key(|(consumer, _)| *consumer);
        loop {
            let (time, uptime, clock) = (self.time(), self.clock.uptime(), self.clock.now());
            let planned = known.iter().map(|(consumer, limits)| (consumer.to_string(), plan(limits, time)));
            let consumers = planned.filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect();
            // A question that came in the next hour would have moved the counts of its consumer.
            if self.time().as_secs() / 3_600 == time.as_secs() / 3_600 {
                return QuotaCounts { time, uptime, clock, consumers };
            }
        }
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}
