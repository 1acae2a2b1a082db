//! The checkpoints that lie in the two locations when the log is opened.

use std::io;
use std::time::{Duration, Instant};

use ehealth_core::model::Timestamp;

use crate::format::note::{CheckpointKey, SignedHead};
use crate::storage::checkpoint_files::{CheckpointError, CheckpointLocation, read_primary};
use crate::storage::copy_folder::CopyContent;
use crate::storage::copy_thread::{CheckpointCopy, Reply, TimedOut};
use crate::storage::disk::Disk;

/// How far ahead of the clock a checkpoint may be made, in milliseconds: clocks differ by as much.
const MAX_AHEAD_MILLIS: i64 = 5 * 60 * 1_000;

/// Content of both locations.
pub(crate) struct Stored {
    pub(crate) primary: Option<Vec<u8>>,
    copy: CopyContent,
}

/// Their tree heads, as far as this key signed them.
pub(crate) struct Heads {
    pub(crate) primary: Option<SignedHead>,
    copy: Option<SignedHead>,
}

impl Stored {
    /// Reads both locations. A copy that cannot be read in time is reported; the copier checks it
    /// before it is replaced.
    pub(crate) fn read(disk: &dyn Disk, copy: Option<&CheckpointCopy>, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            primary: read_primary(disk)?,
            copy: copy.map_or(CopyContent::Nothing, |copy| read_copy(copy, timeout)),
        })
    }

    /// Whether neither location has a checkpoint under this origin, of whatever key. Garbage in the
    /// copy does not count.
    pub(crate) fn has_none(&self, origin: &str) -> bool {
        let has_origin =
            |bytes: &[u8]| bytes.strip_prefix(origin.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"));
        let in_copy = match &self.copy {
            CopyContent::Bytes(bytes) => has_origin(bytes),
            CopyContent::Nothing | CopyContent::Unusable(_) => false,
        };
        self.primary.is_none() && !in_copy
    }

    /// Reads the tree heads. The audit log's own checkpoint must be signed by this key; anything
    /// else in the copy is reported, and replaced later. One from the future is reported.
    pub(crate) fn heads(&self, key: &CheckpointKey, now: Timestamp) -> Result<Heads, CheckpointError> {
        let read = |bytes: &Vec<u8>| std::str::from_utf8(bytes).ok().and_then(|note| key.read(note));
        let primary = self.primary.as_ref().map(|bytes| read(bytes).ok_or(CheckpointError::Foreign)).transpose()?;
        let copy = match &self.copy {
            CopyContent::Nothing => None,
            CopyContent::Bytes(bytes) => {
                let head = read(bytes);
                if head.is_none() {
                    tracing::warn!(
                        length = bytes.len(),
                        "the copy holds no checkpoint of this audit log and this key; starting without it"
                    );
                }
                head
            }
            CopyContent::Unusable(found) => {
                tracing::warn!(found, "the copy of the checkpoint is not a file; starting without it");
                None
            }
        };
        warn_of_future(CheckpointLocation::AuditLog, primary.as_ref(), now);
        warn_of_future(CheckpointLocation::Copy, copy.as_ref(), now);
        Ok(Heads { primary, copy })
    }
}

impl Heads {
    /// The newest of both.
    pub(crate) fn newest(&self) -> Option<&SignedHead> {
        // Of two with one size, the audit log's own.
        [&self.copy, &self.primary].into_iter().flatten().max_by_key(|head| head.size)
    }
}

/// A clock that was ahead signs checkpoints from the future. The log cannot be refused for that:
/// it would not start again once the clock is right.
fn warn_of_future(location: CheckpointLocation, head: Option<&SignedHead>, now: Timestamp) {
    let latest = now.as_millis().saturating_add(MAX_AHEAD_MILLIS);
    if let Some(head) = head.filter(|head| head.made.as_millis() > latest) {
        tracing::warn!(%location, made = %head.made, %now, "the checkpoint is from the future: compare the clock");
    }
}

fn read_copy(copy: &CheckpointCopy, timeout: Duration) -> CopyContent {
    let deadline = Instant::now().checked_add(timeout).unwrap_or_else(Instant::now);
    let location = CheckpointLocation::Copy;
    match copy.read(deadline) {
        Ok(Ok(Reply::Present(found) | Reply::Differs(found))) => return found,
        Ok(Ok(Reply::Replaced)) => {}
        Ok(Err(error)) => {
            tracing::warn!(%location, reason = %error, "the checkpoint cannot be read; starting without it");
        }
        Err(TimedOut) => {
            tracing::warn!(%location, ?timeout, "the checkpoint cannot be read: no response; starting without it");
        }
    }
    CopyContent::Nothing
}
