//! Runs the command that the arguments name.

use clap::CommandFactory;

use super::args::{Arguments, Command};
use super::exit::Exit;
use super::log::{LogWriter, start_log};
use super::output::close;
use super::{
    audit, backup, certificates, cluster, config, contract, doctor, health, lookup, manual, policy, reload, restore,
    runtime, serve, signature, support, sync, traces,
};
#[cfg(feature = "testkit")]
use super::{demo, generate, simulate};
use crate::app::forbid_memory_dumps;

/// Runs the command to its end.
#[must_use]
pub fn run(arguments: Arguments) -> Exit {
    // First of all: nearly every command reads persons' numbers or keys.
    if let Err(error) = forbid_memory_dumps() {
        eprintln!("memory dumps cannot be forbidden: {error}");
        return Exit::Failed;
    }
    // Kept until the command has ended: dropping it writes the lines that are buffered.
    let mut log = match start_log(&arguments.log, arguments.log_format) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("--log {}: {error}", arguments.log);
            return Exit::Usage;
        }
    };
    close(run_command(arguments.command, &mut log))
}

fn run_command(command: Command, log: &mut LogWriter) -> Exit {
    match command {
        Command::Serve(arguments) => serve::run(&arguments, log),
        Command::Health(arguments) => health::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, log),
        Command::Support(command) => support::run(&command, log),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Sync(arguments) => sync::run(&arguments, log),
        Command::Traces(arguments) => traces::run(&arguments, log),
        Command::Lookup(arguments) => runtime::block_on(log, lookup::run(&arguments)),
        Command::Certificates(command) => certificates::run(&command, log),
        Command::Contract(command) => contract::run(&command),
        Command::Signature(command) => signature::run(&command),
        #[cfg(feature = "testkit")]
        Command::Demo(arguments) => runtime::block_on(log, demo::run(&arguments)),
        #[cfg(feature = "testkit")]
        Command::Simulate(arguments) => runtime::block_on(log, simulate::run(&arguments)),
        #[cfg(feature = "testkit")]
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Cluster(command) => cluster::run(&command),
        Command::Config(command) => config::run(command, log),
        Command::Backup(arguments) => backup::run_backup(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Policy(command) => policy::run(&command),
        Command::Completions(arguments) => manual::run_completions(&arguments, Arguments::command()),
        Command::Man(arguments) => manual::run_man(&arguments, Arguments::command()),
    }
}
