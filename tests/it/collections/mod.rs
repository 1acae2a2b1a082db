//! The SoapUI project and the Bruno collection in `examples/`: written from the catalogue, and in step
//! with it.
//!
//! `UPDATE_GOLDENS=1 cargo test --test it collections::` writes both. Without the variable the files are
//! compared. Each case sends the stored request of `fixtures/requests/catalogue` and checks the HTTP
//! status, the code and the organisations that the answer discloses.
//!
//! `BRUNO=1 cargo test --test it collections::` also runs the Bruno collection with Bruno's own command
//! line (npm `@usebruno/cli`) against the simulator. SoapUI's runner is not on Maven Central: its
//! project is checked against our schemas, and its assertions against the stored answers.

mod bruno;
mod cases;
mod run_bruno;
mod soapui;
mod soapui_checks;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::environment::is_set;
use crate::support::python::project;
use cases::cases;

/// Files of a collection by their path below its folder.
type Files = BTreeMap<PathBuf, String>;

/// Writes or compares every file of a collection; no other file may be in its folder.
fn hold(folder: &Path, files: &Files) {
    for (name, made) in files {
        let path = folder.join(name);
        if is_set("UPDATE_GOLDENS") {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, made).expect("written");
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        let path = path.display();
        assert!(
            stored == *made,
            "{path}: UPDATE_GOLDENS=1 cargo test --test it collections:: writes it; made:\n{made}"
        );
    }
    for path in files_under(folder) {
        let name = path.strip_prefix(folder).expect("below the folder");
        assert!(files.contains_key(name), "{}: no case makes this file; remove it", path.display());
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

#[test]
fn the_bruno_collection_is_that_of_the_catalogue() {
    hold(&project().join("examples/bruno"), &bruno::files(&cases()));
}

#[test]
fn the_soapui_project_is_that_of_the_catalogue() {
    let files = Files::from([(PathBuf::from(soapui::FILE), soapui::project(&cases()))]);
    hold(&project().join("examples/soapui"), &files);
}
