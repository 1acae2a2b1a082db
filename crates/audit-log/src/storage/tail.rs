//! The end of the last segment: what a crash may have left there, told apart from damage.

use std::io::{self, Read};

use super::disk::{DiskFile, ReadFrom};
use super::segment::MAX_AHEAD_BYTES;
use crate::format::decode::{self, RecordError};
use crate::format::frame::{self, MAGIC, MAX_FRAME_BYTES};

/// When so many bytes are under way, no further entry is taken: some 3 000 records, a few milliseconds of encoding. So no
/// more than these and one record can be torn.
pub(crate) const BATCH_BYTES: u64 = 1 << 20;

/// No more is under way at once: the writer stops adding entries at [`BATCH_BYTES`].
pub(crate) const MAX_TAIL_BYTES: u64 = BATCH_BYTES + MAX_FRAME_BYTES as u64;
/// What can lie behind the last sound record: what was under way, and zeros.
const MAX_END_BYTES: u64 = MAX_TAIL_BYTES + MAX_AHEAD_BYTES;

/// How many bytes, without zeros at the end, lie at `offset`, where record `sequence` should: what never became
/// durable. `None` if it is damage: too long to have been under way at once, or with a record in it that proves otherwise.
pub(crate) fn torn_bytes(file: &dyn DiskFile, offset: u64, sequence: u64) -> io::Result<Option<u64>> {
    if file.length()?.saturating_sub(offset) > MAX_END_BYTES {
        return Ok(None);
    }
    let mut tail = Vec::new();
    ReadFrom { file, offset }.take(MAX_END_BYTES).read_to_end(&mut tail)?;
    let tail = without_zeros(&tail);
    let mut rest = tail;
    while !rest.is_empty() {
        if rest.starts_with(&MAGIC) && proves_durable(rest, sequence) {
            return Ok(None);
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    Ok(u64::try_from(tail.len()).ok().filter(|length| *length <= MAX_TAIL_BYTES))
}

/// The bytes up to the last that is not zero.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    // By pages first: there can be many.
    let pages = bytes.rchunks(4_096).take_while(|page| **page == [0; 4_096]).count();
    let bytes = bytes.get(..bytes.len().saturating_sub(pages.saturating_mul(4_096))).unwrap_or_default();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

fn proves_durable(bytes: &[u8], sequence: u64) -> bool {
    let Ok(framed) = frame::split(bytes) else { return false };
    match decode::header(framed.record) {
        Ok(header) => header.proven() > sequence,
        // A newer version wrote here: it is not for this one to cut.
        Err(RecordError::Version(_)) => true,
        Err(RecordError::Content) => false,
    }
}
