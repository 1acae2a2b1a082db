//! `audit`: what an auditor, a data-protection officer and an operator ask of the trail.
//!
//! `verify` and `verify-proof` want no settings and no secret: a folder or a file, the public key, and a checkpoint that
//! was kept elsewhere. The rest wants the settings, for the folders of the trail and of its keys. A person's number may
//! be given as `-`, to be read from standard input, so that it stays out of the shell's history and the process list.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::{Exit, SettingsFile, fail};
use crate::admin::Verification;
use crate::app::{SystemClock, leave_verification};
use audit_log::report::{Format, Language, Report};
use audit_log::{self, AuditLog, IndexUse, KeyFolder, MissingKeys, Retention, find, prove};
use audit_verify::{VerifyingKey, verify, verify_proof};
use ehealth_core::model::{Clock, Date, EnterpriseNumber, Ssin, Ticket, Window};

/// The commands under `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify a trail from its files alone: every record, every checkpoint
    ///
    /// Exit codes: 0 sound, 1 something is wrong or cannot be read.
    Verify(VerifyArguments),
    /// List who asked about a person
    Search(PersonArguments),
    /// Write what a person is handed who asks who asked about them (GDPR article 15)
    Report(ReportArguments),
    /// Make the proof that an exchange was recorded, for a third party
    Prove(ProveArguments),
    /// Judge such a proof
    VerifyProof {
        /// The file of the public key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The proof
        file: PathBuf,
    },
    /// Remove months past retention: files and keys. The service must be stopped
    Prune {
        /// The settings
        #[command(flatten)]
        settings: SettingsFile,
        /// How many years evidence is kept
        #[arg(long, default_value_t = Retention::default().years)]
        years: u16,
    },
    /// Change the key that signs checkpoints. The service must be stopped
    ///
    /// Prints a checkpoint that the old and the new key signed, to be kept elsewhere in place of the one that was kept
    /// before. Whoever holds the old public key can judge it with that, and judges everything later with the new one.
    RotateKey(SettingsFile),
    /// Print the newest checkpoint, to be kept elsewhere
    Checkpoint {
        /// The settings
        #[command(flatten)]
        settings: SettingsFile,
        /// Print the public key instead
        #[arg(long)]
        public_key: bool,
    },
}

/// What is verified, against what.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The trail's folder, or a copy of it
    #[arg(long, value_name = "DIR")]
    pub trail: PathBuf,
    /// The file of the public key (`audit checkpoint --public-key` prints it)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A checkpoint that was kept elsewhere; without one, a missing end cannot be seen
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Leave the verdict in this file: the one of trail.verified, where operators are shown it
    #[arg(long, value_name = "FILE")]
    pub tell: Option<PathBuf>,
}

/// About whom, and when.
#[derive(Debug, Args)]
pub struct PersonArguments {
    /// The settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// The person's number; `-` reads it from standard input (preferred)
    #[arg(long, value_name = "N")]
    pub ssin: String,
    /// The first day, YYYY-MM-DD
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// The last day, YYYY-MM-DD
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Read every record instead of using indexes
    #[arg(long)]
    pub no_index: bool,
}

/// About whom, and in which form.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// About whom, and when
    #[command(flatten)]
    pub person: PersonArguments,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
    /// The language: nl, fr, de, en
    #[arg(long, default_value = "nl", value_parser = parse_language)]
    pub language: Language,
    /// Names of organisations: a CSV file with a number and a name a line
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Plain text
    Text,
    /// JSON
    Json,
    /// A page
    Html,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Json => Self::Json,
            ReportFormat::Html => Self::Html,
        }
    }
}

/// What is proven, under which checkpoint.
#[derive(Debug, Args)]
pub struct ProveArguments {
    /// The settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// The exchange's ticketCBSS
    #[arg(long)]
    pub ticket: String,
    /// The checkpoint; without: the trail's newest
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
}

fn parse_language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| format!("one of {}", Language::ALL.map(Language::code).join(", ")))
}

/// Why a command cannot be carried out; the text is what is said.
type Failure = (Exit, String);

fn failed(error: impl std::fmt::Display) -> Failure {
    (Exit::Failed, error.to_string())
}

/// Runs the command to its end.
pub(super) fn run(command: &AuditCommand) -> Exit {
    let done = match command {
        AuditCommand::Verify(arguments) => run_verify(arguments),
        AuditCommand::Search(person) => run_search(person),
        AuditCommand::Report(arguments) => run_report(arguments),
        AuditCommand::Prove(arguments) => run_prove(arguments),
        AuditCommand::VerifyProof { key, file } => run_verify_proof(key, file),
        AuditCommand::Prune { settings, years } => run_prune(settings, Retention { years: *years }),
        AuditCommand::RotateKey(settings) => run_rotate_key(settings),
        AuditCommand::Checkpoint { settings, public_key } => run_checkpoint(settings, *public_key),
    };
    done.unwrap_or_else(|(exit, message)| fail(exit, &message))
}

fn trail_settings(settings: &SettingsFile) -> Result<audit_log::Settings, Failure> {
    settings.read().map(|settings| settings.trail).map_err(|problems| (Exit::Configuration, problems.to_string()))
}

/// The keys as they are: these commands never make any.
fn keys(settings: &audit_log::Settings) -> Result<KeyFolder, Failure> {
    KeyFolder::open(&settings.keys, MissingKeys::Refuse).map_err(failed)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| failed(format_args!("{}: {error}", file.display())))
}

fn public_key(file: &Path) -> Result<VerifyingKey, Failure> {
    VerifyingKey::from_argument(file).map_err(failed)
}

fn run_verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let key = public_key(&arguments.key)?;
    let verdict = verify(&arguments.trail, &key, arguments.checkpoint.as_deref()).map_err(failed)?;
    println!("{verdict}");
    if let Some(file) = &arguments.tell {
        let found = Verification { at: SystemClock.now(), records: verdict.size, is_sound: verdict.is_sound() };
        leave_verification(file, &found).map_err(|error| failed(format_args!("{}: {error}", file.display())))?;
    }
    Ok(if verdict.is_sound() { Exit::Done } else { Exit::Failed })
}

fn person(arguments: &PersonArguments) -> Result<Ssin, Failure> {
    let text = match arguments.ssin.as_str() {
        "-" => io::stdin().lock().lines().next().unwrap_or_else(|| Ok(String::new())).map_err(failed)?,
        given => given.to_owned(),
    };
    // The error says which rule is broken and nothing of the number.
    Ssin::parse(text.trim()).map_err(failed)
}

fn days(arguments: &PersonArguments) -> Result<Option<Window>, Failure> {
    match (&arguments.from, &arguments.to) {
        (Some(from), Some(to)) => {
            let day = |text: &str| Date::parse(text).map_err(failed);
            Window::from_days(day(from)?, day(to)?).map(Some).map_err(failed)
        }
        _ => Ok(None),
    }
}

fn report(arguments: &PersonArguments, names: Option<&Path>) -> Result<Report, Failure> {
    let settings = trail_settings(&arguments.settings)?;
    let (person, days, names) = (person(arguments)?, days(arguments)?, names.map(read).transpose()?);
    let index = if arguments.no_index { IndexUse::Bypass } else { IndexUse::Keep };
    let found = find(&settings.folder, &keys(&settings)?, index, person, days).map_err(failed)?;
    let name = |number: EnterpriseNumber| {
        let named = |line: &str| {
            line.split_once(',').filter(|(n, _)| *n == number.to_string()).map(|(_, name)| name.trim().to_owned())
        };
        names.as_deref()?.lines().find_map(named)
    };
    Ok(Report::new(found, SystemClock.now(), days, name))
}

fn run_search(arguments: &PersonArguments) -> Result<Exit, Failure> {
    let report = report(arguments, None)?;
    for disclosed in &report.disclosures {
        let caller = disclosed.caller.as_ref().map_or("-".to_owned(), |caller| caller.number.to_string());
        let context = disclosed.context.map_or("-", |context| context.code());
        let (sequence, received, ticket) = (disclosed.sequence, disclosed.received, disclosed.ticket);
        println!("{sequence} {received} {ticket} {caller} {context} {} {:?}", disclosed.outcome, disclosed.fields);
    }
    report.gaps.iter().for_each(|gap| eprintln!("{gap}"));
    Ok(if report.gaps.is_empty() { Exit::Done } else { Exit::Failed })
}

fn run_report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    let report = report(&arguments.person, arguments.names.as_deref())?;
    print!("{}", report.render(arguments.format.into(), arguments.language));
    report.gaps.iter().for_each(|gap| eprintln!("{gap}"));
    Ok(if report.gaps.is_empty() { Exit::Done } else { Exit::Failed })
}

fn run_prove(arguments: &ProveArguments) -> Result<Exit, Failure> {
    let settings = trail_settings(&arguments.settings)?;
    let ticket = Ticket::parse(&arguments.ticket).ok_or_else(|| failed("a ticket is a UUID"))?;
    let newest = settings.folder.join("checkpoint");
    let note = read(arguments.checkpoint.as_ref().unwrap_or(&newest))?;
    print!("{}", prove(&settings.folder, &keys(&settings)?, IndexUse::Keep, ticket, &note).map_err(failed)?);
    Ok(Exit::Done)
}

fn run_verify_proof(key: &Path, file: &Path) -> Result<Exit, Failure> {
    let proven = verify_proof(&read(file)?, &public_key(key)?).map_err(failed)?;
    println!("{proven}");
    if let Ok(record) = audit_log::parse_record(&proven.record) {
        println!("{:#?}", record.event);
    }
    Ok(Exit::Done)
}

fn run_prune(settings: &SettingsFile, retention: Retention) -> Result<Exit, Failure> {
    let trail = AuditLog::open(&trail_settings(settings)?, Arc::new(SystemClock)).map_err(failed)?;
    let pruned = trail.prune(retention).map_err(failed)?;
    trail.close();
    pruned.segments.iter().for_each(|segment| println!("removed {} from record {}", segment.month, segment.first));
    pruned.keys.iter().for_each(|key| println!("destroyed {key}"));
    if pruned.segments.is_empty() {
        println!("nothing is older than {} years", retention.years);
    }
    Ok(Exit::Done)
}

fn run_rotate_key(settings: &SettingsFile) -> Result<Exit, Failure> {
    let trail = AuditLog::open(&trail_settings(settings)?, Arc::new(SystemClock)).map_err(failed)?;
    let rotated = trail.rotate_checkpoint_key().map_err(failed)?;
    print!("{}", rotated.note);
    eprintln!("the new public key: {}", rotated.verifying_key);
    Ok(Exit::Done)
}

fn run_checkpoint(settings: &SettingsFile, public_key: bool) -> Result<Exit, Failure> {
    let settings = trail_settings(settings)?;
    if public_key {
        println!("{}", keys(&settings)?.verifying_key(&settings.checkpoints.origin).map_err(failed)?);
    } else {
        print!("{}", read(&settings.folder.join("checkpoint"))?);
    }
    Ok(Exit::Done)
}
