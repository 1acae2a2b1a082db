//! Roots of subtrees of an audit log, from which its root and audit paths are computed.

use std::collections::HashMap;

use ehealth_core::model::Digest;

use super::index::{BLOCK, BLOCK_LEVEL, Hashes};
use crate::format::note::{base64, root_text};
use crate::format::tree::{Frontier, node_hash};

/// Writes a proof: a C2SP tlog-proof whose extra data is the record.
#[must_use]
pub fn write_proof(record: &[u8], sequence: u64, path: &[Digest], checkpoint: &str) -> String {
    let path: String = path.iter().map(|hash| root_text(*hash) + "\n").collect();
    format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {sequence}\n{path}\n{checkpoint}", base64(record))
}

/// Roots of subtrees by level (0 is a leaf) and index.
#[derive(Debug, Clone, Default)]
pub struct Subtrees(HashMap<(u32, u64), Digest>);

impl Subtrees {
    /// Adds the leaf with this sequence, and those after it.
    pub fn add_leaves(&mut self, first: u64, leaves: &[Digest]) {
        self.0.extend((first..).zip(leaves).map(|(position, leaf)| ((0, position), *leaf)));
    }

    /// Adds what an index has of a segment.
    pub(crate) fn add_hashes(&mut self, first: u64, hashes: &Hashes) {
        self.add_leaves(first, &hashes.head);
        let block = first.div_ceil(BLOCK);
        self.0.extend((block..).zip(&hashes.blocks).map(|(position, root)| ((BLOCK_LEVEL, position), *root)));
        let blocks = u64::try_from(hashes.blocks.len()).unwrap_or(0);
        self.add_leaves(block.saturating_add(blocks).saturating_mul(BLOCK), &hashes.tail);
    }

    /// Adds the root of a subtree of 2^`level` leaves.
    pub fn add(&mut self, level: u32, number: u64, hash: Digest) {
        self.0.insert((level, number), hash);
    }

    /// Removes the root of a subtree: it is computed from its parts instead.
    pub fn remove(&mut self, level: u32, number: u64) {
        self.0.remove(&(level, number));
    }

    /// Adds the tree of the pruned records. Every record that is proven lies after it.
    pub fn add_prefix(&mut self, tree: &Frontier) {
        let mut end = tree.size();
        for root in tree.roots().iter().rev() {
            let level = end.trailing_zeros();
            end &= end.saturating_sub(1);
            self.0.insert((level, end.checked_shr(level).unwrap_or(0)), *root);
        }
    }

    /// Hash of the leaves from `start` to before `end` (RFC 6962, section 2.1). `start` must be the
    /// beginning of such a subtree.
    #[must_use]
    pub fn root(&self, start: u64, end: u64) -> Option<Digest> {
        let length = end.checked_sub(start).filter(|length| *length > 0)?;
        if length.is_power_of_two() {
            let level = length.trailing_zeros();
            if let Some(root) = self.0.get(&(level, start.checked_shr(level)?)) {
                return Some(*root);
            }
        }
        let middle = split(start, end)?;
        Some(node_hash(self.root(start, middle)?, self.root(middle, end)?))
    }

    /// Audit path of a leaf, from the leaf to the root (RFC 6962, section 2.1.1).
    #[must_use]
    pub fn path(&self, leaf: u64, size: u64) -> Option<Vec<Digest>> {
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while let Some(middle) = split(start, end) {
            if leaf < middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Some(path)
    }
}

/// Splits a range of leaves: the left part has the largest power of two below its length.
fn split(start: u64, end: u64) -> Option<u64> {
    let length = end.checked_sub(start).filter(|length| *length > 1)?;
    start.checked_add(length.next_power_of_two() >> 1)
}
