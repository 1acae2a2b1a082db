//! Failures that no other test reaches.
//!
//! Two cannot be caused from outside: a system without random bytes, and one that starts no thread.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use audit_log::{
    AuditError, AuditLog, Damage, DamageKind, DecryptError, DetailError, Disk, FrameError, Health, IndexUse, KeyError,
    KeyFolder, KeyName, MissingKeys, Month, ProveError, PruneError, ReadError, RecordError, Records, Retention,
    SearchError, SegmentName, Settings, Whom, WriteFailure, find, prove, search,
};
use audit_verify::{VerifyError, VerifyingKey, verify};
use ehealth_core::lookup::RecordFailure;

use super::harness::*;
use super::memory_disk::{Fault, MemoryDisk};
use super::verification::{frames, rehash};

const NOW: &str = "2026-11-22T05:19:00Z";
const FIRST: &str = "000000000000-2026-11.seg";

/// Three records in November and one in December.
fn written(dir: &Path) -> (Settings, KeyFolder) {
    let settings = settings(dir);
    let clock = clock(NOW);
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    (0..3).for_each(|number| assert!(record(&log, entry(number, person(1))).is_ok()));
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, entry(3, person(1))).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    (settings, keys)
}

fn november() -> KeyName {
    KeyName::Detail(Month::parse("2026-11").expect("a month"))
}

#[test]
fn every_segment_fault_is_reported_with_its_location() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, keys) = written(dir.path());
    let path = settings.folder.join(FIRST);
    let bytes = fs::read(&path).expect("there");
    let starts = frames(&bytes);
    let with = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        changed
    };
    let removed = [&bytes[..starts[1]], &bytes[starts[2]..]].concat();
    for (changed, offset, kind) in [
        (with(starts[1], b'x'), starts[1], FrameError::NoFrame.into()),
        (with(starts[1] + 60, 0x55), starts[1], FrameError::Hash.into()),
        (bytes[..bytes.len() - 1].to_vec(), starts[3], FrameError::Incomplete.into()),
        (rehash(&bytes, 1, |record| record[0] = 9), starts[1], RecordError::Version(9).into()),
        (rehash(&bytes, 1, |record| record.truncate(60)), starts[1], RecordError::Content.into()),
        (removed, starts[1], DamageKind::Sequence { expected: 1, found: 2 }),
        (rehash(&bytes, 0, |record| record[40] = 10), 0, DamageKind::SegmentStart),
    ] {
        fs::write(&path, changed).expect("ours");
        let segment = SegmentName { first: 0, month: Month::parse("2026-11").expect("a month") };
        let damage = Damage { segment, offset: offset as u64, kind };
        let read: Vec<_> = Records::open(&settings.folder).expect("there").collect();
        assert_eq!(read.last(), Some(&Err(ReadError::Damaged(damage))));
        let found: Vec<_> =
            search(Records::open(&settings.folder).expect("there"), &keys, &Whom::Subject(person(1))).collect();
        assert_eq!(found.last(), Some(&Err(SearchError::Read(ReadError::Damaged(damage)))));
    }
}

#[test]
fn a_missing_folder_is_reported_by_every_operation() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, keys) = written(dir.path());
    let (missing, file) = (dir.path().join("missing"), dir.path().join("file"));
    fs::write(&file, "").expect("ours");
    let key = VerifyingKey::parse(&keys.verifying_key("ehealth-attributes/audit-log").expect("there")).expect("a key");
    let missing_error = Err(ReadError::Io(io::ErrorKind::NotFound));
    assert_eq!(Records::open(&missing).map(|_| ()), missing_error);
    assert_eq!(find(&missing, &keys, IndexUse::Keep, &Whom::Subject(person(1)), None).map(|_| ()), missing_error);
    let proof = prove(&missing, &keys, IndexUse::Keep, entry(0, person(1)).ticket, "a\n1\nb\n");
    assert_eq!(proof, Err(ProveError::Io(io::ErrorKind::NotFound)));
    let Err(VerifyError::Io { path, .. }) = verify(&missing, &key, None) else { panic!("verified") };
    assert_eq!(path, missing);
    let open = |settings: &Settings| AuditLog::open(settings, clock(NOW)).map(|_| ());
    let on_a_file = Settings { folder: file, ..settings.clone() };
    assert_eq!(open(&on_a_file), Err(AuditError::Io(io::ErrorKind::AlreadyExists)));
    let no_keys = Settings { keys: missing, missing_keys: MissingKeys::Refuse, ..settings };
    assert_eq!(open(&no_keys), Err(AuditError::Keys(KeyError::Folder(io::ErrorKind::NotFound))));
}

#[test]
fn an_unreadable_key_differs_from_a_wrong_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, keys) = written(dir.path());
    let path = settings.keys.join(november().to_string());
    let details = || {
        let found = find(&settings.folder, &keys, IndexUse::Bypass, &Whom::Subject(person(1)), None).expect("readable");
        found.into_iter().map(|found| found.expect("searchable").detail.map(|_| ())).collect::<Vec<_>>()
    };
    fs::copy(settings.keys.join("detail-2026-12.key"), &path).expect("copied");
    let encrypted = Err(DetailError::Decrypt(DecryptError::Authentication));
    assert_eq!(details(), [encrypted, encrypted, encrypted, Ok(())]);
    fs::remove_file(&path).expect("ours");
    std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
    let Err(DetailError::Key(KeyError::Io { name, .. })) = details()[0] else { panic!("{:?}", details()) };
    assert_eq!(name, november());
}

#[test]
fn pruning_resumes_after_a_file_that_cannot_be_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2010-01-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    clock.set(moment(NOW));
    record(&log, entry(0, person(0))).expect("durable");
    let obstacle = settings.folder.join("000000000000-2010-01.idx");
    fs::create_dir(&obstacle).expect("ours");
    assert_eq!(log.prune(Retention::default()), Err(PruneError::Io(io::ErrorKind::IsADirectory)));
    fs::remove_dir(&obstacle).expect("ours");
    assert_eq!(log.prune(Retention::default()).map(|pruned| pruned.segments.len()), Ok(1));
}

#[test]
fn a_segment_truncated_by_another_is_not_appended_to() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = AuditLog::open_on(Arc::new(disk.clone()), &settings(dir.path()), clock(NOW)).expect("opened");
    record(&log, entry(0, person(0))).expect("durable");
    disk.set_fault(Some(Fault::SyncFails));
    assert_eq!(record(&log, entry(1, person(0))), Err(RecordFailure::Unwritable));
    disk.open(FIRST).expect("there").truncate(10).expect("memory");
    disk.set_fault(None);
    assert_eq!(record(&log, entry(2, person(0))), Err(RecordFailure::Unwritable));
    wait_until(|| log.health() == Health::Unwritable(WriteFailure::Truncated));
}
