//! Checkpoints: written in time, in both places; a log that does not match them is not opened.

use std::fs;
use std::path::Path;
use std::time::Duration;

use audit_log::{
    AuditError, AuditLog, CheckpointError, Event, KeyError, KeyName, MissingCheckpoint, RotateError, Rotated, Settings,
    Vouched,
};
use audit_verify::{CheckpointSource, Finding, Notice, VerifyingKey, verify};

use super::harness::*;

const NOW: &str = "2026-11-22T05:19:00Z";

fn with_copy(dir: &Path) -> Settings {
    let mut settings = settings(dir);
    settings.checkpoints.copy = Some(dir.join("elsewhere"));
    settings
}

fn note(settings: &Settings) -> String {
    fs::read_to_string(settings.folder.join("checkpoint")).expect("a checkpoint")
}

fn open(settings: &Settings) -> Result<(), AuditError> {
    AuditLog::open(settings, clock(NOW)).map(|log| log.close())
}

/// A closed log with these records.
fn write(settings: &Settings, numbers: std::ops::Range<u64>) {
    let log = AuditLog::open(settings, clock(NOW)).expect("opened");
    numbers.for_each(|number| assert!(record(&log, entry(number, person(number))).is_ok()));
    log.close();
}

fn segment(settings: &Settings) -> std::path::PathBuf {
    settings.folder.join("000000000000-2026-11.seg")
}

#[test]
fn a_checkpoint_follows_a_number_of_records_or_a_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = with_copy(dir.path());
    settings.checkpoints.records = 4;
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    assert_eq!(log.counters().signed, 1);
    assert!(note(&settings).contains("\n1\n"), "a checkpoint exists before the first record");
    (0..4).for_each(|number| assert!(record(&log, entry(number, person(0))).is_ok()));
    wait_until(|| log.counters().signed == 5);
    record(&log, entry(4, person(0))).expect("durable");
    assert!(log.checkpoint_now());
    assert_eq!(log.counters().signed, 6);
    log.close();
    let line = "\nmade 2026-11-22T05:19:00.000Z\ndataset dimona 41 2026-11-01T03:00:00.000Z\n\
                dataset persons 7 2026-11-01T03:00:00.000Z\n\n\u{2014} ";
    let made = note(&settings);
    assert!(made.starts_with("ehealth-attributes/audit-log\n6\n") && made.contains(line), "{made}");
    assert_eq!(fs::read_to_string(dir.path().join("elsewhere")).expect("a copy"), made);

    settings.checkpoints.interval = Duration::from_millis(1);
    settings.checkpoints.records = u64::MAX;
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    record(&log, bare_entry(5)).expect("durable");
    wait_until(|| log.counters().signed == 7);
    assert!(note(&settings).contains("dataset dimona 41"), "datasets are kept across a restart");
}

#[test]
fn an_unwritable_checkpoint_copy_is_counted_and_stops_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = settings(dir.path());
    settings.checkpoints.copy = Some(dir.path().join("missing folder").join("copy"));
    settings.checkpoints.interval = Duration::from_millis(1);
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    record(&log, entry(0, person(0))).expect("durable");
    assert!(log.checkpoint_now());
    wait_until(|| log.counters().checkpoint_failures >= 1);
    // It is written again as soon as the location is writable, without another record.
    fs::create_dir(dir.path().join("missing folder")).expect("ours");
    wait_until(|| fs::read_to_string(dir.path().join("missing folder/copy")).is_ok_and(|copy| copy == note(&settings)));
}

#[test]
fn a_log_shorter_than_its_newest_checkpoint_is_not_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = with_copy(dir.path());
    write(&settings, 0..3);
    let (bytes, old) = (fs::read(segment(&settings)).expect("there"), note(&settings));
    write(&settings, 3..6);
    fs::write(segment(&settings), &bytes).expect("ours");
    let truncated = Err(AuditError::Checkpoint(CheckpointError::Truncated { signed: 7, found: 4 }));
    assert_eq!(open(&settings), truncated);
    fs::write(settings.folder.join("checkpoint"), old).expect("ours");
    assert_eq!(open(&settings), truncated, "the second location has the checkpoint");
    fs::remove_file(segment(&settings)).expect("there");
    let gone = CheckpointError::Truncated { signed: 7, found: 0 };
    assert_eq!(open(&settings), Err(AuditError::Checkpoint(gone)));
}

#[test]
fn another_log_of_the_same_length_is_not_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    write(&settings, 0..3);
    let first = note(&settings);
    fs::remove_dir_all(&settings.folder).expect("ours");
    write(&settings, 0..3);
    fs::write(settings.folder.join("checkpoint"), first).expect("ours");
    let other = CheckpointError::Inconsistent { signed: 4 };
    assert_eq!(open(&settings), Err(AuditError::Checkpoint(other)));
}

#[test]
fn a_checkpoint_may_be_in_an_earlier_month() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    write(&settings, 0..2);
    let november = note(&settings);
    write(&settings, 2..3);
    let log = AuditLog::open(&settings, clock("2026-12-22T05:19:00Z")).expect("opened");
    record(&log, entry(3, person(0))).expect("durable");
    log.close();
    fs::write(settings.folder.join("checkpoint"), &november).expect("ours");
    assert_eq!(open(&settings), Ok(()));
    let mut bytes = fs::read(segment(&settings)).expect("there");
    bytes[300] ^= 1;
    fs::write(segment(&settings), bytes).expect("ours");
    fs::write(settings.folder.join("checkpoint"), &november).expect("ours");
    assert!(matches!(open(&settings), Err(AuditError::Checkpoint(CheckpointError::Inconsistent { .. }))));
}

#[test]
fn a_missing_or_foreign_checkpoint_needs_an_override() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = with_copy(dir.path());
    write(&settings, 0..3);
    let own = note(&settings);
    fs::write(settings.folder.join("checkpoint"), own.replacen('4', "3", 1)).expect("ours");
    assert_eq!(open(&settings), Err(AuditError::Checkpoint(CheckpointError::Foreign)));
    fs::remove_file(settings.folder.join("checkpoint")).expect("ours");
    assert_eq!(open(&settings), Ok(()), "the second location suffices");
    fs::remove_file(settings.folder.join("checkpoint")).expect("ours");
    fs::remove_file(dir.path().join("elsewhere")).expect("ours");
    assert_eq!(open(&settings), Err(AuditError::Checkpoint(CheckpointError::Missing)));
    settings.checkpoints.missing = MissingCheckpoint::Sign;
    settings.checkpoints.origin = "example.org/another".into();
    assert_eq!(open(&settings), Ok(()));
    settings.checkpoints.origin = "two words".into();
    assert_eq!(open(&settings), Err(AuditError::Origin));
}

#[test]
fn vouching_for_records_leaves_a_record_and_a_notice() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = settings(dir.path());
    settings.checkpoints.missing = MissingCheckpoint::Sign;
    write(&settings, 0..3);
    let vouched = || read_all(&settings.folder).into_iter().filter(|record| matches!(record.event, Event::Vouched(_)));
    assert_eq!(vouched().count(), 0, "the first start vouches for nothing");
    fs::remove_file(settings.folder.join("checkpoint")).expect("there");
    write(&settings, 3..4);
    write(&settings, 4..5);
    let found: Vec<_> = vouched().collect();
    let [record] = found.as_slice() else { panic!("{found:?}") };
    let Event::Vouched(Vouched { records, root }) = record.event else { unreachable!("filtered") };
    assert_eq!((records, record.header.sequence), (4, 4));
    let log = AuditLog::open(&settings, clock("2026-12-22T05:19:00Z")).expect("opened a month later");
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();
    let verdict = verify(&settings.folder, &key, None).expect("readable");
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.notices, [Notice::Vouched { records: 4, at: moment(NOW) }]);
    let (text, json) = (verdict.to_string(), verdict.to_json());
    assert!(text.contains("NOTE: at 2026-11-22T05:19:00.000Z the log had 4 records and no checkpoint"), "{text}");
    assert_eq!(json["notices"][0]["code"], "vouched");
    assert_ne!(root, verdict.root, "the root of the four records");
}

#[test]
fn a_new_key_takes_over_with_a_checkpoint_signed_by_both() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = with_copy(dir.path());
    write(&settings, 0..3);
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    let old = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    let retired = fs::read(settings.keys.join("checkpoint.key")).expect("there");
    let Rotated { note: both, verifying_key } = log.rotate_checkpoint_key().expect("rotated");
    let new = VerifyingKey::parse(&verifying_key).expect("a key");
    assert_eq!(
        (note(&settings), fs::read_to_string(dir.path().join("elsewhere")).expect("a copy")),
        (both.clone(), both.clone())
    );
    assert!(!settings.keys.join("checkpoint-next.key").exists());
    assert_ne!(fs::read(settings.keys.join("checkpoint.key")).expect("there"), retired);
    let kept = dir.path().join("kept");
    fs::write(&kept, both).expect("ours");
    for key in [&old, &new] {
        assert_eq!(verify(&settings.folder, key, Some(&kept)).expect("readable").findings, []);
    }
    write(&settings, 3..6);
    assert_eq!(verify(&settings.folder, &new, Some(&kept)).expect("readable").findings, []);
    let findings = verify(&settings.folder, &old, Some(&kept)).expect("readable").findings;
    assert_eq!(findings[0], Finding::CheckpointForged(CheckpointSource::Own), "the old key no longer signs");
}

#[test]
fn an_interrupted_key_rotation_is_resumed_or_dropped() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = with_copy(dir.path());
    write(&settings, 0..3);
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    // The key file cannot be replaced: the note exists, the new key is not in use.
    let (key, aside) = (settings.keys.join("checkpoint.key"), settings.keys.join("aside"));
    fs::rename(&key, &aside).expect("ours");
    let missing = RotateError::Key(KeyError::Missing(KeyName::Checkpoint));
    assert_eq!(log.rotate_checkpoint_key(), Err(missing));
    fs::rename(&aside, &key).expect("ours");
    write(&settings, 3..4);
    let next = fs::read(settings.keys.join("checkpoint-next.key")).expect("drawn");
    settings.checkpoints.copy = Some(dir.path().join("missing folder/copy"));
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    assert_eq!(log.rotate_checkpoint_key(), Err(RotateError::Io(std::io::ErrorKind::NotConnected)));
    settings.checkpoints.copy = Some(dir.path().join("elsewhere"));
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened with the old key");
    log.rotate_checkpoint_key().expect("rotated");
    assert_eq!(fs::read(&key).expect("there"), next);
    assert_eq!(open(&settings), Ok(()));
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    log.close();
    assert_eq!(log.rotate_checkpoint_key(), Err(RotateError::Closed));
}
