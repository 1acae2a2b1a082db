//! Which records were pruned: their keys are destroyed, on purpose and on record.

use std::path::Path;

use super::read::{ReadError, Records};
use crate::format::record::Event;
use crate::storage::disk::Folder;
use crate::storage::segment;

/// Sequence of the first record in this folder; `None` without a segment.
///
/// # Errors
/// [`ReadError::Io`] if the folder cannot be read.
pub fn first_sequence(folder: &Path) -> Result<Option<u64>, ReadError> {
    Ok(segment::list(&Folder::open(folder)?)?.first().map(|name| name.first))
}

/// Sequence of the first record that no pruning has removed; 0 if nothing was pruned. An
/// interrupted pruning may leave earlier records, whose keys are destroyed. Reads all records.
///
/// # Errors
/// [`ReadError`] if the audit log cannot be read to its end.
pub fn pruned_until(folder: &Path) -> Result<u64, ReadError> {
    let mut until = 0;
    for record in Records::open(folder)? {
        if let Event::Pruning(pruning) = record?.event {
            until = pruning.until.max(until);
        }
    }
    Ok(until)
}
