//! `doctor`: checks the machine under the service, for operators.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::exit::{Exit, fail};
use super::log::LogWriter;
use super::runtime::block_on;
use super::settings_file::SettingsFile;
use crate::app::doctor::{Check, Diagnosis, Probe, Subject, Verdict, examine};
use crate::app::{CheckedPlace, Findings, SystemClock, check, check_feeds};
use crate::config::Settings;
use ehealth_core::model::Clock;

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes doctor
  ehealth-attributes doctor --config ./config.toml --json
  ehealth-attributes doctor --no-probe

Checks the settings as `config check --offline` does, and then the machine: clock, disks, permissions,
limits of the kernel, systemd units, certificates, the last verification. It changes nothing, except
that it writes a file of 800 KiB into the folder of the audit log and removes it, to measure the disk;
--no-probe leaves that out. Run it as root: what the user may not see is `not-checked`. The service
may run meanwhile.

Each check is ok, a warning, a problem, or not checked; docs/operations/diagnose.md has what to do.

Exit codes:
  0  no problem; there may be warnings
  1  failed; the message gives the reason
  3  the settings have errors; all of them are printed
  13  a check found a problem";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DoctorArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Do not measure the disk of the audit log
    #[arg(long)]
    pub no_probe: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(arguments: &DoctorArguments, log: &mut LogWriter) -> Exit {
    let (settings, credentials) = match read_settings(&arguments.settings) {
        Ok(read) => read,
        Err(findings) => return fail(Exit::Configuration, &findings),
    };
    let probe = if arguments.no_probe { Probe::LeaveOut } else { Probe::Write };
    let config = &arguments.settings.config;
    let diagnosis = match diagnose(&settings, config, &credentials, probe, log) {
        Ok((diagnosis, _)) => diagnosis,
        Err(exit) => return exit,
    };
    if arguments.json {
        println!("{:#}", write_json(&diagnosis));
    } else {
        print(&diagnosis);
    }
    if diagnosis.count(Verdict::Problem) > 0 { Exit::ProblemFound } else { Exit::Done }
}

/// Reads the settings, with the folder in which their credentials are found: if the service does not run, the folder
/// of the certificate, from which systemd takes the key.
pub(super) fn read_settings(file: &SettingsFile) -> Result<(Settings, PathBuf), Findings> {
    let (settings, credentials) = (file.read_or_check()?, file.credentials());
    let is_absent = settings.tls.key.starts_with(&credentials) && !settings.tls.key.exists();
    let is_named = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    match settings.tls.certificate.parent() {
        Some(folder) if is_absent && !is_named => Ok((file.read_with_credentials(folder)?, folder.to_owned())),
        Some(_) | None => Ok((settings, credentials)),
    }
}

/// Checks the settings, then the machine.
pub(super) fn diagnose(
    settings: &Settings,
    config: &Path,
    credentials: &Path,
    probe: Probe,
    log: &mut LogWriter,
) -> Result<(Diagnosis, Findings), Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut findings = check_feeds(settings);
    let checked = block_on(log, async {
        findings = std::mem::take(&mut findings).and(check(settings, CheckedPlace::Beside, &clock).await);
        Exit::Done
    });
    if checked != Exit::Done {
        return Err(checked);
    }
    let subject = Subject { settings, config, credentials, findings: &findings };
    let diagnosis = examine(&subject, probe, &clock);
    Ok((diagnosis, findings))
}

fn print(diagnosis: &Diagnosis) {
    let what = |check: &Check| format!("{} {}", check.name.code(), check.subject);
    let width = diagnosis.iter().map(|check| what(check).chars().count()).max().unwrap_or(0);
    let widest = Verdict::ALL.iter().map(|verdict| verdict.code().len()).max().unwrap_or(0);
    for check in diagnosis.iter() {
        println!("{:widest$}  {:width$}  {}", check.verdict.code(), what(check), check.seen);
        if !check.action.is_empty() {
            println!("{:widest$}  {:width$}  -> {}", "", "", check.action);
        }
    }
    let counts = Verdict::ALL.map(|verdict| format!("{}: {}", verdict.code(), diagnosis.count(verdict)));
    println!("{}", counts.join(", "));
}

/// The checks as JSON (`docs/reference/json.md` "Diagnosis").
pub(super) fn write_json(diagnosis: &Diagnosis) -> Value {
    let list = diagnosis.iter().map(|check| {
        json!({
            "check": check.name.code(),
            "setting": (!check.subject.is_empty()).then_some(&check.subject),
            "verdict": check.verdict.code(),
            "seen": check.seen,
            "action": (!check.action.is_empty()).then_some(&check.action),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "at": SystemClock.now().to_string(),
        "warnings": diagnosis.count(Verdict::Warning),
        "problems": diagnosis.count(Verdict::Problem),
        "notChecked": diagnosis.count(Verdict::NotChecked),
        "checks": list.collect::<Vec<_>>(),
    })
}
