//! Reads of bounded length.

use std::io::{self, Read};

/// Reads a source to its end, at most `bytes` bytes.
pub(super) fn read_at_most(source: impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    source.take(bytes).read_to_end(&mut document)?;
    Ok(document)
}
