//! Writes an audit log of ten years, for `benches/audit_list.py`:
//! `cargo run --release -p audit-log --example ten_years -- FOLDER [RECORDS] [RECORDS OF ONE MORE MONTH]`.
//!
//! `FOLDER/audit-log` gets 120 months from January 2016 on, and `FOLDER/keys` their keys. December 2025
//! has a million records more than the others. The writer is that of the service, with a clock that is
//! set, so that the log is sound.

#![allow(clippy::print_stdout, reason = "the progress is printed")]

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use audit_log::{AuditLog, MissingKeys, Settings};
use ehealth_core::lookup::{self, ExchangeRecord, Operation};
use ehealth_core::model::{
    Application, Dataset, DatasetState, DatasetStates, Date, Digest, EndUser, EnterpriseNumber, Field, FieldSet,
    FixedClock, LegalContext, OutcomeCode, Ssin, Ticket, Timestamp, Window,
};
use ehealth_core::policy::{Deliberation, Rule};

const MONTHS: u64 = 120;
/// Milliseconds in which the records of a month are written: all months have 28 days.
const MONTH_MILLIS: u64 = 28 * 86_400_000;
/// Records for which the clock stands still.
const STEP: u64 = 256;
/// Maximum records that are not yet durable.
const WAITING: u64 = 6_000;

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from).expect("usage: ten_years FOLDER [RECORDS] [MORE]");
    let records: u64 = arguments.next().map_or(10_000_000, |text| text.parse().expect("a number of records"));
    let more: u64 = arguments.next().map_or(1_000_000, |text| text.parse().expect("a number of records"));
    let settings = Settings {
        missing_keys: MissingKeys::Make,
        queue: 8_192,
        ..Settings::new(folder.join("audit-log"), folder.join("keys"))
    };
    let clock = Arc::new(FixedClock::new(month_start(0)));
    let log = AuditLog::open(&settings, clock.clone()).expect("a folder that can be written");
    let (settled, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let wait = |number: u64| {
        while settled.load(Ordering::Acquire) < number {
            thread::yield_now();
        }
    };
    let mut number = 0;
    for month in 0..MONTHS {
        let in_month = records / MONTHS + if month == MONTHS - 1 { more } else { 0 };
        // The records before belong to their own month.
        wait(number);
        for of_month in 0..in_month {
            if of_month % STEP == 0 {
                wait(number.saturating_sub(WAITING));
                let millis = i64::try_from(MONTH_MILLIS / in_month * of_month).expect("a month");
                clock.set(month_start(month).plus_millis(millis));
            }
            let settled = Arc::clone(&settled);
            lookup::record(record(number), &log, move |recorded| {
                recorded.expect("durable");
                settled.fetch_add(1, Ordering::Release);
            });
            number += 1;
        }
    }
    wait(number);
    log.close();
    println!("{number} records in {:.1} s", started.elapsed().as_secs_f32());
}

/// Noon of the first day of a month, counted from January 2016.
fn month_start(month: u64) -> Timestamp {
    let (year, month) = (2016 + month / 12, month % 12 + 1);
    Timestamp::parse(&format!("{year}-{month:02}-01T12:00:00Z")).expect("a moment")
}

/// A valid number by construction.
fn enterprise(base: u64) -> EnterpriseNumber {
    EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("valid")
}

/// A person whose sequence number, 999, is never issued.
fn person(dice: u64) -> Ssin {
    let base = ((dice % 90 + 10) * 10_000 + (dice / 90 % 12 + 1) * 100 + dice / 1_080 % 28 + 1) * 1_000 + 999;
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("valid")
}

/// One of fifty callers asks about one of 30 000 persons.
fn record(number: u64) -> ExchangeRecord {
    let dice = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    let random = (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let state = DatasetState { serial: number / 50_000 + 1, created: Timestamp::from_millis(1_450_000_000_000) };
    let caller = dice % 50;
    let outcome = match dice / 50 % 10 {
        0 => OutcomeCode::NoDataFound,
        1 => OutcomeCode::NoRelation,
        2 => OutcomeCode::Value,
        3 if dice.is_multiple_of(7) => OutcomeCode::Internal,
        _ => OutcomeCode::DataFound,
    };
    let is_answered = outcome == OutcomeCode::DataFound;
    let fields = [Field::Ssin, Field::Employer, Field::HealthInsuranceFund].into_iter().collect();
    let end_user = (caller < 15).then(|| {
        let quality = if (dice / 500).is_multiple_of(2) { "ADVISORY_PHYSICIAN" } else { "NURSE" };
        EndUser::new(format!("user-{}", dice / 1_000 % 200), quality.to_owned(), None).expect("short")
    });
    ExchangeRecord {
        ticket: Ticket::new(random.to_be_bytes()),
        received: Timestamp::from_millis(1_450_000_000_000),
        caller: Some(enterprise(2_000_000 + caller)),
        application: Application::parse(["CASES", "RETURN TO WORK", "BATCH"][usize::from(caller > 20)]).ok(),
        fingerprint: Digest::new([7; 32]),
        operation: Operation::ConsultAttributes,
        organisation: Some(enterprise(8_000_000 + caller)),
        context: Some(
            [LegalContext::ADVISORY_PHYSICIAN, LegalContext::PREVENTION_SERVICE, LegalContext::EHEALTH_PLATFORM]
                [usize::try_from(dice / 7 % 3).expect("below 3")],
        ),
        rule: Some(if is_answered { Rule::Granted } else { Rule::ALL[1] }),
        policy: None,
        end_user,
        deliberation: Deliberation::parse("16/108").ok(),
        subject: Some(person(dice % 30_000)),
        window: Date::parse("2015-12-01").ok().map(Window::new),
        fields: if is_answered { fields } else { FieldSet::EMPTY },
        disclosed: if is_answered { vec![enterprise(4_000_000 + dice % 900)] } else { Vec::new() },
        datasets: Dataset::ALL.into_iter().fold(DatasetStates::default(), |all, dataset| all.with(dataset, state)),
        outcome,
        customer_ticket: Some("c0ffee00-0000-4000-8000-000000000000".into()),
        relay: None,
        signature: None,
        replaced_by: None,
    }
}
