//! The verification report: a small file with the result of the last verification of the audit log.
//! `audit verify` writes it, the admin page and the metrics show it. It proves nothing, and nothing
//! depends on it.

use std::fs;
use std::path::Path;

use durable_file::ReplaceError;

use crate::admin::Verification;
use ehealth_core::model::Timestamp;

/// Reads the report; `None` if the file is missing or cannot be parsed.
pub(super) fn read(file: &Path) -> Option<Verification> {
    parse(&fs::read_to_string(file).ok()?)
}

/// Parses a report.
pub(super) fn parse(text: &str) -> Option<Verification> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Some(Verification {
        at: Timestamp::parse(field("at")?).ok()?,
        records: field("records")?.parse().ok()?,
        is_sound: field("sound")? == "yes",
    })
}

/// Writes the report in place of the previous one.
///
/// # Errors
/// [`ReplaceError`]: names the file and the step that failed.
pub fn leave_verification(file: &Path, found: &Verification) -> Result<(), ReplaceError> {
    let Verification { at, records, is_sound } = found;
    let text = format!("at {at}\nrecords {records}\nsound {}\n", if *is_sound { "yes" } else { "no" });
    // Others may read it, as far as the umask allows: the service that shows it may run as another
    // user.
    durable_file::replace(file, text.as_bytes(), 0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_report_is_read_and_an_invalid_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("verification-report");
        assert_eq!(read(&file), None);
        for is_sound in [true, false] {
            let found = Verification { at: Timestamp::from_millis(1_000), records: 7, is_sound };
            leave_verification(&file, &found).expect("written");
            assert_eq!(read(&file), Some(found));
        }
        fs::write(&file, "at noon\nrecords 7\nsound yes\n").expect("written");
        assert_eq!(read(&file), None);
    }
}
