//! `config`: checks the settings, shows them with their origin, or prints an example.

mod units;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use units::UnitsArguments;

use super::exit::{Exit, fail};
use super::log::LogWriter;
use super::runtime::block_on;
use super::settings_file::SettingsFile;
use crate::app::{CheckedPlace, Findings, Part, Severity, SystemClock, check, check_feeds, confine_existing};
use crate::config::{Origin, Setting, write_example};
use ehealth_core::model::Clock;

const CHECK_HELP: &str = "\
Examples:
  ehealth-attributes config check
  ehealth-attributes config check ./config.toml
  ehealth-attributes config check --offline --json

Checks everything that `serve` needs to start: settings, policy, certificates, keys, CAs, CRLs, ports,
datasets, audit log, feeds. It changes nothing. Run it as the user of the service: another user may
have access to other files.

Each finding is an error (the service does not start), a failure (it starts, but a part of it does
not work) or a warning. `serve` prints the same findings.

Exit codes:
  0  no errors; the service starts
  1  errors of the machine, such as a port that is taken
  3  errors of the settings, or of a file that they name";

const SHOW_HELP: &str = "\
Example:
  ehealth-attributes config show --set server.listen=127.0.0.1:8443

Exit codes:
  0  shown
  3  the settings have errors";

const EXAMPLE_HELP: &str = "\
Example:
  ehealth-attributes config example > config.toml";

/// Commands under `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check everything that `serve` needs to start
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Settings file, instead of --config
        file: Option<PathBuf>,
        /// Check beside the running service: do not bind the ports, and let another process write
        /// the audit log
        #[arg(long)]
        offline: bool,
        /// Print the findings as JSON
        #[arg(long)]
        json: bool,
        /// Settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Show every active setting and where its value comes from
    #[command(after_help = SHOW_HELP)]
    Show {
        /// Settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Print a settings file with every setting and its description
    #[command(after_help = EXAMPLE_HELP)]
    Example,
    /// Derive the drop-ins of the packaged systemd units from the settings
    #[command(after_help = units::HELP)]
    Units(UnitsArguments),
}

/// Runs the command to its end.
pub(super) fn run(command: ConfigCommand, log: &mut LogWriter) -> Exit {
    match command {
        ConfigCommand::Check { file, offline, json, settings } => {
            let file = SettingsFile { config: file.unwrap_or(settings.config), set: settings.set };
            let place = if offline { CheckedPlace::Beside } else { CheckedPlace::InPlace };
            let findings = match find(&file, place, log) {
                Ok(findings) => findings,
                Err(exit) => return exit,
            };
            if json {
                println!("{:#}", write_json(&findings));
            } else {
                print_findings(&file, &findings);
            }
            Exit::from(&findings)
        }
        ConfigCommand::Show { settings } => show(&settings),
        ConfigCommand::Example => {
            print!("{}", write_example());
            Exit::Done
        }
        ConfigCommand::Units(arguments) => units::run(&arguments),
    }
}

/// Finds what `serve`, and a process that fetches the feeds for it, would find.
fn find(file: &SettingsFile, place: CheckedPlace, log: &mut LogWriter) -> Result<Findings, Exit> {
    let settings = match file.read_or_check() {
        Ok(settings) => settings,
        Err(findings) => return Ok(findings),
    };
    // Before the confinement: the answering process has no access to the files of the feeds.
    let of_feeds = check_feeds(&settings);
    // The sandbox of `serve`, so that a file which it does not reach is found here too.
    let _ = confine_existing(&settings, Part::Answering);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut findings = of_feeds;
    let checked = block_on(log, async {
        findings = std::mem::take(&mut findings).and(check(&settings, place, &clock).await);
        Exit::Done
    });
    if checked == Exit::Done { Ok(findings) } else { Err(checked) }
}

fn print_findings(file: &SettingsFile, findings: &Findings) {
    if findings.iter().next().is_some() {
        eprintln!("{findings}");
    }
    if !findings.have_errors() {
        let (failures, warnings) = (findings.count(Severity::Failure), findings.count(Severity::Warning));
        println!("{}: no errors; failures: {failures}, warnings: {warnings}", file.config.display());
    }
}

/// The findings as JSON (`docs/reference/json.md` "Configuration check").
fn write_json(findings: &Findings) -> Value {
    let list = findings.iter().map(|finding| {
        let (origin, file, line) = match &finding.origin {
            Origin::Default => ("default", None, None),
            Origin::File { file, line: 0 } => ("file", Some(file.display().to_string()), None),
            Origin::File { file, line } => ("file", Some(file.display().to_string()), Some(*line)),
            Origin::Environment(name) => ("environment", Some(name.clone()), None),
            Origin::Argument => ("argument", None, None),
        };
        json!({
            "severity": finding.severity.code(),
            "cause": finding.cause.code(),
            "setting": finding.setting,
            "origin": origin,
            "settingFile": file,
            "line": line,
            "file": finding.file.as_ref().map(|file| file.display().to_string()),
            "text": finding.text,
            "remedy": (!finding.remedy.is_empty()).then_some(&finding.remedy),
        })
    });
    let list: Vec<Value> = list.collect();
    json!({
        "starts": !findings.have_errors(),
        "errors": findings.count(Severity::Error),
        "failures": findings.count(Severity::Failure),
        "warnings": findings.count(Severity::Warning),
        "findings": list,
    })
}

fn show(file: &SettingsFile) -> Exit {
    match file.read() {
        Ok(settings) => {
            let width = |text: fn(&Setting) -> &str| {
                settings.active_config.iter().map(|setting| text(setting).len()).max().unwrap_or(0)
            };
            let (key, value) = (width(|setting| &setting.key), width(|setting| &setting.value));
            for setting in &settings.active_config {
                println!("{:key$}  {:value$}  {}", setting.key, setting.value, setting.origin);
            }
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}
