//! Makes the proof that an exchange was recorded: a file that a third party verifies with the
//! public key alone.
//!
//! The file is a C2SP tlog-proof. Its extra data is the record; the encrypted detail stays
//! encrypted. No tiles are kept: an index holds one hash for 256 leaves, 1 MB for ten years, and
//! only the segments with the record and with the end of the tree are read whole. A path that does
//! not lead to the checkpoint's root is never returned.

use std::fs::File;
use std::io;
use std::path::Path;

use ehealth_core::lookup::MessageSignature;
use ehealth_core::model::{Digest, Ticket};

use super::index::{Hashes, Index, Table};
use super::read::parse_record;
use super::search::{IndexUse, record_at};
use super::subtrees::{Subtrees, write_proof};
use crate::format::damage::{Damage, DamageKind};
use crate::format::decode;
use crate::format::detail::DecryptError;
use crate::format::frame::{self, Frames};
use crate::format::note::{checkpoint_size, root_text};
use crate::format::record::{Event, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::subject::SubjectKey;
use crate::storage::disk::{Disk, Folder};
use crate::storage::keys::{KeyError, KeyFolder};
use crate::storage::segment;

/// Reason why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProveError {
    /// No record has this ticket, or its month was pruned.
    #[error("no record has this ticket")]
    Unknown,
    /// The record is newer than the checkpoint.
    #[error("the record is newer than the checkpoint")]
    Unsigned,
    /// The text is not a checkpoint.
    #[error("the checkpoint cannot be parsed")]
    Checkpoint,
    /// The records are not those that the checkpoint signs.
    #[error("the records are not those that the checkpoint signs")]
    Inconsistent,
    /// A segment is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A file cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for ProveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Makes the proof that the exchange with this ticket is in the tree of this checkpoint (the text
/// of the note). The keys are needed for indexes only.
///
/// # Errors
/// [`ProveError`].
pub fn prove(
    folder: &Path,
    keys: &KeyFolder,
    index: IndexUse,
    ticket: Ticket,
    checkpoint: &str,
) -> Result<String, ProveError> {
    let size = checkpoint_size(checkpoint).ok_or(ProveError::Checkpoint)?;
    let root = checkpoint.lines().nth(2).ok_or(ProveError::Checkpoint)?;
    let names = segment::list(&Folder::open(folder)? as &dyn Disk)?;
    let segments = Segments { folder, keys, index, names: &names };
    let (target, sequence, record) = segments.find(ticket)?.ok_or(ProveError::Unknown)?;
    if sequence >= size {
        return Err(ProveError::Unsigned);
    }
    let mut tree = segments.tree(target, size)?;
    if tree.root(0, size).map(root_text).as_deref() != Some(root) {
        // Without its key an index cannot be forged, but its key is not that of the checkpoint.
        tree = Segments { index: IndexUse::Bypass, ..segments }.tree(target, size)?;
        if tree.root(0, size).map(root_text).as_deref() != Some(root) {
            return Err(ProveError::Inconsistent);
        }
    }
    let path = tree.path(sequence, size).ok_or(ProveError::Inconsistent)?;
    Ok(write_proof(&record, sequence, &path, checkpoint))
}

/// Reason why the signature of a message cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindSignatureError {
    /// The record is not found.
    #[error(transparent)]
    Find(#[from] ProveError),
    /// The record cannot be decoded.
    #[error("the record cannot be decoded")]
    Record,
    /// The key of its month is missing.
    #[error("the detail cannot be decrypted: {0}")]
    Key(#[from] KeyError),
    /// Its detail cannot be decrypted.
    #[error("the detail cannot be decrypted: {0}")]
    Decrypt(#[from] DecryptError),
}

/// Finds the caller's signature of the message of the exchange with this ticket; `None` if the
/// message was not signed. It is the caller's own proof of what it asked.
///
/// # Errors
/// [`FindSignatureError`].
pub fn find_signature(
    folder: &Path,
    keys: &KeyFolder,
    index: IndexUse,
    ticket: Ticket,
) -> Result<Option<MessageSignature>, FindSignatureError> {
    let names =
        segment::list(&Folder::open(folder).map_err(ProveError::from)? as &dyn Disk).map_err(ProveError::from)?;
    let segments = Segments { folder, keys, index, names: &names };
    let (segment, _, record) = segments.find(ticket)?.ok_or(ProveError::Unknown)?;
    let Ok(Event::Exchange(exchange)) = parse_record(&record).map(|record| record.event) else {
        return Err(FindSignatureError::Record);
    };
    let key = keys.detail_key(segment.month)?;
    Ok(exchange.decrypt(&key)?.signature)
}

/// The segments from which records and hashes are read.
#[derive(Clone, Copy)]
struct Segments<'a> {
    folder: &'a Path,
    keys: &'a KeyFolder,
    index: IndexUse,
    names: &'a [SegmentName],
}

impl Segments<'_> {
    /// Finds the exchange with this ticket, newest segment first: its segment, sequence and bytes.
    fn find(&self, ticket: Ticket) -> Result<Option<(SegmentName, u64, Vec<u8>)>, ProveError> {
        for name in self.names.iter().rev().copied() {
            let looked_up = self.key(name).and_then(|key| self.look_up(name, &key, ticket));
            let found = match looked_up {
                Some(found) => found,
                None => self.read(name, Some(ticket))?.found,
            };
            if let Some((sequence, record)) = found {
                return Ok(Some((name, sequence, record)));
            }
        }
        Ok(None)
    }

    /// Returns the key of a segment's index, if that index may be used.
    fn key(&self, name: SegmentName) -> Option<SubjectKey> {
        let usable = self.index == IndexUse::Keep && self.names.last() != Some(&name);
        let begun = usable.then(|| self.begun(name)).flatten()?;
        self.keys.subject_key(name.month.year()).ok().filter(|key| key.id() == begun.subject_key)
    }

    fn begun(&self, name: SegmentName) -> Option<SegmentBegun> {
        let file = File::open(self.folder.join(name.to_string())).ok()?;
        match record_at(&file, 0)?.event {
            Event::SegmentBegun(begun) => Some(begun),
            Event::Exchange(_)
            | Event::Interruption(_)
            | Event::Pruning(_)
            | Event::Suppressed(_)
            | Event::Vouched(_) => None,
        }
    }

    /// Looks a ticket up in the index. The outer `Option` is `None` if the index cannot be trusted.
    fn look_up(&self, name: SegmentName, key: &SubjectKey, ticket: Ticket) -> Option<Option<(u64, Vec<u8>)>> {
        let look_up = |index: &Index<'_>| index.offsets(Table::Tickets, ticket.as_bytes());
        let existing = Index::open(self.folder, name, key).and_then(|index| look_up(&index));
        let offsets = existing.or_else(|| look_up(&Index::make(self.folder, name, key).ok()?))?;
        let file = File::open(self.folder.join(name.to_string())).ok()?;
        for offset in offsets {
            let frame = frame::read_from(&file, offset)?;
            let record = frame::split(&frame).ok()?.record;
            if decode::indexed_fields(record)?.ticket == ticket {
                return Some(Some((decode::header(record).ok()?.sequence, record.to_vec())));
            }
        }
        Some(None)
    }

    /// Reads all hashes that a proof in this segment needs.
    fn tree(&self, target: SegmentName, size: u64) -> Result<Subtrees, ProveError> {
        let mut tree = Subtrees::default();
        let first = self.names.first().filter(|first| first.first > 0).and_then(|name| self.begun(*name));
        if let Some(begun) = first {
            tree.add_prefix(&begun.tree);
        }
        let mut names = self.names.iter().peekable();
        while let Some(name) = names.next().copied() {
            let holds_the_end = names.peek().is_none_or(|next| next.first >= size) && name.first < size;
            let hashes = if name == target || holds_the_end {
                let leaves = self.read(name, None)?.leaves;
                tree.add_leaves(name.first, &leaves);
                continue;
            } else {
                self.key(name).and_then(|key| {
                    let existing = Index::open(self.folder, name, &key).and_then(|index| index.hashes());
                    existing.or_else(|| Index::make(self.folder, name, &key).ok()?.hashes())
                })
            };
            let hashes = match hashes {
                Some(hashes) => hashes,
                None => Hashes::from_leaves(name.first, &self.read(name, None)?.leaves),
            };
            tree.add_hashes(name.first, &hashes);
        }
        Ok(tree)
    }

    /// Reads a whole segment: its leaf hashes, and the exchange with the ticket.
    fn read(&self, name: SegmentName, ticket: Option<Ticket>) -> Result<SegmentContents, ProveError> {
        let file = File::open(self.folder.join(name.to_string()))?;
        let mut frames = Frames::new(file);
        let mut whole = SegmentContents { leaves: Vec::new(), found: None };
        loop {
            let offset = frames.offset();
            match frames.next_frame()? {
                None => return Ok(whole),
                Some(Ok(framed)) => {
                    let matches =
                        ticket.is_some() && decode::indexed_fields(framed.record).map(|fields| fields.ticket) == ticket;
                    if let (true, Ok(header)) = (matches, decode::header(framed.record)) {
                        whole.found = Some((header.sequence, framed.record.to_vec()));
                    }
                    whole.leaves.push(framed.leaf);
                }
                // The unfinished or torn end lies after every checkpoint.
                Some(Err(_)) if self.names.last() == Some(&name) => return Ok(whole),
                Some(Err(error)) => {
                    return Err(Damage { segment: name, offset, kind: DamageKind::Frame(error) }.into());
                }
            }
        }
    }
}

struct SegmentContents {
    leaves: Vec<Digest>,
    found: Option<(u64, Vec<u8>)>,
}
