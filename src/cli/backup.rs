//! `backup` and `restore`: copies datasets and audit log while the service runs, and puts a copy
//! back.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use crate::app::{KeysToo, back_up, restore};
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

const RESTORE_HELP: &str = "\
Example:
  ehealth-attributes restore --from /srv/backup/2026-01-15 --checkpoint /srv/checkpoint

The service must be stopped, and the folders of the datasets and the audit log must be empty.

Exit codes:
  0  verified and put in place
  1  failed; the message gives the reason
  3  the settings have errors";

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_HELP)]
pub struct RestoreArguments {
    /// Settings: they name the folders to restore to
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Folder of the backup
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Folder with a copy of the keys, to put in place as well
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Checkpoint that was kept elsewhere; a backup that lacks records which it signs is refused
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
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

/// Restores a backup.
pub(super) fn run_restore(arguments: &RestoreArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let (keys, checkpoint) = (arguments.keys.as_deref(), arguments.checkpoint.as_deref());
    match restore(&settings, &arguments.from, keys, checkpoint) {
        Ok(verdict) => {
            print_verdict(&verdict);
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn print_verdict(verdict: &Verdict) {
    println!("audit log: sound, {} records, root {}", verdict.size, verdict.root);
    println!("{}", verdict.truncation);
}
