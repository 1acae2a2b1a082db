//! One segment as a verifier reads it: every frame hashed, every record in its place, as far as it is sound.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::range::{Range, leaf};
use super::record::{self, Kind};

/// `KTR1` and a length before a record, its hash behind it.
const HEAD: usize = 8;
const HASH: usize = 32;
/// No record is longer (mebibyte).
const MAX_RECORD: usize = 1 << 20;
/// The most zeros that a writer writes ahead.
const MAX_ZEROS: u64 = 1 << 24;
/// So much is read at a time.
const CHUNK: usize = 1 << 20;

/// The name of a segment's file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentFile {
    pub(super) name: String,
    pub(super) first: u64,
    pub(super) year: u16,
    pub(super) month: u8,
}

impl SegmentFile {
    /// Reads `<twelve digits or more>-<YYYY>-<MM>.seg`; `None` for any other name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".seg")?.split('-');
        let first = parts.next()?.parse().ok()?;
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let file = Self { name: format!("{first:012}-{year:04}-{month:02}.seg"), first, year, month };
        (file.name == name && (1..=12).contains(&month) && parts.next().is_none()).then_some(file)
    }
}

/// What is wrong with a place in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SegmentFlaw {
    /// The file ends inside a record.
    #[error("the file ends inside a record")]
    Unfinished,
    /// No record begins here.
    #[error("no record begins here")]
    NoRecord,
    /// The record has not the hash that stands behind it.
    #[error("the record does not have its hash")]
    Hash,
    /// The record has not the shape of its kind.
    #[error("the record cannot be understood")]
    Record,
    /// Another record should be here.
    #[error("record {found} where {expected} should be")]
    Sequence {
        /// Which one should be here.
        expected: u64,
        /// Which one is.
        found: u64,
    },
    /// The segment does not begin with the record that its name asks for, or one such lies in its middle.
    #[error("the segment's beginning does not fit its name")]
    Begin,
    /// Behind the last record are zeros, which were written ahead: so the last segment may end while somebody writes it,
    /// in a copy that was made meanwhile, and after a crash.
    #[error("zeros lie behind the last record")]
    Ahead,
    /// The segment holds nothing.
    #[error("the segment is empty")]
    Empty,
}

impl SegmentFlaw {
    /// Whether a write that is not yet finished looks like this.
    pub(super) fn may_be_unfinished(self) -> bool {
        match self {
            Self::Unfinished | Self::NoRecord | Self::Hash => true,
            Self::Record | Self::Sequence { .. } | Self::Begin | Self::Ahead | Self::Empty => false,
        }
    }
}

/// What a segment's first record says.
pub(super) struct Start {
    /// The tree before it.
    pub(super) tree: Range,
}

/// What was read of a segment.
pub(super) struct Scanned {
    pub(super) start: Option<Start>,
    /// Its sound records.
    pub(super) leaves: Range,
    /// The same, at each size that was watched for.
    pub(super) watched: Vec<Range>,
    /// Where its prunings say that the trail may begin.
    pub(super) pruned: Vec<u64>,
    pub(super) bytes: u64,
    /// Where, and what, is wrong.
    pub(super) flaw: Option<(u64, SegmentFlaw)>,
}

/// Reads a segment up to its end or its first flaw.
pub(super) fn scan(path: &Path, file: &SegmentFile, watch: &BTreeSet<u64>) -> io::Result<Scanned> {
    let mut source = File::open(path)?;
    let leaves = Range::at(file.first);
    let mut scanned = Scanned { start: None, leaves, watched: Vec::new(), pruned: Vec::new(), bytes: 0, flaw: None };
    scanned.watch(watch);
    let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK.saturating_mul(2));
    loop {
        let read = source.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
        let mut rest = buffer.as_slice();
        let flaw = loop {
            match frame(rest) {
                Ok(None) => break None,
                Ok(Some((record, after))) => {
                    if let Err(flaw) = scanned.take(file, record) {
                        break Some(flaw);
                    }
                    scanned.watch(watch);
                    let length = rest.len().saturating_sub(after.len());
                    scanned.bytes = scanned.bytes.saturating_add(length as u64);
                    rest = after;
                }
                Err(flaw) => break Some(flaw),
            }
        };
        let at_end = match (read, rest.is_empty(), scanned.start.is_none()) {
            (0, true, true) => Some(SegmentFlaw::Empty),
            (0, false, _) => Some(SegmentFlaw::Unfinished),
            _ => None,
        };
        if let Some(flaw) = flaw.or(at_end) {
            let begun = scanned.start.is_some();
            let flaw = if begun && are_zeros(rest, &mut source)? { SegmentFlaw::Ahead } else { flaw };
            scanned.flaw = Some((scanned.bytes, flaw));
            return Ok(scanned);
        }
        if read == 0 {
            return Ok(scanned);
        }
        let done = buffer.len().saturating_sub(rest.len());
        buffer.drain(..done);
    }
}

/// Whether there is nothing but zeros to the end, and no more of them than a writer writes ahead.
fn are_zeros(rest: &[u8], source: &mut File) -> io::Result<bool> {
    let mut bytes = rest.to_vec();
    source.take(MAX_ZEROS.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes.len() as u64 <= MAX_ZEROS && bytes.iter().all(|byte| *byte == 0))
}

/// The record of the first frame and what is behind it; `None` if more must be read.
fn frame(bytes: &[u8]) -> Result<Option<(Record<'_>, &[u8])>, SegmentFlaw> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        let begins = b"KTR1".starts_with(bytes.get(..bytes.len().min(4)).unwrap_or_default());
        return if begins { Ok(None) } else { Err(SegmentFlaw::NoRecord) };
    };
    let [b'K', b'T', b'R', b'1', length @ ..] = *head else { return Err(SegmentFlaw::NoRecord) };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_RECORD {
        return Err(SegmentFlaw::NoRecord);
    }
    let Some((data, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some((hash, rest)) = rest.split_first_chunk::<HASH>() else { return Ok(None) };
    Ok(Some((Record { data, hash }, rest)))
}

struct Record<'a> {
    data: &'a [u8],
    hash: &'a [u8; HASH],
}

impl Scanned {
    fn take(&mut self, file: &SegmentFile, record: Record<'_>) -> Result<(), SegmentFlaw> {
        let leaf = leaf(record.data);
        if leaf.as_bytes() != record.hash {
            return Err(SegmentFlaw::Hash);
        }
        let facts = record::facts(record.data).ok_or(SegmentFlaw::Record)?;
        if facts.sequence != self.leaves.end() {
            return Err(SegmentFlaw::Sequence { expected: self.leaves.end(), found: facts.sequence });
        }
        match (facts.kind, &self.start) {
            (Kind::Begin { year, month, tree }, None) if (year, month) == (file.year, file.month) => {
                self.start = Some(Start { tree });
            }
            (Kind::Pruning { begins }, Some(_)) => self.pruned.extend(begins),
            (Kind::Exchange | Kind::Interruption, Some(_)) => {}
            (Kind::Begin { .. } | Kind::Exchange | Kind::Interruption | Kind::Pruning { .. }, _) => {
                return Err(SegmentFlaw::Begin);
            }
        }
        self.leaves.push(leaf);
        Ok(())
    }

    fn watch(&mut self, watch: &BTreeSet<u64>) {
        if watch.contains(&self.leaves.end()) {
            self.watched.push(self.leaves.clone());
        }
    }
}
