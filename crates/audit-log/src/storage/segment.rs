//! Segments of an audit log: the list of them, and the one that is written.
//!
//! A segment appears under its name only when its first record is durable. So no reader ever finds
//! an unfinished one.

use std::io;

use super::disk::{Disk, DiskFile, put_in_place};
use super::file_names::{PROBE, draft_of, is_draft};
use super::write_failure::WriteFailure;
use crate::format::record::SegmentBegun;
use crate::format::segment_name::SegmentName;

/// Bytes that the disk must take before it is trusted again: far more than the slack of a last
/// block.
const PROBE_BYTES: usize = 256 * 1024;

/// Maximum number of zeros that are written ahead of the records, in bytes.
pub(crate) const MAX_PREALLOCATION_BYTES: u64 = 1 << 24;

/// Lists the segments of a folder in the order of their records.
pub(crate) fn list(disk: &dyn Disk) -> io::Result<Vec<SegmentName>> {
    let mut names: Vec<_> = disk.names()?.iter().filter_map(|name| SegmentName::parse(name)).collect();
    names.sort_unstable();
    Ok(names)
}

/// The segment that is written.
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    pub(crate) begun: SegmentBegun,
    pub(crate) file: Box<dyn DiskFile>,
    /// End of the records in bytes. Nothing after it counts.
    pub(crate) written: u64,
    /// Length of the file in bytes: zeros up to here were written ahead.
    pub(crate) allocated: u64,
}

impl Segment {
    /// Creates a segment with this first record. After a failure it can be called again and starts
    /// over.
    pub(crate) fn create(
        disk: &dyn Disk,
        name: SegmentName,
        begun: SegmentBegun,
        first_frame: &[u8],
    ) -> io::Result<Self> {
        let file = put_in_place(disk, &name.to_string(), first_frame)?;
        let written = u64::try_from(first_frame.len()).unwrap_or(u64::MAX);
        Ok(Self { name, begun, file, written, allocated: written })
    }

    /// Appends through this handle, which the caller syncs afterwards. After a failure of either,
    /// [`Segment::repair`] must precede the next append.
    ///
    /// If the file must grow, zeros are written ahead up to the next multiple of `preallocate`.
    /// While a batch fits into what was written before, its sync writes data only, and the file
    /// system has no metadata to make durable.
    pub(crate) fn append(&mut self, file: &dyn DiskFile, bytes: &[u8], preallocate: u64) -> io::Result<()> {
        let end = self.written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let allocated = end.checked_next_multiple_of(preallocate).unwrap_or(end);
        if end > self.allocated {
            let zeros = usize::try_from(allocated.saturating_sub(end)).unwrap_or(0);
            file.write_at(&vec![0; zeros], end)?;
            self.allocated = allocated;
        }
        file.write_at(bytes, self.written)?;
        self.written = end;
        Ok(())
    }

    /// Truncates the zeros that were written ahead, durably.
    pub(crate) fn trim(&mut self) -> io::Result<()> {
        if self.allocated > self.written {
            self.file.truncate(self.written)?;
            self.file.sync()?;
            self.allocated = self.written;
        }
        Ok(())
    }

    /// Truncates everything after the durable records, durably.
    ///
    /// The file is opened again, because a file system that came back may not know the old handle.
    /// After a failed sync Linux counts pages as clean that are not on the disk: nothing of that
    /// batch may be kept.
    pub(crate) fn repair(&mut self, disk: &dyn Disk, durable: u64) -> Result<(), WriteFailure> {
        let file = disk.open(&self.name.to_string())?;
        if file.length()? < durable {
            return Err(WriteFailure::Truncated);
        }
        file.truncate(durable)?;
        file.sync()?;
        self.file = file;
        (self.written, self.allocated) = (durable, durable);
        Ok(())
    }
}

/// Checks whether the disk takes data again.
pub(crate) fn probe_space(disk: &dyn Disk) -> io::Result<()> {
    let draft = draft_of(PROBE);
    let file = disk.create(&draft)?;
    let written = file.write_at(&vec![0; PROBE_BYTES], 0).and_then(|()| file.sync());
    disk.remove(&draft)?;
    written
}

/// Removes drafts that a crash may have left beside the segments.
pub(crate) fn remove_drafts(disk: &dyn Disk) -> io::Result<()> {
    let names = disk.names()?;
    // A search at this moment may lose the draft of its index. It reads the segment instead.
    names.iter().filter(|name| is_draft(name)).try_for_each(|name| disk.remove(name))
}
