//! `backup`: copies datasets and audit log while the service runs.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use crate::app::{KeysToo, back_up};
use audit_verify::Verdict;
use ehealth_core::model::Dataset;

const BACKUP_HELP: &str = "\
Example:
  ehealth-attributes backup --to /srv/backup/2026-01-15

Exit codes:
  0  copied and verified
  1  failed
  3  the settings have errors";

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_HELP)]
pub struct BackupArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Folder to create for the backup
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Copy the keys of the audit log too; such a backup is enough to read every record
    #[arg(long)]
    pub with_keys: bool,
}

/// Makes a backup.
pub(super) fn run_backup(arguments: &BackupArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let keys = if arguments.with_keys { KeysToo::Yes } else { KeysToo::No };
    match back_up(&settings, &arguments.to, keys) {
        Ok(backed_up) => {
            let datasets: Vec<_> = backed_up.datasets.into_iter().map(Dataset::code).collect();
            println!("datasets: {}", datasets.join(", "));
            print_verdict(&backed_up.verdict);
            if keys == KeysToo::No {
                println!(
                    "The backup does not contain the keys of the audit log. Back up {} separately.",
                    settings.audit_log.keys.display()
                );
            }
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// Prints the result of a verification.
pub(super) fn print_verdict(verdict: &Verdict) {
    println!("audit log: sound, {} records, root {}", verdict.size, verdict.root);
    println!("{}", verdict.truncation);
}
