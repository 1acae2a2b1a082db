//! Reads one segment: hashes every frame and checks every record, up to the first damage.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ehealth_core::model::{Digest, Timestamp};

use super::compact_range::{CompactRange, leaf};
use super::record::{self, Kind};

/// Bytes before a record: `KTR1` and the length.
const HEAD: usize = 8;
/// Bytes behind a record: its hash.
const HASH: usize = 32;
/// Maximum length of a record: 1 MiB.
const MAX_RECORD: usize = 1 << 20;
/// Maximum number of zeros that a writer preallocates: 16 MiB.
const MAX_ZEROS: u64 = 1 << 24;
/// Maximum number of bytes behind the last whole record: 1 MiB and one frame in flight, then zeros.
const MAX_TORN: u64 = (1 << 20) + (HEAD + MAX_RECORD + HASH) as u64 + MAX_ZEROS;
/// Bytes read at a time: 1 MiB.
const CHUNK: usize = 1 << 20;

/// File name of a segment, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentFile {
    pub(super) name: String,
    pub(super) first: u64,
    pub(super) year: u16,
    pub(super) month: u8,
}

impl SegmentFile {
    /// Parses `FIRST-YYYY-MM.seg`, where FIRST has at least twelve digits; `None` for any other
    /// name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".seg")?.split('-');
        let first = parts.next()?.parse().ok()?;
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let file = Self { name: format!("{first:012}-{year:04}-{month:02}.seg"), first, year, month };
        (file.name == name && (1..=12).contains(&month) && parts.next().is_none()).then_some(file)
    }
}

/// Kind of damage at an offset of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SegmentDamage {
    /// The file ends inside a record.
    #[error("the file ends inside a record")]
    Unfinished,
    /// No record begins here.
    #[error("no record begins here")]
    NoRecord,
    /// The hash behind the record is not that of the record.
    #[error("the record does not match its hash")]
    Hash,
    /// The record does not have the shape of its kind.
    #[error("the record is malformed")]
    Record,
    /// The record has another sequence than the one expected.
    #[error("found record {found}; expected record {expected}")]
    Sequence {
        /// Expected sequence.
        expected: u64,
        /// Sequence in the record.
        found: u64,
    },
    /// The first record is not a segment-begun record of the month in the file name, or a later
    /// record is one.
    #[error("the segment-begun record is missing, misplaced, or of another month")]
    Begin,
    /// Preallocated zeros lie behind the last record. The last segment may end so while it is being
    /// written, in a copy made meanwhile, and after a crash.
    #[error("zeros lie behind the last record")]
    Preallocated,
    /// The file has no bytes.
    #[error("the segment is empty")]
    Empty,
}

impl SegmentDamage {
    /// Whether an unfinished write can look like this.
    pub(super) fn may_be_unfinished(self) -> bool {
        match self {
            Self::Unfinished | Self::NoRecord | Self::Hash => true,
            Self::Record | Self::Sequence { .. } | Self::Begin | Self::Preallocated | Self::Empty => false,
        }
    }
}

/// Content of a segment-begun record.
pub(super) struct Start {
    /// Tree of all records before it.
    pub(super) tree: CompactRange,
}

/// Result of reading a segment.
pub(super) struct Scanned {
    pub(super) start: Option<Start>,
    /// Leaves of the sound records.
    pub(super) leaves: CompactRange,
    /// The same leaves, as far as each size that was asked for.
    pub(super) at_sizes: Vec<CompactRange>,
    /// Sequences at which the audit log may begin, according to its pruning records.
    pub(super) pruned: Vec<u64>,
    /// For how many records the operator vouched, and when, according to its vouched records.
    pub(super) vouched: Vec<(u64, Timestamp)>,
    /// Policy files under which its exchanges were decided: their SHA-256.
    pub(super) policies: BTreeSet<Digest>,
    /// Year and month of each segment that was removed, according to its pruning records.
    pub(super) pruned_months: Vec<(u16, u8)>,
    /// When the first and the last sound record were written.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// Number of bytes in sound frames.
    pub(super) bytes: u64,
    /// Offset and kind of the first damage.
    pub(super) damage: Option<(u64, SegmentDamage)>,
    /// Number of bytes from the damage to the end of the file.
    pub(super) after: u64,
}

impl Scanned {
    /// Whether the damage can be the end of a write that was under way when the file was copied or
    /// the writer died.
    pub(super) fn may_be_torn(&self) -> bool {
        let is_unfinished = self.damage.is_some_and(|(_, damage)| damage.may_be_unfinished());
        is_unfinished && self.after <= MAX_TORN
    }
}

/// Reads a segment up to its end or its first damage. Keeps its leaves at each of these `sizes` of
/// the tree.
pub(super) fn scan(path: &Path, file: &SegmentFile, sizes: &BTreeSet<u64>) -> io::Result<Scanned> {
    let mut source = File::open(path)?;
    let leaves = CompactRange::at(file.first);
    let mut scanned = Scanned {
        start: None,
        leaves,
        at_sizes: Vec::new(),
        pruned: Vec::new(),
        vouched: Vec::new(),
        policies: BTreeSet::new(),
        pruned_months: Vec::new(),
        times: None,
        bytes: 0,
        damage: None,
        after: 0,
    };
    scanned.note_size(sizes);
    let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK.saturating_mul(2));
    loop {
        let read = source.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
        let mut rest = buffer.as_slice();
        let damage = loop {
            match frame(rest) {
                Ok(None) => break None,
                Ok(Some((record, after))) => {
                    if let Err(damage) = scanned.add(file, record) {
                        break Some(damage);
                    }
                    scanned.note_size(sizes);
                    let length = rest.len().saturating_sub(after.len());
                    scanned.bytes = scanned.bytes.saturating_add(length as u64);
                    rest = after;
                }
                Err(damage) => break Some(damage),
            }
        };
        let at_end = match (read, rest.is_empty(), scanned.start.is_none()) {
            (0, true, true) => Some(SegmentDamage::Empty),
            (0, false, _) => Some(SegmentDamage::Unfinished),
            _ => None,
        };
        if let Some(damage) = damage.or(at_end) {
            let begun = scanned.start.is_some();
            let damage = if begun && are_zeros(rest, &mut source)? { SegmentDamage::Preallocated } else { damage };
            scanned.damage = Some((scanned.bytes, damage));
            scanned.after = source.metadata()?.len().saturating_sub(scanned.bytes);
            return Ok(scanned);
        }
        if read == 0 {
            return Ok(scanned);
        }
        let done = buffer.len().saturating_sub(rest.len());
        buffer.drain(..done);
    }
}

/// Whether only zeros follow, and at most as many as a writer preallocates.
fn are_zeros(rest: &[u8], source: &mut File) -> io::Result<bool> {
    let mut bytes = rest.to_vec();
    source.take(MAX_ZEROS.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes.len() as u64 <= MAX_ZEROS && bytes.iter().all(|byte| *byte == 0))
}

/// Parses the first frame; returns its record and the bytes behind it, or `None` if more bytes must
/// be read.
fn frame(bytes: &[u8]) -> Result<Option<(Record<'_>, &[u8])>, SegmentDamage> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        let begins = b"KTR1".starts_with(bytes.get(..bytes.len().min(4)).unwrap_or_default());
        return if begins { Ok(None) } else { Err(SegmentDamage::NoRecord) };
    };
    let [b'K', b'T', b'R', b'1', length @ ..] = *head else { return Err(SegmentDamage::NoRecord) };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_RECORD {
        return Err(SegmentDamage::NoRecord);
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
    /// Checks the next record and adds it.
    fn add(&mut self, file: &SegmentFile, record: Record<'_>) -> Result<(), SegmentDamage> {
        let leaf = leaf(record.data);
        if leaf.as_bytes() != record.hash {
            return Err(SegmentDamage::Hash);
        }
        let facts = record::facts(record.data).ok_or(SegmentDamage::Record)?;
        if facts.sequence != self.leaves.end() {
            return Err(SegmentDamage::Sequence { expected: self.leaves.end(), found: facts.sequence });
        }
        match (facts.kind, &self.start) {
            (Kind::Begin { year, month, tree }, None) if (year, month) == (file.year, file.month) => {
                self.start = Some(Start { tree });
            }
            (Kind::Pruning { begins, months }, Some(_)) => {
                self.pruned.extend(begins);
                self.pruned_months.extend(months);
            }
            (Kind::Vouched { records }, Some(_)) => self.vouched.push((records, facts.recorded)),
            (Kind::Exchange { policy }, Some(_)) => self.policies.extend(policy),
            (Kind::Interruption | Kind::Suppressed, Some(_)) => {}
            (
                Kind::Begin { .. }
                | Kind::Exchange { .. }
                | Kind::Interruption
                | Kind::Suppressed
                | Kind::Pruning { .. }
                | Kind::Vouched { .. },
                _,
            ) => return Err(SegmentDamage::Begin),
        }
        let first = self.times.map_or(facts.recorded, |(first, _)| first);
        self.times = Some((first, facts.recorded));
        self.leaves.push(leaf);
        Ok(())
    }

    fn note_size(&mut self, sizes: &BTreeSet<u64>) {
        if sizes.contains(&self.leaves.end()) {
            self.at_sizes.push(self.leaves.clone());
        }
    }
}
