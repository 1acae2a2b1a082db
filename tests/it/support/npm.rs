//! Packages from npm, in exact versions, installed once into `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs packages (`NAME@VERSION`) into a folder of `target/`; returns its `node_modules`. Two
/// processes wait for each other. Scripts of packages do not run.
///
/// # Errors
/// What is missing, or what npm printed.
pub fn install(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("npm").join(name);
    let (marker, wanted) = (home.join("installed"), packages.join("\n"));
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    // The lock ends with the process, even if it is killed. An incomplete folder lacks the marker.
    let lock = home.join("lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = locked.map_err(|error| format!("{}: {error}", lock.display()))?;
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(home.join("node_modules"));
    }
    let _ = fs::remove_file(&marker);
    let output = Command::new("npm")
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&home)
        .args(packages)
        .output()
        .map_err(|error| format!("npm: {error}"))?;
    if !output.status.success() {
        return Err(format!("npm: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    fs::write(&marker, wanted).map_err(|error| format!("{}: {error}", marker.display()))?;
    Ok(home.join("node_modules"))
}
