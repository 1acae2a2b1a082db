//! The end of the last segment: distinguishes what a crash leaves there from damage
//! (docs/reference/audit-log-format.md "Crash recovery").

use std::io::{self, Read};

use super::disk::{DiskFile, ReadFrom};
use super::segment::MAX_PREALLOCATION_BYTES;
use crate::format::decode::{self, RecordError};
use crate::format::frame::{self, MAGIC, MAX_FRAME_BYTES};

/// Maximum number of bytes in flight, 1 MiB: about 3 000 records, a few milliseconds of encoding. A
/// batch takes no further record beyond it, so at most this and one record can be torn.
pub(crate) const BATCH_BYTES: u64 = 1 << 20;

/// Maximum number of bytes in flight with the last record, which may exceed [`BATCH_BYTES`].
pub(crate) const MAX_TAIL_BYTES: u64 = BATCH_BYTES + MAX_FRAME_BYTES as u64;
/// Maximum length of what follows the last sound record: bytes in flight, then zeros.
const MAX_END_BYTES: u64 = MAX_TAIL_BYTES + MAX_PREALLOCATION_BYTES;

/// Returns the number of bytes at `offset`, where record `sequence` is expected, that never became
/// durable, without zeros at the end. `None` if this is damage: more than can be in flight, or a
/// sound record among them proves that `sequence` was durable.
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

/// Returns the bytes up to the last one that is not zero.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    // By pages first: there can be 16 MiB of zeros.
    let pages = bytes.rchunks(4_096).take_while(|page| **page == [0; 4_096]).count();
    let bytes = bytes.get(..bytes.len().saturating_sub(pages.saturating_mul(4_096))).unwrap_or_default();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

fn proves_durable(bytes: &[u8], sequence: u64) -> bool {
    let Ok(framed) = frame::split(bytes) else { return false };
    match decode::header(framed.record) {
        Ok(header) => header.proven() > sequence,
        // A newer version wrote this record, so this version must not truncate it.
        Err(RecordError::Version(_)) => true,
        Err(RecordError::Content) => false,
    }
}
