//! Measures what ten years of audit log cost: `cargo bench --bench audit_log`.
//!
//! First it measures the cost of one durable record when 1, 64 and 512 exchanges wait at the same
//! time, the cost of a sync alone on that disk, and the cost of the same records as rows of SQLite
//! and as a file that grows with each batch. Then it writes an audit log of 120 months with a clock that is
//! set from month to month, finds people in it, verifies it, and proves single records. Each figure
//! is printed with the figure to compare it with.
//!
//! `AUDIT_LOG_RECORDS` sets the number of records (default 10 000 000). `AUDIT_LOG_DIR` sets a
//! folder in which the audit log is kept and used again; its keys lie beside it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "the figures are printed, and nothing depends on them"
)]

use std::env;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_log::{AuditLog, Checkpoints, IndexUse, KeyFolder, MissingKeys, Settings, Whom, find, parse_record, prove};
use audit_verify::{VerifyingKey, verify, verify_proof};
use ehealth_core::lookup::{self, ExchangeRecord, Operation};
use ehealth_core::model::{
    Dataset, DatasetState, DatasetStates, Date, Digest, EnterpriseNumber, FieldSet, FixedClock, LegalContext,
    OutcomeCode, Ssin, Ticket, Timestamp, Window,
};
use ehealth_core::policy::{Deliberation, Rule};

const MONTHS: u64 = 120;
/// Number of people, about: each is asked about some twelve times in ten years.
const PEOPLE: u64 = 800_000;
/// Number of records that wait at once while the audit log is written.
const WAITING: u64 = 6_000;

fn main() {
    let records = env::var("AUDIT_LOG_RECORDS").map_or(10_000_000, |text| text.parse().expect("a number"));
    let temporary = tempfile::tempdir().expect("a folder");
    let dir = env::var_os("AUDIT_LOG_DIR").map_or(temporary.path().to_owned(), PathBuf::from);
    let settings = Settings {
        missing_keys: MissingKeys::Make,
        queue: 8_192,
        checkpoints: Checkpoints { copy: Some(dir.join("elsewhere")), ..Checkpoints::default() },
        ..Settings::new(dir.join("audit-log"), dir.join("keys"))
    };
    fs::create_dir_all(&dir).expect("ours");
    measure_storages(&dir);
    measure_commits(&dir);
    if !settings.folder.join("checkpoint").exists() {
        write(&settings, records);
    }
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let vkey = keys.verifying_key(&settings.checkpoints.origin).expect("there");
    // First, because a folder that was used before may not be in the page cache then.
    measure_finding(&settings.folder, &keys);
    measure_verification(&settings, &VerifyingKey::parse(&vkey).expect("a key"), &dir.join("elsewhere"));
    measure_proofs(&settings.folder, &keys, &VerifyingKey::parse(&vkey).expect("a key"));
}

/// A moment in the month with this number, counted from the first one.
fn moment(month: u64) -> Timestamp {
    let (year, month) = (2016 + month / 12, month % 12 + 1);
    Timestamp::parse(&format!("{year}-{month:02}-15T12:00:00Z")).expect("a moment")
}

fn write(settings: &Settings, records: u64) {
    let clock = Arc::new(FixedClock::new(moment(0)));
    let log = AuditLog::open(settings, clock.clone()).expect("opened");
    let settled = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    for number in 0..records {
        if number % records.div_ceil(MONTHS) == 0 {
            wait_for(&settled, number);
            clock.set(moment(number / records.div_ceil(MONTHS)));
        }
        if number % 256 == 0 {
            wait_for(&settled, number.saturating_sub(WAITING));
        }
        let record = record(number);
        let settled = Arc::clone(&settled);
        lookup::record(record, &log, move |recorded| {
            recorded.expect("durable");
            settled.fetch_add(1, Ordering::Release);
        });
    }
    wait_for(&settled, records);
    let (took, counters) = (started.elapsed(), log.counters());
    log.close();
    print("written", records, took);
    println!("  {} batches, {:?} each with its sync", counters.batches, counters.writing / counters.batches as u32);
}

/// Median cost of 300 writes of 16 KiB with their syncs on this disk, where zeros were written
/// before.
fn median_sync(dir: &Path) -> Duration {
    let file = tempfile::tempfile_in(dir).expect("ours");
    file.write_all_at(&vec![0; 300 * 16_384], 0).expect("space");
    file.sync_all().expect("durable");
    let mut times: Vec<_> = (0..300_u64)
        .map(|number| {
            let started = Instant::now();
            file.write_all_at(&[0x5a; 16_384], number * 16_384).expect("space");
            file.sync_data().expect("durable");
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Length of one record of this audit log in bytes, about.
const RECORD_BYTES: usize = 512;
/// How long each storage is written at a time, alternating with the others: the speed of a shared
/// disk changes.
const ROUND: Duration = Duration::from_millis(400);
const ROUNDS: u32 = 4;

/// Records per second in the forms that an audit log could have, by the number that shares a sync.
fn measure_storages(dir: &Path) {
    for batch in [1_usize, 16, 64, 512] {
        let place = tempfile::tempdir_in(dir).expect("ours");
        let mut database = Database::open(&place.path().join("rows"));
        let mut growing = Growing::open(&place.path().join("growing"), 1);
        let mut ahead = Growing::open(&place.path().join("ahead"), 1 << 20);
        let mut written = [0_usize; 3];
        for _ in 0..ROUNDS {
            let mut write_round = |storage: usize, write: &mut dyn FnMut()| {
                let started = Instant::now();
                while started.elapsed() < ROUND {
                    write();
                    written[storage] += batch;
                }
            };
            write_round(0, &mut || database.write(batch));
            write_round(1, &mut || growing.write(batch));
            write_round(2, &mut || ahead.write(batch));
        }
        let [rows, growing, ahead] = written.map(|count| count as f64 / (ROUND * ROUNDS).as_secs_f64());
        println!(
            "{batch} a sync: SQLite (WAL, FULL) {rows:.0} records per second; a file that grows {growing:.0}; a file with \
             zeros written ahead {ahead:.0}"
        );
    }
}

/// Records as rows, with an index by person.
struct Database {
    connection: rusqlite::Connection,
    number: i64,
}

impl Database {
    fn open(path: &Path) -> Self {
        let connection = rusqlite::Connection::open(path).expect("ours");
        let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                     CREATE TABLE record (sequence INTEGER PRIMARY KEY, person BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
                     CREATE INDEX by_person ON record (person);";
        connection.execute_batch(setup).expect("a table");
        Self { connection, number: 0 }
    }

    fn write(&mut self, batch: usize) {
        let transaction = self.connection.transaction().expect("alone");
        let mut insert = transaction
            .prepare_cached("INSERT INTO record (sequence, person, bytes) VALUES (?1, ?2, ?3)")
            .expect("a statement");
        for _ in 0..batch {
            self.number += 1;
            // As scattered as the tokens of persons.
            let person = self.number.wrapping_mul(0x1e37_79b9_7f4a_7c15).to_be_bytes().repeat(4);
            insert.execute((self.number, person, vec![0x5a_u8; RECORD_BYTES])).expect("space");
        }
        drop(insert);
        transaction.commit().expect("durable");
    }
}

/// Records one after the other, in a file that grows by `step` bytes at a time.
struct Growing {
    file: fs::File,
    end: u64,
    ready: u64,
    step: u64,
}

impl Growing {
    fn open(path: &Path, step: u64) -> Self {
        Self { file: fs::File::create_new(path).expect("ours"), end: 0, ready: 0, step }
    }

    fn write(&mut self, batch: usize) {
        let bytes = vec![0x5a; batch * RECORD_BYTES];
        let end = self.end + bytes.len() as u64;
        if end > self.ready {
            self.ready = end.next_multiple_of(self.step);
            self.file.write_all_at(&vec![0; (self.ready - end) as usize], end).expect("space");
        }
        self.file.write_all_at(&bytes, self.end).expect("space");
        self.file.sync_data().expect("durable");
        self.end = end;
    }
}

/// Durable records per second, and the time until one is durable, with 1, 64 and 512 callers that
/// append the next record at once.
fn measure_commits(dir: &Path) {
    for waiting in [1_u64, 64, 512] {
        let place = tempfile::tempdir_in(dir).expect("ours");
        let settings = Settings {
            missing_keys: MissingKeys::Make,
            checkpoints: Checkpoints { copy: Some(place.path().join("elsewhere")), ..Checkpoints::default() },
            ..Settings::new(place.path().join("audit-log"), place.path().join("keys"))
        };
        let sync = median_sync(dir);
        let log = AuditLog::open(&settings, Arc::new(FixedClock::new(moment(0)))).expect("opened");
        let (sender, settled) = std::sync::mpsc::channel();
        let ask = |number: u64| {
            let record = record(number);
            let (sender, asked) = (sender.clone(), Instant::now());
            lookup::record(record, &log, move |recorded| {
                recorded.expect("durable");
                sender.send(asked.elapsed()).expect("waited for");
            });
        };
        let records = waiting * 300;
        let started = Instant::now();
        (0..waiting).for_each(&ask);
        let mut times = Vec::new();
        for number in waiting..records + waiting {
            times.push(settled.recv().expect("settled"));
            if number < records {
                ask(number);
            }
        }
        let took = started.elapsed();
        times.sort();
        print(&format!("commits, {waiting} waiting"), records, took);
        let counters = log.counters();
        // The speed of a shared disk changes, so the bound is computed from the log's own syncs.
        let own = counters.writing / u32::try_from(counters.batches).expect("few");
        let (rate, bound) = (records as f64 / took.as_secs_f64(), waiting as f64 / own.as_secs_f64());
        let (median, own, sync) = (ms(times[times.len() / 2]), ms(own), ms(sync));
        println!("  median {median:.2} ms; a write and its sync took {own:.2} ms here, {sync:.2} ms alone before");
        println!(
            "  {:.0} % of {waiting} per sync ({bound:.0} per second); {} signed",
            rate / bound * 100.0,
            counters.signed
        );
        log.close();
    }
}

fn wait_for(settled: &AtomicU64, number: u64) {
    while settled.load(Ordering::Acquire) < number {
        thread::yield_now();
    }
}

/// Any sequence number: there are more people than birthdays, and the records are kept in a temporary
/// folder.
fn person(number: u64) -> Ssin {
    let (day, sequence) = (number / 900, number % 900 + 1);
    let (year, month, day) = (day / 336 % 100, day / 28 % 12 + 1, day % 28 + 1);
    let base = ((year * 100 + month) * 100 + day) * 1_000 + sequence;
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("right by construction")
}

fn ticket(number: u64) -> Ticket {
    Ticket::new((u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

fn record(number: u64) -> ExchangeRecord {
    let enterprise = |base: u64| EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("right");
    let state = |serial| DatasetState { serial, created: Timestamp::from_millis(1_700_000_000_000) };
    let dice = number.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    ExchangeRecord {
        ticket: ticket(number),
        received: Timestamp::from_millis(1_700_000_000_000),
        caller: Some(enterprise(2_022_399)),
        application: None,
        fingerprint: Digest::new([0xab; 32]),
        operation: Operation::ConsultAttributes,
        organisation: Some(enterprise(8_093_944)),
        context: Some(LegalContext::EHEALTH_PLATFORM),
        rule: Some(Rule::Granted),
        policy: Some(Digest::new([7; 32])),
        end_user: None,
        deliberation: Some(Deliberation::parse("16/108").expect("a number")),
        subject: Some(person(dice % PEOPLE)),
        window: Some(Window::new(Date::parse("2026-11-22").expect("a day"))),
        fields: FieldSet::ALL,
        disclosed: vec![enterprise(4_000_000), enterprise(4_000_001), enterprise(4_000_002)],
        datasets: Dataset::ALL.into_iter().fold(DatasetStates::default(), |all, set| all.with(set, state(number))),
        outcome: OutcomeCode::DataFound,
        customer_ticket: Some("c0ffee00-0000-4000-8000-000000000000".into()),
        relay: None,
        signature: None,
        replaced_by: None,
    }
}

fn print(what: &str, records: u64, took: Duration) {
    let rate = records as f64 / took.as_secs_f64();
    println!("{what}: {records} records in {:.2} s, {rate:.0} per second", took.as_secs_f64());
}

fn measure_verification(settings: &Settings, key: &VerifyingKey, elsewhere: &Path) {
    // The first run loads the files into the page cache, as far as they fit.
    for run in ["verified, first run", "verified, again"] {
        let started = Instant::now();
        let verdict = verify(&settings.folder, key, Some(elsewhere)).expect("readable");
        let took = started.elapsed();
        assert!(verdict.is_sound(), "{:?}", verdict.findings);
        print(run, verdict.size, took);
        let rate = verdict.bytes as f64 / took.as_secs_f64() / 1e6;
        println!("  {} segments, {} MB at {rate:.0} MB/s", verdict.segments, verdict.bytes / 1_000_000);
    }
    let bytes = vec![0x5a; 1 << 28];
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    thread::scope(|scope| {
        for part in bytes.chunks(bytes.len() / cores) {
            scope.spawn(|| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, part));
        }
    });
    let rate = bytes.len() as f64 / started.elapsed().as_secs_f64() / 1e6;
    println!("SHA-256 alone, on {cores} cores: {rate:.0} MB/s");
}

fn measure_finding(folder: &Path, keys: &KeyFolder) {
    let look = |number: u64, index| {
        let started = Instant::now();
        let found = find(folder, keys, index, &Whom::Subject(person(number)), None).expect("readable");
        (
            found.into_iter().filter(|found| found.as_ref().expect("searchable").detail.is_ok()).count(),
            started.elapsed(),
        )
    };
    let (found, took) = look(7, IndexUse::Keep);
    println!("found, including the indexes that had to be made: {found} records in {:.3} s", took.as_secs_f64());
    let mut times: Vec<_> = (0..200).map(|number| look(number * 3_999, IndexUse::Keep)).collect();
    times.sort_by_key(|(_, took)| *took);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("found: median {:.1} ms ({} records), worst of 200 {:.1} ms", ms(median.1), median.0, ms(worst.1));
    let (found, took) = look(7, IndexUse::Bypass);
    println!("found by reading everything: {found} records in {:.3} s", took.as_secs_f64());
    let size = |end: &str| {
        let files = fs::read_dir(folder).expect("there").map(|file| file.expect("there").path());
        let files = files.filter(|path| path.extension().is_some_and(|of| of == end));
        files.map(|path| fs::metadata(path).expect("there").len()).sum::<u64>() / 1_000_000
    };
    println!("  segments {} MB, indexes {} MB", size("seg"), size("idx"));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn measure_proofs(folder: &Path, keys: &KeyFolder, key: &VerifyingKey) {
    let note = fs::read_to_string(folder.join("checkpoint")).expect("there");
    let size: u64 = note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size");
    let mut times: Vec<_> = (0..20)
        .map(|part| {
            let started = Instant::now();
            let number = (size - MONTHS - 1) / 20 * part;
            let proof = prove(folder, keys, IndexUse::Keep, ticket(number), &note).expect("proven");
            let made = started.elapsed();
            let started = Instant::now();
            let proven = verify_proof(&proof, key).expect("right");
            let verified = started.elapsed();
            assert!(parse_record(&proven.record).is_ok());
            (made, verified, proof.len())
        })
        .collect();
    times.sort();
    let (made, verified, length) = times[times.len() / 2];
    println!("proven: median {:.0} ms, verified in {:.2} ms, {length} bytes", ms(made), ms(verified));
}
