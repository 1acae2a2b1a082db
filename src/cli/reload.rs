//! `reload`: has a running service reload its files, and reports whether it accepted them.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use crate::app::reload_status::{file_in, read};

/// Interval between two looks at the result.
const INTERVAL: Duration = Duration::from_millis(20);

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes reload --pid 1234
  systemctl reload ehealth-attributes

The service writes the result to the file reload-status in data.folder. Settings are read at the start
only: restart the service to change them.

Exit codes:
  0  reloaded
  1  failed, for example because there is no such process
  3  rejected: the files have errors, which are printed; the previous configuration stays active
  4  no result in time";

/// Arguments of `reload`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ReloadArguments {
    /// Settings: data.folder is where the service writes the result
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Process id of the service
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: i32,
    /// Seconds to wait for the result
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u32,
}

pub(super) fn run(arguments: &ReloadArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let file = file_in(&settings.sync.data);
    let before = read(&file);
    let sent = Pid::from_raw(arguments.pid).map(|pid| kill_process(pid, Signal::HUP));
    if let Some(Err(error)) = sent {
        return fail(Exit::Failed, &format_args!("--pid {}: {}", arguments.pid, std::io::Error::from(error)));
    }
    let began = Instant::now();
    let limit = Duration::from_secs(arguments.timeout.into());
    while began.elapsed() < limit {
        let result = read(&file).filter(|result| Some(result) != before.as_ref());
        match result.filter(|result| i32::try_from(result.pid) == Ok(arguments.pid)) {
            Some(result) => {
                return match result.errors {
                    None => Exit::Done,
                    Some(errors) => {
                        let kept = "reload rejected; the previous configuration stays active";
                        fail(Exit::Configuration, &format_args!("{errors}\n{kept}"))
                    }
                };
            }
            None => thread::sleep(INTERVAL),
        }
    }
    let advice = "no result of the reload; look in the log of the service, and restart it if its settings changed";
    fail(Exit::Unreachable, &format_args!("{}: {advice}", file.display()))
}
