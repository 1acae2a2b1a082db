//! `restore`: verifies a backup and puts it in place, or rehearses that.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::backup::print_verdict;
use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use super::writer_user::check_writer;
use crate::app::{Rehearsal, RestoredDataset, rehearse, restore};
use crate::config::Settings;

const HELP: &str = "\
Examples:
  ehealth-attributes restore --from /srv/backup/2026-01-15 --checkpoint /srv/checkpoint
  ehealth-attributes restore --rehearse /srv/rehearsal --from /srv/backup/2026-01-15 --keys /srv/keys

The service must be stopped, and the folders of the datasets and the audit log must be empty. With
--rehearse nothing has to be stopped: the backup is restored into the named folder, opened as the
service does, and every month's key is tried; then the folder is removed. Give the keys that you keep
elsewhere: without --keys the rehearsal uses those of this machine, and does not show that you have
them.

Exit codes:
  0  verified and put in place, or rehearsed
  1  failed; the message gives the reason
  3  the settings have errors";

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
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
    /// Rehearse: restore into this new folder, open it, and remove it
    #[arg(long, value_name = "DIR")]
    pub rehearse: Option<PathBuf>,
    /// Print the rehearsal as one JSON object
    #[arg(long, requires = "rehearse")]
    pub json: bool,
}

/// Restores a backup, or rehearses that.
pub(super) fn run(arguments: &RestoreArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    match &arguments.rehearse {
        Some(scratch) => run_rehearsal(arguments, &settings, scratch),
        None => run_restore(arguments, &settings),
    }
}

fn run_restore(arguments: &RestoreArguments, settings: &Settings) -> Exit {
    if let Err(message) = check_writer(&[&settings.audit_log.folder, &settings.audit_log.keys]) {
        return fail(Exit::Failed, &message);
    }
    match restore(settings, &arguments.from, arguments.keys.as_deref(), arguments.checkpoint.as_deref()) {
        Ok(verdict) => {
            print_verdict(&verdict);
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn run_rehearsal(arguments: &RestoreArguments, settings: &Settings, scratch: &Path) -> Exit {
    let (keys, checkpoint) = (arguments.keys.as_deref(), arguments.checkpoint.as_deref());
    let rehearsal = match rehearse(settings, &arguments.from, keys, checkpoint, scratch) {
        Ok(rehearsal) => rehearsal,
        Err(error) => return fail(Exit::Failed, &error),
    };
    if arguments.json {
        println!("{:#}", as_json(&rehearsal, keys.is_some()));
    } else {
        print(&rehearsal, keys.is_some());
    }
    if rehearsal.succeeded() { Exit::Done } else { Exit::Failed }
}

fn print(rehearsal: &Rehearsal, has_own_keys: bool) {
    print_verdict(&rehearsal.verdict);
    for RestoredDataset { dataset, state } in &rehearsal.datasets {
        match state {
            Some((created, records)) => println!("dataset {}: {records} records of {created}", dataset.code()),
            None => println!("dataset {}: never loaded", dataset.code()),
        }
    }
    for (month, problem) in &rehearsal.months {
        match problem {
            None => println!("month {month}: its key decrypts the details"),
            Some(reason) => println!("PROBLEM: month {month}: its details cannot be read: {reason}"),
        }
    }
    let megabytes = rehearsal.bytes.div_ceil(1_000_000);
    let (restored, opened) = (rehearsal.restored.as_millis(), rehearsal.opened.as_millis());
    println!("{megabytes} MB verified and copied in {restored} ms, opened in {opened} ms");
    match rehearsal.since_backup {
        Some(records) => println!("{records} records were signed after this backup; they are not in it"),
        None => println!("this machine has no running audit log to compare with"),
    }
    if !has_own_keys {
        println!("warning: the keys of this machine were used; rehearse with --keys to show that you have a copy");
    }
    let verdict = if rehearsal.succeeded() { "The backup can be restored." } else { "The backup is not complete." };
    println!("{verdict}");
}

fn as_json(rehearsal: &Rehearsal, has_own_keys: bool) -> Value {
    let datasets = rehearsal.datasets.iter().map(|RestoredDataset { dataset, state }| {
        let (created, records) = (state.map(|(created, _)| created.to_string()), state.map(|(_, records)| records));
        json!({ "dataset": dataset.code(), "created": created, "records": records })
    });
    let months = rehearsal.months.iter().map(|(month, problem)| json!({ "month": month, "problem": problem }));
    json!({
        "succeeded": rehearsal.succeeded(),
        "records": rehearsal.verdict.size,
        "root": rehearsal.verdict.root.to_string(),
        "datasets": datasets.collect::<Vec<_>>(),
        "months": months.collect::<Vec<_>>(),
        "keysFromElsewhere": has_own_keys,
        "bytes": rehearsal.bytes,
        "restoreMilliseconds": u64::try_from(rehearsal.restored.as_millis()).unwrap_or(u64::MAX),
        "openMilliseconds": u64::try_from(rehearsal.opened.as_millis()).unwrap_or(u64::MAX),
        "recordsSinceBackup": rehearsal.since_backup,
    })
}
