//! `config units`: the drop-ins that the settings need, shown or written.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::app::installed_units::compare_all;
use crate::app::units::{DropIn, DropInState};
use crate::cli::exit::{Exit, fail};
use crate::cli::settings_file::SettingsFile;

pub(super) const HELP: &str = "\
Examples:
  ehealth-attributes config units
  ehealth-attributes config units --write
  ehealth-attributes config units --dir /srv/units --json

The packaged units permit what the packaged settings need. Other addresses, keys (credential:NAME, in
the folder of the certificate), folders, feeds over HTTPS and a cluster need more. Without --write
nothing is changed. A drop-in that the settings no longer need is removed; a file of this name that
the command did not write is an error. Then run `systemctl daemon-reload`, and restart the units.

Exit codes:
  0  shown, or written
  1  failed
  3  the settings have errors";

/// Arguments of `config units`.
#[derive(Debug, Args)]
pub struct UnitsArguments {
    /// Settings
    #[command(flatten)]
    settings: SettingsFile,
    /// Folder of the drop-ins
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system")]
    dir: PathBuf,
    /// Write the drop-ins
    #[arg(long)]
    write: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command to its end.
pub(super) fn run(arguments: &UnitsArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let credentials = arguments.settings.credentials();
    let found = match compare_all(&settings, &credentials, &arguments.dir) {
        Ok(found) => found,
        Err(error) => return fail(Exit::Failed, &error),
    };
    if arguments.write {
        for (drop_in, state) in &found {
            if let Err(error) = write(drop_in, *state, &arguments.dir) {
                return fail(Exit::Failed, &error);
            }
        }
    }
    if arguments.json {
        println!("{:#}", as_json(&found, arguments));
    } else {
        print(&found, arguments);
    }
    Exit::Done
}

fn write(drop_in: &DropIn, state: DropInState, dir: &Path) -> Result<(), String> {
    let file = dir.join(drop_in.path());
    let failed = |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", file.display());
    match state {
        DropInState::NotNeeded | DropInState::Current => Ok(()),
        DropInState::Obsolete => fs::remove_file(&file).map_err(|error| failed(&error)),
        DropInState::New | DropInState::Changed => {
            let folder = file.parent().unwrap_or(dir);
            fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            durable_file::replace(&file, drop_in.text().as_bytes(), 0o644).map_err(|error| failed(&error))
        }
    }
}

fn print(found: &[(DropIn, DropInState)], arguments: &UnitsArguments) {
    for (drop_in, state) in found {
        println!("{}: {}", arguments.dir.join(drop_in.path()).display(), state.code());
        if !drop_in.lines.is_empty() && !arguments.write {
            println!("{}", drop_in.text());
        }
    }
    let is_current = found.iter().all(|(_, state)| matches!(state, DropInState::NotNeeded | DropInState::Current));
    match (is_current, arguments.write) {
        (true, _) => println!("The units fit the settings."),
        (false, true) => println!("Written. Run `systemctl daemon-reload`, and restart the units."),
        (false, false) => println!("Nothing was changed. Run the command again with --write."),
    }
}

fn as_json(found: &[(DropIn, DropInState)], arguments: &UnitsArguments) -> Value {
    let list = found.iter().map(|(drop_in, state)| {
        json!({
            "unit": drop_in.unit.code(),
            "file": arguments.dir.join(drop_in.path()).display().to_string(),
            "state": state.code(),
            "text": (!drop_in.lines.is_empty()).then(|| drop_in.text()),
        })
    });
    json!({ "written": arguments.write, "dropIns": list.collect::<Vec<_>>() })
}
