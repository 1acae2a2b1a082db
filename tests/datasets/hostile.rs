//! Compares the store with a naive model under hostile feeds: same contents, and for each run the
//! outcome code that the rules require.
//!
//! A sequence is the history of a publisher: serials, snapshots, sessions, and at each step
//! possibly an attack. The model keeps maps and follows the rules literally; it shares no code with
//! the program. `HOSTILE_SEQUENCES` sets the number of sequences, `HOSTILE_SEED` the first seed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use datasets::feed::digest_of;
use datasets::sync::{Feeds, Source};
use ehealth_core::model::Dataset;

use crate::support::publisher::web::{Manner, Web};
use crate::support::publisher::{self, Place, digits, enterprise, header};
use crate::support::random::Random;

const SESSIONS: [&str; 4] = [
    "00000000-0000-0000-0000-000000000001",
    "00000000-0000-0000-0000-000000000002",
    "00000000-0000-0000-0000-000000000003",
    "00000000-0000-0000-0000-000000000004",
];

/// Rows by ID: person and begin.
type Rows = BTreeMap<u64, (u64, u64)>;

/// One row of a data file.
#[derive(Debug, Clone, Copy)]
enum Step {
    Put(u64, u64, u64),
    /// A row with a readable ID and an invalid SSIN.
    Wrong(u64),
    Delete(u64),
}

/// The error of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Hash,
    Bytes,
    Records,
    Truncated,
    Missing,
    Malformed,
    Bomb,
    TooManyWrong,
    Redirect,
    Cut,
    Drip,
    /// More valid records than the disk can hold.
    Flood,
}

#[derive(Debug, Clone)]
struct Offered {
    serial: u64,
    /// Distinguishes two files of one kind and serial, as their hashes do.
    version: u64,
    steps: Vec<Step>,
    fault: Fault,
}

/// The error of the notification itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    None,
    Xml,
    UnknownDataset,
    Climbing,
    Hole,
    Gone,
}

#[derive(Debug, Clone)]
struct Offer {
    session: usize,
    serial: u64,
    snapshot: Offered,
    deltas: Vec<Offered>,
    trick: Trick,
}

/// The model: applies the rules to the offers.
#[derive(Debug, Default)]
struct Model {
    state: Option<(usize, u64)>,
    rows: Rows,
    rejected: BTreeSet<u64>,
    left: BTreeSet<usize>,
    /// Hash (from fault and version) by "is a delta" and serial.
    known: BTreeMap<(bool, u64), String>,
}

impl Model {
    fn follow(&mut self, offer: &Offer, hash: &impl Fn(bool, &Offered) -> String) -> &'static str {
        match offer.trick {
            Trick::Gone => return "refused/missing-file",
            Trick::Climbing => return "refused/uri",
            Trick::Xml | Trick::UnknownDataset | Trick::Hole => return "refused/notification",
            Trick::None => {}
        }
        let listed = || std::iter::once((false, &offer.snapshot)).chain(offer.deltas.iter().map(|delta| (true, delta)));
        let Some((session, serial)) = self.state else { return self.take_snapshot(offer, "snapshot/first", hash) };
        if self.left.contains(&offer.session) {
            return "refused/rollback";
        }
        if offer.session != session {
            return self.take_snapshot(offer, "snapshot/new-session", hash);
        }
        if offer.serial < serial {
            return "refused/rollback";
        }
        for (is_delta, file) in listed() {
            if self.known.get(&(is_delta, file.serial)).is_some_and(|known| *known != hash(is_delta, file)) {
                return "refused/rewritten";
            }
        }
        if offer.serial == serial {
            self.remember(offer, None, hash);
            return "nothing";
        }
        let needed: Vec<&Offered> = offer.deltas.iter().filter(|delta| delta.serial > serial).collect();
        if needed.len() as u64 != offer.serial - serial {
            return self.take_snapshot(offer, "snapshot/gap", hash);
        }
        for delta in needed {
            match self.apply(delta, offer.session, hash) {
                Ok(()) => {}
                Err(code) if code.starts_with("failed") || code == "refused/shrunk" => return code,
                Err(_) if offer.snapshot.serial < delta.serial => return "refused/bad-delta",
                Err(_) => {
                    let code = self.take_snapshot(offer, "snapshot/bad-delta", hash);
                    if code == "snapshot/bad-delta" {
                        self.known.remove(&(true, delta.serial));
                    }
                    return code;
                }
            }
        }
        self.remember(offer, None, hash);
        "deltas"
    }

    fn remember(&mut self, offer: &Offer, but: Option<u64>, hash: &impl Fn(bool, &Offered) -> String) {
        self.known.entry((false, offer.snapshot.serial)).or_insert(hash(false, &offer.snapshot));
        for delta in offer.deltas.iter().filter(|delta| Some(delta.serial) != but) {
            self.known.entry((true, delta.serial)).or_insert(hash(true, delta));
        }
    }

    fn take_snapshot(
        &mut self,
        offer: &Offer,
        code: &'static str,
        hash: &impl Fn(bool, &Offered) -> String,
    ) -> &'static str {
        let snapshot = &offer.snapshot;
        if let Err(code) = fetch(snapshot) {
            return code;
        }
        let (mut rows, mut rejected) = (Rows::new(), BTreeSet::new());
        for step in &snapshot.steps {
            match *step {
                Step::Put(id, ..) if rows.contains_key(&id) || rejected.contains(&id) => {}
                Step::Put(id, person, begin) => drop(rows.insert(id, (person, begin))),
                Step::Wrong(id) if rows.contains_key(&id) => {}
                Step::Wrong(id) => drop(rejected.insert(id)),
                Step::Delete(_) => unreachable!("a snapshot has no deletions"),
            }
        }
        let lost = self.rows.len().saturating_sub(rows.len());
        if self.state.is_some() && lost > self.rows.len() / 10 {
            return "refused/shrunk";
        }
        if let Some((session, _)) = self.state
            && session != offer.session
        {
            self.left.insert(session);
            self.known.clear();
        }
        (self.rows, self.rejected) = (rows, rejected);
        self.state = Some((offer.session, snapshot.serial));
        self.known.entry((false, snapshot.serial)).or_insert(hash(false, snapshot));
        for delta in offer.deltas.iter().filter(|delta| delta.serial > snapshot.serial) {
            match self.apply(delta, offer.session, hash) {
                Ok(()) => {}
                Err(code) if code.starts_with("failed") || code == "refused/shrunk" => return code,
                Err(_) => return "refused/bad-delta",
            }
        }
        self.remember(offer, None, hash);
        code
    }

    fn apply(
        &mut self,
        delta: &Offered,
        session: usize,
        hash: &impl Fn(bool, &Offered) -> String,
    ) -> Result<(), &'static str> {
        let (mut rows, mut rejected, mut deleted) = (self.rows.clone(), self.rejected.clone(), 0);
        let mut verdict = Ok(());
        for step in &delta.steps {
            match *step {
                Step::Put(id, person, begin) => {
                    rows.insert(id, (person, begin));
                    rejected.remove(&id);
                }
                Step::Wrong(id) => {
                    rows.remove(&id);
                    rejected.insert(id);
                }
                Step::Delete(id) if rows.remove(&id).is_some() => deleted += 1,
                Step::Delete(id) if rejected.remove(&id) => {}
                Step::Delete(_) => {
                    verdict = Err("refused/bad-delta");
                    break;
                }
            }
        }
        fetch(delta)?;
        verdict?;
        if deleted > self.rows.len() / 10 {
            return Err("refused/shrunk");
        }
        (self.rows, self.rejected) = (rows, rejected);
        self.state = Some((session, delta.serial));
        self.known.entry((true, delta.serial)).or_insert(hash(true, delta));
        Ok(())
    }
}

fn fetch(file: &Offered) -> Result<(), &'static str> {
    Err(match file.fault {
        Fault::None => return Ok(()),
        Fault::Hash => "refused/hash",
        Fault::Bytes => "refused/bytes",
        Fault::Truncated => "refused/incomplete",
        Fault::Records => "refused/records",
        Fault::Missing => "refused/missing-file",
        Fault::Malformed | Fault::Bomb => "refused/malformed",
        Fault::TooManyWrong => "refused/too-many-wrong",
        Fault::Redirect => "refused/uri",
        Fault::Cut | Fault::Drip => "failed/source",
        Fault::Flood => "failed/store",
    })
}

/// Bytes that the disk holds for the dataset: its tables and some hundred rows.
const DISK: u64 = 256 * 1024;

/// Rows that need more than twice the space of such a disk.
const FLOOD: u64 = 6_000;

fn begin(day: u64) -> String {
    format!("20{:02}-01-{:02}", 10 + day / 28, day % 28 + 1)
}

/// A file's bytes, and the announced hash, length and count.
fn write(is_delta: bool, file: &Offered) -> (Vec<u8>, String, u64, u64) {
    let columns = header(Dataset::Dimona);
    let (action, put) = if is_delta { ("action,", "put,") } else { ("", "") };
    let mut text = format!("{action}{columns}\n");
    for step in &file.steps {
        text += &match *step {
            Step::Put(id, person, day) => format!("{put}{id},{},{},{},\n", digits(person), enterprise(id), begin(day)),
            Step::Wrong(id) => format!("{put}{id},85073099933,{},{},\n", enterprise(id), begin(0)),
            Step::Delete(id) => format!("delete,{id},,,,\n"),
        };
    }
    let mut records = file.steps.len() as u64;
    match file.fault {
        Fault::Malformed => text += "1,2\n",
        Fault::TooManyWrong => {
            for id in 0..12 {
                text += &format!("{put}{},85073099933,{},{},\n", 900 + id, enterprise(id), begin(0));
            }
            records += 12;
        }
        Fault::Flood => {
            for id in 1_000..1_000 + FLOOD {
                text += &format!("{put}{id},{},{},{},\n", digits(id % 9), enterprise(1), begin(0));
            }
            records += FLOOD;
        }
        Fault::None | Fault::Hash | Fault::Bytes | Fault::Records | Fault::Truncated | Fault::Missing => {}
        Fault::Bomb | Fault::Redirect | Fault::Cut | Fault::Drip => {}
    }
    if file.fault == Fault::Malformed {
        records += 1;
    }
    let mut bytes = text.into_bytes();
    if file.fault == Fault::Bomb {
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        bomb.write_all(&vec![0; 1 << 16]).expect("into memory");
        bytes = bomb.finish().expect("into memory");
    }
    let mut sha256 = digest_of(&bytes).to_string();
    let mut length = bytes.len() as u64;
    match file.fault {
        Fault::Hash => sha256 = format!("{:064x}", file.version),
        Fault::Bytes => length -= 1,
        Fault::Records => records += 1,
        Fault::Truncated => bytes.truncate(bytes.len() / 2),
        Fault::None | Fault::Missing | Fault::Malformed | Fault::Bomb | Fault::TooManyWrong => {}
        Fault::Redirect | Fault::Cut | Fault::Drip | Fault::Flood => {}
    }
    (bytes, sha256, length, records)
}

fn hash(is_delta: bool, file: &Offered) -> String {
    write(is_delta, file).1
}

/// Makes another fault of a flood.
fn calm(file: &mut Offered) {
    if file.fault == Fault::Flood {
        file.fault = Fault::Missing;
    }
}

/// A publisher that knows its own history, and draws its offers from it.
struct Life {
    random: Random,
    is_https: bool,
    session: usize,
    serial: u64,
    rows: Rows,
    rejected: BTreeSet<u64>,
    deltas: Vec<Offered>,
    snapshot: Option<Offered>,
    version: u64,
}

impl Life {
    fn new(seed: u64, is_https: bool) -> Self {
        let rows = (1..=30).map(|id| (id, (id % 9, id))).collect();
        let random = Random::new(seed);
        let (deltas, rejected) = (Vec::new(), BTreeSet::new());
        Self { random, is_https, session: 0, serial: 1, rows, rejected, deltas, snapshot: None, version: 0 }
    }

    /// A whole state as a file. Rejected records are in it as they were sent.
    fn snapshot_of_now(&mut self) -> Offered {
        self.version += 1;
        let mut steps: Vec<Step> = self.rows.iter().map(|(id, row)| Step::Put(*id, row.0, row.1)).collect();
        steps.extend(self.rejected.iter().map(|id| Step::Wrong(*id)));
        if self.random.one_in(8)
            && let Some(Step::Put(id, ..)) = steps.first().copied()
        {
            steps.push(Step::Put(id, 3, 3));
        }
        Offered { serial: self.serial, version: self.version, steps, fault: Fault::None }
    }

    fn live_on(&mut self) {
        self.serial += 1;
        self.version += 1;
        let mut steps = Vec::new();
        for _ in 0..self.random.below(5) {
            let id = 1 + self.random.below(40);
            match self.random.below(8) {
                0..5 => {
                    let row = (self.random.below(9), self.random.below(300));
                    steps.push(Step::Put(id, row.0, row.1));
                    self.rows.insert(id, row);
                    self.rejected.remove(&id);
                }
                5 => {
                    steps.push(Step::Wrong(id));
                    self.rows.remove(&id);
                    self.rejected.insert(id);
                }
                _ if self.rows.remove(&id).is_some() || self.rejected.remove(&id) => steps.push(Step::Delete(id)),
                // This ID was never sent: deleting it is an error.
                _ if self.random.one_in(6) => steps.push(Step::Delete(id)),
                _ => {}
            }
        }
        self.deltas.push(Offered { serial: self.serial, version: self.version, steps, fault: Fault::None });
    }

    fn spoil(&mut self, file: &mut Offered) {
        if !self.random.one_in(12) {
            return;
        }
        self.version += 1;
        file.version = self.version;
        let faults = [
            Fault::Hash,
            Fault::Bytes,
            Fault::Records,
            Fault::Truncated,
            Fault::Missing,
            Fault::Malformed,
            Fault::Bomb,
            Fault::TooManyWrong,
            Fault::Flood,
            Fault::Redirect,
            Fault::Cut,
            Fault::Redirect,
            Fault::Cut,
        ];
        let count = if self.is_https { 13 } else { 9 };
        file.fault = faults[usize::try_from(self.random.below(count)).expect("small")];
        if file.fault == Fault::Flood {
            // The rest of the file must be validated before the lack of space is known.
            file.steps.clear();
        }
        if self.is_https && self.random.one_in(300) {
            file.fault = Fault::Drip;
        }
    }

    fn offer(&mut self) -> Offer {
        match self.random.below(16) {
            0 => {
                self.session = usize::try_from(self.random.below(4)).expect("small");
                self.serial = 1 + self.random.below(3);
                self.deltas.clear();
                self.snapshot = None;
            }
            1 if self.serial > 2 => {
                // Withdraws the announced files.
                self.serial -= 1;
                self.deltas.retain(|delta| delta.serial <= self.serial);
                self.snapshot = None;
            }
            2 => self.deltas.clear(),
            3..5 => {}
            _ => {
                for _ in 0..=self.random.below(3) {
                    self.live_on();
                }
            }
        }
        let reach = self.deltas.first().map_or(self.serial, |delta| delta.serial - 1);
        let is_usable = self.snapshot.as_ref().is_some_and(|snapshot| {
            (reach..=self.serial).contains(&snapshot.serial)
                && self.deltas.iter().filter(|delta| delta.serial > snapshot.serial).count() as u64
                    == self.serial - snapshot.serial
        });
        if !is_usable || self.random.one_in(4) {
            self.snapshot = Some(self.snapshot_of_now());
        }
        let mut snapshot = self.snapshot.clone().expect("just made");
        self.spoil(&mut snapshot);
        let mut deltas = self.deltas.clone();
        deltas.retain(|delta| delta.serial > snapshot.serial || !self.random.one_in(6));
        for delta in &mut deltas {
            self.spoil(delta);
        }
        if deltas.iter().any(|delta| delta.fault == Fault::Drip) || snapshot.fault == Fault::Drip {
            // A short timeout leaves no time for thousands of rows.
            std::iter::once(&mut snapshot).chain(&mut deltas).for_each(calm);
        }
        let trick = match self.random.below(40) {
            0 => Trick::Xml,
            1 => Trick::UnknownDataset,
            2 => Trick::Climbing,
            3 if snapshot.serial < self.serial => Trick::Hole,
            4 => Trick::Gone,
            _ => Trick::None,
        };
        Offer { session: self.session, serial: self.serial, snapshot, deltas, trick }
    }
}

/// Publishes an offer; with a web server, also its behaviour.
fn publish(place: &Place, offer: &Offer, web: Option<&Web>) {
    let folder = place.folder.path().join("feeds/dimona");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut text = format!(
        "<notification version=\"1\" dataset=\"{}\" session=\"{}\" serial=\"{}\" created=\"2026-11-22T05:00:00Z\">",
        if offer.trick == Trick::UnknownDataset { "pensions" } else { "dimona" },
        SESSIONS[offer.session],
        offer.serial
    );
    if let Some(web) = web {
        web.behave();
    }
    let files = std::iter::once((false, &offer.snapshot)).chain(offer.deltas.iter().map(|delta| (true, delta)));
    for (is_delta, file) in files {
        let (bytes, sha256, length, records) = write(is_delta, file);
        let kind = if is_delta { "delta" } else { "snapshot" };
        let packed = if file.fault == Fault::Bomb { ".gz" } else { "" };
        let name = format!("{kind}-{}.csv{packed}", file.serial);
        if file.fault != Fault::Missing {
            std::fs::write(folder.join(&name), bytes).expect("disk enough");
        }
        let manner = match file.fault {
            Fault::Redirect => Some(Manner::Redirect),
            Fault::Cut => Some(Manner::Cut),
            Fault::Drip => Some(Manner::Drip),
            Fault::None | Fault::Hash | Fault::Bytes | Fault::Records | Fault::Truncated | Fault::Missing => None,
            Fault::Malformed | Fault::Bomb | Fault::TooManyWrong | Fault::Flood => None,
        };
        if let (Some(web), Some(manner)) = (web, manner) {
            web.answer(&format!("/dimona/{name}"), manner);
        }
        if offer.trick == Trick::Hole && is_delta && file.serial == offer.serial {
            continue;
        }
        let climb = if offer.trick == Trick::Climbing { "../dimona/" } else { "" };
        text += &format!(
            "<{kind} serial=\"{}\" uri=\"{climb}{name}\" sha256=\"{sha256}\" bytes=\"{length}\" records=\"{records}\"/>",
            file.serial
        );
    }
    text += if offer.trick == Trick::Xml { "</notificatoin>" } else { "</notification>" };
    if offer.trick != Trick::Gone {
        std::fs::write(folder.join("notification.xml"), text).expect("disk enough");
    }
}

/// Serial and rows of the store.
fn loaded(place: &Place) -> (Option<u64>, Rows) {
    let pointer = std::fs::read_to_string(place.settings.data.join("dimona.current")).expect("a pointer");
    let file = place.settings.data.join(pointer.trim_end());
    let database = rusqlite::Connection::open(file).expect("a database");
    let serial = database.query_row("SELECT max(serial) FROM state", [], |row| row.get::<_, Option<i64>>(0));
    let mut select = database.prepare("SELECT period_id, ssin, begin_day FROM period").expect("a table");
    let persons: BTreeMap<u64, u64> = (0..9).map(|person| (publisher::ssin(person).as_u64(), person)).collect();
    let first = ehealth_core::model::Date::parse("2010-01-01").expect("a day");
    let days: BTreeMap<i64, u64> = (0..300)
        .map(|day| (ehealth_core::model::Date::parse(&begin(day)).expect("a day"), day))
        .map(|(date, day)| (i64::from(date.as_days()), day))
        .collect();
    assert!(days.contains_key(&i64::from(first.as_days())));
    let rows = select
        .query_map([], |row| {
            let id: i64 = row.get(0)?;
            let ssin: i64 = row.get(1)?;
            let begin: i64 = row.get(2)?;
            Ok((id.unsigned_abs(), (persons[&ssin.unsigned_abs()], days[&begin])))
        })
        .expect("readable");
    let owners: i64 = database.query_row("SELECT count(*) FROM period_owner", [], |row| row.get(0)).expect("a table");
    let rows: Rows = rows.map(|row| row.expect("readable")).collect();
    assert_eq!(owners.unsigned_abs(), rows.len() as u64, "every period has its owner and no other");
    (serial.expect("a table").map(i64::unsigned_abs), rows)
}

#[test]
fn the_store_always_holds_what_the_model_holds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let sequences = number("HOSTILE_SEQUENCES").unwrap_or(120);
    let from = number("HOSTILE_SEED").unwrap_or(1);
    let mut place = Place::in_memory(&[Dataset::Dimona]);
    let workspace = place.folder.path().join("demo");
    let web = Web::start(&workspace, &place.folder.path().join("feeds"), place.same_clock());
    place.settings.feeds[0].bytes_max = DISK;
    let folder = place.settings.feeds[0].source.clone();
    let mut over_https = web.feed(&workspace, "dimona");
    let mut codes = BTreeMap::new();
    for seed in from..from + sequences {
        let is_https = seed % 4 == 0;
        let _ = std::fs::remove_dir_all(&place.settings.data);
        let mut life = Life::new(seed, is_https);
        let mut model = Model::default();
        for turn in 0..8 {
            let offer = life.offer();
            publish(&place, &offer, is_https.then_some(&web));
            // Only a publisher that must time out gets a short timeout: a busy machine may be slow.
            let drips = |file: &Offered| file.fault == Fault::Drip;
            let is_slow = drips(&offer.snapshot) || offer.deltas.iter().any(drips);
            over_https.limits.file = Duration::from_secs(if is_slow { 2 } else { 60 });
            place.settings.feeds[0].source = if is_https { Source::Https(over_https.clone()) } else { folder.clone() };
            let feeds = Feeds::new(place.settings.clone());
            let expected = model.follow(&offer, &hash);
            let outcome = feeds.run_all(&place.clock)[0].outcome.code();
            assert_eq!(outcome, expected, "HOSTILE_SEED={seed}, turn {turn}: {offer:#?}\n{model:?}");
            let serial = model.state.map(|(_, serial)| serial);
            assert_eq!(loaded(&place), (serial, model.rows.clone()), "HOSTILE_SEED={seed}, turn {turn}: {offer:#?}");
            *codes.entry(outcome).or_insert(0_u64) += 1;
        }
    }
    assert!(place.names("data").len() <= 3, "{:?}", place.names("data"));
    assert!(sequences < 100 || codes.len() >= 15, "the sequences lack outcomes: {codes:?}");
}
