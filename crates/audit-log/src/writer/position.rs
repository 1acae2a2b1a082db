//! The end of the log: what the writer continues from and what a checkpoint signs.

use ehealth_core::model::{DatasetStates, Timestamp};

use super::read_back::FrameAt;
use crate::format::tree::Frontier;

/// The end of the log at some moment, present or future.
#[derive(Debug, Clone)]
pub(crate) struct LogPosition {
    /// Tree of all records.
    pub(crate) tree: Frontier,
    /// End of the records in the segment, in bytes.
    pub(crate) bytes: u64,
    /// Dataset states that the newest exchange had read.
    pub(crate) datasets: DatasetStates,
    /// When the newest record was written.
    pub(crate) made: Timestamp,
    /// Where it lies.
    pub(crate) last: Option<FrameAt>,
}
