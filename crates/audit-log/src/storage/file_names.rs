//! Names of the files that lie beside the segments.

/// The name of the file whose lock says that somebody writes.
pub(crate) const LOCK: &str = "lock";
/// The file of the newest checkpoint, in the trail's folder.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Under this name it is made.
pub(crate) const CHECKPOINT_DRAFT: &str = "checkpoint.tmp";
/// The file that stops every pruning as long as it is there.
pub const LEGAL_HOLD: &str = "legal-hold";
/// Under this name a segment is made before it has its own.
pub(crate) const DRAFT: &str = "segment.tmp";
/// The file that shows whether there is space again.
pub(crate) const PROBE: &str = "probe.tmp";
