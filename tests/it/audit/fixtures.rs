//! `fixtures/audit-logs`: small audit logs, each with one fault and named after it, and the
//! verifier's findings.
//!
//! A fixture is a folder with `audit-log/` (segments and their checkpoint), `elsewhere` (an
//! external checkpoint) and `findings.txt` (one per line; empty if the log is sound).
//! `public-key.txt` verifies all of them. They are files of the released format: a version that
//! cannot read them broke it.
//!
//! `AUDIT_LOG_FIXTURES=write cargo test --test it audit::fixtures` writes them, with new keys.

use std::fs;
use std::path::{Path, PathBuf};

use audit_log::{AuditLog, Records, Retention};
use audit_verify::{VerifyingKey, verify};

use super::harness::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit-logs")
}

fn findings(fixture: &Path, key: &VerifyingKey) -> String {
    let verdict = verify(&fixture.join("audit-log"), key, Some(&fixture.join("elsewhere"))).expect("readable");
    verdict.findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn the_verifier_finds_in_each_fixture_what_is_expected() {
    if std::env::var_os("AUDIT_LOG_FIXTURES").is_some_and(|set| set == "write") {
        write_fixtures();
    }
    let key = fs::read_to_string(root().join("public-key.txt")).expect("there");
    let key = VerifyingKey::parse(&key).expect("a key");
    let mut fixtures = 0;
    for entry in fs::read_dir(root()).expect("there") {
        let fixture = entry.expect("there").path();
        if fixture.is_dir() {
            let expected = fs::read_to_string(fixture.join("findings.txt")).expect("beside it");
            assert_eq!(findings(&fixture, &key), expected, "{}", fixture.display());
            let sound = Records::open(&fixture.join("audit-log")).expect("readable").all(|record| record.is_ok());
            assert!(sound || !expected.is_empty(), "{}", fixture.display());
            fixtures += 1;
        }
    }
    assert_eq!(fixtures, 14);
}

/// A log of two months without its keys, and its file names.
struct Draft {
    files: Vec<(String, Vec<u8>)>,
    elsewhere: Vec<u8>,
}

impl Draft {
    fn read(dir: &Path) -> Self {
        let entries = fs::read_dir(dir.join("audit-log")).expect("there").map(|file| file.expect("there").path());
        let mut files: Vec<_> = entries
            .filter(|path| !path.ends_with("lock"))
            .map(|path| {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                (name, fs::read(&path).expect("there"))
            })
            .collect();
        files.sort();
        Self { files, elsewhere: fs::read(dir.join("elsewhere")).expect("there") }
    }

    fn with(&self, change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Self {
        let mut files = self.files.clone();
        change(&mut files);
        Self { files, elsewhere: self.elsewhere.clone() }
    }

    fn write(&self, name: &str, key: &VerifyingKey) {
        let fixture = root().join(name);
        fs::create_dir_all(fixture.join("audit-log")).expect("ours");
        self.files
            .iter()
            .for_each(|(name, bytes)| fs::write(fixture.join("audit-log").join(name), bytes).expect("ours"));
        fs::write(fixture.join("elsewhere"), &self.elsewhere).expect("ours");
        fs::write(fixture.join("findings.txt"), findings(&fixture, key)).expect("ours");
    }
}

/// Offsets of the frames of a segment.
fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at + 4..at + 8) {
        let end = at + 40 + u32::from_be_bytes(length.try_into().expect("four")) as usize;
        frames.push(at..end);
        at = end;
    }
    frames
}

fn write_fixtures() {
    let _ = fs::remove_dir_all(root());
    fs::create_dir_all(root()).expect("ours");
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = settings(dir.path());
    settings.checkpoints.copy = Some(dir.path().join("elsewhere"));
    let clock = clock("2016-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    (0..4).for_each(|number| assert!(record(&log, entry(number, person(number))).is_ok()));
    assert!(log.checkpoint_now());
    let old = Draft::read(dir.path());
    clock.set(moment("2026-12-22T05:19:00Z"));
    (4..8).for_each(|number| assert!(record(&log, entry(number, person(number))).is_ok()));
    assert!(log.checkpoint_now());
    let sound = Draft::read(dir.path());
    log.prune(Retention::default()).expect("pruned");
    let pruned = Draft::read(dir.path());
    fs::write(root().join("public-key.txt"), log.verifying_key() + "\n").expect("ours");
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();

    let (first, second) = (frames(&sound.files[0].1), frames(&sound.files[1].1));
    sound.write("sound", &key);
    pruned.write("pruned", &key);
    sound.with(|files| files[0].1[first[2].start + 100] ^= 1).write("a-bit-changed", &key);
    sound.with(|files| drop(files[0].1.drain(first[2].clone()))).write("a-record-removed", &key);
    sound
        .with(|files| {
            let copy = files[0].1[first[3].clone()].to_vec();
            files[0].1.splice(first[2].start..first[2].start, copy);
        })
        .write("a-record-inserted", &key);
    sound
        .with(|files| {
            let bytes = &files[0].1;
            let swapped = [&bytes[first[3].clone()], &bytes[first[2].clone()]].concat();
            files[0].1.splice(first[2].start..first[3].end, swapped);
        })
        .write("two-records-swapped", &key);
    sound.with(|files| files[1].1.truncate(second[4].start)).write("the-last-record-cut-off", &key);
    sound.with(|files| files[1].1.truncate(second[4].start + 50)).write("the-last-record-torn", &key);
    sound.with(|files| drop(files.remove(0))).write("the-first-month-removed", &key);
    sound.with(|files| drop(files.remove(1))).write("the-last-month-removed", &key);
    sound.with(|files| drop(files.remove(2))).write("the-checkpoint-removed", &key);
    sound.with(|files| files[2].1[30] ^= 1).write("the-checkpoint-changed", &key);
    sound.with(|files| files.clone_from(&old.files)).write("an-old-audit-log-put-back", &key);
    Draft { files: sound.files.clone(), elsewhere: Vec::new() }.write("the-kept-checkpoint-empty", &key);
}
