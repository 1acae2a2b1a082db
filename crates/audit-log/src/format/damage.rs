//! Damage of a segment: where it is and what is wrong.

use super::decode::RecordError;
use super::frame::FrameError;
use super::segment_name::SegmentName;

/// Position and kind of damage in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("segment {segment}, byte {offset}: {kind}")]
pub struct Damage {
    /// The damaged segment.
    pub segment: SegmentName,
    /// Offset in bytes. Everything in the segment before it is sound.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// Kind of damage in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DamageKind {
    /// The frame is not sound.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The frame is sound, but its record cannot be decoded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The record is sound, but in the wrong place.
    #[error("record {found} where record {expected} was expected")]
    Sequence {
        /// Sequence that was expected here.
        expected: u64,
        /// Sequence that was found.
        found: u64,
    },
    /// The first record is not the segment-begun record of this file name, or a later record is of
    /// that kind.
    #[error("the segment-begun record does not match the file name")]
    SegmentStart,
    /// The record is sound, but not the one that was written here.
    #[error("another record was put here")]
    Replaced,
    /// The file is gone.
    #[error("the file is missing")]
    Removed,
}
