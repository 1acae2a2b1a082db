//! The copy of the checkpoint in a second place, which another administrator may own: it can hold
//! links, pipes, garbage, another log's checkpoint, or give no response. The audit log goes on, and
//! says what is wrong; nothing there reaches its files.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use audit_log::{
    AuditError, AuditLog, CheckpointCopy, CheckpointError, Compromise, CopyContent, CopyPlace, Health, Settings,
};
use audit_verify::{VerifyingKey, verify};
use ehealth_attributes::app::SystemClock;
use ehealth_core::model::Clock;
use parking_lot::{Condvar, Mutex};

use super::harness::*;
use crate::support::program::{PROGRAM, Program};

const NOW: &str = "2026-11-22T05:19:00Z";
const SEGMENT: &str = "000000000000-2026-11.seg";

/// Settings with the copy in a folder of its own, and a checkpoint as soon as there is a record.
fn with_second_place(dir: &Path) -> (Settings, PathBuf) {
    let folder = dir.join("second");
    fs::create_dir(&folder).expect("ours");
    let mut settings = settings(dir);
    settings.checkpoints.copy = Some(folder.join("checkpoint"));
    settings.checkpoints.interval = Duration::from_millis(1);
    (settings, folder)
}

fn note(settings: &Settings) -> String {
    fs::read_to_string(settings.folder.join("checkpoint")).expect("a checkpoint")
}

/// A FIFO, which blocks who opens it for writing.
fn make_fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
}

/// Names that a draft of the copy could have.
fn guesses(folder: &Path) -> [PathBuf; 4] {
    ["checkpoint.tmp", ".checkpoint.tmp", "checkpoint.draft", "checkpoint~"].map(|name| folder.join(name))
}

#[test]
fn links_in_the_second_place_destroy_neither_log_nor_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, folder) = with_second_place(dir.path());
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    record(&log, entry(0, person(0))).expect("durable");
    let key = settings.keys.join("detail-2026-11.key");
    let secret = fs::read(&key).expect("there");
    for (number, target) in (1..).zip([settings.folder.join(SEGMENT), key.clone(), settings.folder.join("checkpoint")])
    {
        for name in guesses(&folder) {
            let _ = fs::remove_file(&name);
            symlink(&target, name).expect("ours");
        }
        let copy = folder.join("checkpoint");
        let link = folder.join("link");
        let made = if number % 2 == 1 { symlink(&target, &link) } else { fs::hard_link(&target, &link) };
        made.and_then(|()| fs::rename(&link, &copy)).expect("ours");
        record(&log, entry(number, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        let is_file = || fs::symlink_metadata(&copy).is_ok_and(|found| found.is_file());
        wait_until(|| is_file() && fs::read_to_string(&copy).is_ok_and(|copy| copy == note(&settings)));
    }
    let verifying_key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();
    assert_eq!(fs::read(&key).expect("there"), secret);
    let verdict = verify(&settings.folder, &verifying_key, Some(&folder.join("checkpoint"))).expect("readable");
    assert_eq!((verdict.findings.as_slice(), verdict.size), ([].as_slice(), 5));
}

#[test]
fn a_pipe_in_the_second_place_stops_no_checkpoint() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, folder) = with_second_place(dir.path());
    guesses(&folder).iter().for_each(|name| make_fifo(name));
    make_fifo(&folder.join("checkpoint"));
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    record(&log, entry(0, person(0))).expect("durable");
    assert!(log.checkpoint_now());
    log.close();
    assert!(note(&settings).contains("\n2\n"));
    let copy = folder.join("checkpoint");
    assert!(fs::symlink_metadata(&copy).expect("there").is_file(), "the pipe is replaced");
    assert_eq!(fs::read_to_string(copy).expect("a file"), note(&settings));
}

#[test]
fn the_copy_is_refused_in_the_folder_of_log_or_keys() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut settings, _) = with_second_place(dir.path());
    AuditLog::open(&settings, clock(NOW)).expect("opened").close();
    let link = dir.path().join("link");
    symlink(&settings.folder, &link).expect("ours");
    let key = settings.keys.join("detail-2026-11.key");
    let secret = fs::read(&key).expect("there");
    for copy in [settings.folder.join(SEGMENT), link.join(SEGMENT), key.clone()] {
        settings.checkpoints.copy = Some(copy);
        let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
        record(&log, entry(0, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        wait_until(|| log.counters().checkpoint_failures > 0);
        let verifying_key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
        log.close();
        assert_eq!(verify(&settings.folder, &verifying_key, None).expect("readable").findings, []);
    }
    assert_eq!(fs::read(&key).expect("there"), secret);
}

/// A second place in memory: it can give no response, and hold anything.
#[derive(Clone, Default)]
struct Place(Arc<(Mutex<PlaceState>, Condvar)>);

#[derive(Default)]
struct PlaceState {
    content: Option<Vec<u8>>,
    hangs: bool,
}

impl Place {
    fn hang(&self, hangs: bool) {
        self.0.0.lock().hangs = hangs;
        self.0.1.notify_all();
    }

    fn put(&self, content: &str) {
        self.0.0.lock().content = Some(content.as_bytes().to_vec());
    }

    fn content(&self) -> Option<String> {
        self.0.0.lock().content.clone().map(|content| String::from_utf8(content).expect("UTF-8"))
    }

    /// The state, once the place responds.
    fn respond<T>(&self, respond: impl FnOnce(&mut PlaceState) -> T) -> T {
        let mut state = self.0.0.lock();
        self.0.1.wait_while(&mut state, |state| state.hangs);
        respond(&mut state)
    }
}

impl CopyPlace for Place {
    fn read(&mut self) -> io::Result<CopyContent> {
        Ok(self.respond(|state| state.content.clone().map_or(CopyContent::Nothing, CopyContent::Bytes)))
    }

    fn replace(&mut self, note: &str) -> io::Result<()> {
        self.respond(|state| state.content = Some(note.as_bytes().to_vec()));
        Ok(())
    }
}

/// Opens a log with this second place, which gets 20 ms to respond.
fn open(settings: &Settings, place: &Place) -> Result<AuditLog, AuditError> {
    let mut settings = settings.clone();
    settings.checkpoints.copy_timeout = Duration::from_millis(20);
    settings.checkpoints.interval = Duration::from_millis(1);
    let copy = CheckpointCopy::on(place.clone()).expect("a thread");
    AuditLog::open_with_copy(&settings, clock(NOW), Some(copy))
}

#[test]
fn a_second_place_that_hangs_stops_neither_start_nor_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, place) = (settings(dir.path()), Place::default());
    place.hang(true);
    let log = open(&settings, &place).expect("opened");
    record(&log, entry(0, person(0))).expect("durable");
    assert!(log.checkpoint_now());
    wait_until(|| log.counters().checkpoint_failures > 0);
    let counters = log.counters();
    assert_eq!((counters.signed, counters.unsigned_since, counters.copied), (2, None, Some(0)));
    assert_eq!(counters.uncopied_since, Some(moment(NOW)));
    assert_eq!(log.health(), Health::Writable);
    place.hang(false);
    wait_until(|| log.counters().copied == Some(2));
    assert_eq!((place.content(), log.counters().uncopied_since), (Some(note(&settings)), None));
    place.hang(true);
    record(&log, entry(1, person(0))).expect("durable");
    log.close();
    assert!(note(&settings).contains("\n3\n"), "the last checkpoint is in the audit log's folder");
    place.hang(false);
}

#[test]
fn garbage_in_the_second_place_is_counted_and_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, place) = (settings(dir.path()), Place::default());
    for garbage in ["", "garbage", "ehealth-attributes/audit-log\n99\nroot\n\n"] {
        place.put(garbage);
        let log = open(&settings, &place).expect("opened");
        wait_until(|| place.content() == Some(note(&settings)));
        let failures = log.counters().checkpoint_failures;
        assert!(failures > 0, "{garbage}");
        // While the log is open, too.
        place.put(garbage);
        record(&log, entry(0, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        wait_until(|| place.content() == Some(note(&settings)));
        wait_until(|| log.counters().checkpoint_failures > failures);
        assert_eq!(log.health(), Health::Writable);
    }
}

/// A log with three records, and the note of its checkpoint.
fn other_note(dir: &Path, settings: &Settings) -> String {
    let other = Settings { folder: dir.join("other"), ..settings.clone() };
    let log = AuditLog::open(&other, clock(NOW)).expect("opened");
    (10..13).for_each(|number| assert!(record(&log, entry(number, person(number))).is_ok()));
    log.close();
    note(&other)
}

#[test]
fn a_second_place_that_proves_another_log_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, place) = (settings(dir.path()), Place::default());
    let other = other_note(dir.path(), &settings);
    AuditLog::open(&settings, clock(NOW)).expect("opened").close();
    place.put(&other);
    let truncated = CheckpointError::Truncated { signed: 4, found: 1 };
    assert_eq!(open(&settings, &place).map(drop), Err(AuditError::Checkpoint(truncated)));
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    (0..3).for_each(|number| assert!(record(&log, entry(number, person(0))).is_ok()));
    log.close();
    // Of equal size: it is compared once the log is open.
    let log = open(&settings, &place).expect("opened");
    let inconsistent = Compromise::Contradicted(CheckpointError::Inconsistent { signed: 4 });
    wait_until(|| log.health() == Health::Compromised(inconsistent));
}

#[test]
fn a_proof_that_comes_late_ends_readiness_and_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, place) = (settings(dir.path()), Place::default());
    let other = other_note(dir.path(), &settings);
    place.put(&other);
    place.hang(true);
    let log = open(&settings, &place).expect("it starts without it");
    place.hang(false);
    let truncated = Compromise::Contradicted(CheckpointError::Truncated { signed: 4, found: 1 });
    wait_until(|| log.health() == Health::Compromised(truncated));
    record(&log, entry(0, person(0))).expect("records are still written");
    assert!(log.checkpoint_now());
    log.close();
    assert_eq!(place.content(), Some(other), "the evidence is kept");

    // A shorter one that is not of this log, while it is open.
    let place = Place::default();
    let log = open(&settings, &place).expect("opened");
    (1..6).for_each(|number| assert!(record(&log, entry(number, person(0))).is_ok()));
    assert!(log.checkpoint_now());
    wait_until(|| log.counters().copied == Some(7));
    let other = other_note(&dir.path().join("third"), &settings);
    place.put(&other);
    record(&log, entry(6, person(0))).expect("durable");
    let inconsistent = Compromise::Contradicted(CheckpointError::Inconsistent { signed: 4 });
    wait_until(|| log.health() == Health::Compromised(inconsistent));
    assert_eq!(place.content(), Some(other));
}

#[test]
fn damage_under_a_running_writer_ends_readiness() {
    let changes: [fn(&Path); 4] = [
        |segment| fs::write(segment, "a checkpoint, say").expect("ours"),
        |segment| {
            let mut bytes = fs::read(segment).expect("there");
            let last = bytes.iter().rposition(|byte| *byte != 0).expect("records");
            bytes[last - 40] ^= 1;
            fs::write(segment, bytes).expect("ours");
        },
        |segment| fs::remove_file(segment).expect("there"),
        |segment| {
            let empty = segment.with_file_name("empty");
            fs::write(&empty, "").expect("ours");
            fs::rename(empty, segment).expect("ours");
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a folder");
        // One handle, which stays open when the name is gone.
        let settings = Settings { max_syncs: 1, ..settings(dir.path()) };
        let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
        record(&log, entry(0, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        assert_eq!(log.health(), Health::Writable);
        change(&settings.folder.join(SEGMENT));
        record(&log, entry(1, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        let health = log.health();
        assert!(matches!(health, Health::Compromised(Compromise::Damaged(_))), "{number}: {health:?}");
        record(&log, entry(2, person(0))).expect("durable");
        assert!(log.checkpoint_now());
        assert_eq!(log.health(), health, "later records do not hide it");
    }
}

#[test]
fn the_program_writes_its_copy_from_a_confined_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = testkit::Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let second = folder.path().join("second");
    fs::create_dir(&second).expect("ours");
    guesses(&second).iter().for_each(|name| make_fifo(name));
    let copy = second.join("checkpoint");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(workspace.settings());
    command.args(["--set=server.listen=127.0.0.1:0", "--set=admin.listen=127.0.0.1:0"]);
    command.arg(format!("--set=audit_log.checkpoint_copy={}", copy.display()));
    let (program, lines) = Program::start(&mut command, "admin listener ready");
    assert!(lines.iter().any(|line| line.contains("sandbox of the checkpoint's copy")), "{lines:#?}");
    let own = workspace.settings().with_file_name("audit-log").join("checkpoint");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    wait_until(|| !read(&copy).is_empty() && read(&copy) == read(&own));
    assert_eq!(program.stop().0, Some(0));
    assert_eq!(read(&copy), read(&own));
}
