//! The commands: what each prints, and with which code it exits. Judging and doing is the lower rooms' affair.
//!
//! Standard output carries what was asked for; the log and every message about a failure go to standard error.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a person reads comes from here")]

mod args;
mod audit;
mod authority;
mod backup;
mod batch;
mod config;
mod country;
mod demo;
mod exit;
mod generate;
mod health;
mod journal;
mod ledger;
mod lookup;
mod people;
mod policy;
mod progress;
mod serve;
mod show;
mod simulate;
mod stage;
mod staging;
mod sync;
mod text_line;
pub mod workspace;

use std::future::Future;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

pub use args::{
    Arguments, Command, Context, DemoArguments, ExplainArguments, GenerateArguments, LogFormat, LookupArguments,
    PolicyCommand, SettingsFile, SimulateArguments, SyncArguments,
};
pub use audit::AuditCommand;
pub use backup::{BackupArguments, RestoreArguments};
pub use config::ConfigCommand;
pub use exit::Exit;
pub use health::HealthArguments;
pub use journal::LogWriter;
use text_line::TextLine;

use crate::app::SystemClock;
use ehealth_core::model::Clock;

/// Runs the command to its end.
#[must_use]
pub fn run(arguments: Arguments) -> Exit {
    // Kept until the command has ended: then it writes what still waits.
    let mut journal = match start_log(&arguments.log, arguments.log_format) {
        Ok(journal) => journal,
        Err(error) => {
            eprintln!("--log: {error}");
            return Exit::Failed;
        }
    };
    let journal = &mut journal;
    match arguments.command {
        Command::Serve(settings) => serve::run(&settings, journal),
        Command::Health(arguments) => health::run(&arguments),
        Command::Sync(arguments) => sync::run(&arguments, journal),
        Command::Lookup(arguments) => block_on(journal, lookup::run(&arguments)),
        Command::Demo(arguments) => block_on(journal, demo::run(&arguments)),
        Command::Simulate(arguments) => block_on(journal, simulate::run(&arguments)),
        Command::Audit(command) => audit::run(&command),
        Command::Config(command) => config::run(command),
        Command::Backup(arguments) => backup::run_backup(&arguments),
        Command::Restore(arguments) => backup::run_restore(&arguments),
        Command::Policy(command) => policy::run(&command),
        Command::Generate(arguments) => generate::run(&arguments, SystemClock.now()),
    }
}

/// The log on standard error: text, or JSON for a collector. No thread is started yet.
///
/// # Errors
/// If the filter cannot be read, or the process has a log already.
pub fn start_log(filter: &str, format: LogFormat) -> Result<LogWriter, Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    let journal = LogWriter::default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(journal.lines());
    match format {
        LogFormat::Text if std::io::stderr().is_terminal() => log.with_ansi(true).try_init()?,
        LogFormat::Text => log.event_format(TextLine).try_init()?,
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()?,
    }
    Ok(journal)
}

/// Runs what wants threads. None was started before: whoever confines the process does so before this.
fn block_on(journal: &mut LogWriter, command: impl Future<Output = Exit>) -> Exit {
    let build = |()| tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match journal.start().and_then(build) {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// Says why, and gives the code back.
fn fail(exit: Exit, error: &dyn std::fmt::Display) -> Exit {
    eprintln!("{error}");
    exit
}
