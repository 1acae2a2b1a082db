//! What the server counts: atomics behind closed lists, so that no label can be made by who sends.
//!
//! An exchange costs a dozen atomic additions and takes no lock but the shared side of one that is written when a
//! registered consumer asks for the first time. Nothing here decides anything, and nothing of a person comes in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::door::HttpRefusal;
use ehealth_core::lookup::Operation;
use ehealth_core::model::{EnterpriseNumber, OutcomeCode, StatusCode, Timestamp};

/// Minutes that are remembered of each consumer.
pub const MINUTES: usize = 60;

const MILLIS_A_MINUTE: i64 = 60_000;

/// A part of the way from a connection to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The TLS handshake, refused ones included.
    Handshake,
    /// The body from the wire, and the question out of it.
    Read,
    /// Who asks, and whether it may.
    Decide,
    /// The data, and the rules applied to them.
    Resolve,
    /// The evidence, until it is durable.
    Record,
    /// The envelope that goes out.
    Write,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [Self::Handshake, Self::Read, Self::Decide, Self::Resolve, Self::Record, Self::Write];

    /// The word for metrics and the log.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Resolve => "resolve",
            Self::Record => "record",
            Self::Write => "write",
        }
    }
}

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// A caller was let in.
    Accepted,
    /// It broke off, or a certificate was refused.
    Refused,
    /// It was not finished in time.
    Late,
    /// It gave way to a newer one, because more were in progress than there may be.
    Crowded,
}

impl Handshake {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Refused, Self::Late, Self::Crowded];

    /// The word for metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Late => "late",
            Self::Crowded => "crowded",
        }
    }
}

/// What an exchange was to the consumer, in four words: what a chart can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `DATA_FOUND` or `NO_DATA_FOUND`.
    Answered,
    /// `INCOMPLETE_DATA`.
    Incomplete,
    /// `NO_RESULT`.
    NoResult,
    /// A fault.
    Fault,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Incomplete, Self::NoResult, Self::Fault];

    /// The word for metrics and the page.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Incomplete => "incomplete",
            Self::NoResult => "no-result",
            Self::Fault => "fault",
        }
    }

    fn of(outcome: OutcomeCode) -> Self {
        match outcome.status() {
            Some(StatusCode::DataFound | StatusCode::NoDataFound) => Self::Answered,
            Some(StatusCode::Incomplete) => Self::Incomplete,
            Some(
                StatusCode::NoGrant
                | StatusCode::NotAnSsin
                | StatusCode::WrongDates
                | StatusCode::NoRelation
                | StatusCode::Replaced,
            ) => Self::NoResult,
            None => Self::Fault,
        }
    }
}

/// Upper ends of the histograms' buckets, in microseconds; the last bucket has none.
pub const BUCKETS_MICROS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// How long something took, counted in buckets.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS_MICROS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    fn observe(&self, took: Duration) {
        let place = BUCKETS_MICROS.partition_point(|end| Duration::from_micros(*end) < took);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(nanos(took), Ordering::Relaxed);
    }

    fn read(&self) -> Spread {
        Spread { buckets: self.buckets.each_ref().map(read), total: Duration::from_nanos(read(&self.nanos)) }
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A count that knows the minute it is of: the minute since 1970 in the upper half, the count in the lower.
#[derive(Debug, Default)]
struct MinuteCell(AtomicU64);

impl MinuteCell {
    fn add(&self, minute: u32) {
        let counted = |cell: u64| {
            let is_of_minute = cell >> 32 == u64::from(minute);
            Some(if is_of_minute { cell.saturating_add(1) } else { u64::from(minute) << 32 | 1 })
        };
        // Always stores, so it cannot fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    }

    fn read(&self, minute: u32) -> u64 {
        let cell = read(&self.0);
        if cell >> 32 == u64::from(minute) { cell & u64::from(u32::MAX) } else { 0 }
    }
}

fn minute_of(now: Timestamp) -> u32 {
    u32::try_from(now.as_millis().div_euclid(MILLIS_A_MINUTE)).unwrap_or(0)
}

/// What one consumer asked for.
#[derive(Debug)]
struct OfConsumer {
    kinds: [AtomicU64; 4],
    minutes: [[MinuteCell; 4]; MINUTES],
}

impl OfConsumer {
    fn new() -> Self {
        Self { kinds: Default::default(), minutes: std::array::from_fn(|_| Default::default()) }
    }

    fn count(&self, kind: Kind, minute: u32) {
        let cells = self.minutes.get(minute as usize % MINUTES);
        if let (Some(total), Some(cell)) =
            (self.kinds.get(kind as usize), cells.and_then(|cells| cells.get(kind as usize)))
        {
            total.fetch_add(1, Ordering::Relaxed);
            cell.add(minute);
        }
    }

    fn read(&self, minute: u32) -> ConsumerCount {
        let hour = std::array::from_fn(|place| {
            // Oldest first; the last one is the minute that has begun.
            let minute = minute.saturating_sub(u32::try_from(MINUTES - 1 - place).unwrap_or(0));
            let cells = self.minutes.get(minute as usize % MINUTES);
            cells.map_or([0; 4], |cells| cells.each_ref().map(|cell| cell.read(minute)))
        });
        ConsumerCount { kinds: self.kinds.each_ref().map(read), hour }
    }
}

/// Everything that the server counts.
#[derive(Debug)]
pub struct Counters {
    /// By operation and outcome, in the order of their lists.
    outcomes: [[AtomicU64; OutcomeCode::ALL.len()]; Operation::ALL.len()],
    refusals: [AtomicU64; HttpRefusal::ALL.len()],
    handshakes: [AtomicU64; Handshake::ALL.len()],
    stages: [Histogram; 6],
    /// Callers that are registered; `None`: all others together.
    consumers: RwLock<BTreeMap<Option<EnterpriseNumber>, Arc<OfConsumer>>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            outcomes: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            refusals: Default::default(),
            handshakes: Default::default(),
            stages: Default::default(),
            consumers: RwLock::default(),
        }
    }
}

impl Counters {
    /// Counts an exchange that was answered. `caller` is the organisation of the certificate if it is registered: an
    /// organisation that nobody registered must not make a label.
    pub(super) fn count_exchange(&self, counted: Exchange<'_>) {
        let cells = self.outcomes.get(counted.operation as usize);
        if let Some(cell) = cells.and_then(|cells| cells.get(counted.outcome as usize)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        for (stage, took) in counted.stopwatch.laps() {
            self.observe(stage, took);
        }
        self.consumer(counted.caller).count(Kind::of(counted.outcome), minute_of(counted.now));
    }

    /// Counts a request that was refused below SOAP.
    pub(super) fn count_refusal(&self, refusal: HttpRefusal) {
        let place = HttpRefusal::ALL.iter().position(|known| *known == refusal);
        if let Some(cell) = place.and_then(|place| self.refusals.get(place)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a handshake.
    pub(super) fn count_handshake(&self, handshake: Handshake, took: Duration) {
        if let Some(cell) = self.handshakes.get(handshake as usize) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        self.observe(Stage::Handshake, took);
    }

    fn observe(&self, stage: Stage, took: Duration) {
        if let Some(histogram) = self.stages.get(stage as usize) {
            histogram.observe(took);
        }
    }

    fn consumer(&self, caller: Option<EnterpriseNumber>) -> Arc<OfConsumer> {
        // Nobody can panic while holding the lock: a consumer is looked up or added.
        let known = self.consumers.read().unwrap_or_else(PoisonError::into_inner).get(&caller).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut consumers = self.consumers.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(consumers.entry(caller).or_insert_with(|| Arc::new(OfConsumer::new())))
        })
    }

    /// What was counted up to the moment `now`.
    #[must_use]
    pub fn read(&self, now: Timestamp) -> Counted {
        let outcomes = Operation::ALL.into_iter().zip(&self.outcomes).flat_map(|(operation, cells)| {
            OutcomeCode::ALL.into_iter().zip(cells).map(move |(outcome, cell)| (operation, outcome, read(cell)))
        });
        let consumers = self.consumers.read().unwrap_or_else(PoisonError::into_inner);
        let minute = minute_of(now);
        Counted {
            outcomes: outcomes.collect(),
            refusals: HttpRefusal::ALL.into_iter().zip(self.refusals.iter().map(read)).collect(),
            handshakes: Handshake::ALL.into_iter().zip(self.handshakes.iter().map(read)).collect(),
            stages: Stage::ALL.into_iter().zip(self.stages.iter().map(Histogram::read)).collect(),
            consumers: consumers.iter().map(|(caller, counted)| (*caller, counted.read(minute))).collect(),
        }
    }
}

/// An exchange, as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub operation: Operation,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
    /// The organisation of the certificate, if it is registered.
    pub caller: Option<EnterpriseNumber>,
    pub now: Timestamp,
    pub stopwatch: &'a Stopwatch,
}

/// What was counted, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Exchanges, by operation and code; every code there is, zeros included.
    pub outcomes: Vec<(Operation, OutcomeCode, u64)>,
    /// Requests that were refused below SOAP.
    pub refusals: Vec<(HttpRefusal, u64)>,
    /// Handshakes.
    pub handshakes: Vec<(Handshake, u64)>,
    /// How long each stage took.
    pub stages: Vec<(Stage, Spread)>,
    /// By consumer, in the order of their numbers; `None`: callers that are not registered.
    pub consumers: Vec<(Option<EnterpriseNumber>, ConsumerCount)>,
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// How many fell into each bucket of [`BUCKETS_MICROS`], and beyond the last.
    pub buckets: [u64; BUCKETS_MICROS.len() + 1],
    /// All times together.
    pub total: Duration,
}

/// What one consumer asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerCount {
    /// Since the start, in the order of [`Kind::ALL`].
    pub kinds: [u64; 4],
    /// Each of the last sixty minutes, oldest first, each in the order of [`Kind::ALL`].
    pub hour: [[u64; 4]; MINUTES],
}

/// Times the stages of one exchange: what has passed since the last lap belongs to the stage that is named.
#[derive(Debug)]
pub(super) struct Stopwatch {
    began: Instant,
    last: AtomicU64,
    /// Nanoseconds and one, of each stage; 0 where it was not reached.
    laps: [AtomicU64; 6],
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0), laps: Default::default() }
    }

    /// Ends a stage.
    pub fn lap(&self, stage: Stage) {
        let took = self.pass();
        if let Some(lap) = self.laps.get(stage as usize) {
            lap.fetch_add(took.saturating_add(u64::from(read(lap) == 0)), Ordering::Relaxed);
        }
    }

    /// What has passed since the last lap belongs to no stage: a consumer was slowed.
    pub fn skip(&self) {
        self.pass();
    }

    fn pass(&self) -> u64 {
        let now = nanos(self.began.elapsed());
        now.saturating_sub(self.last.swap(now, Ordering::Relaxed))
    }

    /// Microseconds from the start to the end of the last stage.
    pub fn total_micros(&self) -> u64 {
        read(&self.last) / 1_000
    }

    /// The stages that were reached, and how long each took.
    pub fn laps(&self) -> impl Iterator<Item = (Stage, Duration)> {
        let taken = |(stage, lap): (Stage, &AtomicU64)| {
            read(lap).checked_sub(1).map(|nanos| (stage, Duration::from_nanos(nanos)))
        };
        Stage::ALL.into_iter().zip(&self.laps).filter_map(taken)
    }

    /// How many microseconds a stage took, if it was reached.
    pub fn micros(&self, stage: Stage) -> Option<u64> {
        let taken = self.laps().find(|(reached, _)| *reached == stage);
        taken.map(|(_, took)| u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at_minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * MILLIS_A_MINUTE + 1)
    }

    fn count(counters: &Counters, outcome: OutcomeCode, caller: Option<EnterpriseNumber>, now: Timestamp) {
        let stopwatch = Stopwatch::start();
        stopwatch.lap(Stage::Read);
        let operation = Operation::ConsultAttributes;
        counters.count_exchange(Exchange { operation, outcome, caller, now, stopwatch: &stopwatch });
    }

    #[test]
    fn every_outcome_has_a_counter_of_its_own() {
        let counters = Counters::default();
        let codes = OutcomeCode::ALL;
        for code in codes {
            count(&counters, code, None, at_minute(0));
        }
        let counted = counters.read(at_minute(0));
        let reached: Vec<_> = counted.outcomes.iter().filter(|(.., times)| *times == 1).collect();
        assert_eq!(reached.len(), codes.len());
        assert!(reached.iter().all(|(operation, ..)| *operation == Operation::ConsultAttributes));
        assert_eq!(counted.outcomes.len(), 2 * codes.len());
    }

    #[test]
    fn an_hour_forgets_what_is_older_than_sixty_minutes() {
        let counters = Counters::default();
        for minute in [1_000, 1_000, 1_030, 1_059] {
            count(&counters, OutcomeCode::DataFound, None, at_minute(minute));
        }
        let hour_at = |minute| {
            let counted = counters.read(at_minute(minute));
            let [(None, of_all)] = counted.consumers.as_slice() else { panic!("{counted:?}") };
            assert_eq!(of_all.kinds, [4, 0, 0, 0]);
            of_all.hour.map(|kinds| kinds[Kind::Answered as usize])
        };
        let hour = hour_at(1_059);
        assert_eq!((hour[0], hour[30], hour[59], hour.iter().sum()), (2, 1, 1, 4_u64));
        assert_eq!(hour_at(1_060).iter().sum::<u64>(), 2);
        assert_eq!(hour_at(1_118)[0], 1);
        assert_eq!(hour_at(1_119).iter().sum::<u64>(), 0);
        assert_eq!(hour_at(5_000).iter().sum::<u64>(), 0);
    }

    #[test]
    fn a_time_falls_into_the_first_bucket_that_ends_at_or_after_it() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let spread = histogram.read();
        assert_eq!((spread.buckets[0], spread.buckets[1], spread.buckets[15], spread.buckets[16]), (2, 1, 1, 1));
        assert_eq!(spread.total, Duration::from_micros(20_000_102));
    }

    #[test]
    fn a_stage_that_was_not_reached_has_no_time() {
        let stopwatch = Stopwatch::start();
        stopwatch.lap(Stage::Read);
        stopwatch.skip();
        stopwatch.lap(Stage::Write);
        let reached: Vec<_> = stopwatch.laps().map(|(stage, _)| stage).collect();
        assert_eq!(reached, [Stage::Read, Stage::Write]);
        assert!(stopwatch.micros(Stage::Decide).is_none());
    }

    #[test]
    fn refusals_have_a_status_each_so_that_the_status_can_be_their_label() {
        let statuses: HashSet<_> = HttpRefusal::ALL.iter().map(|refusal| refusal.status()).collect();
        assert_eq!(statuses.len(), HttpRefusal::ALL.len());
        let words: HashSet<_> = Stage::ALL.map(Stage::code).into_iter().collect();
        assert_eq!(words.len(), Stage::ALL.len());
    }
}
