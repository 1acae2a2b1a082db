//! Simulates power cuts under the real writer: strace records its system calls on a real folder,
//! and the test replays every prefix with lost, reordered and torn sectors and lost names.
//!
//! A child process keeps an audit log (keys, segments, checkpoints in two places, a change of
//! month, a pruning, failing syncs and writes, ends without a close) and prints what was
//! acknowledged; these lines are in the same strace output as the calls. Each image is put into a
//! folder, opened, written to, and verified against the second checkpoint. Writers that sync too
//! little or acknowledge too soon show that the verification can fail.
//!
//! `AUDIT_LOG_CRASH_IMAGES=100000 cargo test --test it power_cut` sets the number of images. Needs
//! strace; without it the test is skipped and says so, and fails where `CI` is set.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use audit_log::{AuditLog, Event, Retention, Settings};
use audit_verify::{VerifyingKey, verify};
use ehealth_core::lookup;

use super::harness::*;
use super::replay::{Call, CrashImage, crash_image};
use super::strace::{Recorder, TRACED};
use crate::support::environment;
use crate::support::random::Random;

/// Set for the recorded process: the folder, and the number of its life (`seed/number`).
const FOLDER: &str = "AUDIT_LOG_LIFE_FOLDER";
const LIFE: &str = "AUDIT_LOG_LIFE";
/// Images without the variable: a few seconds.
const IMAGES: u64 = 400;
/// Images of one recording.
const IMAGES_A_RECORDING: u64 = 4_000;
/// The months in which each life of a log begins and continues.
const MONTHS: [[&str; 2]; 3] = [
    ["2016-11-30T22:00:00Z", "2016-12-01T08:00:00Z"],
    ["2016-12-05T08:00:00Z", "2026-11-30T08:00:00Z"],
    ["2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z"],
];

fn life_settings(dir: &Path) -> Settings {
    let mut settings = settings(dir);
    settings.folder = dir.join("state/audit-log");
    settings.checkpoints.records = 3;
    settings.checkpoints.copy = Some(dir.join("elsewhere"));
    settings
}

/// The recorded process. It does nothing when it runs as a normal test.
#[test]
#[allow(clippy::exit, reason = "one life ends without a close")]
fn lives_while_it_is_recorded() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let life = std::env::var(LIFE).expect("which life");
    let (seed, number) = life.split_once('/').expect("two numbers");
    let number: usize = number.parse().expect("a number");
    let mut random = Random::new(seed.parse::<u64>().expect("a number") * 3 + number as u64);
    let clock = clock(MONTHS[number][0]);
    // Linux reports a write-back failure to every handle; strace injects it into one. So those runs
    // have one handle.
    let syncs = if number == 0 { 8 } else { 1 };
    let settings = Settings { max_syncs: syncs, overlap_after: Duration::ZERO, ..life_settings(Path::new(&dir)) };
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    for step in 0..8_u64 {
        if step == 4 {
            clock.set(moment(MONTHS[number][1]));
        }
        let mut settled = Vec::new();
        for place in 0..=random.below(6) {
            let entry = entry(number as u64 * 1_000 + step * 10 + place, person(place));
            let (sender, receiver) = std::sync::mpsc::channel();
            lookup::record(entry, &log, move |recorded| {
                if let Ok(recorded) = &recorded {
                    let line = format!("acknowledged {} {}\n", recorded.sequence(), recorded.outcome().ticket);
                    std::io::stdout().write_all(line.as_bytes()).expect("it goes on");
                }
                // The receiver may be gone.
                let _ = sender.send(());
            });
            settled.push(receiver);
        }
        settled.iter().for_each(|settled| settled.recv().expect("settled"));
    }
    match number {
        0 => std::process::exit(0),
        1 => {}
        // The failing write may be the record of the pruning.
        _ => drop(log.prune(Retention::default())),
    }
    log.close();
}

/// Three lives of one log, each its own process; `None` without strace.
fn record_lives(seed: u64) -> Option<Vec<Call>> {
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().join("place");
    fs::create_dir(&place).expect("ours");
    let mut recorder = Recorder::new(&place);
    let mut random = Random::new(seed);
    for number in 0..MONTHS.len() {
        let log = dir.path().join(format!("log{number}"));
        let failing_sync = format!("inject=fdatasync:error=EIO:when={}", 4 + random.below(8));
        let traced = Command::new("strace")
            .args(["-f", "-xx", "-s", "4000000", "-e", "signal=none", "-e", &format!("trace={TRACED}")])
            .args(if number == 0 { vec![] } else { vec!["-e", &failing_sync] })
            .args(["-e", &format!("inject=pwrite64:error=ENOSPC:when={}", 9 + random.below(8))])
            .arg("-o")
            .arg(&log)
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", "audit::system_calls::lives_while_it_is_recorded", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &place)
            .env(LIFE, format!("{seed}/{number}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output);
        match traced {
            Ok(output) if output.status.success() => {}
            Ok(output) if log.metadata().is_ok_and(|log| log.len() > 0) => {
                panic!("the recorded process failed: {}", String::from_utf8_lossy(&output.stderr))
            }
            failed => {
                environment::skip(&format!("strace does not run here: {failed:?}"));
                return None;
            }
        }
        recorder.read(&fs::read_to_string(&log).expect("a log"));
    }
    Some(recorder.calls)
}

/// A folder in memory if available: images are numerous, and no power is cut while they are
/// verified.
fn fast_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Result for a valid image.
struct Verified {
    cut: bool,
    lost: bool,
}

/// Opens the files that a power cut left, as a start of the service does, continues writing, and
/// verifies everything.
fn verify_image(image: &CrashImage, place: &Path) -> Result<Verified, String> {
    for folder in &image.folders {
        DirBuilder::new().mode(0o700).create(place.join(folder)).expect("ours");
    }
    for (name, bytes) in &image.files {
        let mut file = OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600).open(place.join(name));
        file.expect("ours").write_all(bytes).expect("space");
    }
    let settings = life_settings(place);
    let log =
        AuditLog::open(&settings, clock("2026-12-03T09:00:00Z")).map_err(|error| format!("not opened: {error}"))?;
    let cut = log.cut_bytes() > 0;
    record(&log, entry(9_999, person(9))).map_err(|failure| format!("not written: {failure}"))?;
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();
    let copy = settings.checkpoints.copy.as_deref();
    let verdict = verify(&settings.folder, &key, copy).map_err(|error| error.to_string())?;
    if !verdict.is_sound() || verdict.unsigned > 0 {
        return Err(format!("not sound, or not signed: {verdict}"));
    }
    let mut tickets = BTreeMap::new();
    for (record, sequence) in read_all(&settings.folder).into_iter().zip(verdict.first..) {
        if record.header.sequence != sequence {
            return Err(format!("record {} where {sequence} should be", record.header.sequence));
        }
        if let Event::Exchange(exchange) = record.event {
            tickets.insert(sequence, exchange.ticket.to_string());
        }
    }
    for (sequence, ticket) in image.acknowledged.iter().filter(|(sequence, _)| *sequence >= verdict.first) {
        if tickets.get(sequence) != Some(ticket) {
            return Err(format!("record {sequence} was acknowledged and is missing"));
        }
    }
    Ok(Verified { cut, lost: tickets.len() == image.acknowledged.len() + 1 })
}

/// Verifies in an empty folder.
fn verify_in_new_folder(image: &CrashImage, place: &Path) -> Result<Verified, String> {
    let place = tempfile::tempdir_in(place).expect("a folder");
    verify_image(image, place.path())
}

#[test]
#[allow(clippy::print_stdout, reason = "a long run says how much it did")]
fn a_power_cut_between_system_calls_loses_no_record() {
    let images = environment::number("AUDIT_LOG_CRASH_IMAGES", IMAGES);
    let place = fast_folder();
    let mut random = Random::new(11);
    let (mut calls, mut recorded, mut cut, mut whole) = (Vec::new(), 0, 0, 0);
    for image in 0..images {
        if image % IMAGES_A_RECORDING == 0 {
            let Some(lives) = record_lives(image / IMAGES_A_RECORDING) else { return };
            recorded += lives.len();
            calls = lives;
        }
        // Each prefix in turn, then each again with other random numbers; a small number of images
        // is spread over all prefixes.
        let turn = (image % IMAGES_A_RECORDING) as usize;
        let prefix = if images < IMAGES_A_RECORDING {
            turn * calls.len() / images as usize + 1
        } else {
            turn % (calls.len() + 1)
        };
        let left = crash_image(&BTreeMap::new(), &calls[..prefix], &mut random);
        let verified = verify_in_new_folder(&left, place.path()).unwrap_or_else(|fault| {
            panic!(
                "image {image}, after {prefix} of {} calls: {fault}\nthe last: {:?}",
                calls.len(),
                tail(&calls[..prefix])
            )
        });
        cut += u64::from(verified.cut);
        whole += u64::from(!verified.lost);
    }
    println!(
        "{images} images of {recorded} recorded calls: each whole; {cut} torn, {whole} with more than acknowledged"
    );
    assert!(images < 400 || cut > images / 100, "{cut} cut: the random numbers are uneven");
}

/// The last calls, without the bytes.
fn tail(calls: &[Call]) -> Vec<String> {
    let short = |call: &Call| format!("{call:?}").chars().take(90).collect();
    calls[calls.len().saturating_sub(12)..].iter().map(short).collect()
}

/// Number of refused images of such a writer.
fn refused(calls: &[Call], place: &Path) -> usize {
    let mut random = Random::new(12);
    let prefixes = (0..=calls.len()).step_by(3);
    prefixes
        .filter(|prefix| {
            verify_in_new_folder(&crash_image(&BTreeMap::new(), &calls[..*prefix], &mut random), place).is_err()
        })
        .count()
}

/// The calls without the removed ones. The counts of earlier calls in syncs are adjusted.
fn without(calls: &[Call], planted: impl Fn(&Call) -> bool) -> Vec<Call> {
    let mut left = Vec::new();
    let mut place = Vec::with_capacity(calls.len());
    for call in calls {
        place.push(left.len());
        if !planted(call) {
            let mut call = call.clone();
            if let Call::Sync { began, .. } | Call::SyncNames { began, .. } = &mut call {
                *began = place[*began];
            }
            left.push(call);
        }
    }
    left
}

#[test]
fn a_writer_that_acknowledges_too_soon_is_caught() {
    let Some(calls) = record_lives(77) else { return };
    let place = fast_folder();
    assert_eq!(refused(&calls, place.path()), 0, "the writer as it is");
    let is_file = |call: &Call| matches!(call, Call::Sync { .. });
    assert!(refused(&without(&calls, is_file), place.path()) > 20, "files are not synced");
    for folder in ["", "state", "state/audit-log", "keys"] {
        let planted = |call: &Call| matches!(call, Call::SyncNames { folder: synced, .. } if synced == folder);
        assert!(refused(&without(&calls, planted), place.path()) > 0, "names in {folder:?} are not synced");
    }
    // Acknowledged as soon as the record was written.
    let mut early = without(&calls, |call| matches!(call, Call::Acknowledged { .. }));
    let acknowledged: Vec<_> = calls.iter().filter(|call| matches!(call, Call::Acknowledged { .. })).cloned().collect();
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    for call in acknowledged {
        let Call::Acknowledged { ticket, .. } = &call else { unreachable!("filtered") };
        let bytes = u128::from_str_radix(&ticket.replace('-', ""), 16).expect("a ticket").to_be_bytes();
        let written = |call: &Call| matches!(call, Call::Write { bytes: written, .. } if written.windows(16).any(|window| window == bytes));
        let at = early.iter().position(written).expect("written before it was acknowledged") + 1;
        early.insert(at, call);
        for later in &mut early[at + 1..] {
            if let Call::Sync { began, .. } | Call::SyncNames { began, .. } = later
                && *began >= at
            {
                *began += 1;
            }
        }
    }
    assert!(refused(&early, place.path()) > 5, "acknowledged before the sync");
}
