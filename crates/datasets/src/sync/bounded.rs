//! Reads of bounded length.

use std::io::Read;

use super::error::RunError;

/// Reads a source to its end, at most `bytes` bytes.
pub(super) fn read_at_most(source: impl Read, bytes: u64) -> Result<Vec<u8>, RunError> {
    let mut document = Vec::new();
    source.take(bytes).read_to_end(&mut document).map_err(RunError::Source)?;
    Ok(document)
}
