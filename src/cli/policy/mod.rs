//! `policy`: checks a policy file, shows it as a table, explains a decision, tests it against
//! expectations, pins a certificate, adds a consumer.
//!
//! A decision comes from the functions that the service uses, and names the rule that made it. No
//! data are read: the relation cannot be checked here, because that would be a lookup without a
//! record in the audit log.

mod add;
mod decision;
mod explain;
mod pin;
mod seen;
mod show;
mod test;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::exit::{Exit, fail};
use crate::app::SystemClock;
use crate::config::{Policy, Problems, read_policy, read_settings};
use crate::server::tls::RevocationFiles;
use ehealth_core::model::{Clock, Date};
use ehealth_core::policy::{find_revoked_signers, find_warnings};

pub use add::AddArguments;
pub use explain::ExplainArguments;
pub use test::TestArguments;

const CHECK_HELP: &str = "\
Examples:
  ehealth-attributes policy check /etc/ehealth-attributes/policy.toml
  ehealth-attributes policy check policy.toml --audit-log /var/lib/ehealth-attributes/audit-log

Warnings go to standard error: consumers that cannot ask, legal contexts that no consumer uses, and
grants and legal contexts that have ended or end within 60 days.

Exit codes:
  0  no errors; there may be warnings
  1  the audit log cannot be read
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
  ehealth-attributes policy explain --policy policy.toml --organisation 0999010126 \\
      --legal-context BACKTOWORK:ADVISORY_PHYSICIAN --date 2026-01-15

Exit codes:
  0   the question may be looked up
  2   an argument is invalid
  3   the policy file has errors
  10  the question is refused";

const TEST_HELP: &str = "\
Examples:
  ehealth-attributes policy test policy-test.toml
  ehealth-attributes policy test policy-test.toml --policy new-policy.toml --json

FILE has a section for each question:

  [[expect]]
  name = \"the fund asks for its advisory physicians\"
  cbe = \"0999010126\"
  legal_context = \"BACKTOWORK:ADVISORY_PHYSICIAN\"
  on = \"2026-01-15\"
  verdict = \"permitted\"

docs/reference/policy.md has all keys. The decisions are those of the service; no data are read.

Exit codes:
  0  every expectation holds
  1  at least one does not; each difference is printed
  2  no policy file is named
  3  the policy file or the file of expectations has errors";

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
        /// Folder of the audit log: also report applications that no certificate showed for 90 days
        #[arg(long, value_name = "DIR")]
        audit_log: Option<PathBuf>,
        /// Settings file of the service: also report signatures that are required without CRLs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print who may ask what: consumers, applications, legal contexts, fields, relations, validity, quotas
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
    /// Compare the decisions of a policy with those that a file expects; reads no data
    #[command(after_help = TEST_HELP)]
    Test(TestArguments),
    /// Add a consumer from its certificate: prints the section, or writes it
    #[command(after_help = add::HELP)]
    Add(AddArguments),
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
        PolicyCommand::Check { file, audit_log, config } => check(file, audit_log.as_deref(), config.as_deref()),
        PolicyCommand::Show { file, format, on } => match read_policy(file) {
            Ok(Policy { register, .. }) => {
                print!("{}", show::show(&register, on.unwrap_or_else(today), *format));
                Exit::Done
            }
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Explain(arguments) => match read_policy(&arguments.policy) {
            Ok(Policy { register, .. }) => match explain::explain(&register, arguments) {
                Ok((text, exit)) => {
                    print!("{text}");
                    exit
                }
                Err(errors) => fail(Exit::Usage, &errors),
            },
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Test(arguments) => test::run(arguments),
        PolicyCommand::Add(arguments) => add::run(arguments),
        PolicyCommand::Pin { certificate, issuer } => pin::pin(certificate, issuer.as_deref()),
    }
}

/// Whether the settings refuse no revoked certificate; `true` without settings.
fn ignores_revocation(config: Option<&Path>) -> Result<bool, Problems> {
    let settings = config.map(read_settings).transpose()?;
    Ok(settings.is_none_or(|settings| settings.tls.revocation == RevocationFiles::None))
}

fn check(file: &Path, audit_log: Option<&Path>, config: Option<&Path>) -> Exit {
    match read_policy(file) {
        Ok(Policy { register, .. }) => {
            let consumers = register.consumers().count();
            let grants: usize = register.consumers().map(|consumer| consumer.grants.len()).sum();
            for warning in find_warnings(&register, today()) {
                eprintln!("{}: warning: {warning}", file.display());
            }
            let revoked_signers = match ignores_revocation(config) {
                Ok(true) => find_revoked_signers(&register),
                Ok(false) => Vec::new(),
                Err(problems) => return fail(Exit::Configuration, &problems),
            };
            for warning in revoked_signers {
                let hint = if config.is_none() { " (--config FILE reads what trust.revocation is)" } else { "" };
                eprintln!("{}: warning: {warning}{hint}", file.display());
            }
            match audit_log.map(|folder| seen::find_unseen(&register, folder, today())) {
                None => {}
                Some(Ok(unseen)) => {
                    unseen.iter().for_each(|warning| eprintln!("{}: warning: {warning}", file.display()));
                }
                Some(Err(error)) => return fail(Exit::Failed, &error),
            }
            let contexts = register.contexts().iter().count();
            let file = file.display();
            println!("{file}: no errors; {contexts} legal contexts, {consumers} consumers with {grants} grants");
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}
