//! Pruning removes months past retention, with their keys. The rest verifies and proves as before.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use audit_log::{
    AuditLog, Event, IndexUse, KeyFolder, KeyName, LEGAL_HOLD, MissingKeys, Month, PruneError, Retention, Settings,
    TooShort, Whom, WriteFailure, find, prove,
};
use audit_verify::{CheckpointSource, Finding, VerifyingKey, verify, verify_proof};

use super::harness::*;
use super::memory_disk::{Fault, MemoryDisk};
use crate::support::program::PROGRAM;

fn month(text: &str) -> Month {
    Month::parse(text).expect("a month")
}

/// Three months of 2016, one of 2017, and today.
fn written(settings: &Settings) -> AuditLog {
    let clock = clock("2016-01-22T05:19:00Z");
    let log = AuditLog::open(settings, clock.clone()).expect("opened");
    for number in 0..50 {
        let month = ["2016-01", "2016-11", "2016-12", "2017-01", "2026-12"][number as usize / 10];
        clock.set(moment(&format!("{month}-22T05:19:00Z")));
        record(&log, entry(number, person(number % 5))).expect("durable");
    }
    log
}

#[test]
fn pruning_removes_what_is_past_retention_and_keeps_the_rest() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = written(&settings);
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let found =
        || find(&settings.folder, &keys, IndexUse::Keep, &Whom::Subject(person(1)), None).expect("readable").len();
    assert_eq!(found(), 10);
    let pruned = log.prune(Retention::default()).expect("pruned");
    let segments: Vec<_> = pruned.segments.iter().map(|segment| (segment.first, segment.month)).collect();
    assert_eq!(segments, [(0, month("2016-01")), (11, month("2016-11"))]);
    assert_eq!(pruned.keys, [KeyName::Detail(month("2016-01")), KeyName::Detail(month("2016-11"))]);
    assert!(!settings.keys.join("detail-2016-11.key").exists() && settings.keys.join("subject-2016.key").exists());
    record(&log, entry(50, person(1))).expect("durable");
    assert_eq!(found(), 7);
    let vkey = log.verifying_key();
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments), Ok(vec![]), "nothing is left to prune");
    let pruned = log.prune(Retention::new(9, Some(Retention::WORD)).expect("the word")).expect("pruned");
    let gone = [KeyName::Detail(month("2016-12")), KeyName::Subject(2016), KeyName::Detail(month("2017-01"))];
    assert_eq!(pruned.keys, [gone.as_slice(), &[KeyName::Subject(2017)]].concat());
    log.close();
    let key = VerifyingKey::parse(&vkey).expect("a key");
    let verdict = verify(&settings.folder, &key, None).expect("readable");
    assert_eq!((verdict.findings.as_slice(), verdict.first, verdict.size), ([].as_slice(), 44, 58));
    let checkpoint = fs::read_to_string(settings.folder.join("checkpoint")).expect("there");
    let ticket = entry(45, person(0)).ticket;
    let proof = prove(&settings.folder, &keys, IndexUse::Keep, ticket, &checkpoint).expect("proven");
    assert_eq!(verify_proof(&proof, &key).expect("right").sequence, 50);
    let names: Vec<_> = fs::read_dir(&settings.folder).expect("there").collect();
    assert_eq!(names.len(), 3, "lock, checkpoint and one segment");
    let prunings = read_all(&settings.folder).into_iter().filter(|record| matches!(record.event, Event::Pruning(_)));
    assert_eq!(prunings.count(), 2);
    let log = AuditLog::open(&settings, clock("2026-12-22T05:19:00Z")).expect("opened again");
    assert_eq!(record(&log, entry(51, person(1))), Ok(58));
}

#[test]
fn fewer_than_ten_years_need_a_word_typed_out() {
    for years in [0, 1, 9] {
        for word in [None, Some(""), Some("yes"), Some("DESTROY-EVIDENCE")] {
            assert_eq!(Retention::new(years, word), Err(TooShort), "{years} {word:?}");
        }
        assert_eq!(Retention::new(years, Some("destroy-evidence")).map(Retention::years), Ok(years));
    }
    for years in [10, 11, u16::MAX] {
        assert_eq!(Retention::new(years, None).map(Retention::years), Ok(years));
    }
}

#[test]
fn the_command_prunes_younger_records_only_on_a_word() {
    let prune = |arguments: &[&str]| {
        let ran = Command::new(PROGRAM).args(["audit", "prune", "--config", "missing.toml"]).args(arguments).output();
        let ran = ran.expect("it runs");
        (ran.status.code(), String::from_utf8(ran.stderr).expect("UTF-8"))
    };
    let (code, said) = prune(&["--years", "9"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("at least 10 years") && said.contains("--shorter 9 --confirm destroy-evidence"), "{said}");
    for arguments in [
        &["--shorter", "9"][..],
        &["--shorter", "9", "--confirm", "yes"],
        &["--confirm", "destroy-evidence"],
        &["--years", "10", "--shorter", "9", "--confirm", "destroy-evidence"],
    ] {
        assert_eq!(prune(arguments).0, Some(2), "{arguments:?}");
    }
    // The arguments are right, the settings are missing.
    for arguments in [&["--years", "10"][..], &["--shorter", "9", "--confirm", "destroy-evidence"]] {
        assert_eq!(prune(arguments).0, Some(3), "{arguments:?}");
    }
}

#[test]
fn a_legal_hold_stops_pruning() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = written(&settings);
    fs::write(settings.folder.join(LEGAL_HOLD), "court of Brussels, 2026/123\n").expect("ours");
    assert_eq!(log.prune(Retention::default()), Err(PruneError::Held));
    fs::remove_file(settings.folder.join(LEGAL_HOLD)).expect("there");
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments.len()), Ok(2));
    log.close();
    assert_eq!(log.prune(Retention::default()), Err(PruneError::Closed));
}

#[test]
fn pruning_is_resumed_and_removing_more_is_detected() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = written(&settings);
    let first = dir.path().join("first");
    fs::copy(settings.folder.join("checkpoint"), &first).expect("copied");
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    let kept = ["000000000011-2016-11.seg", "000000000022-2016-12.seg"].map(|name| settings.folder.join(name));
    let bytes = kept.clone().map(|path| fs::read(path).expect("there"));
    log.prune(Retention::default()).expect("pruned");
    log.close();
    fs::write(&kept[0], &bytes[0]).expect("an earlier version of the file");
    assert!(verify(&settings.folder, &key, None).expect("readable").is_sound());
    let log = AuditLog::open(&settings, clock("2026-12-22T05:19:00Z")).expect("opened");
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments.len()), Ok(1));
    log.close();
    fs::remove_file(&kept[1]).expect("there");
    let findings = verify(&settings.folder, &key, None).expect("readable").findings;
    assert_eq!(findings, [Finding::BeginningMissing { first: 33 }]);
    let findings = verify(&settings.folder, &key, Some(&first)).expect("readable").findings;
    assert_eq!(findings[1], Finding::TooOld { checkpoint: CheckpointSource::Elsewhere, signed: 1 });
}

#[test]
fn nothing_is_pruned_before_it_is_recorded_and_signed() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = written(&settings);
    let segments = || {
        let names = fs::read_dir(&settings.folder).expect("there").map(|file| file.expect("there").file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".seg")).count()
    };
    let checkpoint = settings.folder.join("checkpoint");
    fs::remove_file(&checkpoint).expect("there");
    fs::create_dir(&checkpoint).expect("ours");
    assert_eq!(log.prune(Retention::default()), Err(PruneError::Unsigned));
    fs::remove_dir(&checkpoint).expect("ours");
    let stays = settings.folder.join("000000000022-2016-12.seg");
    let bytes = fs::read(&stays).expect("there");
    fs::write(&stays, &bytes[1..]).expect("ours");
    assert!(matches!(log.prune(Retention::default()), Err(PruneError::Damaged(_))));
    fs::write(&stays, &bytes).expect("ours");
    let key = settings.keys.join("detail-2016-01.key");
    fs::remove_file(&key).expect("there");
    fs::create_dir(&key).expect("ours");
    assert!(matches!(log.prune(Retention::default()), Err(PruneError::Key(_))));
    assert_eq!(segments(), 5);
    fs::remove_dir(&key).expect("ours");
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments.len()), Ok(2));
    assert_eq!(segments(), 3);
}

#[test]
fn a_log_that_cannot_be_written_is_not_pruned() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, disk, clock) = (settings(dir.path()), MemoryDisk::default(), clock("2010-01-22T05:19:00Z"));
    let log = AuditLog::open_on(Arc::new(disk.clone()), &settings, clock.clone()).expect("opened");
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, entry(0, person(0))).expect("durable");
    disk.set_fault(Some(Fault::Full));
    assert_eq!(log.prune(Retention::default()), Err(PruneError::Unwritable(WriteFailure::DiskFull)));
    disk.set_fault(None);
    assert_eq!(record(&log, entry(1, person(0))), Ok(4), "only the interruption record was kept");
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments.len()), Ok(1));
}
