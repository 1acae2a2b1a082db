//! The right edge of the Merkle tree over the records (RFC 6962, section 2.1): all that a writer
//! needs.
//!
//! A [`Frontier`] holds the root of every full subtree, at most 64 hashes, and computes the root of
//! the tree from them. It does not hold the leaves and cannot prove inclusion.

use aws_lc_rs::digest::{Context, SHA256};

use ehealth_core::model::Digest;

/// SHA-256 over the concatenated parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut bytes = [0; 32];
    // SHA-256 has 32 bytes, so every byte is filled.
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest::new(bytes)
}

/// Hash of a leaf.
pub(crate) fn leaf_hash(record: &[u8]) -> Digest {
    sha256(&[&[0], record])
}

/// Hash of an inner node.
pub(crate) fn node_hash(left: Digest, right: Digest) -> Digest {
    sha256(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// Right edge of a tree that only grows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the full subtrees, largest first: one for each bit that is set in `size`.
    roots: Vec<Digest>,
}

impl Frontier {
    /// Constructs the edge of a tree of `size` leaves from the roots of its full subtrees, largest
    /// first; `None` if their number does not fit the size.
    #[must_use]
    pub fn from_roots(size: u64, roots: Vec<Digest>) -> Option<Self> {
        (u32::try_from(roots.len()) == Ok(size.count_ones())).then_some(Self { size, roots })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the full subtrees, largest first.
    #[must_use]
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        // Each bit that carries when 1 is added to the size joins two subtrees of equal size.
        let joins = self.size.trailing_ones();
        let mut subtree = leaf;
        for _ in 0..joins {
            if let Some(left) = self.roots.pop() {
                subtree = node_hash(left, subtree);
            }
        }
        self.roots.push(subtree);
        self.size = self.size.saturating_add(1);
    }

    /// Root of the tree. The root of an empty tree is SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let from_the_right = self.roots.iter().rev().copied();
        from_the_right.reduce(|right, left| node_hash(left, right)).unwrap_or_else(|| sha256(&[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition of RFC 6962, section 2.1.
    fn naive_root(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => sha256(&[]),
            [leaf] => leaf_hash(leaf),
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                node_hash(naive_root(&leaves[..left]), naive_root(&leaves[left..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves: Vec<Vec<u8>> = (0..300_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let mut tree = Frontier::default();
        for size in 0..leaves.len() {
            assert_eq!(tree.root(), naive_root(&leaves[..size]), "{size}");
            let again = Frontier::from_roots(tree.size(), tree.roots().to_vec());
            assert_eq!(again.as_ref(), Some(&tree));
            tree.push(leaf_hash(&leaves[size]));
        }
    }

    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        // Test vectors of RFC 6962's reference implementation: eight leaves and their tree heads.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Frontier::default();
        assert_eq!(tree.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
        assert_eq!(tree.root().to_string(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn roots_that_do_not_fit_the_size_are_refused() {
        assert_eq!(Frontier::from_roots(2, vec![]), None);
        assert_eq!(Frontier::from_roots(2, vec![Digest::new([0; 32]); 2]), None);
    }
}
