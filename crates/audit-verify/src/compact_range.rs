//! Compact range: consecutive leaves of a Merkle tree (RFC 6962, section 2.1), as the roots of the
//! subtrees that cover them.
//!
//! Two adjacent ranges join into one, so that the parts of a tree can be hashed in parallel.

use aws_lc_rs::digest::{Context, SHA256};

use ehealth_core::model::Digest;

/// SHA-256 of an optional prefix byte and two parts.
pub(super) fn hash(prefix: Option<u8>, parts: [&[u8]; 2]) -> Digest {
    let mut context = Context::new(&SHA256);
    if let Some(prefix) = prefix {
        context.update(&[prefix]);
    }
    parts.into_iter().for_each(|part| context.update(part));
    Digest::new(context.finish().as_ref().try_into().unwrap_or([0; 32]))
}

/// Hash of a leaf.
pub(super) fn leaf(data: &[u8]) -> Digest {
    hash(Some(0), [data, &[]])
}

/// Hash of the inner node above two others.
pub(super) fn node(left: &Digest, right: &Digest) -> Digest {
    hash(Some(1), [left.as_bytes(), right.as_bytes()])
}

/// The leaves from `start` to `end` (exclusive), covered by the largest complete subtrees between
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompactRange {
    start: u64,
    end: u64,
    /// Level (0 is a leaf) and root of each subtree, from left to right.
    nodes: Vec<(u32, Digest)>,
}

impl CompactRange {
    /// The empty range at the beginning of the tree.
    pub(super) fn empty() -> Self {
        Self::at(0)
    }

    /// The empty range at this index.
    pub(super) fn at(start: u64) -> Self {
        Self { start, end: start, nodes: Vec::new() }
    }

    /// The first `size` leaves, from the roots of their complete subtrees, the largest first;
    /// `None` if a tree of this size has another number of them.
    pub(super) fn prefix(size: u64, roots: &[Digest]) -> Option<Self> {
        let levels: Vec<u32> = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1).collect();
        let nodes = (levels.len() == roots.len()).then(|| levels.into_iter().zip(roots.iter().copied()).collect())?;
        Some(Self { start: 0, end: size, nodes })
    }

    /// Index behind the last leaf.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Appends a leaf.
    pub(super) fn push(&mut self, leaf: Digest) {
        self.push_subtree(0, leaf);
    }

    /// Appends another range, which must begin where this one ends.
    pub(super) fn append(&mut self, other: &Self) {
        other.nodes.iter().for_each(|(level, root)| self.push_subtree(*level, *root));
    }

    fn push_subtree(&mut self, mut level: u32, mut root: Digest) {
        // Index among the subtrees of its level: odd ones are right halves.
        let mut index = self.end >> level;
        self.end = self.end.saturating_add(1_u64.checked_shl(level).unwrap_or(0));
        while index & 1 == 1
            && let Some((_, left)) = self.nodes.pop_if(|(of, _)| *of == level)
        {
            root = node(&left, &root);
            index >>= 1;
            level = level.saturating_add(1);
        }
        self.nodes.push((level, root));
    }

    /// Root of the tree; meaningful only if the range begins at index 0.
    pub(super) fn root(&self) -> Digest {
        let from_the_right = self.nodes.iter().rev().map(|(_, root)| *root);
        from_the_right.reduce(|right, left| node(&left, &right)).unwrap_or_else(|| hash(None, [&[], &[]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_parts_equal_the_whole_range() {
        let leaves: Vec<Digest> = (0..70_u8).map(|number| leaf(&[number])).collect();
        let range = |from: usize, to: usize| {
            let mut range = CompactRange::at(from as u64);
            leaves[from..to].iter().for_each(|leaf| range.push(*leaf));
            range
        };
        for end in 0..leaves.len() {
            let whole = range(0, end);
            for first in 0..=end {
                for second in [first, usize::midpoint(first, end), end] {
                    let mut parts = range(0, first);
                    parts.append(&range(first, second));
                    parts.append(&range(second, end));
                    assert_eq!(parts, whole, "{first} {second} {end}");
                }
            }
            let roots: Vec<_> = whole.nodes.iter().map(|(_, root)| *root).collect();
            assert_eq!(CompactRange::prefix(end as u64, &roots), Some(whole));
        }
    }

    #[test]
    fn root_equals_the_certificate_transparency_vector() {
        let leaves: [&[u8]; 7] =
            [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", b"\x50\x51\x52\x53\x54\x55\x56\x57"];
        let mut tree = CompactRange::empty();
        assert_eq!(tree.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        leaves.into_iter().for_each(|data| tree.push(leaf(data)));
        assert_eq!(tree.root().to_string(), "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
    }
}
