//! Rate limits on recorded requests, checked before a body is read.
//!
//! Every message is recorded, also a refused one, so that every message takes space on the audit
//! log's disk. A registered consumer has a limit of its own; all other callers share one. What a
//! limit refuses is not recorded one by one: it is counted for each caller, and the counts are
//! recorded once a minute.
//!
//! Requests that are no messages are not recorded, and never refused: beyond a rate of their own, the
//! caller's connections are not read for a while.
//!
//! Time is monotonic: a clock that is set does not refill a bucket.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::holder::Holder;
use super::settings::Limits;
use ehealth_core::lookup::{Caller, SuppressedRequests};
use ehealth_core::model::{EnterpriseNumber, Timestamp};
use ehealth_core::policy::{Consumer, ConsumerId, NotIdentified, Register};

const MINUTE: Duration = Duration::from_mins(1);

/// Maximum callers, other than registered consumers, that are counted one by one in a minute. The
/// others are counted together: their number must not decide how much is recorded.
const MOST_STRANGERS: usize = 16;

/// Documents, and answers to requests that ask for nothing that there is. More than any tool reads of
/// the contract at once, and than load balancers check in a second.
const DOCUMENTS: Rate = Rate { per_minute: 3_000, burst: 100 };

/// Longest pause before the next request of a connection is read. Bounds what the requests of one caller
/// on all its connections make another connection of it wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Requests per minute, and how many of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    per_minute: u32,
    burst: u32,
}

/// A token bucket as one number (GCRA): the time, in nanoseconds after the start, at which it is
/// full again.
#[derive(Debug, Default)]
struct Bucket(AtomicU64);

impl Bucket {
    /// Takes a token at `now`.
    ///
    /// # Errors
    /// The time until the next token.
    fn take(&self, now: Duration, rate: Rate) -> Result<(), Duration> {
        let Some(token) = Token::new(now, rate) else { return Err(MINUTE) };
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
            Some(token.full_after(full)).filter(|full| *full <= token.latest)
        });
        taken.map(drop).map_err(|full| token.wait(full))
    }

    /// Takes a token at `now`, in advance if none is left. Returns the time until it is there, at most
    /// [`LONGEST_PAUSE`].
    fn take_in_advance(&self, now: Duration, rate: Rate) -> Duration {
        let Some(token) = Token::new(now, rate) else { return LONGEST_PAUSE };
        let most = token.latest.saturating_add(nanos(LONGEST_PAUSE));
        let (Ok(full) | Err(full)) =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| Some(token.full_after(full).min(most)));
        token.wait(full).min(LONGEST_PAUSE)
    }
}

/// One token that is taken from a bucket. All in nanoseconds, as in the bucket.
struct Token {
    now: u64,
    /// Time between two tokens.
    interval: u64,
    /// Latest time at which a bucket may be full again that has a token now.
    latest: u64,
}

impl Token {
    /// `None` if the rate allows no request.
    fn new(now: Duration, rate: Rate) -> Option<Self> {
        let (now, interval) = (nanos(now), nanos(MINUTE.checked_div(rate.per_minute)?));
        Some(Self { now, interval, latest: now.saturating_add(interval.saturating_mul(u64::from(rate.burst))) })
    }

    /// When the bucket is full again, once the token is taken.
    fn full_after(&self, full: u64) -> u64 {
        full.max(self.now).saturating_add(self.interval)
    }

    /// Time until the bucket has the token.
    fn wait(&self, full: u64) -> Duration {
        Duration::from_nanos(self.full_after(full).saturating_sub(self.latest))
    }
}

/// What a caller has taken.
#[derive(Debug, Default)]
struct Buckets {
    messages: Bucket,
    documents: Bucket,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A caller as the limits see it: for whom they count, and its rate limit.
#[derive(Debug, Clone)]
pub(crate) struct Taker {
    pub holder: Holder,
    /// The consumer, if it is a registered one.
    pub consumer: Option<Arc<Consumer>>,
    buckets: Arc<Buckets>,
    rate: Rate,
}

/// Key of a caller whose requests are counted: whether it is registered, and the organisation that
/// its certificate names.
type CountedCaller = (bool, Option<EnterpriseNumber>);

/// Whether a caller is registered, and how many of its requests were refused.
pub(crate) type CountedRequests = (bool, SuppressedRequests);

/// The rate limits, and the counts of what they refused since the last summary.
#[derive(Debug)]
pub(crate) struct RequestRates {
    started: Instant,
    /// Limit that all callers share that are not registered.
    unregistered: (Arc<Buckets>, Rate),
    /// Only registered consumers get buckets of their own. They survive a reload.
    registered: Mutex<HashMap<ConsumerId, Arc<Buckets>>>,
    suppressed: Mutex<HashMap<CountedCaller, SuppressedRequests>>,
}

impl RequestRates {
    pub fn new(limits: &Limits) -> Self {
        let rate = Rate { per_minute: limits.unregistered_per_minute, burst: limits.unregistered_burst };
        Self {
            started: Instant::now(),
            unregistered: (Arc::default(), rate),
            registered: Mutex::default(),
            suppressed: Mutex::default(),
        }
    }

    /// The limits of a caller under this register: its own if it is a registered consumer with a
    /// certificate that its pins accept.
    pub fn taker(&self, caller: &Caller, register: &Register) -> Taker {
        match register.recognise(caller.certified) {
            Ok(consumer) => {
                let per_minute = consumer.quota.requests_per_minute;
                let buckets = Arc::clone(self.registered.lock().entry(consumer.id()).or_default());
                let holder = Holder::Registered(consumer.id());
                let consumer = Some(Arc::clone(consumer));
                Taker { holder, consumer, buckets, rate: Rate { per_minute, burst: per_minute } }
            }
            Err(NotIdentified::UnknownCaller | NotIdentified::OtherApplication) => {
                self.stranger(caller.organisation().map_or(Holder::Unknown, Holder::Unregistered))
            }
            Err(
                NotIdentified::NoOrganisation
                | NotIdentified::OtherEnvironment
                | NotIdentified::NoEnvironment
                | NotIdentified::TwoEnvironments
                | NotIdentified::MalformedEnvironment
                | NotIdentified::NotPinned
                | NotIdentified::ForeignCustomer,
            ) => self.stranger(Holder::Unknown),
        }
    }

    /// The limits of a caller that is no longer admitted: nothing of its organisation's.
    pub fn not_admitted(&self) -> Taker {
        self.stranger(Holder::Unknown)
    }

    fn stranger(&self, holder: Holder) -> Taker {
        let (buckets, rate) = &self.unregistered;
        Taker { holder, consumer: None, buckets: Arc::clone(buckets), rate: *rate }
    }

    /// Takes one request from the caller's rate limit.
    ///
    /// # Errors
    /// The time until the limit allows another request.
    pub fn take(&self, taker: &Taker) -> Result<(), Duration> {
        taker.buckets.messages.take(self.started.elapsed(), taker.rate)
    }

    /// Takes one request that is no message. Returns for how long no other may be read from its
    /// connection.
    pub fn take_document(&self, taker: &Taker) -> Duration {
        taker.buckets.documents.take_in_advance(self.started.elapsed(), DOCUMENTS)
    }

    /// Counts a request that was refused before it was read.
    pub fn count_suppressed(&self, holder: Holder, caller: &Caller, now: Timestamp) {
        let organisation = caller.organisation();
        let (fingerprint, since, until) = (caller.fingerprint, now, now);
        let one = SuppressedRequests { caller: organisation, fingerprint, since, until, count: 1 };
        self.add((holder.is_registered(), organisation), one);
    }

    /// Adds to the counts what could not be recorded.
    pub fn put_back(&self, counted: CountedRequests) {
        let (is_registered, requests) = counted;
        self.add((is_registered, requests.caller), requests);
    }

    fn add(&self, caller: CountedCaller, more: SuppressedRequests) {
        let mut suppressed = self.suppressed.lock();
        let is_full = || suppressed.keys().filter(|(is_registered, _)| !is_registered).count() >= MOST_STRANGERS;
        let (is_registered, _) = caller;
        let caller =
            if is_registered || suppressed.contains_key(&caller) || !is_full() { caller } else { (false, None) };
        let counted = suppressed.entry(caller).or_insert_with(|| SuppressedRequests {
            caller: caller.1,
            count: 0,
            ..more.clone()
        });
        counted.count = counted.count.saturating_add(more.count);
        counted.since = counted.since.min(more.since);
        if more.until >= counted.until {
            (counted.until, counted.fingerprint) = (more.until, more.fingerprint);
        }
    }

    /// Takes the counts since the last call: for each caller, whether it is registered, and what
    /// was refused.
    pub fn take_suppressed(&self) -> Vec<CountedRequests> {
        let suppressed = std::mem::take(&mut *self.suppressed.lock());
        suppressed.into_iter().map(|((is_registered, _), requests)| (is_registered, requests)).collect()
    }
}

#[cfg(test)]
mod tests {
    use ehealth_core::model::{Application, Digest};
    use ehealth_core::policy::{Certified, Contexts, Pins, Quota};

    use super::*;

    fn number(text: &str) -> EnterpriseNumber {
        EnterpriseNumber::parse(text).expect("a number")
    }

    fn caller(organisation: Option<&str>, key: u8) -> Caller {
        let [key, issuer] = [[key; 32], [7; 32]].map(Digest::new);
        let certified = organisation.map(|text| Certified::new(number(text), key, issuer));
        Caller { certified, fingerprint: key }
    }

    fn register(pins: Pins) -> Register {
        Register::new(Contexts::built_in(), vec![consumer(pins, &[])]).expect("valid")
    }

    fn consumer(pins: Pins, applications: &[&str]) -> Consumer {
        let quota = Quota { requests_per_minute: 60, ..Quota::default() };
        let applications = applications.iter().map(|text| Application::parse(text).expect("a name")).collect();
        Consumer { applications, quota, pins, ..Consumer::new(number("0999010126"), "Fund") }
    }

    fn rates() -> RequestRates {
        RequestRates::new(&Limits { unregistered_per_minute: 60, unregistered_burst: 3, ..Limits::default() })
    }

    fn count(rates: &RequestRates, taker: &Taker) -> usize {
        (0..1_000).take_while(|_| rates.take(taker).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_consumer_has_its_own_limit_and_strangers_share_one() {
        let (rates, register) = (rates(), register(Pins::default()));
        let fund = rates.taker(&caller(Some("0999010126"), 1), &register);
        let strangers =
            [Some("0999090102"), Some("0202239951"), None].map(|text| rates.taker(&caller(text, 1), &register));
        let taken: usize = strangers.iter().map(|taker| count(&rates, taker)).sum();
        assert_eq!(taken, 3, "together");
        assert_eq!(count(&rates, &fund), 60);
        assert_eq!(rates.take(&fund), Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(count(&rates, &fund), 2);
        assert_eq!(count(&rates, &strangers[2]), 2);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((count(&rates, &fund), count(&rates, &strangers[0])), (60, 3), "a bucket is never more than full");
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_a_pin_refuses_takes_nothing() {
        let register = register(Pins { keys: vec![Digest::new([1; 32])], issuers: vec![] });
        let rates = rates();
        let forged = rates.taker(&caller(Some("0999010126"), 2), &register);
        assert_eq!(forged.holder, Holder::Unknown);
        assert_eq!(count(&rates, &forged), 3);
        let right = rates.taker(&caller(Some("0999010126"), 1), &register);
        assert_eq!((right.holder, count(&rates, &right)), (Holder::registered("0999010126", &[]), 60));
    }

    #[tokio::test(start_paused = true)]
    async fn consumers_of_one_organisation_have_limits_of_their_own() {
        let sections = [&["MED", "MED 2"][..], &["MARKETING"], &[]].map(|names| consumer(Pins::default(), names));
        let register = Register::new(Contexts::built_in(), sections.into()).expect("valid");
        let rates = rates();
        let of = |name: Option<&str>, register: &Register| {
            let mut caller = caller(Some("0999010126"), 1);
            let application = name.map(|text| Application::parse(text).expect("a name"));
            caller.certified = caller.certified.map(|certified| Certified { application, ..certified });
            rates.taker(&caller, register)
        };
        let medical = of(Some("MED"), &register);
        assert_eq!(medical.holder, Holder::registered("0999010126", &["MED"]));
        assert_eq!(count(&rates, &medical), 60);
        assert_eq!(count(&rates, &of(Some("MED 2"), &register)), 0, "a second application is no second limit");
        assert_eq!(count(&rates, &of(Some("MARKETING"), &register)), 60);
        assert_eq!(count(&rates, &of(Some("OTHER"), &register)), 60);
        assert_eq!(count(&rates, &of(None, &register)), 0, "all other applications have one limit");
        // A reload that appends an application resets nothing, and one that removes the section for
        // all others leaves its callers unregistered.
        let fewer = [&["MED", "MED 2", "MED 3"][..]].map(|names| consumer(Pins::default(), names));
        let reloaded = Register::new(Contexts::built_in(), fewer.into()).expect("valid");
        assert_eq!(count(&rates, &of(Some("MED 3"), &reloaded)), 0);
        let other = of(Some("OTHER"), &reloaded);
        assert_eq!((other.holder, count(&rates, &other)), (Holder::Unregistered(number("0999010126")), 3));
    }

    #[test]
    fn documents_beyond_their_rate_pause_a_connection_for_a_second_at_most() {
        let bucket = Bucket::default();
        let take = |at: Duration| bucket.take_in_advance(at, DOCUMENTS);
        let start = Duration::from_secs(60);
        assert!((0..100).all(|_| take(start) == Duration::ZERO));
        // In advance: each connection of the caller waits behind the others.
        assert_eq!([take(start), take(start)], [Duration::from_millis(20), Duration::from_millis(40)]);
        assert!((0..1_000).all(|_| take(start) <= LONGEST_PAUSE));
        assert_eq!(take(start), LONGEST_PAUSE);
        assert_eq!(take(start + LONGEST_PAUSE), Duration::from_millis(20));
        assert_eq!(take(start * 2), Duration::ZERO);
    }

    #[test]
    fn a_rate_of_zero_allows_no_request() {
        let bucket = Bucket::default();
        assert!(bucket.take(Duration::ZERO, Rate { per_minute: 0, burst: 5 }).is_err());
        assert!(bucket.take(Duration::ZERO, Rate { per_minute: 5, burst: 0 }).is_err());
    }

    #[test]
    fn counts_are_kept_for_each_caller_within_bounds() {
        let rates = rates();
        let at = |millis: i64| Timestamp::from_millis(1_800_000_000_000 + millis);
        let fund = Holder::registered("0999010126", &[]);
        rates.count_suppressed(fund, &caller(Some("0999010126"), 1), at(0));
        rates.count_suppressed(fund, &caller(Some("0999010126"), 2), at(9));
        // Enterprise numbers in order: the check digits decide which of them exist.
        let strangers: Vec<_> =
            (999_000_000..).filter_map(|digits| EnterpriseNumber::from_u64(digits).ok()).take(40).collect();
        for stranger in &strangers {
            rates.count_suppressed(Holder::Unregistered(*stranger), &caller(Some(&stranger.to_string()), 3), at(5));
        }
        let taken = rates.take_suppressed();
        assert_eq!(taken.len(), 1 + MOST_STRANGERS + 1, "a consumer, strangers, and all other strangers together");
        let of_fund = taken.iter().find(|(is_registered, _)| *is_registered).expect("counted");
        let expected = SuppressedRequests {
            caller: Some(number("0999010126")),
            fingerprint: Digest::new([2; 32]),
            since: at(0),
            until: at(9),
            count: 2,
        };
        assert_eq!(of_fund.1, expected);
        let others = taken.iter().find(|(_, requests)| requests.caller.is_none()).expect("counted together");
        assert_eq!(others.1.count, 24);
        assert_eq!(rates.take_suppressed(), []);
        rates.put_back((true, expected.clone()));
        assert_eq!(rates.take_suppressed(), [(true, expected)]);
    }
}
