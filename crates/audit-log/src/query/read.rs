//! Reads an audit log from its first record to its last, also while another process writes it.
//!
//! Every record that is returned has its hash, follows the one before without a gap, and lies in
//! the segment that it names. The files alone cannot show that records were removed at the end, or
//! that all of them were replaced.

use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::vec;

use crate::format::damage::{Damage, DamageKind};
use crate::format::decode::{self, RecordError};
use ehealth_core::model::Date;

use crate::format::frame::{FrameError, Framed, Frames};
use crate::format::month::Month;
use crate::format::record::{Event, Record};
use crate::format::segment_name::SegmentName;
use crate::format::tree::leaf_hash;
use crate::storage::disk::{Disk, DiskFile, Folder, ReadFrom};
use crate::storage::segment;
use crate::storage::tail::torn_bytes;

/// Reason why an audit log cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReadError {
    /// The disk or the file system failed.
    #[error("the audit log cannot be read: {0}")]
    Io(io::ErrorKind),
    /// A segment is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

type Source = BufReader<ReadFrom<Box<dyn DiskFile>>>;

/// Decodes a record from its bytes, for example the leaf data of a proof.
///
/// # Errors
/// [`RecordError`].
pub fn parse_record(bytes: &[u8]) -> Result<Record, RecordError> {
    decode::record(Framed { record: bytes, leaf: leaf_hash(bytes) })
}

/// Iterates over the records of an audit log, in order. It ends after an error.
pub struct Records {
    disk: Arc<dyn Disk>,
    segments: vec::IntoIter<SegmentName>,
    open: Option<(SegmentName, Frames<Source>)>,
    /// The segment that may still be written.
    newest: Option<SegmentName>,
    /// Sequence of the next record; `None` before the first one.
    next: Option<u64>,
}

impl Records {
    /// Opens the audit log in this folder.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        Self::open_on(Arc::new(Folder::open(folder)?))
    }

    /// Opens the audit log on this disk.
    ///
    /// # Errors
    /// [`ReadError::Io`] if its names cannot be read.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, ReadError> {
        let segments = segment::list(&*disk)?;
        let newest = segments.last().copied();
        Ok(Self::of_segments(disk, segments, newest))
    }

    /// Opens the months of the audit log in this folder from that of this day on.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder cannot be read.
    pub fn since(folder: &Path, day: Date) -> Result<Self, ReadError> {
        let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
        let segments = segment::list(&*disk)?;
        let newest = segments.last().copied();
        let month = Month::of_day(day);
        let segments = segments.into_iter().filter(|segment| segment.month >= month).collect();
        Ok(Self::of_segments(disk, segments, newest))
    }

    /// Opens these segments, which must follow each other.
    pub(crate) fn of_segments(disk: Arc<dyn Disk>, names: Vec<SegmentName>, newest: Option<SegmentName>) -> Self {
        Self { disk, segments: names.into_iter(), open: None, newest, next: None }
    }

    fn read(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let Some((name, frames)) = &mut self.open else {
                let Some(name) = self.segments.next() else { return Ok(None) };
                let file = self.disk.open(&name.to_string())?;
                let source = BufReader::with_capacity(1 << 18, ReadFrom { file, offset: 0 });
                self.open = Some((name, Frames::new(source)));
                continue;
            };
            let (name, offset) = (*name, frames.offset());
            let kind = match frames.next_frame()? {
                Some(Ok(framed)) => match decode::record(framed).map_err(DamageKind::Record) {
                    Ok(record) => match check_position(&record, name, offset, self.next) {
                        Ok(()) => {
                            self.next = record.header.sequence.checked_add(1);
                            return Ok(Some(record));
                        }
                        Err(kind) => kind,
                    },
                    Err(kind) => kind,
                },
                Some(Err(error)) => DamageKind::Frame(error),
                // A writer never leaves a segment without a record.
                None if offset == 0 => DamageKind::Frame(FrameError::Incomplete),
                None => {
                    self.open = None;
                    continue;
                }
            };
            return if self.is_unfinished(name, offset)? {
                Ok(None)
            } else {
                Err(Damage { segment: name, offset, kind }.into())
            };
        }
    }

    /// Whether this is the end of the last segment, where a writer may be at work or a crash may
    /// have torn a record.
    fn is_unfinished(&self, name: SegmentName, offset: u64) -> io::Result<bool> {
        if offset == 0 || self.newest != Some(name) {
            return Ok(false);
        }
        let file = self.disk.open(&name.to_string())?;
        Ok(torn_bytes(&*file, offset, self.next.unwrap_or(name.first))?.is_some())
    }
}

fn check_position(record: &Record, name: SegmentName, offset: u64, next: Option<u64>) -> Result<(), DamageKind> {
    let begins = match &record.event {
        Event::SegmentBegun(begun) => {
            offset == 0 && SegmentName { first: record.header.sequence, month: begun.month } == name
        }
        Event::Exchange(_) | Event::Interruption(_) | Event::Pruning(_) | Event::Suppressed(_) | Event::Vouched(_) => {
            offset != 0
        }
    };
    if !begins {
        return Err(DamageKind::SegmentStart);
    }
    match next {
        Some(expected) if expected != record.header.sequence => {
            Err(DamageKind::Sequence { expected, found: record.header.sequence })
        }
        _ => Ok(()),
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if !matches!(read, Ok(Some(_))) {
            self.segments = Vec::new().into_iter();
            self.open = None;
        }
        read.transpose()
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("segments", &self.segments).field("next", &self.next).finish_non_exhaustive()
    }
}
