//! Random histories of a publisher: a serial has the same data, whichever way leads to it.
//!
//! Each history is loaded delta by delta in runs of their own, by all deltas after a snapshot in
//! one run, by the last snapshot alone, and by the last snapshot over earlier data. Histories of
//! persons have cycles of replacements. `HISTORIES` sets the number of histories, `HISTORY_SEED`
//! the first seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;

use datasets::sync::{Share, Shrinking};
use ehealth_core::model::Dataset;

use crate::support::publisher::{OTHER_SESSION, Place, Publisher, digits, enterprise, ssin};
use crate::support::random::Random;

/// Number of keys: few, so that replacements form cycles.
const KEYS: u64 = 7;

/// What a publisher holds under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// A valid record; the value of a person is the key of the successor, or [`KEYS`] for none.
    Valid(u64),
    /// An invalid record.
    Wrong,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Put(u64, Held),
    Delete(u64),
}

/// State of a publisher and the changes that led to it.
#[derive(Debug, Clone)]
struct Serial {
    steps: Vec<Step>,
    held: BTreeMap<u64, Held>,
}

fn history(random: &mut Random) -> Vec<Serial> {
    let mut held = BTreeMap::new();
    let mut serials = Vec::new();
    for _ in 0..2 + random.below(4) {
        let mut steps = Vec::new();
        for _ in 0..=random.below(7) {
            let key = random.below(KEYS);
            match random.below(8) {
                0 | 1 if held.remove(&key).is_some() => steps.push(Step::Delete(key)),
                2 => {
                    held.insert(key, Held::Wrong);
                    steps.push(Step::Put(key, Held::Wrong));
                }
                _ => {
                    let value = Held::Valid(random.below(KEYS + 1));
                    held.insert(key, value);
                    steps.push(Step::Put(key, value));
                }
            }
        }
        serials.push(Serial { steps, held: held.clone() });
    }
    serials
}

fn row(dataset: Dataset, key: u64, held: Held) -> String {
    let day = key + 1;
    match (dataset, held) {
        (Dataset::Dimona, Held::Valid(value)) => {
            format!("{key},{},{},2024-01-01,", digits(value % 3), enterprise(value))
        }
        (Dataset::Dimona | Dataset::Coprev, Held::Wrong) => format!("{key},x,x,x,"),
        (Dataset::Coprev, Held::Valid(value)) => {
            format!("{key},{},{},2024-01-01,", enterprise(value % 3), enterprise(value))
        }
        (Dataset::Federated, Held::Valid(value)) => {
            format!("{key},{},{},2024-01-01,,VLG", enterprise(value % 3), enterprise(value))
        }
        (Dataset::Federated, Held::Wrong) => format!("{key},{0},{0},2024-01-01,,X", enterprise(key)),
        (Dataset::Insurance, Held::Valid(value)) => {
            format!("{},{},2024-01-{day:02},", digits(key % 3), enterprise(value))
        }
        (Dataset::Insurance, Held::Wrong) => format!("{},x,2024-01-{day:02},", digits(key % 3)),
        (Dataset::Persons, Held::Valid(value)) => match successor(key, value) {
            Some(successor) => format!("{},{},0", digits(key), digits(successor)),
            None => format!("{},,1", digits(key)),
        },
        // Replaced by itself.
        (Dataset::Persons, Held::Wrong) => format!("{0},{0},0", digits(key)),
    }
}

/// Successor of a person; a person that would be replaced by itself has none.
fn successor(key: u64, value: u64) -> Option<u64> {
    (value < KEYS && value != key).then_some(value)
}

fn change(dataset: Dataset, step: Step) -> String {
    match (dataset, step) {
        (_, Step::Put(key, held)) => format!("put,{}", row(dataset, key, held)),
        (Dataset::Dimona | Dataset::Coprev, Step::Delete(key)) => format!("delete,{key},,,,"),
        (Dataset::Federated, Step::Delete(key)) => format!("delete,{key},,,,,"),
        (Dataset::Insurance, Step::Delete(key)) => format!("delete,{},,2024-01-{:02},", digits(key % 3), key + 1),
        (Dataset::Persons, Step::Delete(key)) => format!("delete,{},,", digits(key)),
    }
}

/// A place of one dataset without limits on losses and rejected records, and its publisher.
fn place(dataset: Dataset) -> (Place, Publisher) {
    let mut place = Place::in_memory(&[dataset]);
    place.settings.feeds[0].wrong_share = Share::from_millionths(1_000_000);
    place.settings.feeds[0].shrinking = Shrinking::Allow;
    let publisher = place.publisher(dataset);
    (place, publisher)
}

/// Publishes the state of a serial as a snapshot, its rows in random order, and the deltas after it.
fn publish(publisher: &mut Publisher, seed: u64, history: &[Serial], snapshot: usize, deltas: Range<usize>) {
    let dataset = publisher.dataset;
    // A snapshot has the same order whenever it is published.
    let mut random = Random::new(seed ^ (snapshot as u64 + 1) << 32);
    let mut rows: Vec<String> = history[snapshot].held.iter().map(|(key, held)| row(dataset, *key, *held)).collect();
    for at in (1..rows.len()).rev() {
        rows.swap(at, usize::try_from(random.below(at as u64 + 1)).expect("small"));
    }
    publisher.deltas.clear();
    publisher.snapshot(snapshot as u64 + 1, &rows);
    for at in deltas {
        let changes: Vec<String> = history[at].steps.iter().map(|step| change(dataset, *step)).collect();
        publisher.delta(at as u64 + 1, &changes);
    }
    publisher.announce();
}

/// Everything that the store holds of a dataset, one line a row.
fn stored(place: &Place, dataset: Dataset) -> Vec<String> {
    let pointer = fs::read_to_string(place.settings.data.join(format!("{}.current", dataset.code()))).expect("loaded");
    let database = rusqlite::Connection::open(place.settings.data.join(pointer.trim_end())).expect("a database");
    let tables = match dataset {
        Dataset::Dimona => &["period", "period_owner"][..],
        Dataset::Coprev | Dataset::Federated => &["affiliation", "affiliation_owner"],
        Dataset::Insurance => &["membership"],
        Dataset::Persons => &["person", "cycle_record"],
    };
    let mut lines = Vec::new();
    for table in tables.iter().copied().chain(["rejected_key", "(SELECT serial, live FROM state)"]) {
        let mut select = database.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).expect("a table");
        let columns = select.column_count();
        let mut rows = select.query([]).expect("readable");
        while let Some(row) = rows.next().expect("readable") {
            let values = (0..columns).map(|column| row.get::<_, Option<i64>>(column).expect("an integer"));
            lines.push(format!("{table} {:?}", values.collect::<Vec<_>>()));
        }
    }
    lines
}

/// What the store must hold of persons: follows every replacement literally.
fn expected(serial: usize, held: &BTreeMap<u64, Held>) -> Vec<String> {
    let next = |key: u64| match held.get(&key) {
        Some(Held::Valid(value)) => successor(key, *value),
        Some(Held::Wrong) | None => None,
    };
    let mut of_cycles = BTreeSet::new();
    for key in 0..KEYS {
        let (mut greatest, mut at) = (key, next(key));
        for _ in 0..KEYS {
            let Some(reached) = at else { break };
            if reached == key {
                of_cycles.insert(greatest);
                break;
            }
            greatest = greatest.max(reached);
            at = next(reached);
        }
    }
    let number = |key: u64| Some(ssin(key).as_u64().cast_signed());
    let (mut persons, mut cycles, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (&key, held) in held {
        let is_rejected = of_cycles.contains(&key) || *held == Held::Wrong;
        let columns = [number(key), next(key).and_then(number)];
        match (is_rejected, of_cycles.contains(&key)) {
            (false, _) => persons.push(format!("person {columns:?}")),
            (true, true) => cycles.push(format!("cycle_record {columns:?}")),
            (true, false) => {}
        }
        if is_rejected {
            rejected.push(format!("rejected_key {:?}", [number(key), Some(0)]));
        }
    }
    let state = vec![format!("(SELECT serial, live FROM state) {:?}", [Some(serial + 1), Some(persons.len())])];
    [persons, cycles, rejected, state].concat()
}

/// Loads a history by each way, and compares the results. Returns whether the last state has a
/// cycle.
fn compare(seed: u64, dataset: Dataset, place: &Place, publisher: &mut Publisher) -> bool {
    let history = history(&mut Random::new(seed));
    let last = history.len() - 1;
    let load = |publisher: &mut Publisher, snapshot: usize, deltas: Range<usize>, way: &str| {
        publish(publisher, seed, &history, snapshot, deltas);
        let outcome = place.run();
        assert!(outcome.is_up_to_date(), "HISTORY_SEED={seed}, {way}: {outcome:?}");
        stored(place, dataset)
    };
    let clear = || drop(fs::remove_dir_all(&place.settings.data));
    clear();
    for at in 0..=last {
        let found = load(publisher, 0, 1..at + 1, "delta by delta");
        if dataset == Dataset::Persons {
            assert_eq!(found, expected(at, &history[at].held), "HISTORY_SEED={seed}, serial {}: {history:#?}", at + 1);
        }
    }
    let by_deltas = stored(place, dataset);
    // Another session replaces all data.
    publisher.session = OTHER_SESSION;
    let replaced = load(publisher, last, 0..0, "a snapshot over earlier data");
    assert_eq!(replaced, by_deltas, "HISTORY_SEED={seed}, a snapshot over earlier data: {history:#?}");
    publisher.session = crate::support::publisher::SESSION;
    clear();
    let snapshot = usize::try_from(seed).expect("small") % (last + 1);
    let in_one_run = load(publisher, snapshot, snapshot + 1..last + 1, "in one run");
    assert_eq!(in_one_run, by_deltas, "HISTORY_SEED={seed}, in one run: {history:#?}");
    clear();
    let by_snapshot = load(publisher, last, 0..0, "by the snapshot");
    assert_eq!(by_snapshot, by_deltas, "HISTORY_SEED={seed}, by the snapshot: {history:#?}");
    by_deltas.iter().any(|line| line.starts_with("cycle_record"))
}

#[test]
fn a_serial_has_the_same_data_by_every_way() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let histories = number("HISTORIES").unwrap_or(300);
    let from = number("HISTORY_SEED").unwrap_or(1);
    let mut places = Dataset::ALL.map(place);
    let mut cycles = 0;
    for seed in from..from + histories {
        // Half of the histories are of persons.
        let dataset =
            if seed % 2 == 0 { Dataset::Persons } else { Dataset::ALL[usize::try_from(seed / 2 % 5).expect("small")] };
        let (place, publisher) = &mut places[dataset as usize];
        cycles += u64::from(compare(seed, dataset, place, publisher));
    }
    assert!(histories < 100 || cycles > histories / 20, "{cycles} of {histories} histories have a cycle");
}
