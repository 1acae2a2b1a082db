//! A support bundle: one archive to send to support, with no person's data and no secret.
//!
//! Its parts are a closed list ([`NAMES`]). Each is made from fields that were chosen one by one
//! (`gather`, `log_lines`), and every text of it passes the redactor (`redact`). No folder is copied;
//! records of the audit log, datasets, rejected records and the environment are not read.

mod archive;
mod entries;
mod gather;
mod log_lines;
mod redact;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

pub use archive::sha256;
pub use entries::{Bundle, Entry};
pub use gather::describe_findings;

use super::bounded_run::run;
use crate::config::Settings;
use ehealth_core::model::Timestamp;
use log_lines::keep;
use redact::{redact, redact_value};

/// Maximum size of all entries together, in bytes.
const MAX_BYTES: usize = 32 << 20;
/// Maximum size of all lines of logs, in bytes.
const MAX_LOG: usize = 8 << 20;
/// Maximum size that is read of one log, in bytes.
const MAX_READ: u64 = 32 << 20;
/// Maximum time for `journalctl`.
const LOG_TIME: Duration = Duration::from_secs(30);

/// Names of the entries, in their order in the archive.
pub const NAMES: [&str; 15] = [
    "version.json",
    "machine.json",
    "doctor.json",
    "findings.json",
    "settings.json",
    "policy.json",
    "datasets.json",
    "audit-log.json",
    "certificates.json",
    "health.json",
    "page.json",
    "metrics.txt",
    "log/answering.log",
    "log/fetching.log",
    "log/verifying.log",
];

/// Units whose logs are read, in the order of [`NAMES`].
const UNITS: [(&str, &str); 3] = [
    ("log/answering.log", "ehealth-attributes.service"),
    ("log/fetching.log", "ehealth-attributes-feeds.service"),
    ("log/verifying.log", "ehealth-attributes-verify.service"),
];

/// What a bundle is made of.
pub struct Sources<'a> {
    /// The settings; `None`: they have errors.
    pub settings: Option<&'a Settings>,
    /// Result of the doctor as JSON; `None`: the settings have errors.
    pub doctor: Option<&'a Value>,
    /// Findings of the check ([`describe_findings`]).
    pub findings: &'a Value,
    /// Log files that are read instead of the units' logs.
    pub logs: &'a [PathBuf],
    /// Age of the oldest log line.
    pub since: Duration,
    /// Time of the bundle.
    pub at: Timestamp,
}

impl Bundle {
    /// Gathers and redacts the entries. Waits for disks, for the admin listener and for `journalctl`: call
    /// it from a thread of its own.
    #[must_use]
    pub fn gather(sources: &Sources<'_>) -> Self {
        let mut bundle = Self { entries: Vec::new(), left_out: Vec::new(), at: sources.at };
        bundle.add_value("version.json", Ok(gather::version()));
        bundle.add_value("machine.json", Ok(gather::machine()));
        let no_settings = || "the settings have errors; see findings.json".to_owned();
        bundle.add_value("doctor.json", sources.doctor.map(gather::diagnosis).ok_or_else(no_settings));
        bundle.add_value("findings.json", Ok(sources.findings.clone()));
        let of = |part: fn(&Settings) -> Result<Value, String>| sources.settings.ok_or_else(no_settings).and_then(part);
        bundle.add_value("settings.json", of(|settings| Ok(gather::settings(settings))));
        bundle.add_value("policy.json", of(gather::policy));
        bundle.add_value("datasets.json", of(|settings| Ok(gather::datasets(settings))));
        bundle.add_value("audit-log.json", of(gather::audit_log));
        bundle.add_value("certificates.json", of(|settings| Ok(gather::certificates(settings))));
        bundle.add_value("health.json", of(|settings| gather::page(&gather::ask(settings, "/health/ready", "*/*")?)));
        bundle.add_value("page.json", of(|settings| gather::page(&gather::ask(settings, "/", "application/json")?)));
        let metrics = sources
            .settings
            .ok_or_else(no_settings)
            .and_then(|settings| gather::ask(settings, "/metrics", "text/plain"));
        bundle.add("metrics.txt", metrics.map(|answer| (redact(&gather::metrics(&answer)), None)));
        bundle.add_logs(sources);
        bundle
    }

    fn add_value(&mut self, name: &'static str, value: Result<Value, String>) {
        self.add(name, value.map(|value| (format!("{:#}\n", redact_value(&value)), None)));
    }

    fn add(&mut self, name: &'static str, content: Result<(String, Option<String>), String>) {
        let size: usize = self.entries.iter().map(|entry| entry.content.len()).sum();
        match content {
            Ok((content, _)) if size.saturating_add(content.len()) > MAX_BYTES => {
                self.left_out.push((name, format!("{} bytes are too many", content.len())));
            }
            Ok((content, cut)) => self.entries.push(Entry { name, content, cut }),
            Err(reason) => self.left_out.push((name, redact(&reason))),
        }
    }

    /// Adds the logs: of the files that an operator names, or of the units. The newest lines of each, a
    /// third of the space for each.
    fn add_logs(&mut self, sources: &Sources<'_>) {
        for (place, (name, unit)) in UNITS.into_iter().enumerate() {
            let log = match (sources.logs.is_empty(), sources.logs.get(place)) {
                (true, _) => read_unit(unit, sources),
                (false, Some(file)) => read_file(file),
                (false, None) => Err("no --log-file for it".to_owned()),
            };
            self.add(name, log.map(|log| describe(&log, MAX_LOG / UNITS.len())));
        }
    }
}

fn read_file(file: &Path) -> Result<String, String> {
    gather::tail(file, MAX_READ)
}

/// The log of a unit, the newest line last.
fn read_unit(unit: &str, sources: &Sources<'_>) -> Result<String, String> {
    let since = format!("@{}", sources.at.before(sources.since).as_millis().div_euclid(1_000));
    let arguments = ["-u", unit, "-o", "cat", "-r", "--no-pager", "--since", &since];
    let printed = run("journalctl", &arguments, MAX_READ, LOG_TIME).ok_or("journalctl does not answer")?;
    // Newest first, so that the limit of length cuts the oldest.
    let text = String::from_utf8_lossy(&printed).into_owned();
    let lines: Vec<_> = text.lines().rev().collect();
    Ok(lines.join("\n"))
}

fn describe(log: &str, limit: usize) -> (String, Option<String>) {
    let kept = keep(log, limit);
    let older = kept.is_cut.then(|| "older lines".to_owned());
    let other =
        (kept.left_out > 0).then(|| format!("{} lines that are not in the form of the program's log", kept.left_out));
    let cut: Vec<_> = older.into_iter().chain(other).collect();
    (kept.text, (!cut.is_empty()).then(|| cut.join("; ")))
}
