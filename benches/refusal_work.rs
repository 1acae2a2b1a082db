//! Cost of a refusal without a relation, for six classes of people: in instructions, and in time.
//!
//! `cargo bench --bench refusal_work` runs itself under valgrind, one process per person, and prints
//! for each relation and class the mean and the spread (maximum less minimum). It fails if the mean
//! of a class differs from that of unknown people by a tenth or more: the time of less is hidden,
//! because refusals end at a multiple of 50 µs.
//!
//! `cargo bench --bench refusal_work -- times` asks about 25 people of each class 1 000 times, in a
//! random order, and compares the times of each class with those of unknown people: the probability
//! that a refusal about a person of the class takes longer (AUC; 0.5 if nothing can be told). It
//! prints it for the bare look-up and for the service's, whose refusals end at a multiple of 50 µs,
//! and fails if one of the service's is outside of 0.45 to 0.55.
//!
//! The classes: unknown; known elsewhere (another fund, another service); with a replaced number,
//! which is asked; with many employments; cancelled; formerly of the caller. The rows of other people
//! surround them, as in a country.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::float_arithmetic, reason = "a benchmark prints ratios")]
#![allow(clippy::cast_precision_loss, reason = "instruction counts are far below what a double holds exactly")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datasets::store::Watch;
use datasets::sync::{self, Feed, Source};
use ehealth_attributes::server::{Lookups, Readers};
use ehealth_core::lookup::{Caller, Exchange, FreshnessLimits, Permission, Permitted, Presented, Resolved};
use ehealth_core::model::{
    AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, Dataset, Date, Digest, EnterpriseNumber, FixedClock,
    LegalContext, Period, Question, Ssin, Status, Ticket, Timestamp,
};
use ehealth_core::policy::{Certified, Consumer, ContextDefinition, Contexts, Deliberation, Grant, Register};

/// Requests per process: enough to outweigh opening the store.
const QUESTIONS: usize = 200;
/// Classes of people, in the order of [`load`].
const CLASSES: [&str; 6] = ["unknown", "elsewhere", "replaced", "many employments", "cancelled", "formerly ours"];
/// People of each class.
const PEOPLE: u64 = 25;
/// People of each class whose instructions are counted.
const COUNTED: u64 = 4;
/// Questions about each person whose times are compared.
const TIMES: usize = 1_000;
/// Employments of a person with many: within one step of 16.
const MANY: u64 = 12;
/// Other people.
const OTHERS: u64 = 20_000;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["times"] => compare_times(),
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

/// Number of the n-th person of a class.
fn index(class: usize, n: u64) -> u64 {
    n * CLASSES.len() as u64 + class as u64
}

/// SSIN of the n-th person of all. They are born in all years, like the others, on the 29th.
fn person(n: u64) -> Ssin {
    ssin((41 + n * 11 % 59) * 10_000 + month(n) * 100 + 29)
}

/// Former SSIN of the n-th person.
fn former(n: u64) -> Ssin {
    ssin((40 + n / 12) * 10_000 + month(n) * 100 + 30)
}

/// SSIN that is asked about the n-th person of all.
fn asked(n: u64) -> Ssin {
    if n % CLASSES.len() as u64 == 2 { former(n) } else { person(n) }
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
    for context in CONTEXTS {
        let count = |class| -> Vec<f64> {
            (0..COUNTED).map(|n| instructions(folder.path(), context, index(class, n))).collect()
        };
        let unknown = count(0);
        println!("{}: instructions per request", context.code());
        println!("  unknown: mean {:.0}, spread {:.0}", mean(&unknown), spread(&unknown));
        for (class, name) in CLASSES.iter().enumerate().skip(1) {
            let counted = count(class);
            let difference = (mean(&counted) - mean(&unknown)).abs();
            println!(
                "  {name}: mean {:.0}, spread {:.0}, differs by {difference:.0}",
                mean(&counted),
                spread(&counted)
            );
            is_even &= difference < mean(&unknown) / 10.0;
        }
    }
    assert!(is_even, "the instructions reveal who is known");
}

const CONTEXTS: [LegalContext; 2] = [LegalContext::ADVISORY_PHYSICIAN, LegalContext::PREVENTION_SERVICE];

/// Compares the times of refusals.
fn compare_times() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    load(folder.path());
    let mut is_even = true;
    for context in CONTEXTS {
        let readers = Readers::new(Watch::open(&folder.path().join("data")));
        let register = register(context);
        let bare = times(|ssin| {
            let permitted = permitted(&register, context, ssin);
            let began = Instant::now();
            let resolved = readers.with_view(|view| permitted.resolve(view, &freshness())).expect("readable");
            (began.elapsed(), resolved)
        });
        let served = times(|ssin| {
            let permitted = permitted(&register, context, ssin);
            let began = Instant::now();
            let resolved = readers.resolve(permitted, &freshness()).expect("readable");
            (began.elapsed(), resolved)
        });
        println!("{}: median in µs, and AUC against unknown", context.code());
        for (class, name) in CLASSES.iter().enumerate() {
            let [before, after] = [&bare, &served].map(|times| auc(&times[class], &times[0]));
            let [old, new] = [&bare, &served].map(|times| median(&times[class]));
            println!("  {name}: bare {old:.1}, AUC {before:.3}; served {new:.1}, AUC {after:.3}");
            is_even &= (0.45..=0.55).contains(&after);
        }
    }
    assert!(is_even, "the times reveal who is known");
}

/// Nanoseconds of each question, by class; the questions about all people are asked in a random
/// order (xorshift, shuffled for each round).
fn times(ask: impl Fn(Ssin) -> (Duration, Resolved)) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); CLASSES.len()];
    let mut people: Vec<u64> = (0..PEOPLE * CLASSES.len() as u64).collect();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for round in 0..TIMES + 20 {
        for last in (1..people.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            people.swap(last, usize::try_from(random % (last as u64 + 1)).expect("small"));
        }
        for n in &people {
            let (took, resolved) = ask(asked(*n));
            assert!(matches!(resolved.status(), Status::NoRelation { .. }), "{:?}", resolved.status().code());
            // The first rounds warm the caches.
            if round >= 20 {
                times[usize::try_from(*n % CLASSES.len() as u64).expect("small")].push(took.as_nanos() as f64);
            }
        }
    }
    times
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2] / 1_000.0
}

/// Probability that one of `a` is larger than one of `b`; equal ones count half.
fn auc(a: &[f64], b: &[f64]) -> f64 {
    let mut sorted = b.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins = |value: &f64| {
        let less = sorted.partition_point(|other| other < value);
        let not_more = sorted.partition_point(|other| other <= value);
        (less + not_more) as f64 / 2.0
    };
    a.iter().map(wins).sum::<f64>() / (a.len() * b.len()) as f64
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
    let mut work = |ssin, employers, end: &str| {
        for employer in 0..employers {
            id += 1;
            dimona += &format!("{id},{},{},2015-01-01,{end}\r\n", digits(ssin), number(9_991_000 + employer));
        }
    };
    let insure = |insurance: &mut String, ssin, funds| {
        for year in 0..funds {
            let (fund, begin) = (number(9_990_102 + year), 2_010 + year);
            *insurance += &format!("{},{fund},{begin}-01-01,\r\n", digits(ssin));
        }
    };
    for n in 0..OTHERS {
        work(other(n), n % 3, "");
        insure(&mut insurance, other(n), 1 + n % 2);
    }
    for n in 0..PEOPLE {
        for class in 1..CLASSES.len() {
            let n = index(class, n);
            let known = person(n);
            match class {
                1 => {
                    work(known, 1 + n % 3, "");
                    insure(&mut insurance, known, 1 + n % 2);
                }
                2 => {
                    persons += &format!("{},{},0\r\n", digits(former(n)), digits(known));
                    work(known, 1, "");
                    work(former(n), 1, "");
                    insure(&mut insurance, known, 1);
                    insure(&mut insurance, former(n), 1);
                }
                3 => {
                    work(known, MANY, "");
                    insure(&mut insurance, known, 2);
                }
                4 => {
                    persons += &format!("{},,1\r\n", digits(known));
                    work(known, 1, "");
                    insure(&mut insurance, known, 1);
                }
                _ => {
                    work(known, 2, "2016-12-31");
                    insurance += &format!("{},{},2010-01-01,2016-12-31\r\n", digits(known), number(CALLER));
                }
            }
        }
    }
    let mut coprev = String::from("affiliation_id,employer,service,begin,end\r\n");
    for employer in 0..MANY {
        coprev += &format!("{},{},{},2012-01-01,\r\n", employer + 1, number(9_991_000 + employer), number(9_990_202));
    }
    for employer in 0..2 {
        let (id, employer) = (MANY + 1 + employer, number(9_991_000 + employer));
        coprev += &format!("{id},{employer},{},2012-01-01,2016-12-31\r\n", number(CALLER));
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

/// The organisation that asks.
const CALLER: u64 = 9_990_901;

/// Sends requests about one person, as a caller without a relation to any person.
fn ask(folder: &Path, context: LegalContext, n: u64) {
    let register = register(context);
    let mut reader = Watch::open(&folder.join("data")).reader();
    // Opened and warm before the count.
    ask_often(&register, &mut reader, context, person(index(0, PEOPLE)), 1);
    ask_often(&register, &mut reader, context, asked(n), QUESTIONS);
}

fn register(context: LegalContext) -> Register {
    let valid = Period::from_days(Date::MIN, None).expect("open");
    let definition = Arc::new(ContextDefinition::built_in(context).expect("one of the three"));
    let grant = Grant::at_ceiling(definition, valid, Deliberation::parse("16/108").expect("a number"));
    let consumer = Consumer { grants: vec![Arc::new(grant)], ..Consumer::new(number(CALLER), "Benchmark consumer") };
    Register::new(Contexts::built_in(), vec![consumer]).expect("a valid register")
}

fn freshness() -> FreshnessLimits {
    let day = Duration::from_secs(36_500 * 86_400);
    FreshnessLimits { dimona: day, coprev: day, federated: day, insurance: day, persons: day }
}

fn permitted(register: &Register, context: LegalContext, ssin: Ssin) -> Permitted {
    let (organisation, nothing) = (number(CALLER), Digest::new([0; 32]));
    let certified = Certified::new(organisation, nothing, nothing);
    let exchange = Exchange {
        ticket: Ticket::new([7; 16]),
        received: now(),
        caller: Caller { certified: Some(certified), fingerprint: nothing },
        relay: None,
    };
    let question = Question {
        customer: Customer { ticket: None, timestamp_sent: None, id: CustomerId::Cbe(CbeNumber::from(organisation)) },
        legal_context: context.code().to_owned(),
        end_user: None,
        criteria: AskedCriteria { ssin: Ok(ssin), dates: AskedDates::Today },
    };
    let identified = Presented::new(exchange, question, register).identify(register).expect("registered");
    let Permission::Permitted(permitted) = identified.permit() else { panic!("granted") };
    permitted
}

#[inline(never)]
fn ask_often(
    register: &Register,
    reader: &mut datasets::store::Reader,
    context: LegalContext,
    ssin: Ssin,
    times: usize,
) {
    for _ in 0..times {
        let permitted = permitted(register, context, ssin);
        let resolved = permitted.resolve(&mut reader.view(), &freshness()).expect("readable");
        assert!(matches!(resolved.status(), Status::NoRelation { .. }), "{:?}", resolved.status().code());
    }
}
