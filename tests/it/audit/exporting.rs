//! `audit export`: every record once and in order, whatever ends the process.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Stdio};

use audit_log::AuditLog;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::harness::*;
use super::listed::{IN_MONTH, ListedLog, MONTHS, json};
use crate::support::environment;
use crate::support::random::Random;

/// Records of the log: the exchanges, and the first of each segment.
const RECORDS: u64 = 3 * IN_MONTH + 3;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn every_record_is_a_line_whose_hash_is_that_of_the_log() {
    let log = ListedLog::new();
    let plain = log.output(&["export"]);
    let whole = log.output(&["export", "--with-encrypted-detail"]);
    let records = read_all(&log.folder());
    assert_eq!((plain.lines().count() as u64, records.len() as u64), (RECORDS, RECORDS));
    for ((plain, whole), record) in plain.lines().zip(whole.lines()).zip(records) {
        let (plain, whole) = (json(plain), json(whole));
        assert_eq!(plain["sequence"], record.header.sequence);
        assert_eq!(plain["hash"], record.leaf.to_string());
        assert_eq!((&plain["record"], &plain["encryptedDetail"]), (&json("null"), &json("null")));
        let bytes = STANDARD.decode(whole["record"].as_str().expect("text")).expect("base64");
        let hash = Sha256::new_with_prefix([0]).chain_update(&bytes).finalize();
        assert_eq!(hash[..], record.leaf.as_bytes()[..]);
        if whole["kind"] == "exchange" {
            let detail = STANDARD.decode(whole["encryptedDetail"].as_str().expect("text")).expect("base64");
            assert!(detail.len() > 16 && bytes.ends_with(&detail));
        }
    }
    let after = log.output(&["export", "--after", "99"]);
    assert_eq!(after, plain.split_inclusive('\n').skip(100).collect::<String>());
    assert_eq!(log.output(&["export", "--after", &(RECORDS - 1).to_string()]), "");
}

/// Waits until the file has this length, or the process ends, and kills it.
fn kill_at(mut child: Child, file: &Path, length: u64) {
    wait_until(|| {
        let is_long = fs::metadata(file).is_ok_and(|metadata| metadata.len() >= length);
        is_long || child.try_wait().expect("ours").is_some()
    });
    // It may have ended.
    let _ = child.kill();
    child.wait().expect("ours");
}

#[test]
fn a_killed_export_has_every_record_once() {
    let log = ListedLog::new();
    let expected = log.output(&["export"]);
    let (out, state) = (log.path("out.jsonl"), log.path("state"));
    let mut random = Random::new(11);
    let kills = environment::number("EXPORT_KILLS", 12);
    for round in 0..kills {
        let batch = (1 + random.below(9)).to_string();
        let arguments = ["export", "--out", text(&out), "--state", text(&state), "--batch", &batch];
        let child = log.command(&arguments).stderr(Stdio::null()).spawn().expect("it runs");
        let until = random.below(expected.len() as u64);
        kill_at(child, &out, until);
        // A power failure tears the last line, or leaves zeros behind it.
        let synced = fs::read_to_string(&state).map_or(0, |state| json(&state)["bytes"].as_u64().expect("a number"));
        if let (true, Ok(file)) = (state.exists(), File::options().write(true).open(&out)) {
            let length = file.metadata().expect("ours").len();
            let torn = synced + random.below(length - synced + 1);
            file.set_len(torn).expect("truncated");
            if round % 3 == 0 {
                file.set_len(torn + 1 + random.below(5_000)).expect("longer");
            }
        }
        // The file is moved away now and then.
        if round % 5 == 4 {
            log.output(&["export", "--out", text(&out), "--state", text(&state)]);
            assert_eq!(fs::read_to_string(&out).expect("text"), expected);
            fs::remove_file(&out).expect("ours");
            fs::remove_file(&state).expect("ours");
        }
    }
    log.output(&["export", "--out", text(&out), "--state", text(&state)]);
    assert_eq!(fs::read_to_string(&out).expect("text"), expected);
    log.output(&["export", "--out", text(&out), "--state", text(&state)]);
    assert_eq!(fs::read_to_string(&out).expect("text"), expected, "nothing is new");
}

#[test]
fn the_next_file_begins_with_the_next_record() {
    let log = ListedLog::new();
    let (out, state) = (log.path("out.jsonl"), log.path("state"));
    let arguments = ["export", "--out", text(&out), "--state", text(&state)];
    log.output(&arguments);
    let first = fs::read_to_string(&out).expect("text");
    fs::rename(&out, log.path("moved.jsonl")).expect("moved");
    let writer = AuditLog::open(&settings(log.dir.path()), clock(MONTHS[2])).expect("opened");
    record(&writer, entry(9_001, person(1))).expect("durable");
    writer.close();
    log.output(&arguments);
    let second = fs::read_to_string(&out).expect("text");
    assert_eq!(second.lines().count(), 1);
    assert_eq!(first + &second, log.output(&["export"]));
}

#[test]
fn a_following_export_writes_what_is_recorded_meanwhile() {
    let log = ListedLog::new();
    let (out, state) = (log.path("out.jsonl"), log.path("state"));
    let arguments = ["export", "--out", text(&out), "--state", text(&state)];
    let mut child = log.command(&[&arguments[..], &["--follow"]].concat()).spawn().expect("it runs");
    let lines = || fs::read_to_string(&out).map_or(0, |text| text.lines().count() as u64);
    wait_until(|| lines() == RECORDS);
    let mut settings = settings(log.dir.path());
    settings.checkpoints.records = 1;
    let writer = AuditLog::open(&settings, clock(MONTHS[2])).expect("opened");
    for number in 0..5 {
        record(&writer, entry(9_000 + number, person(number))).expect("durable");
    }
    wait_until(|| lines() == RECORDS + 5);
    writer.close();
    child.kill().expect("alive");
    child.wait().expect("ours");
    log.output(&arguments);
    assert_eq!(fs::read_to_string(&out).expect("text"), log.output(&["export"]));
}

#[test]
fn only_durable_records_are_exported() {
    let log = ListedLog::new();
    // As after a power failure: the newest checkpoint is older, and nothing proves the last batch.
    fs::remove_file(log.folder().join("checkpoint")).expect("a checkpoint");
    let (code, lines, note) = log.run(&["export"]);
    let last = read_all(&log.folder()).last().expect("records").header;
    assert_eq!(code, Some(0));
    assert_eq!(lines.lines().count() as u64, last.proven());
    assert!(lines.lines().count() as u64 > 2 * IN_MONTH, "earlier segments are durable");
    assert!(note.contains(&format!("record {} and those behind it", last.proven())), "{note}");
}

#[test]
fn a_gap_is_an_error_that_names_both_numbers() {
    let log = ListedLog::new();
    let segments = log.segments();
    let kept = log.path("kept.seg");
    fs::rename(&segments[1], &kept).expect("moved");
    let (code, lines, message) = log.run(&["export"]);
    assert_eq!((code, lines.lines().count() as u64), (Some(1), IN_MONTH + 1));
    let numbers = [IN_MONTH + 1, 2 * (IN_MONTH + 1)].map(|number| format!("record {number}"));
    assert!(numbers.iter().all(|number| message.contains(number)), "{message}");
    fs::rename(&kept, &segments[1]).expect("moved");

    fs::remove_file(&segments[0]).expect("a segment");
    let (code, lines, message) = log.run(&["export", "--after", "7"]);
    assert_eq!((code, lines.as_str()), (Some(1), ""));
    assert!(message.contains("record 8 ") && message.contains(&format!("record {};", IN_MONTH + 1)), "{message}");
    fs::remove_file(&segments[2]).expect("a segment");
    let (code, _, message) = log.run(&["export"]);
    assert_eq!(code, Some(1));
    let (signed, end) =
        (format!("record {} is expected", RECORDS - 1), format!("before record {}", 2 * (IN_MONTH + 1)));
    assert!(message.contains(&signed) && message.contains(&end), "{message}");
    let (code, _, message) = log.run(&["export", "--after", "9999"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("record 9999"), "{message}");
}

#[test]
fn hostile_targets_and_states_are_refused() {
    let log = ListedLog::new();
    let (out, state, other) = (log.path("out.jsonl"), log.path("state"), log.path("other"));
    fs::write(&other, "precious").expect("written");
    let arguments = ["export", "--out", text(&out), "--state", text(&state)];
    let refused = |parts: &[&str]| {
        let (code, lines, message) = log.run(&arguments);
        assert_eq!((code, lines.as_str()), (Some(1), ""), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        assert_eq!(fs::read_to_string(&other).expect("text"), "precious");
    };
    for link in [&out, &state] {
        symlink(&other, link).expect("a link");
        refused(&[text(link)]);
        fs::remove_file(link).expect("a link");
        let _ = fs::remove_file(&out);
        let _ = fs::remove_file(&state);
    }
    fs::create_dir(&out).expect("a folder");
    refused(&[text(&out)]);
    fs::remove_dir(&out).expect("a folder");
    fs::write(&out, "mine\n").expect("written");
    refused(&["the file is not empty"]);
    fs::remove_file(&out).expect("ours");
    let _ = fs::remove_file(&state);
    fs::write(&state, "{}").expect("written");
    refused(&[text(&state), "name another state file"]);
    fs::remove_file(&state).expect("ours");

    log.output(&arguments);
    for lock in [out.clone(), log.path("state.lock")] {
        let file = File::options().write(true).open(&lock).expect("a file");
        file.lock().expect("free");
        refused(&["another export uses it"]);
        file.unlock().expect("ours");
    }
    let written = fs::read_to_string(&out).expect("text");
    fs::write(&out, &written[1..]).expect("written");
    refused(&["once was longer"]);
    fs::write(&out, format!("{} ", &written[1..])).expect("written");
    refused(&["the line of the last exported record does not end"]);
    fs::write(&out, format!("{written}{{}}\n")).expect("written");
    refused(&["there are lines that the log lacks"]);
    fs::write(&out, &written).expect("written");
    let same = ["export", "--out", text(&state), "--state", text(&state)];
    assert_eq!(log.run(&same).0, Some(1));
    log.output(&arguments);
    let with_detail = [&arguments[..], &["--with-encrypted-detail"]].concat();
    assert_eq!(log.run(&with_detail).0, Some(1), "the lines would differ");
}
