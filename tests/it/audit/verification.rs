//! The verifier against logs as written, and against every way to change one.

use std::fs;
use std::path::{Path, PathBuf};

use audit_log::{AuditLog, Settings};
use audit_verify::{
    CheckpointSource, Finding, Notice, SegmentDamage, Truncation, Verdict, VerifyingKey, VerifyingKeyError, verify,
    verify_at,
};

use super::harness::*;
use crate::support::environment;
use crate::support::random::Random;

/// A log of three months, an external copy of its newest checkpoint, and a backup of an earlier
/// day.
struct Written {
    _dir: tempfile::TempDir,
    settings: Settings,
    key: VerifyingKey,
    elsewhere: PathBuf,
    backup: PathBuf,
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("ours");
    for file in fs::read_dir(from).expect("there") {
        let path = file.expect("there").path();
        fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
    }
}

fn written(records: u64) -> Written {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-10-22T05:19:00Z");
    let (elsewhere, backup) = (dir.path().join("elsewhere"), dir.path().join("backup"));
    let mut key = None;
    for (part, month) in (0..).zip(["2026-10", "2026-11", "2026-11", "2026-12"]) {
        clock.set(moment(&format!("{month}-22T05:19:00Z")));
        let log = AuditLog::open(&settings, clock.clone()).expect("opened");
        let waiting: Vec<_> =
            (part * records..(part + 1) * records).map(|number| append(&log, entry(number, person(number)))).collect();
        waiting.iter().for_each(|settled| assert!(wait(settled).is_ok()));
        key = Some(VerifyingKey::parse(&log.verifying_key()).expect("a key"));
        log.close();
        if part == 2 {
            copy_folder(&settings.folder, &backup);
        }
    }
    fs::copy(settings.folder.join("checkpoint"), &elsewhere).expect("copied");
    Written { settings, key: key.expect("written"), elsewhere, backup, _dir: dir }
}

impl Written {
    fn verify(&self) -> Verdict {
        verify(&self.settings.folder, &self.key, Some(&self.elsewhere)).expect("readable")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.settings.folder).expect("there").map(|file| file.expect("there").path());
        let mut segments: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
        segments.sort();
        segments
    }
}

/// Offsets of the frames of a segment, and its length.
pub fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    while let Some(length) = bytes.get(starts[starts.len() - 1] + 4..).and_then(|rest| rest.first_chunk::<4>()) {
        starts.push(starts[starts.len() - 1] + 40 + u32::from_be_bytes(*length) as usize);
    }
    starts
}

#[test]
fn a_log_as_written_is_sound() {
    let log = written(20);
    let verdict = log.verify();
    assert_eq!(verdict.findings, []);
    assert_eq!((verdict.first, verdict.size, verdict.segments, verdict.unsigned), (0, 83, 3, 0));
    assert_eq!((verdict.truncation, verdict.in_use), (Truncation::DetectableUpTo(83), false));
    let root = format!("{:?}", verdict.root);
    let note = fs::read_to_string(&log.elsewhere).expect("kept");
    assert_eq!((root.len(), note.lines().nth(1)), (64, Some("83")));
}

#[test]
fn an_old_log_put_back_needs_an_external_checkpoint_to_be_seen() {
    let log = written(5);
    fs::remove_dir_all(&log.settings.folder).expect("ours");
    copy_folder(&log.backup, &log.settings.folder);
    let verdict = verify(&log.settings.folder, &log.key, None).expect("readable");
    assert_eq!((verdict.is_sound(), verdict.truncation), (true, Truncation::NotDetectable));
    assert!(verdict.truncation.to_string().contains("cannot be detected"));
    let older = Finding::OlderThanElsewhere { own: 17, elsewhere: 23 };
    let truncated = Finding::Truncated { checkpoint: CheckpointSource::Elsewhere, signed: 23, found: 17 };
    assert_eq!(log.verify().findings, [truncated, older]);
}

#[test]
fn a_log_being_written_is_sound() {
    let log = written(5);
    let open = AuditLog::open(&log.settings, clock("2026-12-22T05:19:00Z")).expect("opened");
    record(&open, entry(99, person(1))).expect("durable");
    let verdict = log.verify();
    assert_eq!((verdict.findings.as_slice(), verdict.in_use, verdict.unsigned), ([].as_slice(), true, 1));
    open.close();
    assert_eq!(log.verify().unsigned, 0);
}

#[test]
fn preallocated_zeros_are_sound_only_in_the_last_segment() {
    let log = written(5);
    let segments = log.segments();
    let with_zeros = |path: &Path, zeros: usize| {
        let mut bytes = fs::read(path).expect("there");
        bytes.resize(bytes.len() + zeros, 0);
        fs::write(path, bytes).expect("ours");
    };
    for zeros in [1, 7, 8, 3_000_000] {
        with_zeros(&segments[2], zeros);
        assert_eq!(log.verify().findings, [], "{zeros}");
    }
    with_zeros(&segments[2], 1 << 24);
    assert!(matches!(log.verify().findings[0], Finding::Damaged { damage: SegmentDamage::NoRecord, .. }));
    with_zeros(&segments[0], 100);
    assert!(matches!(log.verify().findings[0], Finding::Damaged { damage: SegmentDamage::Preallocated, .. }));
}

#[test]
fn a_plain_copy_of_a_busy_log_is_sound_to_its_checkpoint() {
    let log = written(5);
    let copy = log.settings.folder.with_file_name("copy");
    let open = AuditLog::open(&log.settings, clock("2026-12-22T05:19:00Z")).expect("opened");
    record(&open, entry(98, person(1))).expect("durable");
    assert!(open.checkpoint_now());
    let early = fs::read(log.settings.folder.join("checkpoint")).expect("there");
    (99..102).for_each(|number| assert!(record(&open, entry(number, person(1))).is_ok()));
    copy_folder(&log.settings.folder, &copy);
    assert!(open.checkpoint_now());
    open.close();
    let segment = copy.join(log.segments().pop().expect("three").file_name().expect("a name"));
    let bytes = fs::read(&segment).expect("there");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("records");
    let verdict = |bytes: &[u8], checkpoint: &[u8]| {
        fs::write(&segment, bytes).expect("ours");
        fs::write(copy.join("checkpoint"), checkpoint).expect("ours");
        verify(&copy, &log.key, Some(&log.elsewhere)).expect("readable")
    };
    // The checkpoint was copied first; the last record is whole, torn, or a hole.
    let hole = [&bytes[..end - 60], &[0; 30], &bytes[end - 30..=end]].concat();
    for (bytes, records, torn) in [(&bytes[..], 3, 0), (&bytes[..end - 40], 2, 1), (&hole[..], 2, 1)] {
        let verdict = verdict(bytes, &early);
        assert_eq!((verdict.findings.as_slice(), verdict.in_use, verdict.signed), ([].as_slice(), false, 24));
        assert_eq!(verdict.unsigned, records);
        assert_eq!(verdict.notices.len(), 1 + torn, "{:?}", verdict.notices);
        assert_eq!(verdict.notices[torn], Notice::Unsigned { records });
        let last = format!("sound up to record 24; {records} records after the last checkpoint");
        assert_eq!(verdict.to_string().lines().last(), Some(last.as_str()));
        assert_eq!((&verdict.to_json()["isSound"], &verdict.to_json()["unsigned"]), (&true.into(), &records.into()));
    }
    // What a checkpoint signs must be there, and whole.
    let signed = fs::read(log.settings.folder.join("checkpoint")).expect("there");
    let cut = verdict(&bytes[..end - 40], &signed).findings;
    assert!(matches!(cut.as_slice(), [Finding::Damaged { .. }, Finding::Incomparable { .. }]), "{cut:?}");
    let behind = [&bytes[..=end], &vec![1; 20 << 20]].concat();
    let behind = verdict(&behind, &early).findings;
    assert!(matches!(behind.as_slice(), [Finding::Damaged { .. }]), "no write is that long: {behind:?}");
}

#[test]
fn a_checkpoint_from_the_future_is_reported() {
    let log = written(3);
    let at =
        |now| verify_at(&log.settings.folder, &log.key, Some(&log.elsewhere), Some(moment(now))).expect("readable");
    let made = moment("2026-12-22T05:19:00Z");
    assert_eq!(at("2026-12-22T05:14:00Z").notices, [], "5 minutes are allowed");
    let now = "2026-12-22T05:13:59.999Z";
    let future = |checkpoint| Notice::Future { checkpoint, made, now: moment(now) };
    let verdict = at(now);
    assert_eq!(verdict.notices, [CheckpointSource::Own, CheckpointSource::Elsewhere].map(future));
    assert_eq!((verdict.is_sound(), verdict.notices[0].code()), (true, "future"));
    assert!(verdict.to_string().contains("NOTE: the checkpoint kept elsewhere was made at 2026-12-22T05:19:00.000Z"));
}

#[test]
fn records_beyond_the_checkpoint_are_found_without_a_writer() {
    let log = written(5);
    let old = fs::read(log.settings.folder.join("checkpoint")).expect("there");
    let open = AuditLog::open(&log.settings, clock("2026-12-22T05:19:00Z")).expect("opened");
    record(&open, entry(99, person(1))).expect("durable");
    open.close();
    fs::write(log.settings.folder.join("checkpoint"), old).expect("ours");
    let verdict = verify(&log.settings.folder, &log.key, None).expect("readable");
    assert_eq!((verdict.findings.as_slice(), verdict.unsigned), ([].as_slice(), 1));
    assert_eq!(verdict.notices, [Notice::Unsigned { records: 1 }]);
}

#[test]
fn another_key_or_no_checkpoint_is_found() {
    let log = written(3);
    let other = written(3);
    let findings = verify(&log.settings.folder, &other.key, Some(&log.elsewhere)).expect("readable").findings;
    assert_eq!(findings, [CheckpointSource::Own, CheckpointSource::Elsewhere].map(Finding::CheckpointForged));
    fs::remove_file(log.settings.folder.join("checkpoint")).expect("there");
    assert_eq!(log.verify().findings, [Finding::CheckpointMissing(CheckpointSource::Own)]);
    assert_eq!(VerifyingKey::parse("no key"), Err(VerifyingKeyError));
}

#[test]
fn an_empty_folder_and_a_missing_front_and_middle_are_found() {
    let log = written(3);
    let segments = log.segments();
    fs::write(log.settings.folder.join("1-2026-11.seg"), "").expect("ours");
    assert_eq!(log.verify().findings, [Finding::Name("1-2026-11.seg".into())]);
    fs::remove_file(log.settings.folder.join("1-2026-11.seg")).expect("there");
    let middle = fs::read(&segments[1]).expect("there");
    fs::remove_file(&segments[1]).expect("there");
    assert!(matches!(log.verify().findings[0], Finding::Gap { expected: 4, found: 11, .. }));
    fs::write(&segments[1], middle).expect("ours");
    fs::remove_file(&segments[0]).expect("there");
    assert_eq!(log.verify().findings, [Finding::BeginningMissing { first: 4 }]);
    segments[1..].iter().for_each(|path| fs::remove_file(path).expect("there"));
    assert_eq!(log.verify().findings[0], Finding::Empty);
}

#[test]
fn every_segment_fault_has_its_name() {
    let log = written(3);
    let path = log.segments().pop().expect("three");
    let bytes = fs::read(&path).expect("there");
    let starts = frames(&bytes);
    let damage = |changed: Vec<u8>| {
        fs::write(&path, changed).expect("ours");
        let finding = log.verify().findings.into_iter().next();
        let Some(Finding::Damaged { damage, offset, .. }) = finding else { panic!("{finding:?}") };
        (offset as usize, damage)
    };
    let with = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        changed
    };
    assert_eq!(damage(Vec::new()), (0, SegmentDamage::Empty));
    assert_eq!(damage(bytes[..bytes.len() - 1].to_vec()), (starts[3], SegmentDamage::Unfinished));
    assert_eq!(damage(with(starts[1], b'x')), (starts[1], SegmentDamage::NoRecord));
    assert_eq!(damage(with(starts[1] + 60, 0x55)), (starts[1], SegmentDamage::Hash));
    assert_eq!(
        damage([&bytes[..starts[1]], &bytes[starts[2]..]].concat()).1,
        SegmentDamage::Sequence { expected: 12, found: 13 }
    );
    assert_eq!(damage(bytes[starts[1]..].to_vec()).1, SegmentDamage::Sequence { expected: 11, found: 12 });
    assert_eq!(damage(rehash(&bytes, 1, |record| record.truncate(60))).1, SegmentDamage::Record);
    assert_eq!(damage(rehash(&bytes, 0, |record| record[40] = 11)).1, SegmentDamage::Begin);
}

#[test]
fn a_record_rewritten_together_with_its_hash_is_found() {
    let log = written(3);
    let segments = log.segments();
    let bytes = fs::read(&segments[2]).expect("there");
    // The fingerprint of a client certificate.
    fs::write(&segments[2], rehash(&bytes, 1, |record| record[70] ^= 1)).expect("ours");
    let other = |checkpoint| Finding::Inconsistent { checkpoint, signed: 15 };
    assert_eq!(log.verify().findings, [CheckpointSource::Own, CheckpointSource::Elsewhere].map(other));
    fs::write(&segments[2], rehash(&bytes, 0, |record| record[60] ^= 1)).expect("ours");
    let segment = "000000000011-2026-12.seg".into();
    assert_eq!(log.verify().findings[0], Finding::TreeMismatch { segment });
}

/// The segment with one record changed and its hash recomputed.
pub fn rehash(bytes: &[u8], frame: usize, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let starts = frames(bytes);
    let mut record = bytes[starts[frame] + 8..starts[frame + 1] - 32].to_vec();
    change(&mut record);
    let leaf = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[&[0], record.as_slice()].concat());
    let frame_bytes = [b"KTR1", (record.len() as u32).to_be_bytes().as_slice(), &record, leaf.as_ref()].concat();
    [&bytes[..starts[frame]], &frame_bytes, &bytes[starts[frame + 1]..]].concat()
}

/// Edits without the variable: a few seconds.
const EDITS: u64 = 400;

/// Changes one file of the log; returns what it did, or `None` if nothing changed.
fn edit(log: &Written, random: &mut Random) -> Option<&'static str> {
    let folder = &log.settings.folder;
    let mut files = log.segments();
    files.push(folder.join("checkpoint"));
    let path = files[random.below(files.len() as u64) as usize].clone();
    let before = fs::read(&path).expect("there");
    let is_segment = path.extension().is_some();
    let starts = if is_segment { frames(&before) } else { vec![0, before.len()] };
    let pick = |random: &mut Random| {
        let frame = random.below(starts.len() as u64 - 1) as usize;
        (starts[frame], starts[frame + 1])
    };
    let (from, to) = pick(random);
    let mut after = before.clone();
    let what = match random.below(9) {
        0 => {
            after[random.below(before.len() as u64) as usize] ^= 1 << random.below(8);
            "a bit"
        }
        1 => {
            after[random.below(before.len() as u64) as usize] = random.next() as u8;
            "a byte"
        }
        2 if is_segment => {
            let frame = starts.iter().position(|start| *start == from).expect("a frame");
            let at = random.below((to - from - 40) as u64) as usize;
            after = rehash(&before, frame, |record| record[at] ^= 1 << (at % 8));
            "a record, its hash made right"
        }
        3 => {
            after.drain(from..to);
            "a record removed"
        }
        4 => {
            let (other, other_end) = pick(random);
            after.splice(from..from, before[other..other_end].iter().copied());
            "a record inserted"
        }
        5 if is_segment => {
            let (other, other_end) = pick(random);
            let ((a, b), (c, d)) =
                if from < other { ((from, to), (other, other_end)) } else { ((other, other_end), (from, to)) };
            after = [&before[..a], &before[c..d], &before[b.min(c)..c], &before[a..b.min(c)], &before[d..]].concat();
            "two records swapped"
        }
        6 => {
            after.truncate(random.below(before.len() as u64) as usize);
            "the tail cut"
        }
        7 => {
            after = fs::read(log.backup.join(path.file_name().expect("a name"))).unwrap_or_default();
            "an old file put back"
        }
        _ => {
            fs::remove_file(&path).expect("there");
            return Some("a file removed");
        }
    };
    fs::write(&path, &after).expect("ours");
    (after != before).then_some(what)
}

/// `AUDIT_LOG_EDITS=10000 cargo test --test it every_edit` sets the number of edits.
#[test]
#[allow(clippy::print_stdout, reason = "a long run says how much it did")]
fn every_edit_is_found_with_an_external_checkpoint() {
    let edits = environment::number("AUDIT_LOG_EDITS", EDITS);
    let log = written(12);
    let whole = log.settings.folder.with_file_name("whole");
    copy_folder(&log.settings.folder, &whole);
    let mut random = Random::new(5);
    let mut made = std::collections::BTreeMap::new();
    while made.values().sum::<u64>() < edits {
        if let Some(what) = edit(&log, &mut random) {
            let verdict = log.verify();
            assert!(!verdict.is_sound(), "{what}: not found");
            *made.entry(what).or_default() += 1;
        }
        fs::remove_dir_all(&log.settings.folder).expect("ours");
        copy_folder(&whole, &log.settings.folder);
    }
    println!("{edits} edits, each found: {made:?}");
    assert_eq!(made.len(), 9, "{made:?}");
    assert!(log.verify().is_sound());
}
