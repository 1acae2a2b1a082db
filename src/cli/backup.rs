//! `backup` and `restore`: a copy of datasets and trail while the service answers, and the way back.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, SettingsFile, fail};
use crate::app::{KeysToo, back_up, restore};
use audit_verify::Verdict;
use ehealth_core::model::Dataset;

/// What is copied, and where to.
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// The folder of the backup, which is made
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Copy the keys of the trail too: such a backup alone is enough to read everything
    #[arg(long)]
    pub with_keys: bool,
}

/// What is put back, and against what it is judged.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The settings: where it is put
    #[command(flatten)]
    pub settings: SettingsFile,
    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The folder of the keys, if they are not in their place: they are put there
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: a backup that lacks what it signs is refused
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
}

/// Copies.
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
            tell(&backed_up.verdict);
            if keys == KeysToo::No {
                println!(
                    "The keys of the trail are not in it: {} needs a backup of its own.",
                    settings.audit_log.keys.display()
                );
            }
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// Puts back.
pub(super) fn run_restore(arguments: &RestoreArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let (keys, checkpoint) = (arguments.keys.as_deref(), arguments.checkpoint.as_deref());
    match restore(&settings, &arguments.from, keys, checkpoint) {
        Ok(verdict) => {
            tell(&verdict);
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn tell(verdict: &Verdict) {
    println!("trail: sound, {} records, root {}", verdict.size, verdict.root);
    println!("{}", verdict.truncation);
}
