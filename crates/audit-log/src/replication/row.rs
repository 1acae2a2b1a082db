//! A record as a row of a database: its frame, byte for byte, and the columns by which it is found.

use ehealth_core::model::Digest;

use crate::format::decode;
use crate::format::frame::{self, FrameError};
use crate::format::month::Month;
use crate::format::record::Event;
use crate::format::subject::{SubjectKey, SubjectToken};
use crate::format::tree::Frontier;

/// First 8 bytes of a token or of a ticket, big-endian.
pub type Prefix = i64;

/// A frame, and the columns by which it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRow<'a> {
    /// Sequence of the record.
    pub sequence: u64,
    /// The frame, as it lies in the segment.
    pub frame: &'a [u8],
    /// Leaf hash of the record.
    pub leaf: Digest,
    /// Ticket of an exchange.
    pub ticket: Option<Prefix>,
    /// Token of the person in the question.
    pub subject: Option<Prefix>,
    /// Token of the SSIN that was disclosed as replacement.
    pub successor: Option<Prefix>,
    /// Token of the end user.
    pub end_user: Option<Prefix>,
    /// Whether the record begins a segment.
    pub begins_segment: bool,
}

/// Reason why bytes are not frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// There is no sound frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The record cannot be decoded.
    #[error(transparent)]
    Record(#[from] decode::RecordError),
}

impl<'a> FrameRow<'a> {
    /// Parses the frame at the start of these bytes.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RowError> {
        let framed = frame::split(bytes)?;
        let header = decode::header(framed.record)?;
        let fields = decode::indexed_fields(framed.record);
        let tokens = fields.as_ref().map(|fields| fields.tokens);
        Ok(Self {
            sequence: header.sequence,
            frame: bytes.get(..frame::length(framed.record)).unwrap_or(bytes),
            leaf: framed.leaf,
            ticket: fields.as_ref().map(|fields| prefix(fields.ticket.as_bytes())),
            subject: tokens.and_then(|tokens| tokens.subject).map(SubjectToken::prefix),
            successor: tokens.and_then(|tokens| tokens.successor).map(SubjectToken::prefix),
            end_user: tokens.and_then(|tokens| tokens.end_user).map(SubjectToken::prefix),
            begins_segment: decode::is_segment_begun(framed.record),
        })
    }

    /// The tokens that lead to the record.
    pub fn tokens(&self) -> impl Iterator<Item = Prefix> {
        [self.subject, self.successor, self.end_user].into_iter().flatten()
    }
}

/// Parses frames that follow each other.
pub fn rows(mut bytes: &[u8]) -> impl Iterator<Item = Result<FrameRow<'_>, RowError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let row = FrameRow::parse(bytes);
        bytes = row.as_ref().ok().and_then(|row| bytes.get(row.frame.len()..)).unwrap_or_default();
        Some(row)
    })
}

/// Root of a whole subtree, from the roots of its 2^n equal parts.
#[must_use]
pub fn block_root(parts: &[Digest]) -> Digest {
    let mut tree = Frontier::default();
    parts.iter().for_each(|part| tree.push(*part));
    tree.root()
}

/// The first 8 bytes of a value, as a number of the database.
#[must_use]
pub fn prefix(value: &[u8]) -> Prefix {
    value.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

impl SubjectToken {
    /// The first 8 bytes, as a number of the database.
    #[must_use]
    pub fn prefix(self) -> Prefix {
        prefix(&self.0)
    }
}

impl SubjectKey {
    /// Authentication code of a row: a person without the year's key cannot add or change a record
    /// of this node.
    #[must_use]
    pub fn row_code(&self, node: &str, leaf: Digest) -> [u8; 16] {
        self.index_code(&[b"row", node.as_bytes(), b"\0", leaf.as_bytes()])
    }

    /// Code of an entry of the index of persons. The sum of all entries shows whether one was
    /// removed or changed.
    #[must_use]
    pub fn entry_code(&self, token: Prefix, sequence: u64) -> u128 {
        u128::from_be_bytes(self.index_code(&[b"entry", &token.to_be_bytes(), &sequence.to_be_bytes()]))
    }

    /// Code of the sums of an index of persons.
    #[must_use]
    pub fn sums_code(&self, node: &str, month: Month, until: u64, sums: &[u8]) -> [u8; 16] {
        self.index_code(&[b"sums", node.as_bytes(), b"\0", month.to_string().as_bytes(), &until.to_be_bytes(), sums])
    }
}

/// The tree before a segment, from the frame of the record that begins it; `None` for another frame.
#[must_use]
pub fn segment_tree(bytes: &[u8]) -> Option<Frontier> {
    match decode::record(frame::split(bytes).ok()?).ok()?.event {
        Event::SegmentBegun(begun) => Some(begun.tree),
        Event::Exchange(_) | Event::Interruption(_) | Event::Pruning(_) | Event::Suppressed(_) | Event::Vouched(_) => {
            None
        }
    }
}

/// The record of a sound frame; `None` for other bytes.
#[must_use]
pub fn record_of(bytes: &[u8]) -> Option<&[u8]> {
    frame::split(bytes).ok().map(|framed| framed.record)
}
