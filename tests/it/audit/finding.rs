//! A search with an index finds what a full scan finds, also if the index is damaged; each found
//! record can be proven.

use std::fs;
use std::path::{Path, PathBuf};

use audit_log::{
    AuditLog, Event, Found, IndexUse, KeyError, KeyFolder, KeyName, MissingKeys, ProveError, Records, SearchError,
    Settings, Whom, find, find_each, parse_record, prove, search,
};
use audit_verify::{ProofError, VerifyingKey, verify_proof};
use ehealth_core::model::{Date, Ticket, Window};

use super::harness::*;
use crate::support::environment;
use crate::support::random::Random;

struct Written {
    _dir: tempfile::TempDir,
    settings: Settings,
    keys: KeyFolder,
    key: VerifyingKey,
}

/// Four months over two years, 40 exchanges each, with ten persons.
fn written() -> Written {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-01T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    for number in 0..160 {
        let month = ["2026-11", "2026-12", "2027-01", "2027-02"][number as usize / 40];
        clock.set(moment(&format!("{month}-{:02}T05:19:00Z", number % 20 + 1)));
        record(&log, entry(number, person(number % 10))).expect("durable");
    }
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    Written { settings, keys, key, _dir: dir }
}

impl Written {
    fn find(&self, number: u64, index: IndexUse, days: Option<Window>) -> Vec<Ticket> {
        let found =
            find(&self.settings.folder, &self.keys, index, &Whom::Subject(person(number)), days).expect("readable");
        found.into_iter().map(|found| found.expect("searchable").exchange.ticket).collect()
    }

    /// What one pass finds about each of the first persons.
    fn find_each(&self, persons: u64, index: IndexUse, days: Option<Window>) -> Vec<Vec<Ticket>> {
        let persons: Vec<_> = (0..persons).map(person).collect();
        let found = find_each(&self.settings.folder, &self.keys, index, &persons, days).expect("readable");
        let tickets = |of_person: Vec<Result<Found, SearchError>>| {
            of_person.into_iter().map(|found| found.expect("searchable").exchange.ticket).collect()
        };
        found.into_iter().map(tickets).collect()
    }

    fn read(&self, number: u64) -> Vec<Ticket> {
        let records = Records::open(&self.settings.folder).expect("readable");
        search(records, &self.keys, &Whom::Subject(person(number)))
            .map(|found| found.expect("sound").exchange.ticket)
            .collect()
    }

    fn indexes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.settings.folder).expect("there").map(|file| file.expect("there").path());
        let mut indexes: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "idx")).collect();
        indexes.sort();
        indexes
    }

    fn checkpoint(&self) -> String {
        fs::read_to_string(self.settings.folder.join("checkpoint")).expect("there")
    }
}

fn days(from: &str, to: &str) -> Window {
    let day = |text| Date::parse(text).expect("a day");
    Window::from_days(day(from), day(to)).expect("not reversed")
}

#[test]
fn an_index_finds_what_a_scan_finds_and_is_rebuilt() {
    let log = written();
    for number in 0..12 {
        let read = log.read(number);
        assert_eq!(read.len(), if number < 10 { 16 } else { 0 });
        assert_eq!(log.find(number, IndexUse::Bypass, None), read);
        assert_eq!(log.find(number, IndexUse::Keep, None), read);
    }
    assert_eq!(log.indexes().len(), 3, "one for each segment except the current one");
    fs::remove_file(&log.indexes()[1]).expect("there");
    assert_eq!(log.find(3, IndexUse::Keep, None), log.read(3));
    assert_eq!(log.indexes().len(), 3);
}

#[test]
fn days_are_those_of_brussels_both_inclusive() {
    let log = written();
    for index in [IndexUse::Keep, IndexUse::Bypass] {
        assert_eq!(log.find(0, index, Some(days("2026-11-01", "2026-11-01"))).len(), 2);
        assert_eq!(log.find(0, index, Some(days("2026-11-02", "2026-11-10"))).len(), 0);
        assert_eq!(log.find(0, index, Some(days("2026-11-11", "2027-01-01"))).len(), 2 + 4 + 2);
        assert_eq!(log.find(0, index, Some(days("2027-03-01", "2027-04-01"))).len(), 0);
    }
}

/// `AUDIT_LOG_EDITS=10000 cargo test --test it no_change_of_an_index` sets the number of edits.
#[test]
fn no_change_of_an_index_hides_or_invents_anything() {
    let edits = environment::number("AUDIT_LOG_EDITS", 300);
    let log = written();
    let expected: Vec<_> = (0..10).map(|number| log.find(number, IndexUse::Keep, None)).collect();
    let indexes: Vec<_> = log.indexes().into_iter().map(|path| (fs::read(&path).expect("there"), path)).collect();
    let mut random = Random::new(3);
    for _ in 0..edits {
        let (bytes, path) = &indexes[random.below(3) as usize];
        let mut changed = bytes.clone();
        // Most of such a small index are the directories; aim behind them equally often.
        let at = [random.below(bytes.len() as u64), 10_288 + random.below(bytes.len() as u64 - 10_288)]
            [random.below(2) as usize];
        match random.below(4) {
            0 => changed.truncate(at as usize),
            1 => changed = indexes[random.below(3) as usize].0.clone(),
            _ => changed[at as usize] ^= 1 << random.below(8),
        }
        fs::write(path, changed).expect("ours");
        let number = random.below(10);
        assert_eq!(log.find(number, IndexUse::Keep, None), expected[number as usize]);
        let ticket = entry(number, person(0)).ticket;
        let proof = prove(&log.settings.folder, &log.keys, IndexUse::Keep, ticket, &log.checkpoint());
        assert_eq!(verify_proof(&proof.expect("proven"), &log.key).expect("right").sequence, number + 1);
        fs::write(path, bytes).expect("ours");
    }
}

#[test]
fn an_index_of_a_segment_that_grew_is_rebuilt() {
    let log = written();
    log.find(0, IndexUse::Keep, None);
    let path = &log.indexes()[0];
    let mut stale = fs::read(path).expect("there");
    stale[19] ^= 1;
    fs::write(path, &stale).expect("ours");
    assert_eq!(log.find(0, IndexUse::Keep, None), log.read(0));
    assert_ne!(fs::read(path).expect("there"), stale);
}

#[test]
fn a_proof_shows_one_record_and_detects_every_change() {
    let log = written();
    let ticket = entry(77, person(7)).ticket;
    let folder: &Path = &log.settings.folder;
    let proof = prove(folder, &log.keys, IndexUse::Keep, ticket, &log.checkpoint()).expect("proven");
    let proven = verify_proof(&proof, &log.key).expect("right");
    assert_eq!((proven.size, proven.sequence, proven.ticket), (164, 79, Some(*ticket.as_bytes())));
    assert_eq!(proven.recorded, moment("2026-12-18T05:19:00Z"));
    let record = parse_record(&proven.record).expect("a record");
    let Event::Exchange(exchange) = record.event else { panic!("no exchange") };
    assert_eq!((exchange.ticket, exchange.caller), (ticket, entry(77, person(7)).caller));
    let bytes = proof.as_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let verified = String::from_utf8(changed).map(|proof| verify_proof(&proof, &log.key));
        assert!(verified.is_err() || verified.is_ok_and(|proof| proof.is_err()), "{at}");
    }
    assert_eq!(verify_proof("c2sp.org/tlog-proof@v1\n", &log.key), Err(ProofError::Form));
    let other = proof.replacen("index 79", "index 78", 1);
    assert_eq!(verify_proof(&other, &log.key), Err(ProofError::Path));
    assert_eq!(verify_proof(&proof, &written().key), Err(ProofError::Checkpoint));
}

#[test]
fn what_cannot_be_proven_is_reported() {
    let log = written();
    let folder: &Path = &log.settings.folder;
    let checkpoint = log.checkpoint();
    let prove = |ticket, checkpoint: &str| prove(folder, &log.keys, IndexUse::Keep, ticket, checkpoint);
    let ticket = entry(7, person(7)).ticket;
    assert_eq!(prove(entry(1_000, person(0)).ticket, &checkpoint), Err(ProveError::Unknown));
    assert_eq!(prove(ticket, "no checkpoint"), Err(ProveError::Checkpoint));
    assert_eq!(prove(ticket, &checkpoint.replacen("164", "160", 1)), Err(ProveError::Inconsistent));
    assert_eq!(prove(entry(159, person(9)).ticket, &checkpoint.replacen("164", "100", 1)), Err(ProveError::Unsigned));
    let first = folder.join("000000000000-2026-11.seg");
    let mut bytes = fs::read(&first).expect("there");
    bytes[900] ^= 1;
    fs::write(&first, bytes).expect("ours");
    assert!(matches!(prove(ticket, &checkpoint), Err(ProveError::Damaged(_))));
}

#[test]
fn one_pass_finds_for_each_person_what_a_search_finds() {
    let written = written();
    let days = Window::from_days(Date::parse("2026-12-05").expect("a day"), Date::parse("2027-02-10").expect("a day"));
    for days in [None, Some(days.expect("days"))] {
        for index in [IndexUse::Keep, IndexUse::Bypass] {
            let each = written.find_each(12, index, days);
            let alone: Vec<_> = (0..12).map(|number| written.find(number, index, days)).collect();
            assert_eq!(each, alone);
            assert!(each[3].len() > 3 && each[11].is_empty());
        }
    }
    // An index that is damaged is not trusted.
    for index in written.indexes() {
        let mut bytes = fs::read(&index).expect("there");
        bytes.iter_mut().skip(32).for_each(|byte| *byte ^= 1);
        fs::write(&index, bytes).expect("ours");
    }
    assert_eq!(written.find_each(2, IndexUse::Keep, None), [written.read(0), written.read(1)]);
    // Two lines about one person, and a number that replaced another, get all of theirs once.
    let persons = [person(4), person(4), successor(person(4))];
    let found = find_each(&written.settings.folder, &written.keys, IndexUse::Keep, &persons, None).expect("readable");
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0].len(), 16);
    // A year without its key is an error for each person, and hides nothing else.
    fs::remove_file(written.settings.keys.join("subject-2027.key")).expect("there");
    let keys = KeyFolder::open(&written.settings.keys, MissingKeys::Refuse).expect("there");
    let found = find_each(&written.settings.folder, &keys, IndexUse::Keep, &persons, None).expect("readable");
    let missing = SearchError::Year { year: 2027, error: KeyError::Missing(KeyName::Subject(2027)) };
    for of_person in &found {
        assert_eq!(of_person.iter().filter(|found| found.as_ref().err() == Some(&missing)).count(), 2);
    }
    assert_eq!(found[0].iter().filter(|found| found.is_ok()).count(), 8);
}
