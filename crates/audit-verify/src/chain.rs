//! The chain of segments: each must begin with the tree of all records before it.

use std::collections::BTreeSet;

use ehealth_core::model::Digest;

use super::compact_range::CompactRange;
use super::finding::{Finding, Notice};
use super::segment::{Scanned, SegmentDamage, SegmentFile, Start};

/// Position of a segment. A process may be writing, or may have stopped writing, in the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// A later segment follows.
    Inner,
    /// The last segment, to which no process writes.
    Last,
    /// The last segment, to which a process is writing.
    BeingWritten,
}

/// The segments that were added, joined.
pub(super) struct Chain {
    tree: Option<CompactRange>,
    /// Number of records that the newest checkpoint signs, if there is one.
    signed: Option<u64>,
    /// Root of the tree at each size that was asked for.
    pub(super) roots: Vec<(u64, Digest)>,
    pub(super) findings: Vec<Finding>,
    pub(super) notices: Vec<Notice>,
    /// Sequences at which the audit log may begin, according to its pruning records.
    pub(super) pruned: BTreeSet<u64>,
    pub(super) bytes: u64,
    /// Whether damage was found. Later segments are read, but cannot be joined.
    pub(super) is_broken: bool,
}

impl Chain {
    pub(super) fn new(signed: Option<u64>, findings: Vec<Finding>) -> Self {
        let (roots, notices, pruned) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { tree: None, signed, roots, findings, notices, pruned, bytes: 0, is_broken: false }
    }

    /// The tree of all records up to the first damage.
    pub(super) fn tree(&self) -> CompactRange {
        self.tree.clone().unwrap_or_else(CompactRange::empty)
    }

    /// Adds the next segment.
    pub(super) fn add(&mut self, file: &SegmentFile, scanned: &Scanned, position: Position) {
        self.bytes = self.bytes.saturating_add(scanned.bytes);
        self.pruned.extend(&scanned.pruned);
        self.notices.extend(scanned.vouched.iter().map(|(records, at)| Notice::Vouched { records: *records, at: *at }));
        let start = scanned.start.as_ref().map(|Start { tree }| tree);
        let mut tree = match self.tree.take() {
            Some(tree) => {
                self.check_beginning(file, start, &tree);
                tree
            }
            // The first segment: its own record says which tree lies before it.
            None => start.cloned().unwrap_or_else(CompactRange::empty),
        };
        if !self.is_broken {
            self.roots.extend(scanned.at_sizes.iter().map(|part| {
                let mut whole = tree.clone();
                whole.append(part);
                (whole.end(), whole.root())
            }));
            tree.append(&scanned.leaves);
        }
        self.tree = Some(tree);
        self.check_damage(file, scanned, position);
    }

    /// Checks that a segment begins with the record and the tree that follow the segment before.
    fn check_beginning(&mut self, file: &SegmentFile, start: Option<&CompactRange>, tree: &CompactRange) {
        if self.is_broken {
            return;
        }
        let segment = || file.name.clone();
        let finding = if tree.end() != file.first {
            Some(Finding::Gap { segment: segment(), expected: tree.end(), found: file.first })
        } else if start.is_some_and(|start| start != tree) {
            Some(Finding::TreeMismatch { segment: segment() })
        } else {
            None
        };
        self.is_broken = finding.is_some();
        self.findings.extend(finding);
    }

    /// Reports the damage of a segment, unless it is what a writer leaves at the end.
    fn check_damage(&mut self, file: &SegmentFile, scanned: &Scanned, position: Position) {
        let Some((offset, damage)) = scanned.damage else { return };
        // A frame that is being written is there in part. Whatever it will be comes after every
        // checkpoint.
        let is_unfinished = position == Position::BeingWritten && damage.may_be_unfinished();
        let is_preallocated = position != Position::Inner && damage == SegmentDamage::Preallocated;
        // A plain copy of a log that was being written ends inside a write, and so does a log whose
        // writer died. No checkpoint ever signed what lies there.
        let is_signed = self.signed.is_none_or(|signed| self.tree().end() < signed);
        if position == Position::Last && scanned.may_be_torn() && !is_signed && !self.is_broken {
            self.notices.push(Notice::TornEnd { segment: file.name.clone(), offset });
        } else if !is_unfinished && !is_preallocated {
            self.findings.push(Finding::Damaged { segment: file.name.clone(), offset, damage });
            self.is_broken = true;
        }
    }
}
