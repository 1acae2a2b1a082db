//! `audit rotate-key`: replaces the key that signs checkpoints, after the audit log was verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::inputs::{Failure, failed, keys, writable_audit_log};
use crate::app::SystemClock;
use crate::cli::exit::Exit;
use crate::cli::settings_file::SettingsFile;
use audit_log::{AuditLog, OtherWriter};
use audit_verify::{Verdict, VerifyingKey, verify};
use ehealth_core::model::Clock;

pub(super) const HELP: &str = "\
Examples:
  ehealth-attributes audit rotate-key
  ehealth-attributes audit rotate-key --write --checkpoint /srv/checkpoint \\
      --public-key /etc/ehealth-attributes/audit-log.pub

The service must be stopped. Without --write the audit log is verified and everything that the
rotation needs is checked; nothing is changed. With --write the old and the new key sign a last
checkpoint, the new key replaces the old one, and the log is verified with both. Keep this checkpoint
elsewhere, in place of the one that you kept before. The old public key verifies this checkpoint; the
new one verifies it and all later checkpoints.

Exit codes:
  0  checked, or replaced
  1  failed
  3  the settings have errors";

/// Permission bits of the two files: they are for auditors.
const MODE: u32 = 0o644;

/// Arguments of `audit rotate-key`.
#[derive(Debug, Args)]
pub struct RotateKeyArguments {
    /// Settings
    #[command(flatten)]
    settings: SettingsFile,
    /// Replace the key
    #[arg(long)]
    write: bool,
    /// File for the checkpoint that both keys signed [default: standard output]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// File of the public key, which gets the new one; the old one is kept with the ending .previous
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command to its end.
pub(super) fn run_rotate_key(arguments: &RotateKeyArguments) -> Result<Exit, Failure> {
    let settings = writable_audit_log(&arguments.settings)?;
    let errors = AuditLog::check(&settings, SystemClock.now(), OtherWriter::Refuse);
    if !errors.is_empty() {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        return Err(failed(format_args!("the key cannot be replaced:\n{}", errors.join("\n"))));
    }
    for file in arguments.checkpoint.iter().chain(&arguments.public_key) {
        check_folder_of(file)?;
    }
    let old = keys(&settings)?.verifying_key(&settings.checkpoints.origin).map_err(failed)?;
    let before = verify_with(&settings, &old, None)?;
    if !arguments.write {
        report(arguments, &Rotation { old: &old, new: None, checkpoint: None, records: before.size });
        return Ok(Exit::Done);
    }
    let log = AuditLog::open(&settings, Arc::new(SystemClock)).map_err(failed)?;
    let rotated = log.rotate_checkpoint_key().map_err(failed)?;
    let kept = keep(arguments, &old, &rotated.verifying_key, &rotated.note);
    let rotation = Rotation {
        old: &old,
        new: Some(&rotated.verifying_key),
        checkpoint: Some(&rotated.note),
        records: before.size,
    };
    report(arguments, &rotation);
    kept?;
    // What an auditor will do: the old key and the last checkpoint of it, then the new key.
    let checkpoint = settings.folder.join("checkpoint");
    verify_with(&settings, &old, Some(&checkpoint))?;
    verify_with(&settings, &rotated.verifying_key, Some(&checkpoint))?;
    Ok(Exit::Done)
}

/// Fails before anything is changed, if a file cannot be written afterwards.
fn check_folder_of(file: &Path) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    audit_log::probe_writing(folder).map_err(|error| failed(format_args!("cannot write {}: {error}", file.display())))
}

fn verify_with(settings: &audit_log::Settings, key: &str, checkpoint: Option<&Path>) -> Result<Verdict, Failure> {
    let verdict = verify(&settings.folder, &VerifyingKey::parse(key).map_err(failed)?, checkpoint).map_err(failed)?;
    if verdict.is_sound() { Ok(verdict) } else { Err(failed(format_args!("the audit log is not sound:\n{verdict}"))) }
}

fn keep(arguments: &RotateKeyArguments, old: &str, new: &str, note: &str) -> Result<(), Failure> {
    if let Some(file) = &arguments.checkpoint {
        durable_file::replace(file, note.as_bytes(), MODE).map_err(failed)?;
    }
    if let Some(file) = &arguments.public_key {
        let previous = file.with_added_extension("previous");
        durable_file::replace(&previous, format!("{old}\n").as_bytes(), MODE).map_err(failed)?;
        durable_file::replace(file, format!("{new}\n").as_bytes(), MODE).map_err(failed)?;
    }
    Ok(())
}

struct Rotation<'a> {
    old: &'a str,
    /// `None`: nothing was changed.
    new: Option<&'a str>,
    checkpoint: Option<&'a str>,
    records: u64,
}

fn report(arguments: &RotateKeyArguments, rotation: &Rotation<'_>) {
    let Rotation { old, new, checkpoint, records } = rotation;
    if arguments.json {
        let found = json!({
            "written": new.is_some(), "records": records,
            "previousPublicKey": old, "publicKey": new.unwrap_or(old), "checkpoint": checkpoint,
        });
        println!("{found:#}");
        return;
    }
    eprintln!("audit log: sound, {records} records");
    match (new, checkpoint) {
        (Some(new), Some(note)) => {
            if arguments.checkpoint.is_none() {
                print!("{note}");
            }
            eprintln!("old public key: {old}\nnew public key: {new}");
            eprintln!("Send auditors the new public key and the checkpoint that both keys signed. Start the service.");
        }
        (_, _) => {
            eprintln!("public key: {old}");
            eprintln!("The key can be replaced. Nothing was changed; run the command again with --write.");
        }
    }
}
