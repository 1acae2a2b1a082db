//! Names of the files beside the segments (docs/reference/audit-log-format.md "Files").

/// Locked by the process that writes.
pub(crate) const LOCK: &str = "lock";
/// The newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Draft of the checkpoint, before it is renamed.
pub(crate) const CHECKPOINT_DRAFT: &str = "checkpoint.tmp";
/// Name of the file in the audit log's folder that stops pruning while it exists.
pub const LEGAL_HOLD: &str = "legal-hold";
/// Draft of a segment, before it is renamed.
pub(crate) const DRAFT: &str = "segment.tmp";
/// Written and removed to find out whether the disk takes data again.
pub(crate) const PROBE: &str = "probe.tmp";
