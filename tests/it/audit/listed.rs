//! A log with many kinds of exchanges, and the program on it: for the tests of `audit list`, `audit stats`
//! and `audit export`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use audit_log::AuditLog;
use ehealth_core::lookup::ExchangeRecord;
use ehealth_core::model::{Application, EndUser, FieldSet, LegalContext, OutcomeCode};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::harness::*;
use crate::support::program::PROGRAM;
use crate::support::simulation::project;

/// Moments of the months of the log: each begins or ends one in Brussels, not in UTC.
pub const MONTHS: [&str; 3] = ["2026-01-31T22:59:59.999Z", "2026-01-31T23:00:00Z", "2026-07-31T22:00:00Z"];
/// Exchanges in each month.
pub const IN_MONTH: u64 = 120;

/// A log in a folder of its own.
pub struct ListedLog {
    pub dir: TempDir,
}

impl ListedLog {
    /// Writes the log.
    pub fn new() -> Self {
        let log = Self { dir: tempfile::tempdir().expect("a folder") };
        let (settings, clock) = (settings(log.dir.path()), clock(MONTHS[0]));
        let writer = AuditLog::open(&settings, clock.clone()).expect("opened");
        for (month, at) in (0..).zip(MONTHS) {
            clock.set(moment(at));
            let numbers = month * IN_MONTH..(month + 1) * IN_MONTH;
            let waiting: Vec<_> = numbers.map(|number| append(&writer, varied(number))).collect();
            for settled in &waiting {
                wait(settled).expect("durable");
            }
        }
        writer.close();
        log
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("audit-log")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.folder()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
        names.sort();
        names
    }

    /// A command under `audit` on this log.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let (log, keys) = (self.folder(), self.path("keys"));
        command.arg("audit").args(arguments).arg("--config").arg(project().join("deploy/config.toml"));
        command.arg("--set").arg(format!("audit_log.folder={}", log.display()));
        command.arg("--set").arg(format!("audit_log.keys={}", keys.display())).stdin(Stdio::null());
        command
    }

    /// Runs a command; returns its exit code, output and errors.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    /// The output of a command that succeeds.
    pub fn output(&self, arguments: &[&str]) -> String {
        let (code, output, errors) = self.run(arguments);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
        output
    }

    /// The sequences that `audit list` prints.
    pub fn listed(&self, arguments: &[&str]) -> Vec<u64> {
        let lines = self.output(&[&["list", "--json"], arguments].concat());
        lines.lines().map(|line| json(line)["sequence"].as_u64().expect("a sequence")).collect()
    }
}

pub fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// The exchange with this number.
fn varied(number: u64) -> ExchangeRecord {
    let entry = if number % 11 == 10 { bare_entry(number) } else { entry(number, person(number)) };
    let outcome = match number % 6 {
        0 => OutcomeCode::NoDataFound,
        1 => OutcomeCode::NoRelation,
        2 if number % 11 != 10 => OutcomeCode::Internal,
        _ => entry.outcome,
    };
    let is_answered = outcome == OutcomeCode::DataFound;
    let application = ["CASES", "@SUM(1+1)", "-1+1"][(number % 3) as usize];
    let quality = ["ADVISORY_PHYSICIAN", "NURSE"][(number / 3 % 2) as usize];
    ExchangeRecord {
        caller: entry.caller.map(|_| enterprise(2_022_399 + number % 4)),
        organisation: entry.organisation.map(|_| enterprise(8_093_944 + number % 5)),
        application: entry.application.and_then(|_| Application::parse(application).ok()),
        context: entry
            .context
            .map(|_| if number % 7 < 3 { LegalContext::PREVENTION_SERVICE } else { LegalContext::ADVISORY_PHYSICIAN }),
        end_user: entry
            .end_user
            .as_ref()
            .filter(|_| number.is_multiple_of(2))
            .map(|user| EndUser::new(user.id().to_owned(), quality.to_owned(), None).expect("short")),
        fields: if is_answered { entry.fields } else { FieldSet::EMPTY },
        replaced_by: None,
        outcome,
        ..entry
    }
}

/// Replaces the outcome of every `MSG00000` in a segment by another text of eight bytes, with right hashes.
pub fn forge_outcomes(segment: &Path, text: [u8; 8]) {
    let bytes = fs::read(segment).expect("a segment");
    let (mut forged, mut rest) = (Vec::new(), bytes.as_slice());
    while let Some((head, after)) = rest.split_first_chunk::<8>().filter(|(head, _)| head.starts_with(b"KTR1")) {
        let length = u32::from_be_bytes(head[4..].try_into().expect("four bytes")) as usize;
        let mut record = after[..length].to_vec();
        if let Some(at) = record.windows(9).position(|window| window == b"\x08MSG00000") {
            record[at + 1..at + 9].copy_from_slice(&text);
        }
        forged.extend_from_slice(head);
        forged.extend_from_slice(&record);
        forged.extend_from_slice(&Sha256::new_with_prefix([0]).chain_update(&record).finalize());
        rest = &after[length + 32..];
    }
    forged.extend_from_slice(rest);
    fs::write(segment, forged).expect("written");
}
