//! Frames: the envelope of a record in a segment, from which a torn or damaged record is recognised
//! (docs/reference/audit-log-format.md "Frame").
//!
//! This module does not decode records. Every frame that it returns has the hash that it claims.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use ehealth_core::model::Digest;

use super::tree::leaf_hash;

/// Magic number: the first bytes of a frame.
pub(crate) const MAGIC: [u8; 4] = *b"KTR1";
/// Bytes before the record.
const PREFIX_BYTES: usize = 8;
/// Bytes after the record.
const HASH_BYTES: usize = 32;
/// Maximum length of a record, 1 MiB: enough for 250 000 enterprise numbers, and a bound for
/// readers of a broken length.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Maximum length of a frame in bytes.
pub(crate) const MAX_FRAME_BYTES: usize = PREFIX_BYTES + MAX_RECORD_BYTES + HASH_BYTES;

/// The record does not fit a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is longer than a frame can hold")]
pub(crate) struct TooLong;

/// Appends a frame around the record that `write` appends. On error `out` is unchanged.
pub(crate) fn append(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
) -> Result<Digest, TooLong> {
    let start = out.len();
    let framed = append_record(out, start, write);
    if framed.is_err() {
        out.truncate(start);
    }
    framed
}

fn append_record(
    out: &mut Vec<u8>,
    start: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
) -> Result<Digest, TooLong> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    let (_, frame) = out.split_at_mut_checked(start).ok_or(TooLong)?;
    let (prefix, record) = frame.split_first_chunk_mut::<PREFIX_BYTES>().ok_or(TooLong)?;
    if record.len() > MAX_RECORD_BYTES {
        return Err(TooLong);
    }
    let length = u32::try_from(record.len()).map_err(|_| TooLong)?;
    prefix.iter_mut().skip(MAGIC.len()).zip(length.to_be_bytes()).for_each(|(to, from)| *to = from);
    let leaf = leaf_hash(record);
    out.extend_from_slice(leaf.as_bytes());
    Ok(leaf)
}

/// Reason why there is no sound frame at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FrameError {
    /// The bytes end inside the frame.
    #[error("the file ends inside a record")]
    Incomplete,
    /// There is no magic number, or the length exceeds the maximum.
    #[error("no record begins here")]
    NoFrame,
    /// The leaf hash is not that of the record.
    #[error("the record does not match its hash")]
    Hash,
}

/// The record of a frame, and its leaf hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framed<'a> {
    pub(crate) record: &'a [u8],
    pub(crate) leaf: Digest,
}

/// Parses the frame at the start of these bytes.
pub(crate) fn split(bytes: &[u8]) -> Result<Framed<'_>, FrameError> {
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_BYTES>().ok_or(FrameError::Incomplete)?;
    let length = record_length(*prefix)?;
    let (record, rest) = rest.split_at_checked(length).ok_or(FrameError::Incomplete)?;
    let hash = rest.first_chunk::<HASH_BYTES>().ok_or(FrameError::Incomplete)?;
    let leaf = Digest::new(*hash);
    if leaf_hash(record) == leaf { Ok(Framed { record, leaf }) } else { Err(FrameError::Hash) }
}

/// Length of the frame around a record, in bytes.
pub(crate) fn length(record: &[u8]) -> usize {
    record.len().saturating_add(PREFIX_BYTES + HASH_BYTES)
}

/// Appends the frame of a record that was read.
pub(crate) fn put(out: &mut Vec<u8>, framed: &Framed<'_>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&u32::try_from(framed.record.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(framed.record);
    out.extend_from_slice(framed.leaf.as_bytes());
}

/// Reads the bytes of the frame at this offset; `None` if they cannot be read or are no frame.
pub(crate) fn read_from(file: &File, offset: u64) -> Option<Vec<u8>> {
    let mut prefix = [0; PREFIX_BYTES];
    file.read_exact_at(&mut prefix, offset).ok()?;
    let mut frame = prefix.to_vec();
    frame.resize(PREFIX_BYTES.checked_add(record_length(prefix).ok()?)?.checked_add(HASH_BYTES)?, 0);
    let (_, rest) = frame.split_at_mut_checked(PREFIX_BYTES)?;
    file.read_exact_at(rest, offset.checked_add(u64::try_from(PREFIX_BYTES).ok()?)?).ok()?;
    Some(frame)
}

fn record_length(prefix: [u8; PREFIX_BYTES]) -> Result<usize, FrameError> {
    let [m0, m1, m2, m3, l0, l1, l2, l3] = prefix;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if [m0, m1, m2, m3] != MAGIC || length > MAX_RECORD_BYTES { Err(FrameError::NoFrame) } else { Ok(length) }
}

/// Bytes that are read at a time: 256 KiB. The source needs no buffer of its own.
const CHUNK_BYTES: u64 = 1 << 18;

/// Iterates over the frames of a segment. A frame is parsed where it lies in the buffer.
pub(crate) struct Frames<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the next frame begins in the buffer.
    start: usize,
    offset: u64,
}

impl<R: Read> Frames<R> {
    /// Reads from the start of a segment.
    pub(crate) fn new(source: R) -> Self {
        Self::at(source, 0)
    }

    /// Reads from this offset on, at which `source` stands.
    pub(crate) fn at(source: R, offset: u64) -> Self {
        Self { source, buffer: Vec::new(), start: 0, offset }
    }

    /// Offset of the next frame. Every frame before it was sound.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the next record; `None` at the end of the file. After an error the offset stays, and
    /// no further frame can be read.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<Result<Framed<'_>, FrameError>>> {
        if self.fill(PREFIX_BYTES)? == 0 {
            return Ok(None);
        }
        let Some(prefix) = self.rest().first_chunk::<PREFIX_BYTES>() else {
            return Ok(Some(Err(FrameError::Incomplete)));
        };
        let length = match record_length(*prefix) {
            Ok(length) => length.saturating_add(PREFIX_BYTES + HASH_BYTES),
            Err(error) => return Ok(Some(Err(error))),
        };
        self.fill(length)?;
        let frame = self.buffer.get(self.start..).unwrap_or_default();
        let framed = split(frame.get(..length).unwrap_or(frame));
        if framed.is_ok() {
            self.start = self.start.saturating_add(length);
            self.offset = self.offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok(Some(framed))
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads until this many bytes of the frame are in the buffer, fewer at the end of the file. Returns
    /// how many there are.
    fn fill(&mut self, bytes: usize) -> io::Result<usize> {
        while self.rest().len() < bytes {
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.source.by_ref().take(CHUNK_BYTES).read_to_end(&mut self.buffer)? == 0 {
                break;
            }
        }
        Ok(self.rest().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(record: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append(&mut out, |out| {
            out.extend_from_slice(record);
            Ok(())
        })
        .expect("short");
        out
    }

    #[test]
    fn recognises_every_changed_byte_and_every_cut() {
        let sound = frame(b"a record");
        assert_eq!(split(&sound).expect("sound").record, b"a record");
        for at in 0..sound.len() {
            let mut changed = sound.clone();
            changed[at] ^= 0x10;
            assert!(split(&changed).is_err(), "{at}");
            assert_eq!(split(&sound[..at]).map(|_| ()), Err(FrameError::Incomplete), "{at}");
        }
    }

    #[test]
    fn iterates_over_frames_until_the_first_error() {
        let mut bytes = [frame(b"one"), frame(b"two")].concat();
        let sound = bytes.len() as u64;
        bytes.extend_from_slice(&frame(b"three")[..20]);
        let mut frames = Frames::new(bytes.as_slice());
        assert_eq!(frames.next_frame().expect("memory").expect("one").expect("sound").record, b"one");
        assert_eq!(frames.next_frame().expect("memory").expect("two").expect("sound").record, b"two");
        let torn = frames.next_frame().expect("memory").expect("something").map(|_| ());
        assert_eq!((torn, frames.offset()), (Err(FrameError::Incomplete), sound));
    }

    #[test]
    fn a_record_that_is_too_long_leaves_the_buffer_unchanged() {
        let mut out = frame(b"one");
        let before = out.clone();
        let too_long = append(&mut out, |out| {
            out.resize(out.len() + MAX_RECORD_BYTES + 1, 0);
            Ok(())
        });
        assert_eq!((too_long, out), (Err(TooLong), before));
    }
}
