//! Limits on questions: trawling is slowed, quotas survive restarts and clocks that are set, and
//! hidden dates cannot be found by bisection.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ehealth_attributes::config::Settings;
use ehealth_core::model::{Clock, OutcomeCode, Timestamp};
use ehealth_core::policy::{EmptyAnswers, Finding, Quota, SubjectHash, Throttle};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_oneof};
use proptest::proptest;
use proptest::strategy::{Just, Strategy};
use tokio::task::JoinSet;

use crate::support::service::{CONSULT, TestService, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const SERVICE: &str = "0999020123";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";
const PREVENTION: &str = "BACKTOWORK:PREVENTION_SERVICE";
/// Time that no wait of a sound service reaches.
const PATIENT: Duration = Duration::from_secs(600);
/// Empty subjects after which a caller is slowed that gets nothing else
/// (`docs/reference/policy.md "Empty answers"`).
const TRIPS_AFTER: usize = 62;

/// SSIN of no person: all birthdays from 1901, and the sequence number that is never issued.
fn unknown(number: usize) -> String {
    let (year, month, day) = (1 + number / 336 % 90, number / 28 % 12 + 1, number % 28 + 1);
    let base = (year * 10_000 + month * 100 + day) * 1_000 + 999;
    format!("{:011}", base * 100 + 97 - base % 97)
}

fn limit(settings: &Settings, consumer: &str, lines: &str) {
    let policy = fs::read_to_string(&settings.policy).expect("a policy");
    let own = format!("organisation = \"{consumer}\"");
    fs::write(&settings.policy, policy.replace(&own, &format!("{own}\n{lines}"))).expect("written");
}

/// A connection that stays open.
struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    async fn open(service: &TestService, caller: &str) -> Self {
        let (sender, connection) = handshake(TokioIo::new(service.connect(caller).await)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Status and body of the answer.
    async fn ask(&mut self, body: String) -> (u16, String) {
        let request = Request::post(CONSULT).header("host", "localhost").header("content-type", "text/xml");
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        self.0.ready().await.expect("the connection stays open");
        let response = self.0.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a complete body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }
}

async fn is_slowed(service: &TestService, consumer: &str) -> bool {
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    shown.contains(&format!("\nehealth_attributes_consumer_slowed{{consumer=\"{consumer}\"}} 1\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trawler_gets_one_answer_a_second_at_most() {
    let service = TestService::start_with(|settings| settings.server.limits.wait = Duration::ZERO).await;
    let (next, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let mut trawlers = JoinSet::new();
    for _ in 0..16 {
        let mut connection = Connection::open(&service, "fund").await;
        let (next, answered, is_over) = (Arc::clone(&next), Arc::clone(&answered), Arc::clone(&is_over));
        trawlers.spawn(async move {
            let mut refused = 0;
            while !is_over.load(Ordering::Relaxed) {
                let ssin = unknown(next.fetch_add(1, Ordering::Relaxed));
                let (status, body) = connection.ask(question(FUND, PHYSICIAN, &ssin, "")).await;
                match status {
                    200 => drop(answered.fetch_add(1, Ordering::Relaxed)),
                    503 => refused += 1,
                    _ => panic!("{status}: {body}"),
                }
                // Five answers, one after the other, after the delay began.
                is_over.fetch_or(answered.load(Ordering::Relaxed) >= TRIPS_AFTER + 5, Ordering::Relaxed);
            }
            refused
        });
    }
    let refused: usize = trawlers.join_all().await.into_iter().sum();
    let seconds = usize::try_from(began.elapsed().as_secs()).expect("few");
    let answered = answered.load(Ordering::Relaxed);
    assert!(refused > 0, "the others are refused");
    assert!(seconds >= 4, "at least a second between two delayed answers: {seconds} s");
    assert!(answered <= TRIPS_AFTER + seconds + 1, "{answered} answers in {seconds} s");
    assert!(is_slowed(&service, FUND).await);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_with_a_known_person_hides_no_trawling() {
    let service = TestService::start().await;
    let mut connection = Connection::open(&service, "fund").await;
    let mut asked = 0;
    while !is_slowed(&service, FUND).await {
        assert!(asked < 200, "not slowed after {asked} empty subjects");
        for ssin in [unknown(asked), ANNA.to_owned(), ANNA.to_owned()] {
            assert_eq!(connection.ask(question(FUND, PHYSICIAN, &ssin, "")).await.0, 200);
        }
        asked += 1;
    }
    // Anna is one subject that is known.
    assert!((TRIPS_AFTER..=TRIPS_AFTER + 1).contains(&asked), "{asked}");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_and_repeated_questions_slow_no_caller() {
    let service = TestService::start().await;
    let mut connection = Connection::open(&service, "fund").await;
    for number in 0..100 {
        let ssin = unknown(number);
        for (context, ssin, dates) in [
            ("UNKNOWN:CONTEXT", ssin.as_str(), ""),
            (PHYSICIAN, ssin.as_str(), "1990-01-01"),
            (PHYSICIAN, "1", ""),
            (PHYSICIAN, "40010199912", ""),
        ] {
            let _ = connection.ask(question(FUND, context, ssin, dates)).await;
        }
    }
    assert!(!is_slowed(&service, FUND).await);
    service.finish().await;
}

/// Sends 64 questions, each on a connection of its own; returns how many were answered.
async fn ask_at_once(service: &TestService) -> usize {
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let mut connection = Connection::open(service, "fund").await;
        callers.spawn(async move { connection.ask(question(FUND, PHYSICIAN, ANNA, "")).await });
    }
    let answers = callers.join_all().await;
    let is_answered = |(status, body): &&(u16, String)| match status {
        200 => true,
        500 => {
            assert!(body.contains(OutcomeCode::QuotaSpent.code()), "{body}");
            false
        }
        _ => panic!("{status}: {body}"),
    };
    answers.iter().filter(is_answered).count()
}

fn step_the_clock(service: &TestService, hours: i64) {
    let millis = service.clock.now().as_millis() + hours * 3_600_000;
    service.clock.set(Timestamp::from_millis(millis));
}

fn counts_file(settings: &Settings) -> std::path::PathBuf {
    settings.sync.data.join("quota-counts")
}

const PER_DAY: usize = 150;

async fn start_with_a_quota() -> TestService {
    TestService::start_with(|settings| {
        settings.server.limits.wait = PATIENT;
        limit(settings, FUND, &format!("quota_per_minute = 1000\nquota_per_day = {PER_DAY}"));
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_restarts_and_set_clocks_give_no_more_quota() {
    let mut service = start_with_a_quota().await;
    let mut answered = 0;
    for restart in 0..5 {
        answered += ask_at_once(&service).await;
        // A day forward and back: certificates and datasets are valid again afterwards.
        step_the_clock(&service, 25);
        step_the_clock(&service, -50);
        step_the_clock(&service, 25);
        answered += ask_at_once(&service).await;
        let settings = service.settings.clone();
        let folder = service.stop().await;
        assert!(answered <= PER_DAY, "{answered} after {restart} restarts");
        service = TestService::start_again(folder, settings).await;
    }
    assert_eq!(answered, PER_DAY, "and the whole quota was given");
    let before = service.clock.now();
    service.clock.advance(Duration::from_secs(25 * 3_600));
    service.clock.set(before);
    assert_eq!(ask_at_once(&service).await, 64, "25 hours later");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_gives_no_more_quota() {
    let mut service = start_with_a_quota().await;
    let mut answered = 0;
    for _ in 0..6 {
        answered += ask_at_once(&service).await;
        let settings = service.settings.clone();
        // What a process that is killed now leaves behind.
        let left = fs::read_to_string(counts_file(&settings)).expect("written before the first answer");
        assert!(counted(&left) >= answered, "the file counts every question: {left}");
        let folder = service.stop().await;
        fs::write(counts_file(&settings), left).expect("ours");
        service = TestService::start_again(folder, settings).await;
    }
    assert!((PER_DAY - 6 * 16..=PER_DAY).contains(&answered), "{answered}: each kill loses a lease of 16 at most");
    service.finish().await;
}

fn counted(file: &str) -> usize {
    let counts = file.lines().find_map(|line| line.strip_suffix(FUND)).expect("the consumer");
    counts.split_whitespace().map(|count| count.parse::<usize>().expect("a number")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_stops_no_answer() {
    let service = TestService::start_with(|settings| {
        settings.server.limits.wait = PATIENT;
        block(&counts_file(settings));
    })
    .await;
    assert_eq!(ask_at_once(&service).await, 64);
    service.finish().await;
}

/// A folder in the place of a file, which cannot be replaced.
fn block(file: &Path) {
    fs::create_dir_all(file.join("inside")).expect("ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn bisection_of_hidden_dates_stops_at_the_limit() {
    let service = TestService::start_with(|settings| limit(settings, SERVICE, "dates_per_person_and_month = 5")).await;
    let ask = async |dates: &str| service.post("service", CONSULT, question(SERVICE, PREVENTION, ANNA, dates)).await;
    // The days of the look-back period: eleven questions find the day on which the answer changes.
    let (mut low, mut high, mut asked) = (0, 1_826, Vec::new());
    let refused = loop {
        assert!(high - low > 1, "found the day");
        let middle = i32::midpoint(low, high);
        let day = service.clock.now().brussels_day().plus_days(-middle).to_string();
        let answer = ask(&day).await;
        match answer.code().expect("a code") {
            "MSG00000" => low = middle,
            "MSG00008" => break answer,
            _ => high = middle,
        }
        asked.push(day);
    };
    assert_eq!(asked.len(), 5);
    assert_eq!((refused.text("fieldName"), refused.text("fieldValue")), (Some("referenceDate"), Some("OUTSIDE_GRANT")));
    // The days that were asked, and today, are free.
    for day in asked.iter().map(String::as_str).chain([""]) {
        assert_ne!(ask(day).await.code(), Some("MSG00008"), "{day}");
    }
    let period = ask(&format!("2021-06-01/{}", asked[0])).await;
    assert_eq!((period.text("fieldName"), period.code()), (Some("beginDate"), Some("MSG00008")));
    let other = service.post("service", CONSULT, question(SERVICE, PREVENTION, &unknown(7), "2025-01-02")).await;
    assert_eq!(other.code(), Some("MSG00012"), "another person");
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    let series = format!("\nehealth_attributes_consumer_refused_dates_total{{consumer=\"{SERVICE}\"}} 2\n");
    assert!(shown.contains(&series), "{shown}");
    service.finish().await;
}

/// The guard, without bounds of memory.
#[derive(Default)]
struct Naive {
    /// When each subject was last counted.
    counted: HashMap<u64, u64>,
    /// Second and whether it was empty, of each counted subject.
    events: Vec<(u64, bool)>,
}

impl Naive {
    /// Whether the consumer is slowed after this answer.
    fn note(&mut self, second: u64, subject: u64, finding: Finding) -> bool {
        let is_new = self.counted.get(&subject).is_none_or(|counted| second - counted >= 3_600);
        if finding != Finding::NotLookedUp && is_new {
            self.counted.insert(subject, second);
            self.events.push((second, finding == Finding::Nothing));
        }
        let (mut score, mut minute) = (0_i64, 0);
        for (at, is_empty) in &self.events {
            score = (score - i64::try_from(at / 60 - minute).expect("few") * 100).max(0);
            minute = at / 60;
            score = (score + if *is_empty { 65 } else { -35 }).clamp(0, 8_000);
        }
        score = (score - i64::try_from(second / 60 - minute).expect("few") * 100).max(0);
        let recent = self.events.iter().filter(|(at, is_empty)| *is_empty && second / 300 - at / 300 <= 12);
        score > 4_000 || recent.count() > 90
    }
}

fn finding() -> impl Strategy<Value = Finding> {
    prop_oneof![6 => Just(Finding::Nothing), 3 => Just(Finding::Something), 1 => Just(Finding::NotLookedUp)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_guard_agrees_with_a_naive_model(answers in vec((0_u64..40, 0_u64..120, finding()), 0..400), seed in any::<u64>()) {
        let quota = Quota { empty_per_hour: 90, ..Quota::default() };
        let (mut guard, mut naive, mut second) = (EmptyAnswers::new(Duration::ZERO), Naive::default(), 0);
        for (pause, subject, finding) in answers {
            second += pause;
            let hash = SubjectHash::new((subject ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let slowed = guard.note(quota, hash, finding, Duration::from_secs(second)) != Throttle::AtOnce;
            assert_eq!(slowed, naive.note(second, subject, finding), "at {second} s");
        }
    }
}

#[test]
fn the_unknown_numbers_differ() {
    let numbers: HashSet<_> = (0..10_000).map(unknown).collect();
    assert_eq!(numbers.len(), 10_000);
}
