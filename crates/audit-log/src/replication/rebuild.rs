//! Writes segments from frames that a copy has: a whole audit log, or the records at its end that a
//! crash of the machine took from the own disk.

use std::io;
use std::path::Path;

use super::row::{FrameRow, RowError};
use crate::format::decode::{self, RecordError};
use crate::format::frame::{self, FrameError};
use crate::format::note::checkpoint_size;
use crate::format::record::{Event, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::tree::Frontier;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::disk::{Disk, DiskFile, Folder, put_in_place};
use crate::storage::file_names::CHECKPOINT;
use crate::writer::error::AuditError;
use crate::writer::recover;

/// Reason why segments cannot be written from frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// A frame is not sound.
    #[error("record {sequence} of the copy is not sound: {error}")]
    Row {
        /// Sequence that was expected.
        sequence: u64,
        /// What is wrong.
        error: RowError,
    },
    /// A record is missing.
    #[error("record {expected} is missing in the copy: record {found} follows")]
    Missing {
        /// Sequence that was expected.
        expected: u64,
        /// Sequence that was found.
        found: u64,
    },
    /// The first record does not begin a segment, or a segment begins with another tree.
    #[error("record {0} of the copy begins no segment of this audit log")]
    Begin(u64),
    /// The own audit log cannot be opened.
    #[error(transparent)]
    Log(#[from] AuditError),
    /// A file cannot be written.
    #[error("the audit log cannot be written: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for RebuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Appends frames to an audit log that no other process writes.
pub struct Rebuild {
    disk: Folder,
    tree: Frontier,
    segment: Option<(SegmentName, Box<dyn DiskFile>, u64)>,
    /// Whether records before the first one are missing because they were pruned.
    is_empty: bool,
}

impl Rebuild {
    /// Opens the audit log in this folder for exclusive writing, and truncates its torn end. Creates
    /// the folder if it is missing.
    ///
    /// # Errors
    /// [`RebuildError`].
    pub fn open(folder: &Path) -> Result<Self, RebuildError> {
        let disk = Folder::open_alone(folder).map_err(AuditError::of_opening)?;
        let recovered = recover::recover(&disk, None)?;
        let is_empty = recovered.segment.is_none();
        let segment = recovered.segment.map(|segment| (segment.name, segment.file, segment.written));
        Ok(Self { disk, tree: recovered.tree, segment, is_empty })
    }

    /// Number of records in the log.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root of the tree of all records, as a checkpoint has it.
    #[must_use]
    pub fn root(&self) -> String {
        crate::format::note::root_text(self.tree.root())
    }

    /// Appends the frame of the next record. It is not durable before [`Rebuild::finish`].
    ///
    /// # Errors
    /// [`RebuildError`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), RebuildError> {
        let expected = self.tree.size();
        let unsound = |error| RebuildError::Row { sequence: expected, error };
        let row = FrameRow::parse(bytes).map_err(unsound)?;
        if row.frame.len() != bytes.len() {
            return Err(unsound(RowError::Frame(FrameError::NoFrame)));
        }
        if row.begins_segment {
            return self.begin(bytes);
        }
        if row.sequence != expected || self.is_empty {
            return Err(RebuildError::Missing { expected, found: row.sequence });
        }
        let Some((_, file, end)) = &mut self.segment else { return Err(RebuildError::Begin(expected)) };
        file.write_at(bytes, *end)?;
        *end = end.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.tree.push(row.leaf);
        Ok(())
    }

    /// Begins a segment with this frame.
    fn begin(&mut self, bytes: &[u8]) -> Result<(), RebuildError> {
        let expected = self.tree.size();
        let unsound = |error| RebuildError::Row { sequence: expected, error };
        let framed = frame::split(bytes).map_err(|error| unsound(RowError::Frame(error)))?;
        let record = decode::record(framed).map_err(|error| unsound(RowError::Record(error)))?;
        let Event::SegmentBegun(SegmentBegun { month, tree, .. }) = record.event else {
            return Err(unsound(RowError::Record(RecordError::Content)));
        };
        let sequence = record.header.sequence;
        if !self.is_empty && sequence != expected {
            return Err(RebuildError::Missing { expected, found: sequence });
        }
        if !self.is_empty && tree != self.tree {
            return Err(RebuildError::Begin(sequence));
        }
        self.sync()?;
        let name = SegmentName { first: sequence, month };
        let file = put_in_place(&self.disk, &name.to_string(), bytes)?;
        self.tree = tree;
        self.tree.push(framed.leaf);
        self.segment = Some((name, file, u64::try_from(bytes.len()).unwrap_or(u64::MAX)));
        self.is_empty = false;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.segment.as_ref().map_or(Ok(()), |(_, file, _)| file.sync())
    }

    /// Makes everything durable, with this checkpoint if there is one.
    ///
    /// # Errors
    /// [`RebuildError::Log`] if the checkpoint signs more records than there are.
    pub fn finish(self, checkpoint: Option<&str>) -> Result<u64, RebuildError> {
        self.sync()?;
        if let Some(note) = checkpoint {
            let signed = checkpoint_size(note).unwrap_or(0);
            if signed > self.tree.size() {
                let error = CheckpointError::Truncated { signed, found: self.tree.size() };
                return Err(AuditError::from(error).into());
            }
            put_in_place(&self.disk, CHECKPOINT, note.as_bytes())?;
        }
        self.disk.sync_names()?;
        Ok(self.tree.size())
    }
}
