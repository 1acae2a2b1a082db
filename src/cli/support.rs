//! `support bundle`: one archive to send to support.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::doctor::{diagnose, read_settings, write_json};
use super::exit::{Exit, fail};
use super::log::LogWriter;
use super::settings_file::SettingsFile;
use crate::app::SystemClock;
use crate::app::doctor::Probe;
use crate::app::support::{Bundle, Sources, describe_findings, sha256};
use crate::config::parse_duration;
use ehealth_core::model::Clock;

const BUNDLE_HELP: &str = "\
Examples:
  ehealth-attributes support bundle --dry-run
  ehealth-attributes support bundle --out /srv/support.tar.gz
  ehealth-attributes support bundle --out support.tar.gz --since 2h --json
  ehealth-attributes support bundle --out support.tar.gz --log-file /var/log/gateway.log

Gathers what support has to know: version, machine, `doctor`, findings, settings, the policy
in numbers, state of the datasets and of the audit log, public parts of certificates, health, admin page
and metrics of the running service, and lines of its log. It has no person's data, no private key and no
password: each part is made of chosen fields, and every text is redacted. It has names of hosts, paths
and organisations, and numbers of consumers: read it before you send it. Run it as root.

--log-file can be given three times, for the answering, the fetching and the verifying process.
docs/operations/diagnose.md has the list of entries.

Exit codes:
  0  written; with --dry-run, listed
  1  failed; the message gives the reason";

/// Commands under `support`.
#[derive(Debug, Subcommand)]
pub enum SupportCommand {
    /// Write an archive to send to support: no person's data, no secrets
    #[command(after_help = BUNDLE_HELP)]
    Bundle(BundleArguments),
}

/// Arguments of `support bundle`.
#[derive(Debug, Args)]
pub struct BundleArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Archive to write; only its owner may read it
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Age of the oldest log line of the units, such as 90m or 24h
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub since: Duration,
    /// Read this log instead of those of the units; up to three times
    #[arg(long, value_name = "FILE")]
    pub log_file: Vec<PathBuf>,
    /// List the entries with their sizes, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: &SupportCommand, log: &mut LogWriter) -> Exit {
    let SupportCommand::Bundle(arguments) = command;
    if arguments.log_file.len() > 3 {
        return fail(Exit::Usage, &"--log-file: at most three files");
    }
    let bundle = match gather(arguments, log) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    let packed = match bundle.pack() {
        Ok(packed) => packed,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let out = arguments.out.as_ref().filter(|_| !arguments.dry_run);
    if let Some(out) = out
        && let Err(error) = durable_file::replace(out, &packed, 0o600)
    {
        return fail(Exit::Failed, &error);
    }
    if arguments.json {
        let written = json!({
            "file": out.map(|out| out.display().to_string()),
            "bytes": packed.len(),
            "sha256": sha256(&packed).to_string(),
            "manifest": bundle.manifest(),
        });
        println!("{written:#}");
    } else {
        print(&bundle, packed.len(), out);
    }
    Exit::Done
}

/// Gathers the entries. Settings with errors are no reason not to: they may be why help is needed.
fn gather(arguments: &BundleArguments, log: &mut LogWriter) -> Result<Bundle, Exit> {
    let file = &arguments.settings;
    let at = SystemClock.now();
    let sources = |settings, doctor, findings| {
        let (logs, since) = (arguments.log_file.as_slice(), arguments.since);
        Bundle::gather(&Sources { settings, doctor, findings, logs, since, at })
    };
    match read_settings(file) {
        Err(findings) => Ok(sources(None, None, &describe_findings(&findings))),
        Ok((settings, credentials)) => {
            // `--dry-run` writes nothing, also not to measure the disk.
            let probe = if arguments.dry_run { Probe::LeaveOut } else { Probe::Write };
            let (diagnosis, findings) = diagnose(&settings, &file.config, &credentials, probe, log)?;
            Ok(sources(Some(&settings), Some(&write_json(&diagnosis)), &describe_findings(&findings)))
        }
    }
}

fn print(bundle: &Bundle, bytes: usize, out: Option<&PathBuf>) {
    for entry in &bundle.entries {
        let cut = entry.cut.as_ref().map_or(String::new(), |cut| format!("  without: {cut}"));
        println!("{:9}  {}{cut}", entry.content.len(), entry.name);
    }
    for (name, reason) in &bundle.left_out {
        println!("        -  {name}  {reason}");
    }
    match out {
        Some(out) => println!("{}: {bytes} bytes. Read it before you send it.", out.display()),
        None => println!("Nothing was written; the archive would have about {bytes} bytes."),
    }
}
