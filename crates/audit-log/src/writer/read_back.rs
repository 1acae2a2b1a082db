//! Reads back the last record under each checkpoint, from its file, by name.
//!
//! A writer that only appends never sees that another program truncated, replaced or removed what it
//! wrote before. So the last record of the previous checkpoint and the last record of the new one
//! are read at each checkpoint, and the last record of the newest checkpoint while nothing is
//! written. What is found once stays reported until the next start: the newest records hide it.

use std::io;

use ehealth_core::model::Digest;

use crate::format::damage::{Damage, DamageKind};
use crate::format::frame::{FrameError, Frames};
use crate::format::segment_name::SegmentName;
use crate::storage::disk::{Disk, ReadFrom};

/// Position of a record, and its leaf hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameAt {
    pub(crate) segment: SegmentName,
    /// Offset of its frame in bytes.
    pub(crate) offset: u64,
    pub(crate) leaf: Digest,
}

/// What was read back last.
#[derive(Debug, Default)]
pub(crate) struct ReadBack {
    last: Option<FrameAt>,
    damage: Option<Damage>,
}

impl ReadBack {
    /// Starts with the last record that was found when the log was opened.
    pub(crate) fn new(last: Option<FrameAt>) -> Self {
        Self { last, damage: None }
    }

    /// The first damage that was found.
    pub(crate) fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// Reads the last record again, and then the newest one; returns damage that was not known.
    ///
    /// # Errors
    /// The error of the system. The next check reads the same record.
    pub(crate) fn check(&mut self, disk: &dyn Disk, newest: Option<FrameAt>) -> io::Result<Option<Damage>> {
        if self.damage.is_some() {
            return Ok(None);
        }
        let newest = newest.filter(|newest| Some(*newest) != self.last);
        for frame in [self.last, newest].into_iter().flatten() {
            self.damage = compare(disk, &frame)?;
            if self.damage.is_some() {
                return Ok(self.damage);
            }
            self.last = Some(frame);
        }
        Ok(None)
    }
}

fn compare(disk: &dyn Disk, frame: &FrameAt) -> io::Result<Option<Damage>> {
    let damage = |kind| Ok(Some(Damage { segment: frame.segment, offset: frame.offset, kind }));
    let file = match disk.open(&frame.segment.to_string()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return damage(DamageKind::Removed),
        Err(error) => return Err(error),
    };
    match Frames::new(ReadFrom { file, offset: frame.offset }).next_frame()? {
        Some(Ok(framed)) if framed.leaf == frame.leaf => Ok(None),
        Some(Ok(_)) => damage(DamageKind::Replaced),
        Some(Err(error)) => damage(error.into()),
        None => damage(FrameError::Incomplete.into()),
    }
}
