//! The result of the last reload that SIGHUP requested, in a file of the data folder: the command
//! `reload` reads it, so that `systemctl reload` fails if the reload was rejected.
//!
//! The packaged service has a network namespace of its own, so the command cannot ask the admin
//! listener.

use std::fs;
use std::path::{Path, PathBuf};

use durable_file::ReplaceError;

use crate::admin::ReloadReport;

/// The file in the data folder.
#[must_use]
pub fn file_in(data: &Path) -> PathBuf {
    data.join("reload-status")
}

/// Result of a reload of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadStatus {
    /// The file as it was written: each reload writes another text.
    text: String,
    /// Process that reloaded.
    pub pid: u32,
    /// Every error, if the reload was rejected.
    pub errors: Option<String>,
}

/// Writes the result in place of the previous one. `hangups` counts the reloads of the process.
///
/// # Errors
/// [`ReplaceError`]: names the file and the step that failed.
pub(super) fn write(file: &Path, hangups: u64, reload: &ReloadReport) -> Result<(), ReplaceError> {
    let (pid, accepted) = (std::process::id(), if reload.errors.is_none() { "yes" } else { "no" });
    let errors = reload.errors.as_deref().unwrap_or_default();
    let text = format!("pid {pid}\nreload {hangups} at {}\naccepted {accepted}\n{errors}", reload.at);
    durable_file::replace(file, text.as_bytes(), 0o600)
}

/// Reads the result; `None` if the file is missing or cannot be parsed.
#[must_use]
pub fn read(file: &Path) -> Option<ReloadStatus> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.splitn(4, '\n');
    let pid = lines.next()?.strip_prefix("pid ")?.parse().ok()?;
    lines.next()?.strip_prefix("reload ")?;
    let errors = match lines.next()? {
        "accepted yes" => None,
        "accepted no" => Some(lines.next()?.to_owned()),
        _ => return None,
    };
    Some(ReloadStatus { text, pid, errors })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ehealth_core::model::Timestamp;

    #[test]
    fn a_written_result_is_read_and_each_reload_writes_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(folder.path());
        assert_eq!(read(&file), None);
        let mut reload = ReloadReport { at: Timestamp::from_millis(1_000), errors: None };
        write(&file, 1, &reload).expect("written");
        let first = read(&file).expect("readable");
        assert_eq!((first.pid, &first.errors), (std::process::id(), &None));
        write(&file, 2, &reload).expect("written");
        assert_ne!(read(&file).as_ref(), Some(&first));
        reload.errors = Some("policy.toml:3: a\nserver.pem: b".to_owned());
        write(&file, 3, &reload).expect("written");
        assert_eq!(read(&file).and_then(|status| status.errors), reload.errors);
        fs::write(&file, "pid 1\nnonsense").expect("written");
        assert_eq!(read(&file), None);
    }
}
