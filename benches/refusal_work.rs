//! Cost of a refusal without a relation, in instructions: for known people and for unknown SSINs.
//!
//! `cargo bench --bench refusal_work` runs itself under valgrind, one process per person, and
//! prints for each relation the mean and the spread (maximum less minimum) of both groups. It fails
//! if the means differ by as much as the smaller spread: then a caller could tell from the timing
//! whether a person is known.
//!
//! The known people are of every kind: only insured, with one to three employers, with a replaced
//! SSIN, only in the register of persons. The rows of other people surround them, as in a country.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::float_arithmetic, reason = "a benchmark prints ratios")]
#![allow(clippy::cast_precision_loss, reason = "instruction counts are far below what a double holds exactly")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use datasets::store::Watch;
use datasets::sync::{self, Feed, Source};
use ehealth_core::lookup::{Caller, Exchange, FreshnessLimits, Permission, Presented};
use ehealth_core::model::{
    AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, Dataset, Date, Digest, EnterpriseNumber, FixedClock,
    LegalContext, NamedEnvironment, Period, Question, Ssin, Status, Ticket, Timestamp,
};
use ehealth_core::policy::{
    Certified, Consumer, Deliberation, Grant, Pins, Quota, Reach, Register, ReplacedSsin, ceiling,
};

/// Requests per process: enough to outweigh opening the store.
const QUESTIONS: usize = 200;
/// People per group.
const PEOPLE: u64 = 24;
/// Kinds of known people, used in turn.
const KINDS: u64 = 6;
/// Other people.
const OTHERS: u64 = 20_000;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [folder, context, person] => {
            let context = LegalContext::parse(context).expect("a context");
            ask(Path::new(folder), context, person.parse().expect("a number"));
        }
        _ => compare(),
    }
}

fn number(base: u64) -> EnterpriseNumber {
    EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

/// SSIN of the n-th person: even ones are known, odd ones are not. They are born in all years, like
/// the others, on the 29th.
fn person(n: u64) -> Ssin {
    ssin((41 + n * 11 % 59) * 10_000 + month(n) * 100 + 29)
}

/// Former SSIN of the n-th person.
fn former(n: u64) -> Ssin {
    ssin((40 + n / 12) * 10_000 + month(n) * 100 + 30)
}

/// SSIN of another person, about whom no request is made.
fn other(n: u64) -> Ssin {
    ssin((40 + n % 60) * 10_000 + month(n / 60 / 28) * 100 + n / 60 % 28 + 1)
}

fn month(n: u64) -> u64 {
    n % 12 + 1
}

/// The SSIN of six digits of a birthday. The sequence number 999 is never issued.
fn ssin(birthday: u64) -> Ssin {
    let base = birthday * 1_000 + 999;
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

fn digits(ssin: Ssin) -> String {
    ssin.digits().map(char::from).iter().collect()
}

fn compare() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is missing: install it to count instructions");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    load(folder.path());
    let mut is_even = true;
    for context in [LegalContext::AdvisoryPhysician, LegalContext::PreventionService] {
        let count = |n| instructions(folder.path(), context, n);
        let known: Vec<_> = (0..PEOPLE).map(|n| count(2 * n)).collect();
        let unknown: Vec<_> = (0..PEOPLE).map(|n| count(2 * n + 1)).collect();
        let difference = (mean(&known) - mean(&unknown)).abs();
        println!(
            "{}: known {:.0} instructions per request, spread {:.0}; unknown {:.0}, spread {:.0}; the means differ by {:.0}",
            context.code(),
            mean(&known),
            spread(&known),
            mean(&unknown),
            spread(&unknown),
            difference,
        );
        is_even &= difference < spread(&known).min(spread(&unknown));
    }
    assert!(is_even, "the instructions reveal who is known");
}

fn mean(counts: &[f64]) -> f64 {
    counts.iter().sum::<f64>() / counts.len() as f64
}

fn spread(counts: &[f64]) -> f64 {
    let most = counts.iter().copied().fold(f64::MIN, f64::max);
    most - counts.iter().copied().fold(f64::MAX, f64::min)
}

/// Instructions of a request about this person.
fn instructions(folder: &Path, context: LegalContext, person: u64) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*ask_often*"])
        .arg(std::env::current_exe().expect("this program"))
        .arg(folder)
        .args([context.code(), &person.to_string()])
        .output()
        .expect("valgrind runs");
    let printed = String::from_utf8_lossy(&output.stderr);
    let line = printed.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{printed}"));
    let count = line.rsplit(':').next().expect("a number").trim();
    let count: f64 = count.parse().unwrap_or_else(|_| panic!("{line}"));
    count / QUESTIONS as f64
}

/// Loads the known people and the others; another organisation than the caller insures and serves
/// all of them.
fn load(folder: &Path) {
    let (mut dimona, mut insurance, mut persons) = (
        String::from("period_id,ssin,employer,begin,end\r\n"),
        String::from("ssin,fund,begin,end\r\n"),
        String::from("ssin,replaced_by,cancelled\r\n"),
    );
    let mut id = 0;
    let mut work = |ssin, employers| {
        for employer in 0..employers {
            id += 1;
            dimona += &format!("{id},{},{},2015-01-01,\r\n", digits(ssin), number(9_991_000 + employer));
        }
    };
    let mut insure = |ssin, funds| {
        for year in 0..funds {
            let (fund, begin) = (number(9_990_102 + year), 2_010 + year);
            insurance += &format!("{},{fund},{begin}-01-01,\r\n", digits(ssin));
        }
    };
    for n in 0..OTHERS {
        work(other(n), n % 3);
        insure(other(n), 1 + n % 2);
    }
    for n in 0..PEOPLE {
        let known = person(2 * n);
        match n % KINDS {
            0 => insure(known, 1),
            1 => {
                persons += &format!("{},,1\r\n", digits(known));
            }
            2 => {
                persons += &format!("{},{},0\r\n", digits(former(n)), digits(known));
                work(known, 1);
                work(former(n), 1);
                insure(known, 1);
                insure(former(n), 1);
            }
            kind => {
                work(known, kind - 2);
                insure(known, kind - 2);
            }
        }
    }
    let mut coprev = String::from("affiliation_id,employer,service,begin,end\r\n");
    for employer in 0..4 {
        coprev += &format!("{},{},{},2012-01-01,\r\n", employer + 1, number(9_991_000 + employer), number(9_990_202));
    }
    let federated =
        format!("affiliation_id,employer,service,begin,end,entity\r\n1,{0},{0},2012-01-01,,VLG\r\n", number(9_991_500));
    let texts = [dimona, coprev, federated, insurance, persons];
    for (dataset, text) in Dataset::ALL.into_iter().zip(texts) {
        write_feed(&folder.join("feeds").join(dataset.code()), dataset, &text);
    }
    let feed = |dataset: Dataset| Feed::new(dataset, Source::Folder(folder.join("feeds").join(dataset.code())));
    let settings = sync::Settings {
        data: folder.join("data"),
        rejected: folder.join("rejected"),
        feeds: Dataset::ALL.map(feed).to_vec(),
        min_free_space: 0,
    };
    let reports = sync::run_all(&settings, &FixedClock::new(now()));
    assert!(reports.iter().all(|report| report.outcome.is_up_to_date()), "{reports:?}");
}

fn write_feed(feed: &Path, dataset: Dataset, text: &str) {
    fs::create_dir_all(feed).expect("a folder");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let notification = format!(
        "<notification version=\"1\" dataset=\"{}\" session=\"6b0b7a52-3f0e-4c8e-9d4f-0f6f3a1c0d0{}\" serial=\"1\" \
             created=\"2026-01-02T03:00:00Z\"><snapshot serial=\"1\" uri=\"a.csv\" sha256=\"{digest}\" bytes=\"{}\" \
             records=\"{}\"/></notification>",
        dataset.code(),
        dataset as u8,
        text.len(),
        text.lines().count() - 1
    );
    fs::write(feed.join("a.csv"), text).expect("written");
    fs::write(feed.join("notification.xml"), notification).expect("written");
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T09:30:00Z").expect("a timestamp")
}

/// Sends requests about one person, as a caller without a relation to any person.
fn ask(folder: &Path, context: LegalContext, n: u64) {
    let organisation = number(9_990_901);
    let (fields, relation) = ceiling(context);
    let grant = Grant {
        context,
        fields,
        relation,
        reach: Reach::default(),
        valid: Period::from_days(Date::MIN, None).expect("open"),
        deliberation: Deliberation::parse("16/108").expect("a number"),
    };
    let consumer = Consumer {
        organisation,
        applications: Vec::new(),
        name: "Benchmark consumer".to_owned(),
        acts_for: Vec::new(),
        grants: vec![Arc::new(grant)],
        quota: Quota::default(),
        pins: Pins::default(),
        replaced_ssin: ReplacedSsin::default(),
    };
    let register = Register::from_consumers(vec![consumer]).expect("a valid register");
    let mut reader = Watch::open(&folder.join("data")).reader();
    // Opened and warm before the count.
    ask_often(&register, &mut reader, organisation, context, person(2 * PEOPLE + 1), 1);
    ask_often(&register, &mut reader, organisation, context, person(n), QUESTIONS);
}

#[inline(never)]
fn ask_often(
    register: &Register,
    reader: &mut datasets::store::Reader,
    organisation: EnterpriseNumber,
    context: LegalContext,
    ssin: Ssin,
    times: usize,
) {
    let day = Duration::from_secs(36_500 * 86_400);
    let limits = FreshnessLimits { dimona: day, coprev: day, federated: day, insurance: day, persons: day };
    let nothing = Digest::new([0; 32]);
    let certified = Certified {
        organisation,
        application: None,
        environment: NamedEnvironment::Absent,
        key: nothing,
        issuer: nothing,
    };
    for _ in 0..times {
        let exchange = Exchange {
            ticket: Ticket::new([7; 16]),
            received: now(),
            caller: Caller { certified: Some(certified), fingerprint: nothing },
        };
        let question = Question {
            customer: Customer {
                ticket: None,
                timestamp_sent: None,
                id: CustomerId::Cbe(CbeNumber::from(organisation)),
            },
            legal_context: context.code().to_owned(),
            criteria: AskedCriteria { ssin: Ok(ssin), dates: AskedDates::Today },
        };
        let identified = Presented::new(exchange, question).identify(register).expect("registered");
        let Permission::Permitted(permitted) = identified.permit() else { panic!("granted") };
        let resolved = permitted.resolve(&mut reader.view(), &limits).expect("readable");
        assert!(matches!(resolved.status(), Status::NoRelation { .. }), "{:?}", resolved.status().code());
    }
}
