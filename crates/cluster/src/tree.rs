//! Roots of whole subtrees, which shorten a proof: one for 2^8 records, and one for 2^16.

use audit_log::replication::block_root;
use ehealth_core::model::Digest;

/// Records under a node of level 8, and nodes of level 8 under one of level 16.
pub(crate) const WIDTH: u64 = 256;

/// Root of a whole subtree of 2^`level` records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeNode {
    pub(crate) level: i16,
    /// Index among the subtrees of its level.
    pub(crate) number: u64,
    pub(crate) hash: Digest,
}

/// Makes the nodes of a tree that grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct TreeBuilder {
    size: u64,
    /// Leaves after the last whole subtree of level 8.
    leaves: Vec<Digest>,
    /// Nodes of level 8 after the last whole subtree of level 16.
    blocks: Vec<Digest>,
}

impl TreeBuilder {
    /// Continues a tree of this size, with the nodes of level 8 after its last whole subtree of level
    /// 16. The leaves after its last whole subtree of level 8 are pushed again: the first of them is
    /// [`TreeBuilder::next`].
    pub(crate) fn resume(size: u64, blocks: Vec<Digest>) -> Self {
        Self { size: size.saturating_sub(size % WIDTH), leaves: Vec::new(), blocks }
    }

    /// Begins at this leaf: the records before it were pruned.
    pub(crate) fn begin(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// Sequence of the next leaf.
    pub(crate) fn next(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Returns the nodes that it completes.
    pub(crate) fn push(&mut self, leaf: Digest) -> impl Iterator<Item = TreeNode> + use<> {
        self.leaves.push(leaf);
        self.size = self.size.saturating_add(1);
        let block = self.complete(8, WIDTH, |tree| &mut tree.leaves);
        self.blocks.extend(block.map(|block| block.hash));
        let upper = self.complete(16, WIDTH.saturating_mul(WIDTH), |tree| &mut tree.blocks);
        block.into_iter().chain(upper)
    }

    /// The node that ends here, if its subtree was begun at its first leaf.
    fn complete(&mut self, level: i16, leaves: u64, parts: fn(&mut Self) -> &mut Vec<Digest>) -> Option<TreeNode> {
        let number = self.size.checked_div(leaves).filter(|_| self.size.is_multiple_of(leaves))?.saturating_sub(1);
        let parts = std::mem::take(parts(self));
        let is_whole = u64::try_from(parts.len()) == Ok(WIDTH);
        is_whole.then(|| TreeNode { level, number, hash: block_root(&parts) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit_log::Frontier;

    fn leaf(number: u64) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Digest::new(bytes)
    }

    #[test]
    fn the_nodes_are_those_of_the_tree_and_survive_a_restart() {
        let (mut builder, mut tree, mut nodes) = (TreeBuilder::default(), Frontier::default(), Vec::new());
        let size = 3 * WIDTH * WIDTH + 5 * WIDTH + 7;
        for number in 0..size {
            nodes.extend(builder.push(leaf(number)));
            tree.push(leaf(number));
        }
        let of_level = |level: i16| nodes.iter().filter(move |node| node.level == level).map(|node| node.hash);
        // The largest subtree has 2^17 leaves: two nodes of level 16.
        let mut upper = Frontier::default();
        of_level(16).take(2).for_each(|hash| upper.push(hash));
        assert_eq!(upper.root(), tree.roots()[0]);
        assert_eq!((of_level(16).count(), of_level(8).count()), (3, 3 * 256 + 5));
        let blocks: Vec<_> = of_level(8).skip(3 * 256).collect();
        let mut resumed = TreeBuilder::resume(size, blocks);
        for number in resumed.next()..size {
            assert_eq!(resumed.push(leaf(number)).count(), 0);
        }
        let more = (size..size + 2 * WIDTH * WIDTH).map(leaf);
        for leaf in more {
            let expected: Vec<_> = builder.push(leaf).collect();
            assert_eq!(resumed.push(leaf).collect::<Vec<_>>(), expected);
        }
    }
}
