//! Names of the files beside the segments (docs/reference/audit-log-format.md "Files").

use std::ffi::OsStr;

/// Locked by the process that writes.
pub(crate) const LOCK: &str = "lock";
/// The newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Name of the file in the audit log's folder that stops pruning while it exists.
pub const LEGAL_HOLD: &str = "legal-hold";
/// Written and removed to find out whether the disk takes data again. Only its drafts exist.
pub(crate) const PROBE: &str = "probe";
/// Drafts of version 0.1, which had fixed names.
const OLD_DRAFTS: [&str; 3] = ["checkpoint.tmp", "segment.tmp", "probe.tmp"];

/// Random name for a draft of a file. No other process can guess it.
pub(crate) fn draft_of(name: &str) -> String {
    durable_file::draft_name(OsStr::new(name)).to_string_lossy().into_owned()
}

/// Whether a file is a draft, which a crash may have left.
pub(crate) fn is_draft(name: &str) -> bool {
    let is_old = OLD_DRAFTS.contains(&name) || (name.contains(".idx.") && name.ends_with(".tmp"));
    is_old || durable_file::draft_target(OsStr::new(name)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_recognised_by_their_names() {
        for name in [CHECKPOINT, PROBE, "000000000000-2026-11.seg"] {
            assert!(is_draft(&draft_of(name)) && !is_draft(name), "{name}");
            assert_ne!(draft_of(name), draft_of(name));
        }
        assert!(OLD_DRAFTS.into_iter().chain(["000000000000-2026-11.idx.77.tmp"]).all(is_draft));
        assert!(!is_draft(LOCK) && !is_draft(LEGAL_HOLD));
    }
}
