//! The segments of a trail: their names, and the one that is being written.
//!
//! A segment appears under its name only when its first record is durable; no half-made one is ever found.

use std::io;

use super::disk::{Disk, DiskFile};
use super::file_names::{CHECKPOINT_DRAFT, DRAFT, PROBE};
use super::write_failure::WriteFailure;
use crate::format::record::SegmentBegun;
use crate::format::segment_name::SegmentName;

/// What must fit the disk before it is trusted again: far more than the slack of a last block.
const PROBE_BYTES: usize = 256 * 1024;

/// The most zeros that are ever written ahead.
pub(crate) const MAX_AHEAD_BYTES: u64 = 1 << 24;

/// The segments of a folder in the order of their records.
pub(crate) fn list(disk: &dyn Disk) -> io::Result<Vec<SegmentName>> {
    let mut names: Vec<_> = disk.names()?.iter().filter_map(|name| SegmentName::parse(name)).collect();
    names.sort_unstable();
    Ok(names)
}

/// The segment that is being written.
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    pub(crate) begun: SegmentBegun,
    pub(crate) file: Box<dyn DiskFile>,
    /// So many bytes are records; nothing behind them counts.
    pub(crate) written: u64,
    /// The length of the file: zeros up to here were written ahead.
    pub(crate) ready: u64,
}

impl Segment {
    /// Makes a segment of which these bytes are the first record. Done anew after a failure, it starts over.
    pub(crate) fn create(
        disk: &dyn Disk,
        name: SegmentName,
        begun: SegmentBegun,
        first_frame: &[u8],
    ) -> io::Result<Self> {
        let file = disk.create(DRAFT)?;
        file.write_at(first_frame, 0)?;
        file.sync()?;
        disk.rename(DRAFT, &name.to_string())?;
        disk.sync_names()?;
        let written = u64::try_from(first_frame.len()).unwrap_or(u64::MAX);
        Ok(Self { name, begun, file, written, ready: written })
    }

    /// Appends through this handle, which is to be synced then. After a failure of either, [`Segment::repair`] must come
    /// before the next append.
    ///
    /// Where the file must grow, zeros are written ahead up to the next multiple of `ahead`: as long as a batch lies
    /// within what was written before, its sync writes data alone, and the file system has nothing of its own to make
    /// durable.
    pub(crate) fn append(&mut self, file: &dyn DiskFile, bytes: &[u8], ahead: u64) -> io::Result<()> {
        let end = self.written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let ready = end.checked_next_multiple_of(ahead).unwrap_or(end);
        if end > self.ready {
            let zeros = usize::try_from(ready.saturating_sub(end)).unwrap_or(0);
            file.write_at(&vec![0; zeros], end)?;
            self.ready = ready;
        }
        file.write_at(bytes, self.written)?;
        self.written = end;
        Ok(())
    }

    /// Cuts off, durably, the zeros that were written ahead.
    pub(crate) fn trim(&mut self) -> io::Result<()> {
        if self.ready > self.written {
            self.file.truncate(self.written)?;
            self.file.sync()?;
            self.ready = self.written;
        }
        Ok(())
    }

    /// Cuts off, durably, everything behind what is durable.
    ///
    /// The file is opened anew, because a file system that came back may not know the old handle. After a failed sync
    /// the pages count as clean though they are not on the disk (Linux): nothing of that batch may be kept.
    pub(crate) fn repair(&mut self, disk: &dyn Disk, durable: u64) -> Result<(), WriteFailure> {
        let file = disk.open(&self.name.to_string())?;
        if file.length()? < durable {
            return Err(WriteFailure::Truncated);
        }
        file.truncate(durable)?;
        file.sync()?;
        self.file = file;
        (self.written, self.ready) = (durable, durable);
        Ok(())
    }
}

/// Whether the disk takes data again.
pub(crate) fn probe_space(disk: &dyn Disk) -> io::Result<()> {
    let file = disk.create(PROBE)?;
    let written = file.write_at(&vec![0; PROBE_BYTES], 0).and_then(|()| file.sync());
    disk.remove(PROBE)?;
    written
}

/// Removes what a crash may have left beside the segments.
pub(crate) fn remove_drafts(disk: &dyn Disk) -> io::Result<()> {
    let names = disk.names()?;
    // Somebody who searches at this moment may lose the draft of an index, and reads the segment instead.
    let is_draft = |name: &str| {
        [DRAFT, PROBE, CHECKPOINT_DRAFT].contains(&name) || (name.contains(".idx.") && name.ends_with(".tmp"))
    };
    names.iter().filter(|name| is_draft(name)).try_for_each(|name| disk.remove(name))
}
