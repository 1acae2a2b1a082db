//! KSZ's own contract files, with which tests compare ours. They are not part of this project: tests
//! read them where they are at hand.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::environment::say;
use super::python::{self, Python, project};

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

/// As [`python::validate_envelopes`], and with KSZ's own CommonV3.xsd in place of ours, where it is at hand.
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn validate_envelopes(folder: &Path) -> Result<(), String> {
    /// Answers of this run that were valid.
    static VALID: AtomicUsize = AtomicUsize::new(0);
    python::validate_envelopes(folder)?;
    let (Some(ksz), Some(python)) = (self::folder(), Python::find()) else { return Ok(()) };
    let count = python.run("check_common.py", [ksz.join("CommonV3.xsd"), folder.to_owned(), "--messages".into()])?;
    let count: usize = count.trim().parse().map_err(|_| format!("not a number: {count}"))?;
    let total = VALID.fetch_add(count, Ordering::Relaxed) + count;
    say(&format!("{total} answers of this run are valid by KSZ's own CommonV3.xsd, too"));
    Ok(())
}
