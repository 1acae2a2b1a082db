//! Helpers of the audit log's tests: records with every fact set, a fixed clock, and a way to wait
//! for settled records.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use audit_log::{AuditLog, Checkpoints, MissingKeys, Record, Records, Settings};
use ehealth_core::lookup::{self, ExchangeRecord, Operation, RecordFailure};
use ehealth_core::model::{
    Application, Dataset, DatasetState, DatasetStates, Date, Digest, EndUser, EnterpriseNumber, Field, FieldSet,
    FixedClock, LegalContext, OutcomeCode, Ssin, Ticket, Timestamp, Window,
};
use ehealth_core::policy::{Deliberation, Rule};

/// Result of a record: its sequence number, or the failure.
pub type Settled = Result<u64, RecordFailure>;

pub fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

pub fn clock(text: &str) -> Arc<FixedClock> {
    Arc::new(FixedClock::new(moment(text)))
}

pub fn enterprise(base: u64) -> EnterpriseNumber {
    EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

/// The person with this number modulo 1 008, each with another birthday from 1985 to 1987. The
/// sequence number 999 is never issued.
pub fn person(number: u64) -> Ssin {
    let (day, month, year) = (number % 28 + 1, number / 28 % 12 + 1, number / 336 % 3 + 85);
    ssin(year * 10_000_000 + month * 100_000 + day * 1_000 + 999)
}

/// The SSIN that replaced a person's: the bis number with the same birthday.
pub fn successor(subject: Ssin) -> Ssin {
    ssin(subject.as_u64() / 100 + 2_000_000)
}

fn ssin(base: u64) -> Ssin {
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

/// The end user of every record: a person whose SSIN is the identifier.
pub fn end_user() -> EndUser {
    let (quality, consent) = ("ADVISORY_PHYSICIAN".to_owned(), Some("C-2026-17".to_owned()));
    EndUser::new(END_USER.to_owned(), quality, consent).expect("short texts")
}

/// Identifier of the end user of every record.
pub const END_USER: &str = "85073099932";

/// A record about this person with every fact set; `number` makes its ticket.
pub fn entry(number: u64, subject: Ssin) -> ExchangeRecord {
    let mut random = [7; 16];
    random[8..].copy_from_slice(&number.to_be_bytes());
    let day = |text| Date::parse(text).expect("a day");
    let state = |serial| DatasetState { serial, created: moment("2026-11-01T03:00:00Z") };
    ExchangeRecord {
        ticket: Ticket::new(random),
        received: moment("2026-11-22T05:19:00.123Z"),
        caller: Some(enterprise(2_022_399)),
        application: Application::parse("RETURN TO WORK").ok(),
        fingerprint: Digest::new([0xab; 32]),
        operation: Operation::ConsultAttributes,
        organisation: Some(enterprise(8_093_944)),
        context: Some(LegalContext::EHEALTH_PLATFORM),
        rule: Some(Rule::Granted),
        policy: None,
        end_user: Some(end_user()),
        deliberation: Some(Deliberation::parse("16/108").expect("a number")),
        subject: Some(subject),
        window: Some(Window::from_days(day("2026-01-01"), day("2026-11-22")).expect("not reversed")),
        fields: [Field::Ssin, Field::Employer, Field::HealthInsuranceFund].into_iter().collect(),
        disclosed: vec![enterprise(4_000_000), enterprise(4_000_001)],
        datasets: DatasetStates::default().with(Dataset::Dimona, state(41)).with(Dataset::Persons, state(7)),
        outcome: OutcomeCode::DataFound,
        customer_ticket: Some(format!("my {}", String::from_utf8_lossy(&subject.digits()))),
        relay: None,
        signature: None,
        replaced_by: Some(successor(subject)),
    }
}

/// A record of a call of which nothing else is known.
pub fn bare_entry(number: u64) -> ExchangeRecord {
    ExchangeRecord {
        caller: None,
        operation: Operation::SendTestMessage,
        organisation: None,
        application: None,
        context: None,
        rule: None,
        policy: None,
        end_user: None,
        deliberation: None,
        subject: None,
        window: None,
        fields: FieldSet::EMPTY,
        disclosed: Vec::new(),
        datasets: DatasetStates::default(),
        outcome: OutcomeCode::UnknownCaller,
        customer_ticket: None,
        relay: None,
        signature: None,
        replaced_by: None,
        ..entry(number, person(0))
    }
}

/// Settings with everything in one folder; checkpoints only at the start, at the end, and on
/// request.
pub fn settings(dir: &Path) -> Settings {
    let interval = Duration::from_secs(3_600);
    Settings {
        checkpoints: Checkpoints { records: u64::MAX, interval, ..Checkpoints::default() },
        missing_keys: MissingKeys::Make,
        retry: Duration::from_millis(1),
        // Grows as often as a log with many records.
        preallocate: 2_048,
        ..Settings::new(dir.join("audit-log"), dir.join("keys"))
    }
}

/// Appends a record without waiting.
pub fn append(log: &AuditLog, entry: ExchangeRecord) -> Receiver<Settled> {
    let (sender, settled) = mpsc::channel();
    lookup::record(entry, log, move |recorded| {
        // The receiver may be gone.
        let _ = sender.send(recorded.map(|recorded| recorded.sequence()).map_err(|unrecorded| unrecorded.failure));
    });
    settled
}

pub fn wait(settled: &Receiver<Settled>) -> Settled {
    settled.recv_timeout(Duration::from_secs(20)).expect("settled within the deadline")
}

/// Appends a record and waits until it is settled.
pub fn record(log: &AuditLog, entry: ExchangeRecord) -> Settled {
    wait(&append(log, entry))
}

/// Waits until a condition holds.
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "the condition was not met within the deadline");
        std::thread::yield_now();
    }
}

/// Every record of a folder's log.
pub fn read_all(folder: &Path) -> Vec<Record> {
    Records::open(folder).expect("a folder").map(|record| record.expect("sound")).collect()
}
