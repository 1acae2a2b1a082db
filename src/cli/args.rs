//! The command line: what can be asked of the program, with help that teaches.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::audit::AuditCommand;
use super::backup::{BackupArguments, RestoreArguments};
use super::config::ConfigCommand;
use super::health::HealthArguments;
use ehealth_core::model::{Dataset, LegalContext, Timestamp};

/// Answers three questions about a person from an SSIN, over mutually authenticated SOAP: the employer, the competent
/// prevention service, the health-insurance fund.
#[derive(Debug, Parser)]
#[command(name = "ehealth-attributes", version, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// How much to log on standard error: error, warn, info, debug, or a filter such as info,ehealth_attributes=debug
    #[arg(long, global = true, default_value = "info", env = "EHEALTH_ATTRIBUTES_LOG")]
    pub log: String,
    /// How to log: text for a terminal, or a JSON object a line for a collector
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "EHEALTH_ATTRIBUTES_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text, coloured on a terminal
    Text,
    /// A JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the operations until SIGTERM or Ctrl-C
    Serve(SettingsFile),
    /// Is the service ready, and why not?
    Health(HealthArguments),
    /// Bring the datasets in step with their feeds, once or for as long as it is let
    Sync(SyncArguments),
    /// Ask a running service about a person
    Lookup(Box<LookupArguments>),
    /// Show everything at once: a service with invented people, asked both questions
    Demo(DemoArguments),
    /// Serve as a test double: invented people, a clock that stands, and what goes wrong when you say so
    Simulate(SimulateArguments),
    /// Write feeds of an invented country, to try the service at any size
    Generate(GenerateArguments),
    /// Verify, search, report and prove: what an auditor, a data-protection officer and an operator ask of the trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Judge the settings, show what is in force, write an example
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Copy datasets and trail, while the service answers
    Backup(BackupArguments),
    /// Verify such a copy, and put it in place
    Restore(RestoreArguments),
    /// Judge, explain and pin: who may ask what
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// What can be done with a policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Judge a policy file: every mistake with its line
    Check {
        /// The policy file
        file: PathBuf,
    },
    /// Tell the verdict on a question and the rule that gave it, by the same code that serves; no data are read
    Explain(ExplainArguments),
    /// Print what pins a certificate: lines for the consumer's entry in the policy file
    Pin {
        /// The certificate (PEM); the first one of the file
        certificate: PathBuf,
    },
}

/// The question whose verdict is explained.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// The organisation in the caller's certificate, ten digits
    #[arg(long, value_name = "NUMBER")]
    pub cbe: String,
    /// For whom it asks: a number of ten digits, or SECTOR/INSTITUTION; without: for itself
    #[arg(long, value_name = "CUSTOMER")]
    pub customer: Option<String>,
    /// The legal context, as it stands on the wire
    #[arg(long, value_name = "CONTEXT")]
    pub legal_context: String,
    /// The person's number; without: a right one is assumed
    #[arg(long)]
    pub ssin: Option<String>,
    /// The reference date, YYYY-MM-DD; without: today
    #[arg(long)]
    pub date: Option<String>,
    /// The day on which is asked, YYYY-MM-DD; without: today
    #[arg(long, value_name = "DAY")]
    pub on: Option<String>,
}

/// Where the settings are.
#[derive(Debug, Args)]
pub struct SettingsFile {
    /// The settings file (TOML); relative paths in it are meant from its folder
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/ehealth-attributes/config.toml",
        env = "EHEALTH_ATTRIBUTES_CONFIG"
    )]
    pub config: PathBuf,
    /// A setting that goes before file and environment, for example server.listen=127.0.0.1:8443
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What the exit codes of `sync` mean, for whoever calls it from a script.
const SYNC_EXITS: &str = "\
Exit codes:
  0  every dataset is in step with its publisher
  3  the settings have mistakes
  7  an offer was refused: what was loaded before is served on
  8  a feed could not be read, or the store not be written: the next run may succeed
  9  another run was at it
Of several the first of 8, 7, 9. What each outcome means is told below the table.";

/// What `sync` brings in step, and what it may lose on the way.
#[derive(Debug, Args)]
#[command(after_help = SYNC_EXITS)]
pub struct SyncArguments {
    /// Where the settings are
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Let this dataset shrink as far as its publisher says, in this run: you looked, and it is right
    #[arg(long, value_name = "DATASET", value_parser = parse_dataset)]
    pub allow_shrink: Vec<Dataset>,
    /// Go on until SIGTERM, each feed in its own time: for `data.fetch_mode = "separate_process"`
    #[arg(long, conflicts_with = "allow_shrink")]
    pub follow: bool,
}

/// What `lookup` asks, and with which certificate.
///
/// One person: --ssin. Many: --in FILE, a number a line, and --out FILE for the answers, as CSV, or with --json as an
/// object a line; the same command again goes on where it was stopped, and asks about nobody twice who was answered.
///
/// Exit codes: 0 answered, 1 failed or stopped, 4 not reached or refused by TLS, 5 answered without a result (one person),
/// 6 a SOAP fault.
#[derive(Debug, Args)]
pub struct LookupArguments {
    /// Scheme and authority of the service, for example https://localhost:8443
    #[arg(long)]
    pub url: String,
    /// The authority that signed the service's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Your certificate, followed by its issuers (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Your private key (PEM)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Your organisation's enterprise number, ten digits
    #[arg(long, value_name = "NUMBER", required_unless_present = "test")]
    pub organisation: Option<String>,
    /// On which ground you ask
    #[arg(long, value_enum, required_unless_present = "test")]
    pub context: Option<Context>,
    /// The person's number, eleven digits; read from standard input if it is -
    ///
    /// Other users of the machine can see what stands on a command line: prefer -.
    #[arg(long, required_unless_present_any = ["test", "input"])]
    pub ssin: Option<String>,
    /// Ask about everybody in this file, or on standard input if it is -: a number a line; # begins a remark
    #[arg(long = "in", value_name = "FILE", conflicts_with_all = ["ssin", "test"])]
    pub input: Option<PathBuf>,
    /// Where the answers to --in go; what is in it already is not asked again. Without: standard output
    ///
    /// CSV columns: ssin, organisation, context, asked (the dates; empty for today), code, on (the last day asked about),
    /// services (EMPLOYER:SERVICE, the competent one of each employment on that day), fund, replaced_by, incomplete (the
    /// datasets that could say otherwise; what they could change has a question mark), ticket, replied.
    #[arg(long, value_name = "FILE", requires = "input")]
    pub out: Option<PathBuf>,
    /// How many questions of --in are asked at one time
    #[arg(long, value_name = "N", default_value_t = 4, requires = "input",
        value_parser = clap::value_parser!(u8).range(1..=16))]
    pub parallel: u8,
    /// The day asked about, YYYY-MM-DD; without: today
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub date: Option<String>,
    /// The first day asked about, YYYY-MM-DD
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// The last day asked about, YYYY-MM-DD
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Only call sendTestMessage: does the connection work, and who does the service see?
    #[arg(long)]
    pub test: bool,
}

/// A legal context, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Context {
    /// BACKTOWORK:ADVISORY_PHYSICIAN, for health-insurance funds
    AdvisoryPhysician,
    /// BACKTOWORK:PREVENTION_SERVICE, for prevention services
    PreventionService,
    /// BACKTOWORK:EHEALTH_PLATFORM, for the eHealth platform
    EhealthPlatform,
}

impl From<Context> for LegalContext {
    fn from(context: Context) -> Self {
        match context {
            Context::AdvisoryPhysician => Self::AdvisoryPhysician,
            Context::PreventionService => Self::PreventionService,
            Context::EhealthPlatform => Self::EhealthPlatform,
        }
    }
}

/// Where and how the demonstration runs.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// The folder for its certificates, settings and data; one that is there is used again
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub dir: PathBuf,
    /// Ask both questions, then exit
    #[arg(long)]
    pub once: bool,
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8443, env = "EHEALTH_ATTRIBUTES_PORT")]
    pub port: u16,
    /// Make client certificates with RSA keys too, in DIR/clients-rsa, for SOAP stacks that read no others
    #[arg(long)]
    pub rsa: bool,
    /// Take one dataset for over-age, to see INCOMPLETE_DATA: dimona, coprev, federated, insurance, persons
    #[arg(long, value_name = "DATASET", value_parser = parse_dataset)]
    pub stale: Option<Dataset>,
}

/// What is simulated, and where.
///
/// The service answers as `serve` does, by the same code, over mutual TLS, with the people of the catalogue
/// (fixtures/catalogue.md) and those of the scenario. Its clock stands and its tickets repeat: the same request gets the
/// same bytes, at every start. In CI:
///
///   ehealth-attributes simulate --port 0 --ready-file ready.json --scenario scenario.toml &
///   until [ -e ready.json ]; do sleep 0.1; done
///
/// The ready file is JSON, and appears whole when the service answers: port, url, consultAttributes and sendTestMessage
/// (their addresses), now, ca, clients.WORD and clientsRsa.WORD (each with organisation, legalContext, certificate, key)
/// and pid. WORD is platform, fund, other-fund, service, other-service or stranger. It goes when the simulation ends.
///
/// Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 failed, 3 the scenario has mistakes; all of them were told.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct SimulateArguments {
    /// The port on 127.0.0.1; 0 takes a free one, which the ready file tells
    #[arg(long, default_value_t = 8443, env = "EHEALTH_ATTRIBUTES_PORT")]
    pub port: u16,
    /// Where to write, once the service answers, how it is reached
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// People, delays, faults and outages (TOML); without: the people of the catalogue
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Print a scenario with everything in it, to begin with, and exit
    #[arg(long)]
    pub example: bool,
    /// Make client certificates with RSA keys too, for SOAP stacks that read no others
    #[arg(long)]
    pub rsa: bool,
    /// An empty folder for certificates, data and trail, which stays; without: a temporary one, which goes at the end
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Which invented country is written, and where.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// How many people live there; 11800000 are Belgium, with some 20 million periods
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=25_000_000))]
    pub people: u64,
    /// Which country of that size: the same number gives the same bytes
    #[arg(long, value_name = "S")]
    pub seed: u64,
    /// The folder for the feeds, one a dataset
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How many serials follow the snapshot, a delta each
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub serials: u64,
    /// Mutations of a dimona delta; insurance and persons have a tenth of them, coprev and federated a thousandth
    #[arg(long, value_name = "M", default_value_t = 1_000)]
    pub mutations: u64,
    /// When the publisher says that it made the notifications (YYYY-MM-DDThh:mm:ssZ); without: now
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    pub created: Option<Timestamp>,
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|_| "a moment, for example 2026-01-15T05:00:00Z".to_owned())
}

fn parse_dataset(text: &str) -> Result<Dataset, String> {
    Dataset::parse(text).ok_or_else(|| format!("one of {}", Dataset::ALL.map(Dataset::code).join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
