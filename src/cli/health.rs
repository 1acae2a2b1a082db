//! `health`: checks whether the running service is ready. For operators and container health
//! checks.

use clap::Args;

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use crate::app::fetch;

/// Maximum size of the answer, 1 MiB: more than any list of reasons.
const MAX_ANSWER: u64 = 1 << 20;

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes health
  ehealth-attributes health --live --config ./config.toml

Exit codes:
  0  ready (with --live: the process answers)
  1  not ready; the reasons are printed
  3  the settings have errors
  4  no answer";

/// Arguments of `health`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct HealthArguments {
    /// Settings: admin.listen is the address to ask
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Only check that the process answers
    #[arg(long)]
    pub live: bool,
}

pub(super) fn run(arguments: &HealthArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let Some(admin) = settings.admin else {
        return fail(Exit::Failed, &"admin.listen is not set: there is no admin listener to ask");
    };
    if settings.admin_tls.is_some() {
        let advice = "the admin listener requires mutual TLS: use curl --cert … --key … https://…/health/ready";
        return fail(Exit::Failed, &advice);
    }
    let path = if arguments.live { "/health/live" } else { "/health/ready" };
    match fetch(admin.listen, path, "*/*", MAX_ANSWER) {
        Ok(answer) => {
            print!("{}", answer.body);
            if answer.is_ok { Exit::Done } else { Exit::Failed }
        }
        Err(error) => fail(Exit::Unreachable, &format_args!("{}: {error}", admin.listen)),
    }
}
