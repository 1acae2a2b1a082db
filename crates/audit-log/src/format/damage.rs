//! Where and how a segment is damaged.

use super::decode::RecordError;
use super::frame::FrameError;
use super::segment_name::SegmentName;

/// Where a trail is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("segment {segment}, byte {offset}: {kind}")]
pub struct Damage {
    /// In which segment.
    pub segment: SegmentName,
    /// Everything in it before this byte is sound.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// What is wrong with a place in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DamageKind {
    /// No sound frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame whose record cannot be understood.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A sound record in the wrong place.
    #[error("record {found} where {expected} should be")]
    Sequence {
        /// Which record should be here.
        expected: u64,
        /// Which one is.
        found: u64,
    },
    /// The segment does not begin with the record of its beginning, or one lies in its middle.
    #[error("the segment's beginning does not fit its name")]
    SegmentStart,
}
