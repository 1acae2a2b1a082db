//! The index of a segment that is no longer written: offsets of the records of a person or end user, offset of a
//! ticket, and the hashes that shorten a proof. It is a shortcut and never the truth.
//!
//! An index is made from its segment alone, on demand, and can be removed at any time. A reader
//! must read the records to which it points and check them. That would not reveal an index that
//! hides a record. So each part carries a code (the first 16 bytes of HMAC-SHA-256 under the year's
//! subject key) that only a person who may search could have made. An index that is missing, does
//! not fit its segment, or fails a code is made again.
//!
//! | bytes | `<segment's name without .seg>.idx` |
//! |---|---|
//! | 4 + 8 + 8 | `KTX2`, the segment's first sequence, its length in bytes |
//! | 4 + 4 + 4 | how many records, subject tokens, exchanges it has |
//! | 2 × 256 × (4 + 16) | of persons and of tickets, for each first byte: how many entries there are up to its last, code |
//! | 16 | code of the hashes |
//! | 14 n | persons: first 8 bytes of the token, offset of the frame (6 bytes), sorted |
//! | 14 n | tickets: the same with the ticket |
//! | 32 n | leaves before the first whole block of 256, roots of the whole blocks, leaves behind the last |

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ehealth_core::model::Digest;

use crate::format::decode;
use crate::format::frame::Frames;
use crate::format::segment_name::SegmentName;
use crate::format::subject::{SubjectKey, Tokens};
use crate::format::tree::node_hash;

const MAGIC: [u8; 4] = *b"KTX2";
const HEADER_BYTES: usize = 32;
const CODE_BYTES: usize = 16;
const DIRECTORY_BYTES: usize = 256 * (4 + CODE_BYTES);
const ENTRY_BYTES: usize = 14;
/// Offset of the entries.
const TABLES_AT: usize = HEADER_BYTES + 2 * DIRECTORY_BYTES + CODE_BYTES;
/// Number of leaves under the root of a block.
const BLOCK_LEAVES: usize = 256;
/// The same as `u64`.
pub(crate) const BLOCK: u64 = 256;
/// Level of a block's root in the tree.
pub(crate) const BLOCK_LEVEL: u32 = 8;

/// Table of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Persons,
    Tickets,
}

/// Hashes of a segment's leaves: the fewest that prove every record outside of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hashes {
    /// Leaf hashes before the first whole block.
    pub(crate) head: Vec<Digest>,
    /// Roots of the whole blocks.
    pub(crate) blocks: Vec<Digest>,
    /// Leaf hashes after the last whole block.
    pub(crate) tail: Vec<Digest>,
}

impl Hashes {
    /// Computes the hashes from all leaves of a segment whose first record has this sequence.
    pub(crate) fn from_leaves(first: u64, leaves: &[Digest]) -> Self {
        let (head, blocks) = Self::shape(first, leaves.len());
        let (head, rest) = leaves.split_at_checked(head).unwrap_or((leaves, &[]));
        let (whole, tail) = rest.as_chunks::<BLOCK_LEAVES>();
        let blocks = whole.iter().take(blocks).map(block_root).collect();
        Self { head: head.to_vec(), blocks, tail: tail.to_vec() }
    }

    /// Returns the number of leaves before the first whole block, and the number of whole blocks.
    fn shape(first: u64, records: usize) -> (usize, usize) {
        let to_the_next = first.next_multiple_of(BLOCK).saturating_sub(first);
        let head = usize::try_from(to_the_next).unwrap_or(usize::MAX).min(records);
        (head, records.saturating_sub(head) >> BLOCK_LEVEL)
    }
}

fn block_root(leaves: &[Digest; BLOCK_LEAVES]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level.as_chunks().0.iter().map(|[left, right]| node_hash(*left, *right)).collect();
    }
    level.first().copied().unwrap_or(Digest::new([0; 32]))
}

/// An index that fits the length of its segment.
pub(crate) struct Index<'a> {
    file: File,
    key: &'a SubjectKey,
    header: [u8; HEADER_BYTES],
    first: u64,
    records: usize,
    persons: usize,
    tickets: usize,
}

fn path(folder: &Path, segment: SegmentName) -> PathBuf {
    folder.join(segment.index_file())
}

impl<'a> Index<'a> {
    /// Opens the index of a segment; `None` without an index that fits the segment.
    pub(crate) fn open(folder: &Path, segment: SegmentName, key: &'a SubjectKey) -> Option<Self> {
        let length = fs::metadata(folder.join(segment.to_string())).ok()?.len();
        let file = File::open(path(folder, segment)).ok()?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).ok()?;
        let (magic, rest) = header.split_first_chunk::<4>()?;
        let (first, rest) = rest.split_first_chunk().map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest))?;
        let (covered, counts) = rest.split_first_chunk().map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest))?;
        let [records, persons, tickets] = counts.as_chunks().0 else { return None };
        let [records, persons, tickets] =
            [records, persons, tickets].map(|count| usize::try_from(u32::from_be_bytes(*count)).unwrap_or(0));
        let fits = *magic == MAGIC && (first, covered) == (segment.first, length);
        fits.then_some(Self { file, key, header, first, records, persons, tickets })
    }

    /// Makes the index of a segment that is no longer written.
    ///
    /// # Errors
    /// The error of the system; [`io::ErrorKind::InvalidData`] if the segment is not sound.
    pub(crate) fn make(folder: &Path, segment: SegmentName, key: &'a SubjectKey) -> io::Result<Self> {
        let file = File::open(folder.join(segment.to_string()))?;
        let length = file.metadata()?.len();
        let mut frames = Frames::new(file);
        let (mut leaves, mut persons, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
        let unsound = || io::Error::from(io::ErrorKind::InvalidData);
        loop {
            let offset = frames.offset();
            let Some(framed) = frames.next_frame()? else { break };
            let framed = framed.map_err(|_| unsound())?;
            leaves.push(framed.leaf);
            if let Some(indexed_fields) = decode::indexed_fields(framed.record) {
                tickets.push(entry(indexed_fields.ticket.as_bytes(), offset));
                let Tokens { subject, successor, end_user } = indexed_fields.tokens;
                let tokens = [subject, successor, end_user].into_iter().flatten();
                persons.extend(tokens.map(|token| entry(&token.0, offset)));
            }
        }
        let count = |number: usize| u32::try_from(number).map(u32::to_be_bytes).map_err(|_| unsound());
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&segment.first.to_be_bytes());
        header.extend_from_slice(&length.to_be_bytes());
        for number in [leaves.len(), persons.len(), tickets.len()] {
            header.extend_from_slice(&count(number)?);
        }
        let hashes = Hashes::from_leaves(segment.first, &leaves);
        let hashes: Vec<u8> =
            [hashes.head, hashes.blocks, hashes.tail].concat().iter().flat_map(|h| *h.as_bytes()).collect();
        let mut bytes = header.clone();
        for (table, entries) in [(Table::Persons, &mut persons), (Table::Tickets, &mut tickets)] {
            entries.sort_unstable();
            bytes.extend_from_slice(&directory(key, &header, table, entries)?);
        }
        bytes.extend_from_slice(&code(key, &header, [2, 0], &hashes));
        [persons, tickets].into_iter().flatten().for_each(|entry| bytes.extend_from_slice(&entry));
        bytes.extend_from_slice(&hashes);
        let target = path(folder, segment);
        // Another process that makes the same index writes the same bytes. Each has its own draft.
        durable_file::replace(&target, &bytes, 0o600)?;
        Self::open(folder, segment, key).ok_or_else(unsound)
    }

    /// Returns the offsets of the frames that may have this value; `None` if this part fails its
    /// code.
    pub(crate) fn offsets(&self, table: Table, value: &[u8]) -> Option<Vec<u64>> {
        let (prefix, _) = value.split_first_chunk::<8>()?;
        let bucket = usize::from(*value.first()?);
        let (directory_at, entries_at) = match table {
            Table::Persons => (HEADER_BYTES, TABLES_AT),
            Table::Tickets => {
                let persons = self.persons.checked_mul(ENTRY_BYTES)?;
                (HEADER_BYTES.checked_add(DIRECTORY_BYTES)?, TABLES_AT.checked_add(persons)?)
            }
        };
        let directory = self.read(directory_at, DIRECTORY_BYTES)?;
        let (slots, _) = directory.as_chunks::<{ 4 + CODE_BYTES }>();
        let end = |slot: usize| {
            let (end, code) = slots.get(slot)?.split_first_chunk()?;
            Some((usize::try_from(u32::from_be_bytes(*end)).ok()?, code))
        };
        let begin = bucket.checked_sub(1).map_or(Some(0), |slot| end(slot).map(|(end, _)| end))?;
        let (end, expected) = end(bucket)?;
        let at = entries_at.checked_add(begin.checked_mul(ENTRY_BYTES)?)?;
        let length = end.checked_sub(begin)?.checked_mul(ENTRY_BYTES)?;
        let entries = self.read(at, length)?;
        if code(self.key, &self.header, [table as u8, *value.first()?], &entries) != *expected {
            return None;
        }
        let found = entries.as_chunks::<ENTRY_BYTES>().0.iter().filter(|entry| entry.starts_with(prefix));
        Some(found.filter_map(offset_of).collect())
    }

    /// Returns the hashes; `None` if they fail their code.
    pub(crate) fn hashes(&self) -> Option<Hashes> {
        let (head, blocks) = Hashes::shape(self.first, self.records);
        let tail = self.records.checked_sub(head)?.checked_sub(blocks << BLOCK_LEVEL)?;
        let entries = self.persons.checked_add(self.tickets)?.checked_mul(ENTRY_BYTES)?;
        let count = head.checked_add(blocks)?.checked_add(tail)?;
        let bytes = self.read(TABLES_AT.checked_add(entries)?, count.checked_mul(32)?)?;
        let expected = self.read(TABLES_AT.checked_sub(CODE_BYTES)?, CODE_BYTES)?;
        if code(self.key, &self.header, [2, 0], &bytes) != *expected {
            return None;
        }
        let mut all = bytes.as_chunks().0.iter().map(|hash| Digest::new(*hash));
        let mut next = |count| all.by_ref().take(count).collect();
        Some(Hashes { head: next(head), blocks: next(blocks), tail: next(tail) })
    }

    /// Reads bytes that the file must have. A broken count cannot make it allocate more than the
    /// file's length.
    fn read(&self, at: usize, length: usize) -> Option<Vec<u8>> {
        let (at, end) = (u64::try_from(at).ok()?, u64::try_from(at.checked_add(length)?).ok()?);
        if self.file.metadata().ok()?.len() < end {
            return None;
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }
}

fn entry(value: &[u8], offset: u64) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    let [_, _, offset @ ..] = offset.to_be_bytes();
    entry.iter_mut().zip(value.iter().take(8).chain(&offset)).for_each(|(to, from)| *to = *from);
    entry
}

fn offset_of(entry: &[u8; ENTRY_BYTES]) -> Option<u64> {
    let [a, b, c, d, e, f] = *entry.last_chunk()?;
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn directory(key: &SubjectKey, header: &[u8], table: Table, entries: &[[u8; ENTRY_BYTES]]) -> io::Result<Vec<u8>> {
    let mut directory = Vec::with_capacity(DIRECTORY_BYTES);
    let mut rest = entries;
    for byte in 0..=u8::MAX {
        let (bucket, after) = rest.split_at(rest.partition_point(|entry| entry.first() <= Some(&byte)));
        rest = after;
        let end = entries.len().saturating_sub(rest.len());
        let end = u32::try_from(end).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        directory.extend_from_slice(&end.to_be_bytes());
        directory.extend_from_slice(&code(key, header, [table as u8, byte], bucket.as_flattened()));
    }
    Ok(directory)
}

fn code(key: &SubjectKey, header: &[u8], part: [u8; 2], bytes: &[u8]) -> [u8; CODE_BYTES] {
    key.index_code(&[b"index", header, &part, bytes])
}
