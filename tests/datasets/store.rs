//! The store as readers see it: one state at a time, whatever happens to the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use datasets::store::{DeltaOutcome, Key, Reader, Row, State, StoreError, Watch, Writer};
use datasets::sync::{Outcome, SnapshotReason, Source};
use ehealth_attributes::server::Readers;
use ehealth_core::lookup::Directory;
use ehealth_core::model::{Dataset, Date, Digest, EnterpriseNumber, Period, ServiceKind, Ssin, Timestamp};

use crate::support::publisher::{self, Place, digits, enterprise, period, ssin};

fn place_with(rows: &[String]) -> (Place, publisher::Publisher) {
    let place = Place::new(&[Dataset::Dimona]);
    let mut publisher = place.publisher(Dataset::Dimona);
    publisher.snapshot(1, rows).announce();
    assert!(place.run().is_up_to_date());
    (place, publisher)
}

fn periods(reader: &mut Reader, person: u64) -> Option<usize> {
    let mut found = Vec::new();
    reader.view().employment_periods(ssin(person), &mut found).ok().map(|()| found.len())
}

fn file_in_use(place: &Place) -> PathBuf {
    let pointer = fs::read_to_string(place.settings.data.join("dimona.current")).expect("a pointer");
    place.settings.data.join(pointer.trim_end())
}

#[test]
fn a_dataset_that_was_never_loaded_reads_as_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reader = Watch::open(&folder.path().join("nowhere")).reader();
    let mut view = reader.view();
    assert!(Dataset::ALL.iter().all(|dataset| view.states().expect("empty").get(*dataset).is_none()));
    let (mut a, mut b, mut c, mut d) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    assert_eq!(view.family(ssin(1), &mut a).expect("empty"), ssin(1));
    view.employment_periods(ssin(1), &mut b).expect("empty");
    view.affiliations(ServiceKind::Internal, enterprise(1), &mut c).expect("empty");
    view.memberships(ssin(1), &mut d).expect("empty");
    assert_eq!((a.as_slice(), b.len(), c.len(), d.len()), (&[ssin(1)][..], 0, 0, 0));
}

#[test]
fn reads_back_what_was_loaded() {
    let place = Place::new(&Dataset::ALL);
    let (a, b) = (enterprise(1), enterprise(2));
    for (dataset, rows) in [
        (Dataset::Dimona, vec![period(1, 1, 1, "1900-01-01", "2024-12-31"), period(2, 1, 2, "2024-01-01", "")]),
        (Dataset::Coprev, vec![format!("1,{a},{b},2024-01-01,")]),
        (Dataset::Federated, vec![format!("1,{a},{a},2024-01-01,2024-06-30,VLG")]),
        (Dataset::Insurance, vec![format!("{},{b},2024-01-01,9999-12-31", digits(1))]),
        (Dataset::Persons, vec![format!("{},,1", digits(1))]),
    ] {
        place.publisher(dataset).snapshot(3, &rows).announce();
    }
    place.run_all();
    let mut reader = Watch::open(&place.settings.data).reader();
    let mut view = reader.view();
    let (mut periods, mut external, mut internal, mut funds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    view.employment_periods(ssin(1), &mut periods).expect("readable");
    view.affiliations(ServiceKind::External, a, &mut external).expect("readable");
    view.affiliations(ServiceKind::Internal, a, &mut internal).expect("readable");
    view.memberships(ssin(1), &mut funds).expect("readable");
    let shown = |period: Period| (period.begin().to_string(), period.end().map(|end| end.to_string()));
    assert_eq!(periods.len(), 2);
    assert_eq!(shown(periods[0].period), ("1900-01-01".into(), Some("2024-12-31".into())));
    assert_eq!((external[0].service, shown(external[0].period)), (b, ("2024-01-01".into(), None)));
    assert_eq!((internal[0].service, internal.len()), (a, 1));
    assert_eq!((funds[0].fund, shown(funds[0].period).1), (b, Some("9999-12-31".into())));
    assert_eq!(view.states().expect("readable").get(Dataset::Persons).map(|state| state.serial), Some(3));
}

#[test]
fn a_view_holds_its_state_while_others_replace_and_change_it() {
    let rows: Vec<String> = (1..=20).map(|n| period(n, 1, n, "2024-01-01", "")).collect();
    let (place, mut publisher) = place_with(&rows);
    let watch = Watch::open(&place.settings.data);
    let mut reader = watch.reader();
    let mut other = watch.reader();
    let mut view = reader.view();
    let mut found = Vec::new();
    view.employment_periods(ssin(1), &mut found).expect("readable");
    assert_eq!(found.len(), 20);

    publisher.delta(2, &["delete,1,,,,".to_owned()]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(periods(&mut other, 1), Some(19), "a delta is visible immediately");
    publisher.deltas.clear();
    publisher.snapshot(9, &rows[2..]).announce();
    assert!(place.run().is_up_to_date());
    assert_eq!(periods(&mut other, 1), Some(19), "a replaced file is read until the next poll");
    assert!(watch.poll().contains(Dataset::Dimona));
    assert!(watch.poll().is_empty());
    assert_eq!(periods(&mut other, 1), Some(18));

    found.clear();
    view.employment_periods(ssin(1), &mut found).expect("readable");
    assert_eq!(found.len(), 20, "the first view is unchanged");
    assert_eq!(view.states().expect("readable").get(Dataset::Dimona).map(|state| state.serial), Some(1));
    drop(view);
    assert_eq!(periods(&mut reader, 1), Some(18));
}

#[test]
fn a_kept_view_is_continued_until_it_is_released() {
    let rows: Vec<String> = (1..=20).map(|n| period(n, 1, n, "2024-01-01", "")).collect();
    let (place, mut publisher) = place_with(&rows);
    let mut reader = Watch::open(&place.settings.data).reader();
    let look = |reader: &mut Reader| {
        let (mut view, mut found) = (reader.view(), Vec::new());
        view.employment_periods(ssin(1), &mut found).expect("readable");
        let serial = view.states().expect("readable").get(Dataset::Dimona).expect("loaded").serial;
        view.keep();
        (found.len(), serial)
    };
    assert_eq!(look(&mut reader), (20, 1));
    publisher.delta(2, &["delete,1,,,,".to_owned()]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(look(&mut reader), (20, 1), "it is kept");
    reader.release();
    assert_eq!(look(&mut reader), (19, 2));
}

#[test]
fn a_reader_pool_moves_to_the_next_state_when_refreshed() {
    let rows: Vec<String> = (1..=20).map(|n| period(n, 1, n, "2024-01-01", "")).collect();
    let (place, mut publisher) = place_with(&rows);
    let readers = Readers::new(Watch::open(&place.settings.data));
    let count = || {
        let mut found = Vec::new();
        readers.with_view(|view| view.employment_periods(ssin(1), &mut found)).expect("readable");
        found.len()
    };
    assert_eq!(count(), 20);
    publisher.delta(2, &["delete,1,,,,".to_owned()]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    readers.refresh();
    assert_eq!(count(), 19);
}

#[test]
fn no_lookup_sees_a_mixture_while_states_change() {
    // Every period of a state begins on a day that only this state has.
    let begin = |serial: u64| format!("20{:02}-01-01", 10 + serial);
    let rows = |serial| (1..=400).map(|n| period(n, n % 2, n, &begin(serial), "")).collect::<Vec<_>>();
    let (place, mut publisher) = place_with(&rows(1));
    let watch = Watch::open(&place.settings.data);
    let is_over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let ask = || {
            let (mut reader, mut found, mut seen) = (watch.reader(), Vec::new(), BTreeSet::new());
            while !is_over.load(Ordering::Relaxed) {
                let mut view = reader.view();
                let serial = view.states().expect("readable").get(Dataset::Dimona).expect("loaded").serial;
                for person in 0..2 {
                    found.clear();
                    view.employment_periods(ssin(person), &mut found).expect("readable");
                    assert_eq!(found.len(), 200, "of serial {serial}");
                    let begin = begin(serial);
                    assert!(found.iter().all(|period| period.period.begin().to_string() == begin), "serial {serial}");
                }
                drop(view);
                seen.insert(serial);
                watch.poll();
            }
            seen
        };
        let asking = [scope.spawn(ask), scope.spawn(ask)];
        let outcomes = (2..=30).map(|serial| {
            if serial % 2 == 0 {
                let puts: Vec<String> = rows(serial).iter().map(|row| format!("put,{row}")).collect();
                publisher.delta(serial, &puts).announce();
            } else {
                publisher.deltas.clear();
                publisher.snapshot(serial, &rows(serial)).announce();
            }
            place.run()
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        // Before any assertion: otherwise the readers would not stop.
        is_over.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(|outcome| outcome.is_up_to_date()), "{outcomes:?}");
        asking.map(|thread| thread.join().expect("no mixture"))
    });
    assert!(seen.iter().all(|serials| serials.len() > 5), "{seen:?}");
}

#[test]
fn a_reader_that_missed_a_swap_finds_the_new_file_by_itself() {
    let (place, mut publisher) = place_with(&[period(1, 1, 1, "2024-01-01", "")]);
    let watch = Watch::open(&place.settings.data);
    let mut reader = watch.reader();
    publisher.snapshot(2, &[period(1, 2, 1, "2024-01-01", "")]).announce();
    assert!(place.run().is_up_to_date());
    assert_eq!((periods(&mut reader, 1), periods(&mut reader, 2)), (Some(0), Some(1)));
}

/// Bytes of a page of the files.
const PAGE: usize = 8_192;

#[test]
fn a_damaged_file_is_an_error_until_it_is_repaired() {
    let rows: Vec<String> = (1..=2000).map(|n| period(n, n, n, "2024-01-01", "")).collect();
    let (place, _) = place_with(&rows);
    let file = file_in_use(&place);
    let right = fs::read(&file).expect("readable");
    let watch = Watch::open(&place.settings.data);

    // Every page but the first, in place, as a failing disk does.
    let damage = |bytes: &[u8]| {
        let file = OpenOptions::new().write(true).open(&file).expect("a file");
        file.write_all_at(bytes, PAGE as u64).expect("disk enough");
    };
    damage(&vec![0xa5; right.len() - PAGE]);
    let mut reader = watch.reader();
    assert_eq!(periods(&mut reader, 1), None);
    let error = reader.view().employment_periods(ssin(1), &mut Vec::new()).expect_err("damaged");
    assert_eq!(error.dataset, Dataset::Dimona);
    assert!(!format!("{error} {error:?}").contains(&digits(1)));
    damage(&right[PAGE..]);
    assert_eq!(periods(&mut reader, 1), Some(1));

    fs::write(place.settings.data.join("dimona.current"), "../evil.sqlite\n").expect("disk enough");
    watch.poll();
    assert_eq!(periods(&mut reader, 1), None);
    let name = file.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    fs::write(place.settings.data.join("dimona.current"), format!("{name}\n")).expect("disk enough");
    assert_eq!(periods(&mut reader, 1), Some(1), "found without a poll");
    fs::remove_file(&file).expect("removed");
    assert_eq!(periods(&mut watch.reader(), 1), None);
}

#[test]
fn a_file_that_is_truncated_in_use_is_an_error_of_its_dataset() {
    let place = Place::new(&[Dataset::Dimona, Dataset::Insurance]);
    let rows: Vec<String> = (1..=9_000).map(|n| period(n, n, n, "2024-01-01", "")).collect();
    place.publisher(Dataset::Dimona).snapshot(1, &rows).announce();
    let rows: Vec<String> = (1..=9_000).map(|n| format!("{},{},2024-01-01,", digits(n), enterprise(1))).collect();
    place.publisher(Dataset::Insurance).snapshot(1, &rows).announce();
    assert!(place.run_all().iter().all(|report| report.outcome.is_up_to_date()));
    let file = file_in_use(&place);
    let right = fs::read(&file).expect("readable");
    let mut reader = Watch::open(&place.settings.data).reader();
    for length in [0, 1, 100, PAGE, 3 * PAGE, 4 * PAGE + 100, right.len() - PAGE, right.len() - 1] {
        assert_eq!(periods(&mut reader, 1), Some(1), "before it has {length} bytes");
        // In place, while the reader has a state pinned and pages in its cache.
        let mut view = reader.view();
        view.employment_periods(ssin(1), &mut Vec::new()).expect("readable");
        let truncated = OpenOptions::new().write(true).open(&file).expect("a file");
        truncated.set_len(length as u64).expect("truncated");
        let mut errors = 0;
        for person in 1..=9_000 {
            let mut found = Vec::new();
            match view.employment_periods(ssin(person), &mut found) {
                Ok(()) => assert_eq!(found.len(), 1, "a page of the cache"),
                Err(error) => {
                    assert_eq!(error.dataset, Dataset::Dimona);
                    errors += 1;
                }
            }
        }
        let mut found = Vec::new();
        view.memberships(ssin(1), &mut found).expect("the other dataset is readable");
        assert_eq!(found.len(), 1);
        drop(view);
        assert!(errors > 0 || length > right.len() / 2, "{length} bytes: every page was in the cache");
        truncated.write_all_at(&right, 0).expect("disk enough");
    }
}

#[test]
fn a_value_that_was_never_written_is_an_error() {
    let (place, _) = place_with(&[period(1, 1, 1, "2024-01-01", "")]);
    for change in ["employer = employer + 1", "begin_day = 99999999", "end_day = begin_day - 1", "employer = -1"] {
        let database = rusqlite::Connection::open(file_in_use(&place)).expect("a database");
        database
            .execute_batch(&format!(
                "BEGIN; CREATE TABLE kept AS SELECT * FROM period; UPDATE period SET {change}; COMMIT"
            ))
            .expect("writable");
        assert_eq!(periods(&mut Watch::open(&place.settings.data).reader(), 1), None, "{change}");
        database
            .execute_batch("BEGIN; DELETE FROM period; INSERT INTO period SELECT * FROM kept; DROP TABLE kept; COMMIT")
            .expect("writable");
    }
    assert_eq!(periods(&mut Watch::open(&place.settings.data).reader(), 1), Some(1));
}

#[test]
fn a_file_of_a_newer_version_is_refused_untouched() {
    let (place, _) = place_with(&[period(1, 1, 1, "2024-01-01", "")]);
    let file = file_in_use(&place);
    let database = rusqlite::Connection::open(&file).expect("a database");
    database.execute_batch("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)").expect("writable");
    database.close().expect("closed");
    let before = (fs::read(&file).expect("readable"), place.names("data"));
    let refused = Writer::open(&place.settings.data, Dataset::Dimona);
    assert!(matches!(refused, Err(StoreError::Newer { found: 99, known: NEWEST })));
    assert_eq!(periods(&mut Watch::open(&place.settings.data).reader(), 1), None);
    assert_eq!((fs::read(&file).expect("readable"), place.names("data")), before);
}

/// Newest version of a dataset's schema. A new version needs a fixture of the previous one.
const NEWEST: u32 = 4;

/// A data folder with the databases of a released version: that version of the program wrote them
/// from the feeds of the fixture persons.
fn folder_of_version(version: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for dataset in Dataset::ALL {
        let fixture = format!("{}/fixtures/db/{}-version-{version}.sqlite", env!("CARGO_MANIFEST_DIR"), dataset.code());
        let name = format!("{}-1.sqlite", dataset.code());
        fs::copy(fixture, folder.path().join(&name)).expect("a fixture");
        fs::write(folder.path().join(format!("{}.current", dataset.code())), format!("{name}\n")).expect("disk enough");
    }
    folder
}

/// The fixture persons' feeds, loaded by the current program.
fn folder_of_today() -> Place {
    let mut place = Place::new(&Dataset::ALL);
    for feed in &mut place.settings.feeds {
        let folder = format!("{}/fixtures/feeds/{}", env!("CARGO_MANIFEST_DIR"), feed.dataset.code());
        feed.source = Source::Folder(folder.into());
    }
    assert!(place.run_all().iter().all(|report| report.outcome.is_up_to_date()));
    place
}

/// Everything that a data folder returns about the fixture persons and their employers.
fn answers(data: &Path) -> Vec<String> {
    let rows = |dataset: &str| {
        let file = format!("{}/fixtures/feeds/{dataset}/snapshot-1.csv", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(file).expect("a fixture");
        let rows = text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>());
        rows.collect::<Vec<_>>()
    };
    let mut reader = Watch::open(data).reader();
    let mut view = reader.view();
    let mut lines = Vec::new();
    let persons = rows("dimona").into_iter().map(|row| row[1].clone());
    for digits in persons.chain(rows("insurance").into_iter().chain(rows("persons")).map(|row| row[0].clone())) {
        let Ok(person) = Ssin::parse(&digits) else { continue };
        let (mut family, mut periods, mut funds) = (Vec::new(), Vec::new(), Vec::new());
        view.family(person, &mut family).expect("readable");
        view.employment_periods(person, &mut periods).expect("readable");
        view.memberships(person, &mut funds).expect("readable");
        lines.push(format!("{digits} {family:?} {periods:?} {funds:?}"));
    }
    for row in rows("coprev").into_iter().chain(rows("federated")) {
        let employer = EnterpriseNumber::parse(&row[1]).expect("a fixture");
        for kind in [ServiceKind::External, ServiceKind::Internal] {
            let mut affiliations = Vec::new();
            view.affiliations(kind, employer, &mut affiliations).expect("readable");
            lines.push(format!("{employer} {kind:?} {affiliations:?}"));
        }
    }
    lines
}

#[test]
fn files_of_every_older_version_migrate_with_equal_answers() {
    let today = folder_of_today();
    let expected = answers(&today.settings.data);
    assert!(expected.len() > 40, "{expected:?}");
    for version in 1..NEWEST {
        let folder = folder_of_version(version);
        for (dataset, live) in Dataset::ALL.into_iter().zip([20, 6, 1, 16, 3]) {
            let reader = || Watch::open(folder.path()).reader().view().history(dataset);
            assert!(reader().is_err(), "{dataset:?} of version {version} is read before it is migrated");
            let writer = Writer::open(folder.path(), dataset).expect("opens and migrates");
            let loaded = writer.loaded_state().expect("readable");
            assert_eq!(loaded.state.map(|state| state.serial), Some(1), "{dataset:?} of version {version}");
            assert_eq!((loaded.records, loaded.known_files.len()), (live, 1), "{dataset:?} of version {version}");
            assert_eq!(writer.history().expect("readable")[0].outcome, Some(Outcome::Snapshot(SnapshotReason::First)));
            assert_eq!(reader().expect("migrated").len(), 1);
        }
        assert_eq!(answers(folder.path()), expected, "version {version}");
    }
}

#[test]
fn a_migrated_file_accepts_deltas_like_a_new_file() {
    let mut today = folder_of_today();
    for version in 1..NEWEST {
        let folder = folder_of_version(version);
        today.settings.data = folder.path().to_owned();
        for report in today.run_all() {
            assert_eq!((report.outcome, report.serial), (Outcome::Nothing, Some(1)), "{:?}", report.dataset);
        }
        let database = rusqlite::Connection::open(folder.path().join("dimona-1.sqlite")).expect("a database");
        let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).expect("readable");
        assert_eq!(version, NEWEST);
    }
}

#[test]
fn newer_files_of_every_dataset_are_refused_untouched() {
    let folder = folder_of_version(1);
    for dataset in Dataset::ALL {
        let file = folder.path().join(format!("{}-1.sqlite", dataset.code()));
        // The user version in the header (SQLite file format, 1.3).
        let newer = OpenOptions::new().write(true).open(&file).expect("a file");
        newer.write_all_at(&(NEWEST + 1).to_be_bytes(), 60).expect("disk enough");
        let before = fs::read(&file).expect("readable");
        let refused = Writer::open(folder.path(), dataset);
        assert!(
            matches!(refused, Err(StoreError::Newer { found, known: NEWEST }) if found == NEWEST + 1),
            "{refused:?}"
        );
        assert_eq!(fs::read(&file).expect("readable"), before);
    }
}

#[test]
fn a_file_of_another_dataset_or_program_is_refused() {
    let (place, _) = place_with(&[period(1, 1, 1, "2024-01-01", "")]);
    let file = file_in_use(&place);
    fs::copy(&file, place.settings.data.join("coprev-1.sqlite")).expect("copied");
    fs::write(place.settings.data.join("coprev.current"), "coprev-1.sqlite\n").expect("disk enough");
    assert!(matches!(Writer::open(&place.settings.data, Dataset::Coprev), Err(StoreError::Foreign)));
    fs::write(&file, "not a database").expect("disk enough");
    assert!(matches!(Writer::open(&place.settings.data, Dataset::Dimona), Err(StoreError::Foreign)));
}

#[test]
fn a_dataset_has_one_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Writer::open(folder.path(), Dataset::Dimona).expect("the first");
    assert!(matches!(Writer::open(folder.path(), Dataset::Dimona), Err(StoreError::Busy)));
    assert!(Writer::open(folder.path(), Dataset::Coprev).is_ok());
    drop(first);
    assert!(Writer::open(folder.path(), Dataset::Dimona).is_ok());
}

/// Model of one dataset's entry under a key: the value, or `None` for a rejected record.
type Held = BTreeMap<u64, Option<u64>>;

/// The row of a key and a value. If rows have an ID, the value also determines the person of the
/// row.
fn row_of(dataset: Dataset, key: u64, value: u64) -> Row {
    let begin = Date::parse("2024-01-01").expect("a day").plus_days(i32::try_from(key).expect("small"));
    let period = Period::from_days(begin, None).expect("open");
    match dataset {
        Dataset::Dimona => Row::Period { period_id: key, ssin: ssin(value % 3), employer: enterprise(value), period },
        Dataset::Coprev | Dataset::Federated => {
            let (employer, service) = (enterprise(value % 3), enterprise(100 + value));
            Row::Affiliation { affiliation_id: key, employer, service, period }
        }
        Dataset::Insurance => Row::Membership { ssin: ssin(key % 3), fund: enterprise(value), period },
        // SSINs that replace nothing themselves: no cycle.
        Dataset::Persons => Row::Person { ssin: ssin(key), replaced_by: Some(ssin(500 + value)) },
    }
}

fn key_of(dataset: Dataset, key: u64) -> Key {
    match row_of(dataset, key, 0) {
        Row::Period { period_id, .. } => Key::Period(period_id),
        Row::Affiliation { affiliation_id, .. } => Key::Affiliation(affiliation_id),
        Row::Membership { ssin, period, .. } => Key::Membership(ssin, period.begin()),
        Row::Person { ssin, .. } => Key::Person(ssin),
    }
}

/// The rows that readers find for the random keys and values, one per line, and the row count.
fn found(folder: &Path, dataset: Dataset) -> (BTreeSet<String>, u64) {
    let mut reader = Watch::open(folder).reader();
    let mut view = reader.view();
    let mut lines = BTreeSet::new();
    for owner in 0..3 {
        let (mut periods, mut affiliations, mut funds) = (Vec::new(), Vec::new(), Vec::new());
        view.employment_periods(ssin(owner), &mut periods).expect("readable");
        let kind = if dataset == Dataset::Coprev { ServiceKind::External } else { ServiceKind::Internal };
        view.affiliations(kind, enterprise(owner), &mut affiliations).expect("readable");
        view.memberships(ssin(owner), &mut funds).expect("readable");
        lines.extend(periods.iter().map(|row| format!("{owner} {} {:?}", row.employer, row.period.begin())));
        lines.extend(affiliations.iter().map(|row| format!("{owner} {} {:?}", row.service, row.period.begin())));
        lines.extend(funds.iter().map(|row| format!("{owner} {} {:?}", row.fund, row.period.begin())));
    }
    for key in 0..KEYS {
        let mut family = Vec::new();
        let last = view.family(ssin(key), &mut family).expect("readable");
        if last != ssin(key) {
            lines.insert(format!("{key} {last:?}"));
        }
    }
    (lines, view.status(dataset, 1).expect("readable").records)
}

fn expected(dataset: Dataset, held: &Held) -> (BTreeSet<String>, u64) {
    let live = held.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
    let lines: BTreeSet<String> = live
        .map(|(key, value)| match row_of(dataset, key, value) {
            Row::Period { employer, period, .. } => format!("{} {employer} {:?}", value % 3, period.begin()),
            Row::Affiliation { service, period, .. } => format!("{} {service} {:?}", value % 3, period.begin()),
            Row::Membership { fund, period, .. } => format!("{} {fund} {:?}", key % 3, period.begin()),
            Row::Person { replaced_by, .. } => format!("{key} {:?}", replaced_by.expect("replaced")),
        })
        .collect();
    let count = lines.len() as u64;
    (lines, count)
}

/// Random keys: a small number, so that many records of a delta share a key.
const KEYS: u64 = 12;

#[test]
fn deltas_change_every_dataset_as_the_model_says() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let (mut committed, mut unknown) = (0, 0);
    for dataset in Dataset::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(folder.path(), dataset).expect("a new folder");
        let mut held = Held::new();
        for serial in 1..=60 {
            let (mut next, mut deleted, mut is_known) = (held.clone(), 0, true);
            let mut delta = writer.delta().expect("a transaction");
            for line in 0..below(30) {
                let key = below(KEYS);
                match below(8) {
                    0..4 => {
                        let value = below(9);
                        delta.put(line, row_of(dataset, key, value)).expect("room");
                        next.insert(key, Some(value));
                    }
                    4 => {
                        delta.reject(line, key_of(dataset, key)).expect("room");
                        next.insert(key, None);
                    }
                    // An unknown key is sometimes deleted: then the whole delta is refused.
                    _ if !next.contains_key(&key) && below(8) > 0 => {}
                    _ => {
                        delta.delete(line, key_of(dataset, key)).expect("room");
                        match next.remove(&key) {
                            Some(Some(_)) => deleted += 1,
                            Some(None) => {}
                            None => is_known = false,
                        }
                    }
                }
            }
            let applied = delta.apply(0, &mut |_| Ok(())).expect("room");
            assert_eq!(matches!(applied, DeltaOutcome::Applied(_)), is_known, "{dataset:?} {serial}");
            match applied {
                DeltaOutcome::Applied(applied) => {
                    assert_eq!(applied.deleted(), deleted, "{dataset:?} {serial}");
                    let at = Timestamp::from_millis(0);
                    let digest = Digest::new([0; 32]);
                    let state = State { session: 1, serial, digest, created: at, applied: at, rejected: 0 };
                    applied.commit(&state, &[]).expect("room");
                    held = next;
                    committed += 1;
                }
                DeltaOutcome::UnknownKey => unknown += 1,
                DeltaOutcome::TooManyConflicts => unreachable!("no cycle"),
            }
            if committed > 0 {
                assert_eq!(found(folder.path(), dataset), expected(dataset, &held), "{dataset:?} {serial}");
            }
        }
    }
    assert!(committed > 100 && unknown > 30, "the random cases lack outcomes: {committed} {unknown}");
}
