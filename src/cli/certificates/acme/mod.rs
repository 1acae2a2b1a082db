//! `certificates acme`: gets the server's certificate from an ACME server, and renews it before it ends.
//!
//! The command is apart from the service, which opens no outgoing connection. It keeps the key, so that the service
//! loads the new certificate without a restart.

mod files;
mod install;
mod json;
mod order;
mod plan;
mod text;

use clap::Args;

use self::plan::{Plan, Renewal};
use super::failure::Failure;
use crate::cli::exit::{Exit, fail};
use crate::cli::log::LogWriter;
use crate::cli::settings_file::SettingsFile;

pub(super) const HELP: &str = "\
Examples:
  ehealth-attributes certificates acme
  ehealth-attributes certificates acme --write
  ehealth-attributes certificates acme --write --force --json

Without --write, shows the certificate of server.certificate, whether it is due, and what would be done. It
connects to nothing. With --write, a certificate that is due is renewed: absent, near its end, without a name of
the settings, or of another key. The new certificate is verified before it replaces the file; the previous one is
kept beside it, with the ending .previous. The key is kept; if there is no key file, a key is made. The section
[acme] of the settings names the ACME server.

Exit codes:
  0   shown, not due, or renewed
  1   a file cannot be read or written, or the ACME server refused
  2   an argument is invalid
  3   the settings have errors, or no section [acme]
  4   the ACME server cannot be reached, or did not answer in time
  12  the new certificate is not fit; nothing was replaced";

/// Arguments of `certificates acme`.
#[derive(Debug, Args)]
pub struct AcmeArguments {
    /// Settings
    #[command(flatten)]
    settings: SettingsFile,
    /// Renew the certificate if it is due
    #[arg(long)]
    write: bool,
    /// Renew it even if it is not due
    #[arg(long, requires = "write")]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command to its end.
pub(super) fn run(arguments: &AcmeArguments, log: &mut LogWriter) -> Exit {
    match renew(arguments, log) {
        Ok(()) => Exit::Done,
        Err((exit, message)) => fail(exit, &message),
    }
}

fn renew(arguments: &AcmeArguments, log: &mut LogWriter) -> Result<(), Failure> {
    let settings = arguments.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let Some(acme) = &settings.acme else {
        let message = "there is no section [acme] in the settings; set acme.directory to the URL of an ACME server";
        return Err((Exit::Configuration, message.to_owned()));
    };
    let renewal = if arguments.force { Renewal::Always } else { Renewal::IfDue };
    let plan = Plan::make(&settings, acme, arguments.settings.credentials(), renewal)?;
    let installed = if arguments.write && plan.due.is_due() { Some(order::run(&plan, acme, log)?) } else { None };
    if arguments.json {
        println!("{:#}", json::write(&plan, acme, arguments.write, installed.as_ref()));
    } else {
        print!("{}", text::write(&plan, acme, arguments.write, installed.as_ref()));
    }
    Ok(())
}
