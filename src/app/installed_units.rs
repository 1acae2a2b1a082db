//! The drop-ins in the folder of systemd units, compared with those that the settings need.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use text_file::TextError;

use super::units::{DropIn, DropInState, HEADER, Names, derive};
use crate::config::Settings;

/// Folder of the drop-ins that operators make.
pub const UNITS: &str = "/etc/systemd/system";

/// Derives the drop-in of each unit and compares it with the file in `dir`. `credentials` is the folder
/// in which the settings' `credential:NAME` was found.
///
/// # Errors
/// A sentence: the units cannot be derived, or a file of `dir` cannot be read or is not ours.
pub fn compare_all(settings: &Settings, credentials: &Path, dir: &Path) -> Result<Vec<(DropIn, DropInState)>, String> {
    let names = Names { find: &find_addresses, servers: name_servers() };
    let drop_ins = derive(settings, credentials, &names);
    let drop_ins = drop_ins.map_err(|error| error.to_string())?;
    drop_ins.into_iter().map(|drop_in| compare(&drop_in, dir).map(|state| (drop_in, state))).collect()
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
fn compare(drop_in: &DropIn, dir: &Path) -> Result<DropInState, String> {
    let file = dir.join(drop_in.path());
    let is_needed = !drop_in.lines.is_empty();
    match text_file::read(&file) {
        Err(TextError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(if is_needed { DropInState::New } else { DropInState::NotNeeded })
        }
        Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        Ok(text) if !text.starts_with(HEADER) => Err(format!(
            "{} was not written by this command; move its lines to another file of the folder, and remove it",
            file.display()
        )),
        Ok(_) if !is_needed => Ok(DropInState::Obsolete),
        Ok(text) => Ok(if text == drop_in.text() { DropInState::Current } else { DropInState::Changed }),
    }
}
