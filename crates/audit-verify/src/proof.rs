//! Verifies an inclusion proof: a file that shows, with only the public key, that a record is in
//! the audit log.
//!
//! The file is a C2SP tlog-proof whose extra data is the record itself. The path is verified
//! according to RFC 9162, section 2.1.3.2. The encrypted detail of the record stays encrypted.

use ehealth_core::model::{Digest, Timestamp};

use super::base64::decode;
use super::compact_range::{leaf, node};
use super::key::VerifyingKey;
use super::record::{self, Kind};

/// Maximum size of a proof: 2 MiB. The longest record in base64, 64 hashes and a checkpoint fit.
const MAX_PROOF_BYTES: usize = 2 << 20;

/// The record that a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Name of the audit log: the origin of the checkpoint.
    pub origin: String,
    /// Key id of the key that signed the checkpoint, 8 hexadecimal digits.
    pub key: String,
    /// Number of records that the checkpoint signs.
    pub size: u64,
    /// Root of their tree.
    pub root: Digest,
    /// When the newest of them was written; `None` if the checkpoint does not say.
    pub made: Option<Timestamp>,
    /// Sequence of the record, from 0.
    pub sequence: u64,
    /// Moment at which the record was written.
    pub recorded: Timestamp,
    /// `ticketCBSS` of the exchange (a UUID); `None` for a record of another kind.
    pub ticket: Option<[u8; 16]>,
    /// Bytes of the record.
    pub record: Vec<u8>,
}

/// An error in a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProofError {
    /// The text is not a proof with a record.
    #[error("not a proof (c2sp.org/tlog-proof@v1) with a record")]
    Form,
    /// The checkpoint is not signed by this key, or was changed.
    #[error("the checkpoint of the proof is not signed by this key, or was changed")]
    Checkpoint,
    /// The path does not lead from the record to the checkpoint's root.
    #[error("the checkpoint does not sign the record")]
    Path,
    /// The checkpoint signs the record, but the record is malformed or names another sequence than
    /// the proof.
    #[error("the record is malformed, or names another sequence than the proof")]
    Record,
}

impl ProofError {
    /// Code of the step of the verification that failed. The steps are made in this order: `form`,
    /// `checkpoint`, `path`, `record`.
    #[must_use]
    pub fn step(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Checkpoint => "checkpoint",
            Self::Path => "path",
            Self::Record => "record",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Form => "ask for the file again, as audit prove wrote it: every byte counts",
            Self::Checkpoint => {
                "compare the key with the one that the operator published; after a key rotation, use the key that \
                 signed at that time"
            }
            Self::Path => {
                "the record or the path was changed, or they belong to another checkpoint: ask for a new proof, and \
                 keep this file"
            }
            Self::Record => {
                "a newer version of the program may have written the record: use its audit-verify; otherwise keep \
                 this file and ask the operator"
            }
        }
    }
}

/// Verifies the text of a proof.
///
/// # Errors
/// [`ProofError`] for the first error.
pub fn verify_proof(proof: &str, key: &VerifyingKey) -> Result<Proven, ProofError> {
    let (record, sequence, path, note) = parse(proof).ok_or(ProofError::Form)?;
    let checkpoint = key.open(note.as_bytes()).ok_or(ProofError::Checkpoint)?;
    if root(sequence, checkpoint.size, leaf(&record), &path) != Some(checkpoint.root) {
        return Err(ProofError::Path);
    }
    let facts = record::facts(&record).filter(|facts| facts.sequence == sequence).ok_or(ProofError::Record)?;
    let ticket = match facts.kind {
        Kind::Exchange { .. } => record.get(46..62).and_then(|ticket| ticket.try_into().ok()),
        Kind::Begin { .. } | Kind::Interruption | Kind::Pruning { .. } | Kind::Suppressed | Kind::Vouched { .. } => {
            None
        }
    };
    let recorded = record.get(14..22).and_then(|millis| millis.try_into().ok()).map(i64::from_be_bytes);
    let recorded = Timestamp::from_millis(recorded.ok_or(ProofError::Record)?);
    let (size, root, made) = (checkpoint.size, checkpoint.root, checkpoint.made);
    Ok(Proven { origin: checkpoint.origin, key: key.id(), size, root, made, sequence, recorded, ticket, record })
}

fn parse(proof: &str) -> Option<(Vec<u8>, u64, Vec<Digest>, &str)> {
    if proof.len() > MAX_PROOF_BYTES {
        return None;
    }
    let (head, note) = proof.split_once("\n\n")?;
    let mut lines = head.split('\n');
    if lines.next()? != "c2sp.org/tlog-proof@v1" {
        return None;
    }
    let record = decode(lines.next()?.strip_prefix("extra ")?)?;
    let index = lines.next()?.strip_prefix("index ")?;
    let sequence: u64 = index.parse().ok()?;
    let path = lines.map(|line| Some(Digest::new(decode(line)?.try_into().ok()?))).collect::<Option<Vec<_>>>()?;
    (sequence.to_string() == index).then_some((record, sequence, path, note))
}

/// Computes the root to which a path leads; `None` if the path is too long or too short for the
/// index.
fn root(index: u64, size: u64, leaf: Digest, path: &[Digest]) -> Option<Digest> {
    let (mut node_index, mut last) = (index, size.checked_sub(1)?);
    if node_index > last {
        return None;
    }
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node_index & 1 == 1 || node_index == last {
            hash = node(sibling, &hash);
            // A last node without a sibling goes up until it is a right child.
            while node_index & 1 == 0 && node_index != 0 {
                node_index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        node_index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, section 2.1.1, literally.
    fn path(index: usize, leaves: &[Digest]) -> (Vec<Digest>, Digest) {
        if let [leaf] = leaves {
            return (Vec::new(), *leaf);
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let whole = |part| path(0, part).1;
        let (mut hashes, sibling) = if index < left.len() {
            (path(index, left).0, whole(right))
        } else {
            (path(index - left.len(), right).0, whole(left))
        };
        hashes.push(sibling);
        (hashes, node(&whole(left), &whole(right)))
    }

    #[test]
    fn only_the_path_of_a_leaf_leads_to_the_root() {
        let leaves: Vec<Digest> = (0..40_u8).map(|number| leaf(&[number])).collect();
        for size in 1..leaves.len() {
            for index in 0..size {
                let (hashes, expected) = path(index, &leaves[..size]);
                let (at, of) = (index as u64, size as u64);
                assert_eq!(root(at, of, leaves[index], &hashes), Some(expected), "{index} of {size}");
                assert_ne!(root(at + 1, of, leaves[index], &hashes), Some(expected));
                assert_ne!(root(at, of, leaf(b"other"), &hashes), Some(expected));
                let longer = [hashes.as_slice(), &[leaves[0]]].concat();
                assert_eq!(root(at, of, leaves[index], &longer), None);
                if let Some((_, shorter)) = hashes.split_last() {
                    assert_eq!(root(at, of, leaves[index], shorter), None);
                }
            }
        }
    }
}
