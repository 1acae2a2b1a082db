//! Reads the frames of an audit log from a sequence on, to bring a copy up to date.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::state::SentBatch;
use crate::format::damage::{Damage, DamageKind};
use crate::format::decode;
use crate::format::frame::{self, FrameError, Frames};
use crate::format::segment_name::SegmentName;
use crate::storage::disk::{Disk, DiskFile, Folder, ReadFrom};
use crate::storage::segment;

/// Reason why frames cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramesError {
    /// A segment is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The log begins after this sequence: the records before it were pruned.
    #[error("the audit log begins at record {first}; the copy needs it from record {wanted} on")]
    Pruned {
        /// First record of the log.
        first: u64,
        /// Record that is needed.
        wanted: u64,
    },
    /// A file cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for FramesError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

type Source = ReadFrom<Box<dyn DiskFile>>;

/// Reads the frames of an audit log in order, also while another thread writes it.
pub struct SegmentFrames {
    disk: Arc<dyn Disk>,
    open: Option<(SegmentName, Frames<Source>)>,
    next: u64,
}

impl SegmentFrames {
    /// Opens the audit log in this folder; the first frame is that of record `next`.
    ///
    /// # Errors
    /// [`FramesError::Io`] if the folder cannot be read.
    pub fn open(folder: &Path, next: u64) -> Result<Self, FramesError> {
        Ok(Self { disk: Arc::new(Folder::open(folder)?), open: None, next })
    }

    /// Returns the frames of the next records before `until`, all of one segment, about this number of
    /// bytes; `None` if there are none before `until`. Every record before `until` must be durable.
    ///
    /// # Errors
    /// [`FramesError`].
    pub fn next(&mut self, until: u64, bytes: usize) -> Result<Option<SentBatch>, FramesError> {
        let (mut taken, first) = (Vec::new(), self.next);
        let mut month = None;
        while self.next < until && taken.len() < bytes {
            let Some((name, frames)) = &mut self.open else {
                if month.is_some() {
                    break;
                }
                self.open_segment()?;
                continue;
            };
            let (name, offset) = (*name, frames.offset());
            let damage = |kind| FramesError::from(Damage { segment: name, offset, kind });
            let framed = match frames.next_frame()?.unwrap_or(Err(FrameError::Incomplete)) {
                Ok(framed) => framed,
                // The segment ends here, if the next one begins here.
                Err(error) => {
                    let next = self.next;
                    if segment::list(&*self.disk)?.iter().any(|later| later.first > name.first && later.first == next) {
                        self.open = None;
                        continue;
                    }
                    return Err(damage(error.into()));
                }
            };
            let sequence = decode::header(framed.record).map_err(|error| damage(DamageKind::Record(error)))?.sequence;
            if sequence < self.next {
                continue;
            }
            if sequence != self.next {
                return Err(damage(DamageKind::Sequence { expected: self.next, found: sequence }));
            }
            frame::put(&mut taken, &framed);
            month = Some(name.month);
            self.next = sequence.saturating_add(1);
        }
        Ok(month.map(|month| SentBatch {
            first,
            count: self.next.saturating_sub(first),
            month,
            bytes: taken.into(),
            signatures: Vec::new(),
        }))
    }

    fn open_segment(&mut self) -> Result<(), FramesError> {
        let names = segment::list(&*self.disk)?;
        let name = names.iter().rfind(|name| name.first <= self.next);
        let Some(name) = name else {
            let first = names.first().map_or(0, |name| name.first);
            return Err(FramesError::Pruned { first, wanted: self.next });
        };
        let file = self.disk.open(&name.to_string())?;
        self.open = Some((*name, Frames::new(ReadFrom { file, offset: 0 })));
        Ok(())
    }
}
