//! KSZ's own contract files, with which tests compare ours. They are not part of this project: tests
//! read them where they are at hand.

use std::path::PathBuf;

use super::environment::say;
use super::python::project;

/// Folder of KSZ's files, beside the project. Without it, reports that a test is skipped; that is no
/// error where `CI` is set either, because they are not ours to put there.
pub fn folder() -> Option<PathBuf> {
    let folder = project().join("../shared/ksz");
    let found = folder.join("TestConnectionService.wsdl").is_file().then_some(folder);
    if found.is_none() {
        say("*** SKIPPED: KSZ's contract files are not in ../shared/ksz");
    }
    found
}
