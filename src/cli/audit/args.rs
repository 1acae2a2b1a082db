//! Arguments of the commands under `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::export::{EXPORT_HELP, ExportArguments};
use super::list::{LIST_HELP, ListArguments};
use super::report::args::{REPORT_HELP, ReportArguments};
use super::rotate_key::RotateKeyArguments;
use super::scope::{NodesArguments, Scope};
use super::stats::{STATS_HELP, StatsArguments};
use super::verify_proof::{VERIFY_PROOF_HELP, VerifyProofArguments};
use crate::cli::settings_file::SettingsFile;
use audit_log::{Retention, TooShort};

/// Commands under `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify every record and checkpoint of an audit log, from its files alone
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// List the exchanges about a person, or those of an end user
    #[command(after_help = SEARCH_HELP)]
    Search(SearchArguments),
    /// List exchanges by caller, organisation, legal context, outcome and time; no person is shown
    #[command(after_help = LIST_HELP)]
    List(ListArguments),
    /// Count exchanges and disclosures by month, caller and legal context
    #[command(after_help = STATS_HELP)]
    Stats(StatsArguments),
    /// Write every record as a line of JSON, for a SIEM or an archive; it can be continued
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArguments),
    /// List what happened to the log besides exchanges: interruptions, suppressed requests, removals
    #[command(after_help = EVENTS_HELP)]
    Events(EventsArguments),
    /// Write the letter about disclosures that a person may request (GDPR article 15)
    #[command(after_help = REPORT_HELP)]
    Report(ReportArguments),
    /// Write a proof that an exchange was recorded, for a third party
    #[command(after_help = PROVE_HELP)]
    Prove(ProveArguments),
    /// Verify a proof that prove wrote
    #[command(after_help = VERIFY_PROOF_HELP)]
    VerifyProof(VerifyProofArguments),
    /// Remove the months past retention, files and keys; the service must be stopped
    #[command(after_help = PRUNE_HELP)]
    Prune(PruneArguments),
    /// Replace the key that signs checkpoints; the service must be stopped
    #[command(after_help = super::rotate_key::HELP)]
    RotateKey(RotateKeyArguments),
    /// Make the audit log of a node again from the database that the nodes share
    #[command(after_help = REBUILD_HELP)]
    Rebuild(RebuildArguments),
    /// Print the newest checkpoint, to be kept elsewhere
    #[command(after_help = CHECKPOINT_HELP)]
    Checkpoint {
        /// Settings
        #[command(flatten)]
        settings: SettingsFile,
        /// Print the public key instead
        #[arg(long)]
        public_key: bool,
    },
}

const VERIFY_HELP: &str = "\
Example:
  ehealth-attributes audit verify --audit-log /srv/copy --key audit-log.pub \\
      --checkpoint /srv/checkpoint

A plain copy of a log that is being written is sound up to its last checkpoint: copy the file
`checkpoint` before the segments, or make a backup. The last line names the records after it.

Exit codes:
  0  sound, also with records after the last checkpoint, which nothing proves yet
  1  something is wrong or cannot be read; each finding is printed";

const SEARCH_HELP: &str = "\
Examples:
  ehealth-attributes audit search --ssin - --from 2026-01-01 --to 2026-01-31 < ssin.txt
  ehealth-attributes audit search --end-user - < end-user.txt
  ehealth-attributes audit search --ssin - --json < ssin.txt

Columns: sequence, time, ticketCBSS, organisation, legal context, outcome, fields, rule,
application.

Exit codes:
  0  all records were read
  1  failed, or records are missing or unreadable
  3  the settings have errors";

const EVENTS_HELP: &str = "\
Examples:
  ehealth-attributes audit events
  ehealth-attributes audit events --from 2026-01-01 --to 2026-01-31 --json

Listed are interruptions (the log could not be written), requests that a limit refused before they
were read, months that were removed, and records for which the operator vouched.

Exit codes:
  0  all records were read
  1  failed, or records are unreadable
  3  the settings have errors";

const PROVE_HELP: &str = "\
Example:
  ehealth-attributes audit prove --ticket 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f > proof

Exit codes:
  0  written
  1  failed
  3  the settings have errors";

const PRUNE_HELP: &str = "\
Example:
  ehealth-attributes audit prune --years 10

Removed records and keys cannot be restored. Fewer than 10 years need --shorter and --confirm.

Exit codes:
  0  removed, or nothing to remove
  1  failed
  3  the settings have errors";

const REBUILD_HELP: &str = "\
Examples:
  ehealth-attributes audit rebuild
  ehealth-attributes audit rebuild --node b --folder /srv/rebuilt --without-keys \\
      --key audit-log.pub --checkpoint /srv/checkpoint

Appends the records that only the database has to the audit log in the folder: all of them, if it is
empty or missing. The service must be stopped. With --key it is then verified, against the
checkpoint that was kept elsewhere. The keys of the node are not in the database: restore their
folder from its own copy.

Exit codes:
  0  all records of the database are in the folder and, with --key, sound
  1  failed; what was appended before is sound
  3  the settings have errors, or no section [cluster]";

const CHECKPOINT_HELP: &str = "\
Examples:
  ehealth-attributes audit checkpoint > /srv/checkpoint
  ehealth-attributes audit checkpoint --public-key > audit-log.pub

Exit codes:
  0  printed
  1  failed
  3  the settings have errors";

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Folder of the audit log, or of a copy of it
    #[arg(long, value_name = "DIR")]
    pub audit_log: PathBuf,
    /// File of the public key (audit checkpoint --public-key prints it)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Checkpoint that was kept elsewhere; without one, a truncated log cannot be detected
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Write the verdict to this file, which the settings name so that the admin page shows it
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit prune`.
#[derive(Debug, Args)]
pub struct PruneArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Retention in years, at least 10
    #[arg(long, default_value_t = Retention::MINIMUM_YEARS, value_parser = parse_years)]
    years: u16,
    /// Retention in years, fewer than 10: destroys records that the law still demands
    #[arg(long, value_name = "YEARS", requires = "confirm", conflicts_with = "years")]
    shorter: Option<u16>,
    /// Type this word to destroy younger records and their keys for good
    #[arg(long, value_name = "WORD", requires = "shorter", value_parser = [Retention::WORD])]
    confirm: Option<String>,
}

impl PruneArguments {
    /// The retention.
    ///
    /// # Errors
    /// [`TooShort`] for fewer than ten years without the word.
    pub fn retention(&self) -> Result<Retention, TooShort> {
        Retention::new(self.shorter.unwrap_or(self.years), self.confirm.as_deref())
    }
}

fn parse_years(text: &str) -> Result<u16, String> {
    let years = text.parse().map_err(|_| "expected a number of years".to_owned())?;
    match Retention::new(years, None) {
        Ok(retention) => Ok(retention.years()),
        Err(error) => Err(format!("{error}: --shorter {years} --confirm {}", Retention::WORD)),
    }
}

/// Arguments of `audit rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Name of the node [default: cluster.node]
    #[arg(long)]
    pub node: Option<cluster::NodeName>,
    /// Folder of the audit log [default: audit_log.folder]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Folder of the node's keys, which show that the node wrote the records [default: audit_log.keys]
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Do not check the records with the node's keys
    #[arg(long, conflicts_with = "keys")]
    pub without_keys: bool,
    /// File of the public key: verify the audit log afterwards
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Checkpoint that was kept elsewhere
    #[arg(long, value_name = "FILE", requires = "key")]
    pub checkpoint: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit search`.
#[derive(Debug, Args)]
#[group(id = "whom", required = true, multiple = false, args = ["ssin", "end_user"])]
pub struct SearchArguments {
    /// SSIN of the person asked about; - reads it from standard input (recommended)
    #[arg(long, value_name = "SSIN")]
    pub ssin: Option<String>,
    /// Identifier of the end user who asked, as in the questions; - reads it from standard input
    #[arg(long, value_name = "ID")]
    pub end_user: Option<String>,
    /// Settings and days
    #[command(flatten)]
    pub scope: Scope,
    /// Print one JSON object for each exchange
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit events`.
#[derive(Debug, Args)]
pub struct EventsArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// First day of the events, YYYY-MM-DD
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// Last day of the events, YYYY-MM-DD
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit prove`.
#[derive(Debug, Args)]
pub struct ProveArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// ticketCBSS of the exchange
    #[arg(long)]
    pub ticket: String,
    /// Checkpoint [default: the newest of the audit log]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Write the caller's signature of its message to FILE, as JSON: SHA-256 of the message, value,
    /// certificate. It is decrypted: the file is evidence against the caller, and no part of the proof
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Nodes
    #[command(flatten)]
    pub nodes: NodesArguments,
}
