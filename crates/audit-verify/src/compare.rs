//! Compares checkpoints with the records.

use std::ops::Range;

use ehealth_core::model::{Digest, Timestamp};

use super::finding::{CheckpointSource, Finding, Notice};
use super::note::Checkpoint;

/// How far ahead of the clock a checkpoint may be made, in milliseconds: clocks differ by as much.
const MAX_AHEAD_MILLIS: i64 = 5 * 60 * 1_000;

/// The records that were read, as far as a checkpoint can be compared with them.
pub(super) struct Records<'a> {
    /// Sequences of the sound records.
    pub(super) sequences: Range<u64>,
    /// Root of the tree at each size that a checkpoint signs.
    pub(super) roots: &'a [(u64, Digest)],
    /// Whether reading stopped at damage, so that more records may be there.
    pub(super) is_broken: bool,
}

/// Compares one checkpoint with the records.
fn compare(checkpoint: CheckpointSource, head: &Checkpoint, records: &Records<'_>) -> Option<Finding> {
    let signed = head.size;
    let Range { start, end } = records.sequences;
    if signed > end {
        return Some(if records.is_broken {
            Finding::Incomparable { checkpoint, signed, sound: end }
        } else {
            Finding::Truncated { checkpoint, signed, found: end }
        });
    }
    if signed < start {
        return Some(Finding::TooOld { checkpoint, signed });
    }
    let is_same = records.roots.iter().any(|(size, root)| *size == signed && *root == head.root);
    (!is_same).then_some(Finding::Inconsistent { checkpoint, signed })
}

/// The checkpoints that are signed by the key.
pub(super) struct Checkpoints {
    pub(super) own: Option<Checkpoint>,
    pub(super) elsewhere: Option<Checkpoint>,
}

impl Checkpoints {
    pub(super) fn iter(&self) -> impl Iterator<Item = (CheckpointSource, &Checkpoint)> {
        let own = self.own.iter().map(|head| (CheckpointSource::Own, head));
        own.chain(self.elsewhere.iter().map(|head| (CheckpointSource::Elsewhere, head)))
    }

    /// Number of records that the newest one signs.
    pub(super) fn signed(&self) -> Option<u64> {
        self.iter().map(|(_, head)| head.size).max()
    }

    /// The checkpoints that were made after this moment, with room for clocks that differ.
    pub(super) fn future(&self, now: Timestamp) -> impl Iterator<Item = Notice> {
        let latest = now.as_millis().saturating_add(MAX_AHEAD_MILLIS);
        self.iter().filter_map(move |(checkpoint, head)| {
            let made = head.made.filter(|made| made.as_millis() > latest)?;
            Some(Notice::Future { checkpoint, made, now })
        })
    }

    /// Compares each checkpoint with the records, and the two with each other.
    pub(super) fn compare(&self, records: &Records<'_>) -> Vec<Finding> {
        let mut findings: Vec<_> = self.iter().filter_map(|(source, head)| compare(source, head, records)).collect();
        if let (Some(own), Some(elsewhere)) = (&self.own, &self.elsewhere)
            && own.size < elsewhere.size
        {
            findings.push(Finding::OlderThanElsewhere { own: own.size, elsewhere: elsewhere.size });
        }
        findings
    }
}
