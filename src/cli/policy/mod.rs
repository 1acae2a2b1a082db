//! `policy`: checks a policy file, shows it as a table, explains a decision, pins a certificate.
//!
//! A decision comes from the functions that the service uses, and names the rule that made it. No
//! data are read: the relation cannot be checked here, because that would be a lookup without a
//! record in the audit log.

mod explain;
mod pin;
mod show;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::exit::{Exit, fail};
use crate::app::SystemClock;
use crate::config::read_policy;
use ehealth_core::model::{Clock, Date};
use ehealth_core::policy::find_warnings;

pub use explain::ExplainArguments;

const CHECK_HELP: &str = "\
Example:
  ehealth-attributes policy check /etc/ehealth-attributes/policy.toml

Warnings go to standard error: consumers that cannot ask, and grants that have ended or end within
60 days.

Exit codes:
  0  no errors; there may be warnings
  3  errors; all of them are printed with file, line and key";

const SHOW_HELP: &str = "\
Examples:
  ehealth-attributes policy show /etc/ehealth-attributes/policy.toml
  ehealth-attributes policy show policy.toml --format csv > matrix.csv
  ehealth-attributes policy show policy.toml --format json --on 2026-12-31

A row for each grant, and one for each consumer without grants. `state` is that of the day:
valid, ended, or not begun.

Exit codes:
  0  printed
  2  an argument is invalid
  3  the policy file has errors";

const EXPLAIN_HELP: &str = "\
Example:
  ehealth-attributes policy explain --policy policy.toml --cbe 0999010126 \\
      --legal-context BACKTOWORK:ADVISORY_PHYSICIAN --date 2026-01-15

Exit codes:
  0   the question may be looked up
  2   an argument is invalid
  3   the policy file has errors
  10  the question is refused";

const PIN_HELP: &str = "\
Examples:
  ehealth-attributes policy pin partner.pem
  ehealth-attributes policy pin partner.pem --issuer /etc/ehealth-attributes/tls/clients-ca

`pinned_issuers` has the SHA-256 of the public key that signed the certificate. The issuer's
certificate is read from the file, behind the certificate, or from --issuer.

Exit codes:
  0  printed; without the issuer's certificate, only pinned_keys
  1  a file has no readable certificate, or --issuer has not the certificate of the issuer";

/// Commands under `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Policy file
        file: PathBuf,
    },
    /// Print who may ask what: consumers, legal contexts, fields, relations, validity, quotas
    #[command(after_help = SHOW_HELP)]
    Show {
        /// Policy file
        file: PathBuf,
        /// Format of the output
        #[arg(long, value_enum, default_value_t = ShowFormat::Table)]
        format: ShowFormat,
        /// Day for which the state of the grants is shown, YYYY-MM-DD [default: today]
        #[arg(long, value_name = "DAY", value_parser = parse_day)]
        on: Option<Date>,
    },
    /// Show the decision on a request and the rule that makes it; reads no data
    #[command(after_help = EXPLAIN_HELP)]
    Explain(ExplainArguments),
    /// Print the policy lines that pin a certificate to its consumer
    #[command(after_help = PIN_HELP)]
    Pin {
        /// Certificate file (PEM); its first certificate is pinned
        certificate: PathBuf,
        /// File or folder with the issuer's certificate, PEM or DER [default: the rest of the
        /// certificate file]
        #[arg(long, value_name = "PATH")]
        issuer: Option<PathBuf>,
    },
}

/// Format of `policy show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// Columns for a person
    Table,
    /// RFC 4180, with a header
    Csv,
    /// An object
    Json,
}

fn parse_day(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|_| "must be a date, written YYYY-MM-DD".to_owned())
}

fn today() -> Date {
    SystemClock.now().brussels_day()
}

pub(super) fn run(command: &PolicyCommand) -> Exit {
    match command {
        PolicyCommand::Check { file } => check(file),
        PolicyCommand::Show { file, format, on } => match read_policy(file) {
            Ok(register) => {
                print!("{}", show::show(&register, on.unwrap_or_else(today), *format));
                Exit::Done
            }
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Explain(arguments) => match read_policy(&arguments.policy) {
            Ok(register) => match explain::explain(&register, arguments) {
                Ok((text, exit)) => {
                    print!("{text}");
                    exit
                }
                Err(errors) => fail(Exit::Usage, &errors),
            },
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Pin { certificate, issuer } => pin::pin(certificate, issuer.as_deref()),
    }
}

fn check(file: &Path) -> Exit {
    match read_policy(file) {
        Ok(register) => {
            let consumers = register.consumers().count();
            let grants: usize = register.consumers().map(|consumer| consumer.grants.len()).sum();
            for warning in find_warnings(&register, today()) {
                eprintln!("{}: warning: {warning}", file.display());
            }
            println!("{}: no errors; {consumers} consumers with {grants} grants", file.display());
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}
