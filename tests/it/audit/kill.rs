//! Processes killed (SIGKILL) while they write: every acknowledged record is in the log, in order,
//! and the log recovers.
//!
//! `AUDIT_LOG_KILLS=1000 cargo test --test it a_killed_writer` sets the number of kills.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use audit_log::{AuditLog, Event};
use audit_verify::{VerifyingKey, verify};

use super::harness::*;
use crate::support::environment;
use crate::support::random::Random;

/// Set for the process to be killed: the folder in which it writes.
const FOLDER: &str = "AUDIT_LOG_KILL_FOLDER";
const NOW: &str = "2026-11-22T05:19:00Z";
/// Kills that one log must survive.
const KILLS_PER_LOG: u64 = 25;

fn kill_settings(dir: &Path) -> audit_log::Settings {
    let mut settings = settings(dir);
    settings.checkpoints.records = 16;
    settings.checkpoints.copy = Some(dir.join("elsewhere"));
    settings
}

/// The process that is killed: it writes a few records at a time and prints each acknowledgement.
///
/// It does nothing when it runs as a normal test.
#[test]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let log = AuditLog::open(&kill_settings(Path::new(&dir)), clock(NOW)).expect("opened");
    let mut out = std::io::stdout();
    for round in 0_u64.. {
        let numbers = round * 8..round * 8 + 1 + round % 8;
        let waiting: Vec<_> = numbers.map(|number| (number, append(&log, entry(number, person(number))))).collect();
        for (number, settled) in waiting {
            let sequence = wait(&settled).expect("durable");
            writeln!(out, "acknowledged {sequence} {}", entry(number, person(number)).ticket).expect("a reader");
        }
    }
}

/// Kills a writer after this number of lines; returns the acknowledged records.
fn kill_after(dir: &Path, lines: u64) -> Vec<(u64, String)> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "audit::kill::writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let mut acknowledged = Vec::new();
    let mut read = |line: String| {
        let mut words = line.split(' ');
        // The test runner prints something before the first line, on the same line.
        if words.by_ref().any(|word| word == "acknowledged") {
            let (sequence, ticket) = (words.next(), words.next().filter(|ticket| ticket.len() == 36));
            acknowledged.extend(sequence.and_then(|sequence| sequence.parse().ok()).zip(ticket.map(str::to_owned)));
        }
    };
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
    (0..lines).for_each(|_| read(output.next().expect("it goes on").expect("text")));
    child.kill().expect("alive");
    // Its output is still in the pipe; the last line may be cut off.
    output.for_each(|line| read(line.unwrap_or_default()));
    child.wait().expect("ours");
    acknowledged
}

#[test]
#[allow(clippy::print_stdout, reason = "a long run says how much it did")]
fn a_killed_writer_loses_no_acknowledged_record() {
    let kills = environment::number("AUDIT_LOG_KILLS", 6);
    let mut random = Random::new(9);
    let (mut done, mut records, mut torn) = (0, 0, 0);
    while done < kills {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = kill_settings(dir.path());
        let mut acknowledged = BTreeMap::new();
        let here = KILLS_PER_LOG.min(kills - done);
        for _ in 0..here {
            acknowledged.extend(kill_after(dir.path(), random.below(120)));
        }
        done += here;
        let log = AuditLog::open(&settings, clock(NOW)).expect("whole again");
        torn += u64::from(log.cut_bytes() > 0);
        let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
        log.close();
        let verdict = verify(&settings.folder, &key, Some(&dir.path().join("elsewhere"))).expect("readable");
        assert_eq!((verdict.findings.as_slice(), verdict.unsigned), ([].as_slice(), 0));
        let all = read_all(&settings.folder);
        assert!(all.iter().zip(0..).all(|(record, sequence)| record.header.sequence == sequence));
        for (sequence, ticket) in &acknowledged {
            let Event::Exchange(exchange) = &all[*sequence as usize].event else {
                panic!("{sequence} is not an exchange")
            };
            assert_eq!(exchange.ticket.to_string(), *ticket, "{sequence}");
        }
        records += acknowledged.len();
    }
    println!("{kills} kills, {records} records acknowledged and found, {torn} torn ends cut at the last start");
}
