//! Reads an audit log from its first record to its last, also while another process writes it.
//!
//! Every record that is returned has its hash, follows the one before without a gap, and lies in
//! the segment that it names. The files alone cannot show that records were removed at the end, or
//! that all of them were replaced.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::vec;

use crate::format::damage::{Damage, DamageKind};
use crate::format::decode::{self, RecordError};
use ehealth_core::model::Date;

use crate::format::frame::{self, FrameError, Framed, Frames};
use crate::format::month::Month;
use crate::format::record::{Event, Record};
use crate::format::segment_name::SegmentName;
use crate::format::tree::leaf_hash;
use crate::format::view::RecordView;
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

type Source = ReadFrom<Box<dyn DiskFile>>;

/// Decodes a record from its bytes, for example the leaf data of a proof.
///
/// # Errors
/// [`RecordError`].
pub fn parse_record(bytes: &[u8]) -> Result<Record, RecordError> {
    decode::record(Framed { record: bytes, leaf: leaf_hash(bytes) })
}

/// Parses the frame at the start of these bytes; `None` if it is not sound, or its record cannot be decoded.
#[must_use]
pub fn parse_frame(bytes: &[u8]) -> Option<RecordView<'_>> {
    decode::view(frame::split(bytes).ok()?).ok()
}

/// Where a [`Reader`] stands: behind a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    segment: SegmentName,
    /// Offset of the next frame in the segment.
    offset: u64,
    /// Sequence of the next record.
    pub next: u64,
}

/// A segment that is to be read.
#[derive(Debug, Clone, Copy)]
struct Listed {
    name: SegmentName,
    /// Whether it begins where the segment before it in the list ends. Otherwise months lie between them.
    follows: bool,
}

/// Reads the records of an audit log in order, each in the buffer of its file. After the last record it
/// can be asked again.
pub struct Reader {
    disk: Arc<dyn Disk>,
    segments: vec::IntoIter<Listed>,
    open: Option<(SegmentName, Frames<Source>)>,
    /// The segment that may still be written.
    newest: Option<SegmentName>,
    /// Sequence of the next record; `None` before the first one.
    next: Option<u64>,
    position: Option<Position>,
}

impl Reader {
    /// Opens the audit log in this folder, at its first record.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        Self::of_months(folder, None, None)
    }

    /// Opens the months of the audit log in this folder from the first to the last; `None`: all.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder cannot be read.
    pub fn of_months(folder: &Path, first: Option<Month>, last: Option<Month>) -> Result<Self, ReadError> {
        let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
        let names = segment::list(&*disk)?;
        let newest = names.last().copied();
        let (mut listed, mut follows) = (Vec::new(), false);
        for name in names {
            let is_asked = first.is_none_or(|first| name.month >= first) && last.is_none_or(|last| name.month <= last);
            if is_asked {
                listed.push(Listed { name, follows });
            }
            follows = is_asked;
        }
        Ok(Self::of_list(disk, listed, newest))
    }

    /// Opens the audit log in this folder at the segment that has this record. Records before it may come
    /// first.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder cannot be read.
    pub fn near(folder: &Path, sequence: u64) -> Result<Self, ReadError> {
        let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
        let mut segments = segment::list(&*disk)?;
        let newest = segments.last().copied();
        let later = segments.iter().position(|segment| segment.first > sequence).unwrap_or(segments.len());
        segments.drain(..later.saturating_sub(1));
        Ok(Self::of_segments(disk, segments, newest))
    }

    /// Opens the audit log in this folder where another reader stood.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the folder or the segment cannot be read.
    pub fn resume(folder: &Path, position: Position) -> Result<Self, ReadError> {
        let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
        let mut segments = segment::list(&*disk)?;
        let newest = segments.last().copied();
        segments.retain(|segment| segment.first > position.segment.first);
        let file = disk.open(&position.segment.to_string())?;
        let source = ReadFrom { file, offset: position.offset };
        let frames = Frames::at(source, position.offset);
        let reader = Self::of_segments(disk, segments, newest);
        Ok(Self {
            open: Some((position.segment, frames)),
            next: Some(position.next),
            position: Some(position),
            ..reader
        })
    }

    /// Opens these segments, which must follow each other.
    fn of_segments(disk: Arc<dyn Disk>, names: Vec<SegmentName>, newest: Option<SegmentName>) -> Self {
        Self::of_list(disk, names.into_iter().map(|name| Listed { name, follows: true }).collect(), newest)
    }

    fn of_list(disk: Arc<dyn Disk>, segments: Vec<Listed>, newest: Option<SegmentName>) -> Self {
        Self { disk, segments: segments.into_iter(), open: None, newest, next: None, position: None }
    }

    /// Behind the last record that was read; `None` before the first.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Reads the next record and gives it to `take`; `None` at the end, where a writer may be at work.
    ///
    /// # Errors
    /// [`ReadError`]. The next call reads the next segment.
    pub fn read<T>(&mut self, take: impl FnOnce(RecordView<'_>) -> T) -> Result<Option<T>, ReadError> {
        loop {
            let Some((name, frames)) = &mut self.open else {
                let Some(Listed { name, follows }) = self.segments.next() else { return Ok(None) };
                self.next = self.next.filter(|_| follows);
                let file = self.disk.open(&name.to_string())?;
                self.open = Some((name, Frames::new(ReadFrom { file, offset: 0 })));
                continue;
            };
            let (name, offset) = (*name, frames.offset());
            let kind = match frames.next_frame()? {
                Some(Ok(framed)) => {
                    let end = offset.saturating_add(u64::try_from(frame::length(framed.record)).unwrap_or(u64::MAX));
                    match decode::view(framed).map_err(DamageKind::Record) {
                        Ok(record) => match check_position(&record, name, offset, self.next) {
                            Ok(next) => {
                                self.next = Some(next);
                                self.position = Some(Position { segment: name, offset: end, next });
                                return Ok(Some(take(record)));
                            }
                            Err(kind) => kind,
                        },
                        Err(kind) => kind,
                    }
                }
                Some(Err(error)) => DamageKind::Frame(error),
                // A writer never leaves a segment without a record.
                None if offset == 0 => DamageKind::Frame(FrameError::Incomplete),
                None => {
                    self.open = None;
                    continue;
                }
            };
            if self.is_unfinished(name, offset)? {
                return Ok(None);
            }
            (self.open, self.next) = (None, None);
            return Err(Damage { segment: name, offset, kind }.into());
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

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("segments", &self.segments).field("next", &self.next).finish_non_exhaustive()
    }
}

/// Iterates over the records of an audit log, in order. It ends after an error.
#[derive(Debug)]
pub struct Records {
    reader: Option<Reader>,
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
        Ok(Self { reader: Some(Reader::of_months(folder, Some(Month::of_day(day)), None)?) })
    }

    /// Opens these segments, which must follow each other.
    pub(crate) fn of_segments(disk: Arc<dyn Disk>, names: Vec<SegmentName>, newest: Option<SegmentName>) -> Self {
        Self { reader: Some(Reader::of_segments(disk, names, newest)) }
    }
}

/// Checks that a record belongs here; returns the sequence of the record behind it.
fn check_position(
    record: &RecordView<'_>,
    name: SegmentName,
    offset: u64,
    next: Option<u64>,
) -> Result<u64, DamageKind> {
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
        _ => Ok(record.header.sequence.saturating_add(1)),
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.reader.as_mut()?.read(|view| view.into());
        if !matches!(read, Ok(Some(_))) {
            self.reader = None;
        }
        read.transpose()
    }
}
