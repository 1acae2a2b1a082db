//! Sync of feeds into the store, by every rule of snapshots and deltas. Each test is a behaviour of
//! a publisher and its outcome.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use datasets::feed::digest_of;
use datasets::store::{Watch, Writer};
use datasets::sync::{Failure, Outcome, Refusal, Shrinking, SnapshotReason};
use ehealth_core::lookup::Directory;
use ehealth_core::model::{Dataset, EmploymentPeriod, Ssin, Timestamp};

use crate::support::publisher::{self, OTHER_SESSION, Place, Publisher, digits, enterprise, lines, period, ssin};

const FIRST: Outcome = Outcome::Snapshot(SnapshotReason::First);

/// Enough rows that one may be removed: a dataset may lose a tenth in one step.
fn twenty() -> Vec<String> {
    (1..=20).map(|n| period(n, n, n, "2024-01-01", "")).collect()
}

fn dimona() -> (Place, Publisher) {
    let place = Place::new(&[Dataset::Dimona]);
    let publisher = place.publisher(Dataset::Dimona);
    (place, publisher)
}

fn put(row: &str) -> String {
    format!("put,{row}")
}

fn delete(id: u64) -> String {
    format!("delete,{id},,,,")
}

/// Begin days of a person's periods, in order.
fn begins(place: &Place, person: u64) -> Vec<String> {
    let mut reader = Watch::open(&place.settings.data).reader();
    let mut periods: Vec<EmploymentPeriod> = Vec::new();
    reader.view().employment_periods(ssin(person), &mut periods).expect("readable");
    let mut begins: Vec<String> = periods.iter().map(|found| found.period.begin().to_string()).collect();
    begins.sort();
    begins
}

fn loaded(place: &Place) -> Option<(u64, Timestamp)> {
    let mut reader = Watch::open(&place.settings.data).reader();
    let states = reader.view().states().expect("readable");
    states.get(Dataset::Dimona).map(|state| (state.serial, state.created))
}

fn serial(place: &Place) -> Option<u64> {
    loaded(place).map(|(serial, _)| serial)
}

#[test]
fn loads_the_first_snapshot_of_each_dataset() {
    let place = Place::new(&Dataset::ALL);
    let (a, b) = (enterprise(1), enterprise(2));
    for (dataset, row) in [
        (Dataset::Dimona, period(1, 1, 1, "2024-01-01", "2024-12-31")),
        (Dataset::Coprev, format!("1,{a},{b},2024-01-01,")),
        (Dataset::Federated, format!("1,{a},{a},2024-01-01,2024-06-30,VLG")),
        (Dataset::Insurance, format!("{},{b},2024-01-01,", digits(1))),
        (Dataset::Persons, format!("{},{},0", digits(2), digits(1))),
    ] {
        place.publisher(dataset).snapshot(3, &[row]).announce();
    }
    for report in place.run_all() {
        assert_eq!((report.outcome, report.serial, report.records), (FIRST, Some(3), 1), "{:?}", report.dataset);
    }
    for report in place.run_all() {
        assert_eq!(report.outcome, Outcome::Nothing);
    }
    assert!(place.names("rejected").is_empty());
}

#[test]
fn the_failure_of_one_feed_stops_no_other() {
    let place = Place::new(&[Dataset::Persons, Dataset::Dimona, Dataset::Insurance]);
    place.publisher(Dataset::Dimona).snapshot(1, &twenty()).announce();
    place.publisher(Dataset::Insurance).announce_document("<notification>");
    let outcomes: Vec<Outcome> = place.run_all().into_iter().map(|report| report.outcome).collect();
    let failed = Outcome::Failed(Failure::NoFeed);
    assert_eq!(outcomes, [failed, FIRST, Outcome::Refused(Refusal::Incomplete)]);
}

#[test]
fn reads_packed_files_of_several_members() {
    let (place, mut publisher) = dimona();
    let text = lines(publisher::header(Dataset::Dimona), &twenty());
    let (head, tail) = text.as_bytes().split_at(100);
    let gzip = |part: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).expect("into memory");
        encoder.finish().expect("into memory")
    };
    let zstd = |part: &[u8]| zstd::encode_all(part, 1).expect("into memory");
    publisher.snapshot = Some(publisher.store("a/s.csv.gz", 1, &[gzip(head), gzip(tail)].concat(), 20));
    publisher.announce();
    assert_eq!(place.run(), FIRST);
    publisher.session = OTHER_SESSION;
    publisher.snapshot = Some(publisher.store("s.csv.zst", 1, &[zstd(head), zstd(tail)].concat(), 20));
    publisher.announce();
    assert_eq!(place.run(), Outcome::Snapshot(SnapshotReason::NewSession));
    publisher.snapshot = Some(publisher.store("s2.csv.gz", 2, &zstd(text.as_bytes()), 20));
    publisher.announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Malformed));
}

#[test]
fn an_unchanged_feed_renews_the_timestamp_only_forwards() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    for (created, expected) in
        [("2026-11-22T05:30:00Z", "2026-11-22T05:30:00Z"), ("2026-11-21T00:00:00Z", "2026-11-22T05:30:00Z")]
    {
        publisher.created = created.to_owned();
        publisher.announce();
        assert_eq!(place.run(), Outcome::Nothing);
        assert_eq!(loaded(&place), Some((1, Timestamp::parse(expected).expect("a moment"))));
    }
}

#[test]
fn deltas_apply_in_order_and_by_key() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.delta(
        2,
        &[
            put(&period(1, 2, 1, "2025-01-01", "")), // moves to another person
            put(&period(21, 1, 1, "2025-02-01", "")),
            put(&period(21, 1, 1, "2025-03-01", "")),
            delete(3),
        ],
    );
    publisher.delta(3, &[put(&period(3, 3, 3, "2025-04-01", ""))]);
    publisher.announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(serial(&place), Some(3));
    assert_eq!(begins(&place, 1), ["2025-03-01"]);
    assert_eq!(begins(&place, 2), ["2024-01-01", "2025-01-01"]);
    assert_eq!(begins(&place, 3), ["2025-04-01"]);
}

#[test]
fn a_snapshot_older_than_the_serial_is_followed_by_its_deltas() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(5, &twenty()).delta(6, &[delete(1)]).delta(7, &[delete(2)]).announce();
    assert_eq!(place.run(), FIRST);
    assert_eq!(serial(&place), Some(7));
    assert!(begins(&place, 1).is_empty() && begins(&place, 2).is_empty());
}

#[test]
fn a_gap_or_a_new_session_takes_the_snapshot_for_good() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.snapshot(9, &twenty()).announce();
    assert_eq!(place.run(), Outcome::Snapshot(SnapshotReason::Gap));
    publisher.session = OTHER_SESSION;
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), Outcome::Snapshot(SnapshotReason::NewSession));
    publisher.session = publisher::SESSION;
    publisher.snapshot(10, &twenty()).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Rollback));
    assert_eq!(serial(&place), Some(1));
}

#[test]
fn a_lower_serial_is_a_rollback_and_an_edit_a_rewrite() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(4, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.snapshot(3, &twenty()).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Rollback));
    publisher.snapshot(4, &twenty()[1..]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Rewritten));
    publisher.snapshot(4, &twenty()).delta(5, &[delete(1)]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    publisher.delta(5, &[delete(2)]).delta(6, &[delete(3)]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Rewritten));
    assert_eq!(serial(&place), Some(5));
}

#[test]
fn an_unannounced_file_is_refused_before_it_is_parsed() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    let right = publisher.snapshot(2, &twenty()).snapshot.clone().expect("just written");
    let malformed = publisher.store("malformed.csv", 2, b"nonsense", 20);
    let cases = [
        (publisher::File { bytes: right.bytes - 1, ..right.clone() }, Refusal::Bytes),
        (publisher::File { bytes: right.bytes + 1, ..right.clone() }, Refusal::Incomplete),
        (publisher::File { bytes: (16 << 30) + 1, ..right.clone() }, Refusal::TooLarge),
        (publisher::File { sha256: "00".repeat(32), ..right.clone() }, Refusal::Hash),
        (publisher::File { records: 19, ..right.clone() }, Refusal::Records),
        (publisher::File { records: 21, ..right.clone() }, Refusal::Records),
        (publisher::File { uri: "nowhere.csv".into(), ..right.clone() }, Refusal::MissingFile),
        (publisher::File { uri: "snapshot-2.csv/x".into(), ..right.clone() }, Refusal::MissingFile),
        (publisher::File { uri: "../dimona/snapshot-2.csv".into(), ..right.clone() }, Refusal::Uri),
        (publisher::File { uri: ".".into(), ..right.clone() }, Refusal::Uri),
        (publisher::File { sha256: "00".repeat(32), ..malformed.clone() }, Refusal::Hash),
        (publisher::File { bytes: 7, ..malformed.clone() }, Refusal::Bytes),
        (malformed, Refusal::Malformed),
        (right, Refusal::Incomplete),
    ];
    let last = cases.len() - 1;
    for (at, (file, refusal)) in cases.into_iter().enumerate() {
        if at == last {
            fs::write(publisher.folder.join("snapshot-2.csv"), "period_id").expect("disk enough");
        }
        publisher.snapshot = Some(file.clone());
        publisher.announce();
        assert_eq!(place.run(), Outcome::Refused(refusal), "{file:?}");
    }
    assert_eq!(serial(&place), Some(1));
    assert_eq!(place.names("data").iter().filter(|name| name.ends_with(".sqlite")).count(), 1);
}

#[test]
fn a_csv_outside_the_format_is_malformed() {
    let (place, mut publisher) = dimona();
    let header = publisher::header(Dataset::Dimona);
    let row = period(1, 1, 1, "2024-01-01", "");
    for text in [
        String::new(),
        format!("\u{feff}{header}\n{row}\n"),
        format!("{header},more\n{row},\n"),
        format!("{header}\n\n"),
        format!("{header}\n{row},\n"),
        format!("{header}\n\"{row}\n"),
        format!("{header}\n1\"{row}\n"),
    ] {
        publisher.snapshot = Some(publisher.store("s.csv", 1, text.as_bytes(), 1));
        publisher.announce();
        assert_eq!(place.run(), Outcome::Refused(Refusal::Malformed), "{text:?}");
    }
    publisher.snapshot = Some(publisher.store("s.csv", 1, &[header.as_bytes(), b"\n\xff,,,,\n"].concat(), 1));
    publisher.announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Malformed));
    assert_eq!(serial(&place), None);
}

#[test]
fn symbolic_links_and_special_files_are_refused() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty());
    let folder = publisher.folder.clone();
    symlink("snapshot-1.csv", folder.join("link.csv")).expect("a link");
    symlink(".", folder.join("folder")).expect("a link");
    for uri in ["link.csv", "folder/snapshot-1.csv"] {
        publisher.snapshot.as_mut().expect("a snapshot").uri = uri.to_owned();
        publisher.announce();
        assert_eq!(place.run(), Outcome::Refused(Refusal::Uri), "{uri}");
    }
    fs::rename(folder.join("notification.xml"), folder.join("elsewhere.xml")).expect("renamed");
    symlink("elsewhere.xml", folder.join("notification.xml")).expect("a link");
    assert_eq!(place.run(), Outcome::Refused(Refusal::Uri));
}

#[test]
fn another_datasets_notification_is_refused() {
    let (place, _) = dimona();
    let mut publisher = place.publisher(Dataset::Coprev);
    publisher.snapshot(1, &[]).announce();
    let folder = place.folder.path().join("feeds/dimona");
    fs::copy(publisher.folder.join("notification.xml"), folder.join("notification.xml")).expect("copied");
    assert_eq!(place.run(), Outcome::Refused(Refusal::Notification));
}

#[test]
fn a_rejected_record_is_stored_for_the_operator_only() {
    let (place, mut publisher) = dimona();
    let mut rows = twenty();
    rows[4] = "5,85073099933,0202239951,2024-01-01,".to_owned();
    rows.push(period(7, 99, 1, "2024-01-01", ""));
    publisher.snapshot(1, &rows).announce();
    assert_eq!(place.run(), FIRST);
    let file = place.settings.rejected.join("dimona-1-snapshot.csv");
    assert_eq!(
        place.rejected("dimona-1-snapshot.csv"),
        format!(
            "line,reason,period_id,ssin,employer,begin,end\n6,ssin,5,85073099933,0202239951,2024-01-01,\n22,duplicate,{}\n",
            rows[20]
        )
    );
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&place.settings.rejected).expect("a folder").permissions().mode() & 0o777, 0o700);
    assert!(begins(&place, 99).is_empty() && begins(&place, 5).is_empty());
    assert_eq!(begins(&place, 7), ["2024-01-01"]);
}

#[test]
fn too_many_rejects_means_over_ten_and_over_the_ratio() {
    let (place, mut publisher) = dimona();
    let wrong = |n: u64| format!("{n},x,x,x,x");
    let rows: Vec<String> = (1..=10).map(wrong).collect();
    publisher.snapshot(1, &rows).announce();
    assert_eq!(place.run(), FIRST);
    let rows: Vec<String> = (1..=11).map(wrong).collect();
    publisher.snapshot(2, &rows).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::TooManyWrong));
    assert_eq!(place.rejected("dimona-2-snapshot.csv").lines().count(), 12);
    // Eleven duplicates are eleven rejected records.
    let rows: Vec<String> = (0..12).map(|_| period(1, 1, 1, "2024-01-01", "")).collect();
    publisher.snapshot(3, &rows).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::TooManyWrong));
    assert_eq!(serial(&place), Some(1));
}

#[test]
fn a_shrunken_dataset_is_refused_until_an_operator_allows_it() {
    let (mut place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.snapshot(2, &twenty()[..18]).announce();
    assert_eq!(place.run(), Outcome::Snapshot(SnapshotReason::Gap), "a change of exactly the share is accepted");
    publisher.snapshot(3, &twenty()[..16]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Shrunk));
    publisher.snapshot(2, &twenty()[..18]).delta(3, &[delete(1), delete(2)]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::Shrunk));
    assert_eq!(serial(&place), Some(2));
    place.settings.feeds[0].shrinking = Shrinking::Allow;
    assert_eq!(place.run(), Outcome::Deltas);
}

#[test]
fn a_bad_delta_is_replaced_by_the_snapshot() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher
        .snapshot(3, &twenty()[1..])
        .delta(2, &[delete(1)])
        .delta(3, &[delete(1)])
        .delta(4, &[delete(2)])
        .announce();
    assert_eq!(place.run(), Outcome::Snapshot(SnapshotReason::BadDelta));
    assert_eq!(serial(&place), Some(4));
    assert!(begins(&place, 1).is_empty() && begins(&place, 2).is_empty());
}

#[test]
fn a_bad_delta_after_the_snapshot_ends_the_run() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.delta(2, &[delete(1)]).delta(3, &[delete(2), delete(1)]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::BadDelta));
    assert_eq!(serial(&place), Some(2));
    assert!(begins(&place, 1).is_empty());
    assert_eq!(begins(&place, 2), ["2024-01-01"], "rolled back");
    // The publisher corrects it, under the same serial.
    publisher.delta(3, &[delete(2)]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
}

#[test]
fn a_rejected_record_removes_its_key_and_may_be_deleted_once() {
    let (place, mut publisher) = dimona();
    let mut rows = twenty();
    rows[0] = "1,x,x,x,x".to_owned();
    publisher.snapshot(1, &rows).announce();
    assert_eq!(place.run(), FIRST);
    publisher.delta(2, &[delete(1), "put,2,x,x,x,x".to_owned(), "rename,3,,,,".to_owned()]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert!(begins(&place, 2).is_empty());
    assert_eq!(begins(&place, 3), ["2024-01-01"]);
    assert_eq!(place.rejected("dimona-2-delta.csv").lines().count(), 3);
    publisher.delta(3, &[delete(2)]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    publisher.delta(4, &[delete(1)]).announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::BadDelta));
}

#[test]
fn a_record_that_closes_a_replacement_cycle_is_rejected() {
    let place = Place::new(&[Dataset::Persons]);
    let mut publisher = place.publisher(Dataset::Persons);
    let replaced = |from: u64, to: u64| format!("{},{},0", digits(from), digits(to));
    // 9 → 3 → 1 → 2 → 3, and independently 4 → 5.
    publisher.snapshot(1, &[replaced(9, 3), replaced(3, 1), replaced(4, 5), replaced(2, 3), replaced(1, 2)]).announce();
    assert_eq!(place.run(), FIRST);
    // The greatest SSIN of the cycle is that of 3.
    assert_eq!(
        place.rejected("persons-1-snapshot.csv"),
        format!("line,reason,ssin,replaced_by,cancelled\n3,cycle,{},{}\n", digits(3), digits(1))
    );
    let last = |number| last_of(&place, number);
    assert_eq!(last(9), (ssin(3), 4));
    assert_eq!(last(1), (ssin(3), 4));
    assert_eq!(last(4), (ssin(5), 2));
    assert_eq!(last(77), (ssin(77), 1));
    // 1 → 4 breaks that cycle, and closes 3 → 1 → 4 → 5 → 9 → 3.
    publisher.delta(2, &[put(&replaced(5, 9)), put(&replaced(1, 4))]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(
        place.rejected("persons-2-delta.csv"),
        format!("line,reason,action,ssin,replaced_by,cancelled\n3,cycle,put,{},{}\n", digits(9), digits(3))
    );
    assert_eq!(last(3), (ssin(9), 6));
    assert_eq!(last(2), (ssin(9), 6));
}

/// Current SSIN of a person, and the number of the person's SSINs.
fn last_of(place: &Place, number: u64) -> (Ssin, usize) {
    let mut reader = Watch::open(&place.settings.data).reader();
    let mut family = Vec::new();
    let last = reader.view().family(ssin(number), &mut family).expect("no cycle");
    assert_eq!(family.iter().filter(|member| **member == ssin(number)).count(), 1);
    (last, family.len())
}

#[test]
fn a_replacement_may_be_turned_round_in_one_delta() {
    let place = Place::new(&[Dataset::Persons]);
    let mut publisher = place.publisher(Dataset::Persons);
    let row = |from: u64, to: &str| format!("{},{to},0", digits(from));
    let (a, b) = (digits(1), digits(2));
    publisher.snapshot(5, &[row(1, &b), row(2, "")]).announce();
    assert_eq!(place.run(), FIRST);
    // While the file is read, 1 → 2 → 1 is a cycle; after it, it is not.
    publisher.delta(6, &[put(&row(2, &a)), put(&row(1, ""))]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(last_of(&place, 1), (ssin(1), 2));
    assert_eq!(last_of(&place, 2), (ssin(1), 2));
    assert!(place.names("rejected").is_empty());
}

#[test]
fn a_record_of_a_cycle_is_restored_once_it_is_broken() {
    let place = Place::new(&[Dataset::Persons]);
    let mut publisher = place.publisher(Dataset::Persons);
    let row = |from: u64, to: &str| format!("{},{to},0", digits(from));
    publisher.snapshot(1, &[row(1, &digits(2)), row(2, &digits(1))]).announce();
    assert_eq!(place.run(), FIRST);
    assert_eq!(last_of(&place, 1), (ssin(2), 2));
    publisher.delta(2, &[put(&row(1, ""))]).announce();
    assert_eq!(place.run(), Outcome::Deltas);
    assert_eq!(last_of(&place, 2), (ssin(1), 2));
}

#[test]
fn the_run_history_outlives_a_snapshot() {
    let (place, mut publisher) = dimona();
    assert_eq!(place.run(), Outcome::Refused(Refusal::MissingFile));
    assert_eq!(place.run(), Outcome::Refused(Refusal::MissingFile));
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    publisher.snapshot(9, &twenty()).announce();
    place.run();
    let writer = Writer::open(&place.settings.data, Dataset::Dimona).expect("no other writer");
    let history = writer.history().expect("readable");
    let recorded: Vec<_> = history
        .iter()
        .map(|entry| (entry.outcome.map_or("unknown", Outcome::code), entry.serial, entry.times))
        .collect();
    assert_eq!(
        recorded,
        [("snapshot/gap", Some(9), 1), ("snapshot/first", Some(1), 1), ("refused/missing-file", None, 2)]
    );
    assert_eq!(place.run(), Outcome::Skipped);
}

#[test]
fn an_operator_error_is_a_failure_not_a_refusal() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    fs::write(&place.settings.data, "a file where a folder should be").expect("disk enough");
    assert_eq!(place.run(), Outcome::Failed(Failure::Store));
}

#[test]
fn the_next_run_removes_what_a_crash_left() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    for name in [
        "dimona-1f.sqlite",
        "dimona-1f.sqlite-wal",
        "dimona-1f.rows",
        "dimona.current.new",
        ".dimona.current.0123456789abcdef.draft",
    ] {
        fs::write(place.settings.data.join(name), "half written").expect("disk enough");
    }
    fs::create_dir_all(&place.settings.rejected).expect("a folder");
    fs::write(place.settings.rejected.join(".dimona-1-snapshot.csv.part"), "half written").expect("disk enough");
    assert_eq!(place.run(), Outcome::Nothing);
    let names = place.names("data");
    assert!(
        matches!(&names[..], [file, pointer, lock]
        if file.starts_with("dimona-") && pointer == "dimona.current" && lock == "dimona.lock"),
        "{names:?}"
    );
    assert!(place.names("rejected").is_empty());
    assert_eq!(serial(&place), Some(1));
}

#[test]
fn a_hash_is_compared_ignoring_case() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty());
    let file = publisher.snapshot.as_mut().expect("a snapshot");
    assert_eq!(file.sha256, digest_of(&fs::read(publisher.folder.join(&file.uri)).expect("written")).to_string());
    file.sha256 = file.sha256.to_uppercase();
    publisher.announce();
    assert_eq!(place.run(), FIRST);
}

#[test]
fn a_notification_from_the_future_is_refused() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty());
    // The clock of the place shows 06:00:00Z.
    for (created, outcome) in [
        ("2026-11-22T06:05:00.001Z", Outcome::Refused(Refusal::Future)),
        ("2099-01-01T00:00:00Z", Outcome::Refused(Refusal::Future)),
        ("2026-11-22T06:00:00", Outcome::Refused(Refusal::Notification)),
        ("2026-11-22T07:05:00+01:00", FIRST),
        ("2026-11-22T06:05:00.001Z", Outcome::Refused(Refusal::Future)),
    ] {
        publisher.created = created.to_owned();
        publisher.announce();
        assert_eq!(place.run(), outcome, "{created}");
    }
    let expected = Timestamp::parse("2026-11-22T06:05:00Z").expect("a moment");
    assert_eq!(loaded(&place), Some((1, expected)));
}

#[test]
fn a_stored_time_from_the_future_is_replaced_by_the_next_run() {
    let (place, publisher) = dimona();
    let mut publisher = publisher;
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    let pointer = fs::read_to_string(place.settings.data.join("dimona.current")).expect("a pointer");
    let database = rusqlite::Connection::open(place.settings.data.join(pointer.trim_end())).expect("a database");
    let future = Timestamp::parse("2099-01-01T00:00:00Z").expect("a moment");
    database.execute("UPDATE state SET created = ?1", [future.as_millis()]).expect("writable");
    drop(database);
    assert_eq!(loaded(&place), Some((1, future)));
    assert_eq!(place.run(), Outcome::Nothing);
    let created = Timestamp::parse(&publisher.created).expect("a moment");
    assert_eq!(loaded(&place), Some((1, created)));
}

/// The only report of a run, and its reason.
fn run_with_reason(place: &Place) -> (Outcome, String) {
    let reports = place.run_all();
    let [report] = reports.as_slice() else { unreachable!("one feed") };
    (report.outcome, report.reason.clone().unwrap_or_default())
}

#[test]
fn a_file_that_is_being_uploaded_has_its_own_outcome() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    let incomplete = Outcome::Refused(Refusal::Incomplete);
    for name in ["snapshot-1.csv", "notification.xml"] {
        let path = publisher.folder.join(name);
        let whole = fs::read(&path).expect("written");
        for length in [0, 1, whole.len() / 2, whole.len() - 3] {
            fs::write(&path, &whole[..length]).expect("disk enough");
            let (outcome, reason) = run_with_reason(&place);
            assert_eq!(outcome, incomplete, "{name}, {length} bytes: {reason}");
            assert!(reason.contains(&format!("/feeds/dimona/{name}`: ")), "{reason}");
        }
        fs::write(&path, &whole).expect("disk enough");
    }
    assert_eq!(place.run(), FIRST);
}

#[test]
fn a_missing_feed_folder_is_no_fault_of_the_publisher() {
    let (place, mut publisher) = dimona();
    publisher.snapshot(1, &twenty()).announce();
    assert_eq!(place.run(), FIRST);
    fs::remove_dir_all(&publisher.folder).expect("removed");
    let (outcome, reason) = run_with_reason(&place);
    assert_eq!(outcome, Outcome::Failed(Failure::NoFeed));
    assert!(reason.contains("/feeds/dimona`, does not exist"), "{reason}");
    fs::create_dir(&publisher.folder).expect("created");
    let (outcome, reason) = run_with_reason(&place);
    assert_eq!(outcome, Outcome::Refused(Refusal::MissingFile));
    assert!(reason.contains("/feeds/dimona/notification.xml`: the file does not exist"), "{reason}");
    assert_eq!(serial(&place), Some(1));
}

#[test]
fn an_error_of_form_names_the_file_the_line_and_the_reason() {
    let (place, mut publisher) = dimona();
    let header = publisher::header(Dataset::Dimona);
    let row = period(1, 1, 1, "2024-01-01", "");
    for (text, records, outcome, expected) in [
        (format!("{header}\n{row}\n\"{row}\n"), 2, Refusal::Malformed, "line 3: the quoting"),
        (format!("{header},x\n"), 0, Refusal::Malformed, "line 1: the header"),
        (format!("{header}\n{row}\n{row},\n"), 2, Refusal::Malformed, "line 3: the row and the header"),
        (format!("{header}\n{row}\n"), 2, Refusal::Records, "line 3: the file has fewer than the 2 records"),
        (format!("{header}\n{row}\n{row}\n"), 1, Refusal::Records, "line 3: the file has more than the 1 records"),
    ] {
        publisher.snapshot = Some(publisher.store("s.csv", 1, text.as_bytes(), records));
        publisher.announce();
        let (found, reason) = run_with_reason(&place);
        assert_eq!(found, Outcome::Refused(outcome), "{text:?}");
        assert!(reason.contains(&format!("/feeds/dimona/s.csv`: {expected}")), "{reason}");
    }
    publisher.announce();
    let path = publisher.folder.join("notification.xml");
    let whole = fs::read_to_string(&path).expect("written");
    for (from, to, expected) in [
        ("<snapshot", "<snapshots", "line 3: the element `snapshot` is expected"),
        ("bytes=\"", "bytes=\"-", "line 3: the value of the attribute `bytes`"),
        ("version=\"1\"", "version=\"1\" more=\"\"", "line 2: an attribute is missing or unexpected"),
        ("created=\"", "created=\"x", "line 2: the value of the attribute `created`"),
        ("dataset=\"dimona\"", "dataset=\"coprev\"", "the notification is one of the dataset coprev"),
    ] {
        fs::write(&path, whole.replacen(from, to, 1)).expect("disk enough");
        let (found, reason) = run_with_reason(&place);
        assert_eq!(found, Outcome::Refused(Refusal::Notification), "{from} → {to}");
        assert!(reason.contains(&format!("/feeds/dimona/notification.xml`: {expected}")), "{reason}");
    }
}
