//! The command line: arguments, one file per command, output, exit codes.
//!
//! A command reads its arguments, calls the modules below, and prints the result. Standard output
//! carries the result; the log and every error go to standard error.

// First, because it replaces the macros that print.
#[macro_use]
mod output;

// From the arguments to a command.
mod args;
mod argument_errors;
mod parsers;
mod run;
mod settings_file;

// What commands share: exit codes, the log, signals and systemd.
mod database;
mod exit;
mod log;
mod process;
mod runtime;
mod safe_text;
mod writer_user;

// The gateway and its operators.
mod audit;
mod backup;
mod cluster;
mod config;
mod doctor;
mod health;
mod policy;
mod progress;
mod reload;
mod restore;
mod serve;
mod support;
mod sync;
mod sync_report;
mod traces;

// What integrators use: the client, the contract as files, certificates, signatures of messages.
mod certificates;
mod contract;
mod lookup;
mod signature;

// What a shell and `man` know of the program.
mod manual;

// The demo world: only with the feature `testkit`.
#[cfg(feature = "testkit")]
mod demo;
#[cfg(feature = "testkit")]
mod generate;
#[cfg(feature = "testkit")]
mod simulate;
#[cfg(feature = "testkit")]
mod test_service;

pub use args::{Arguments, Command};
pub use audit::AuditCommand;
pub use backup::BackupArguments;
#[cfg(feature = "acme")]
pub use certificates::AcmeArguments;
pub use certificates::{CertificatesCommand, InspectArguments};
pub use cluster::ClusterCommand;
pub use config::ConfigCommand;
pub use contract::ContractCommand;
#[cfg(feature = "testkit")]
pub use demo::DemoArguments;
pub use doctor::DoctorArguments;
pub use exit::Exit;
#[cfg(feature = "testkit")]
pub use generate::GenerateArguments;
pub use health::HealthArguments;
pub use log::{LogFormat, LogWriter, start_log};
pub use lookup::{BatchArguments, LookupArguments};
pub use manual::{CompletionsArguments, ManArguments, ShellName};
pub use policy::{ExplainArguments, PolicyCommand};
pub use reload::ReloadArguments;
pub use restore::RestoreArguments;
pub use run::run;
pub use serve::ServeArguments;
pub use settings_file::SettingsFile;
pub use signature::SignatureCommand;
#[cfg(feature = "testkit")]
pub use simulate::SimulateArguments;
pub use support::{BundleArguments, SupportCommand};
pub use sync::SyncArguments;
pub use traces::TracesArguments;
