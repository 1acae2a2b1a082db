//! `audit-verify`: verifies an audit log or a proof, for auditors who do not have the gateway.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use audit_verify::{VerifyingKey, verify_at, verify_proof};
use clap::{Args, Parser, Subcommand};
use ehealth_core::model::Timestamp;

const EXAMPLES: &str = "\
Examples:
  audit-verify --key audit-log.pub --checkpoint kept-elsewhere /mnt/copy/audit-log
  audit-verify --key 'example.be/log+6124f0dd+Afdx…' --json /mnt/copy/audit-log
  audit-verify proof --key audit-log.pub exchange.proof

Without --checkpoint, missing records at the end cannot be detected. A folder named `proof` is given as
./proof.

A plain copy of a log that is being written is sound up to its last checkpoint: copy the file `checkpoint`
before the segments. The last line then names the number of records after it, which nothing proves.

Exit codes:
  0  sound, also with records after the last checkpoint; or proven
  1  findings, not proven, or a file cannot be read
  2  invalid arguments";

/// Verify an audit log from its files alone: every record and every checkpoint
///
/// Needs the public key and no secret. Changes no file and decrypts nothing.
#[derive(Debug, Parser)]
#[command(
    name = "audit-verify",
    version,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    log: Option<LogArguments>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify a proof that one record is in an audit log
    #[command(after_help = "Example:\n  audit-verify proof --key audit-log.pub exchange.proof")]
    Proof(ProofArguments),
}

#[derive(Debug, Args)]
struct LogArguments {
    /// Public key, or the file that holds it
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Checkpoint that was kept elsewhere
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Folder of the audit log, or of a copy
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct ProofArguments {
    /// Public key, or the file that holds it
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// File of the proof
    file: PathBuf,
}

/// An error that ends the program; its text is printed on standard error.
struct Failure(String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let result = match Arguments::parse() {
        Arguments { command: Some(Command::Proof(arguments)), log: _ } => run_proof(&arguments),
        Arguments { command: None, log: Some(arguments) } => run_log(&arguments),
        // Clap requires the folder and the key where there is no command.
        Arguments { command: None, log: None } => Err(Failure::from("give a folder, or the command `proof`")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Failure(message)) => {
            let _ = writeln!(io::stderr().lock(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The clock of this machine; `None` before 1970.
fn now() -> Option<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_millis()).ok().map(Timestamp::from_millis)
}

fn print(text: impl Display) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

fn run_log(arguments: &LogArguments) -> Result<bool, Failure> {
    let key = VerifyingKey::from_argument(&arguments.key)?;
    let verdict = verify_at(&arguments.folder, &key, arguments.checkpoint.as_deref(), now())?;
    if arguments.json {
        print(verdict.to_json())?;
    } else {
        print(&verdict)?;
    }
    Ok(verdict.is_sound())
}

fn run_proof(arguments: &ProofArguments) -> Result<bool, Failure> {
    let key = VerifyingKey::from_argument(&arguments.key)?;
    let file = &arguments.file;
    let proof = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    match verify_proof(&proof, &key) {
        Ok(proven) => {
            if arguments.json {
                print(proven.to_json())?;
            } else {
                print(&proven)?;
            }
            Ok(true)
        }
        Err(error) if arguments.json => {
            print(error.to_json())?;
            Ok(false)
        }
        Err(error) => Err(Failure::from(format!("{}: {}", file.display(), error.describe()))),
    }
}
