//! `config units`: the drop-ins that the settings need, shown or written.

use std::fs;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use text_file::TextError;

use crate::app::units::{DropIn, HEADER, Names, derive};
use crate::cli::exit::{Exit, fail};
use crate::cli::settings_file::SettingsFile;
use ehealth_core::closed_enum;

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

closed_enum! {
    /// A drop-in beside the one in the folder. Codes: JSON and text.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum State {
        /// The packaged unit suffices, and there is no drop-in.
        NotNeeded => "not-needed",
        /// The drop-in is missing.
        New => "new",
        /// The drop-in differs.
        Changed => "changed",
        /// The drop-in is the one in the folder.
        Current => "current",
        /// The drop-in in the folder is no longer needed.
        Obsolete => "obsolete",
    }
}

/// Runs the command to its end.
pub(super) fn run(arguments: &UnitsArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let credentials = arguments.settings.credentials();
    let names = Names { find: &find_addresses, servers: name_servers() };
    let drop_ins = match derive(&settings, &credentials, &names) {
        Ok(drop_ins) => drop_ins,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let mut found = Vec::new();
    for drop_in in drop_ins {
        match compare(&drop_in, &arguments.dir) {
            Ok(state) => found.push((drop_in, state)),
            Err(error) => return fail(Exit::Failed, &error),
        }
    }
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

fn find_addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok((host, 443).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// Name servers of this machine; none if its file cannot be read.
fn name_servers() -> Vec<IpAddr> {
    let text = text_file::read(Path::new("/etc/resolv.conf")).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok()).collect()
}

/// Compares with the file in the folder. A file without our first line is not ours.
fn compare(drop_in: &DropIn, dir: &Path) -> Result<State, String> {
    let file = dir.join(drop_in.path());
    let is_needed = !drop_in.lines.is_empty();
    match text_file::read(&file) {
        Err(TextError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(if is_needed { State::New } else { State::NotNeeded })
        }
        Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        Ok(text) if !text.starts_with(HEADER) => Err(format!(
            "{} was not written by this command; move its lines to another file of the folder, and remove it",
            file.display()
        )),
        Ok(_) if !is_needed => Ok(State::Obsolete),
        Ok(text) => Ok(if text == drop_in.text() { State::Current } else { State::Changed }),
    }
}

fn write(drop_in: &DropIn, state: State, dir: &Path) -> Result<(), String> {
    let file = dir.join(drop_in.path());
    let failed = |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", file.display());
    match state {
        State::NotNeeded | State::Current => Ok(()),
        State::Obsolete => fs::remove_file(&file).map_err(|error| failed(&error)),
        State::New | State::Changed => {
            let folder = file.parent().unwrap_or(dir);
            fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            durable_file::replace(&file, drop_in.text().as_bytes(), 0o644).map_err(|error| failed(&error))
        }
    }
}

fn print(found: &[(DropIn, State)], arguments: &UnitsArguments) {
    for (drop_in, state) in found {
        println!("{}: {}", arguments.dir.join(drop_in.path()).display(), state.code());
        if !drop_in.lines.is_empty() && !arguments.write {
            println!("{}", drop_in.text());
        }
    }
    let is_current = found.iter().all(|(_, state)| matches!(state, State::NotNeeded | State::Current));
    match (is_current, arguments.write) {
        (true, _) => println!("The units fit the settings."),
        (false, true) => println!("Written. Run `systemctl daemon-reload`, and restart the units."),
        (false, false) => println!("Nothing was changed. Run the command again with --write."),
    }
}

fn as_json(found: &[(DropIn, State)], arguments: &UnitsArguments) -> Value {
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
