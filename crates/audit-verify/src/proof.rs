//! Judges an inclusion proof: a file that shows, with nothing but the public key, that a record was in the trail.
//!
//! The file is a C2SP tlog-proof whose extra data is the record itself; the path is judged as RFC 9162, 2.1.3.2 says.
//! That the record is under the checkpoint is proven; what in it is sealed stays sealed.

use ehealth_core::model::{Digest, Timestamp};

use super::VerifyingKey;
use super::note::decode;
use super::range::{leaf, node};
use super::record::{self, Kind};

/// The longest file that is looked at: the longest record in base64, 64 hashes, a checkpoint.
const MAX_PROOF_BYTES: usize = 2 << 20;

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// How many records the checkpoint signs.
    pub size: u64,
    /// The record's place among them, from 0.
    pub sequence: u64,
    /// When it was written.
    pub recorded: Timestamp,
    /// The ticket of the exchange; `None` for a record of another kind.
    pub ticket: Option<[u8; 16]>,
    /// The record, byte for byte.
    pub record: Vec<u8>,
}

/// Why a proof shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProofFault {
    /// The text is no proof file.
    #[error("not a proof file with a record in it")]
    Form,
    /// Its checkpoint was not signed by this key.
    #[error("its checkpoint was not signed by this key, or was changed")]
    Checkpoint,
    /// The record is not under the checkpoint.
    #[error("the record is not under the checkpoint")]
    Path,
    /// The record is under the checkpoint, but says another place, or cannot be understood.
    #[error("the record is not one of this place, or cannot be understood")]
    Record,
}

/// Judges the text of a proof file.
///
/// # Errors
/// [`ProofFault`] names the first thing that is wrong.
pub fn verify_proof(proof: &str, key: &VerifyingKey) -> Result<Proven, ProofFault> {
    let (record, sequence, path, note) = parse(proof).ok_or(ProofFault::Form)?;
    let checkpoint = key.open(note.as_bytes()).ok_or(ProofFault::Checkpoint)?;
    if root(sequence, checkpoint.size, leaf(&record), &path) != Some(checkpoint.root) {
        return Err(ProofFault::Path);
    }
    let facts = record::facts(&record).filter(|facts| facts.sequence == sequence).ok_or(ProofFault::Record)?;
    let ticket = match facts.kind {
        Kind::Exchange => record.get(46..62).and_then(|ticket| ticket.try_into().ok()),
        Kind::Begin { .. } | Kind::Interruption | Kind::Pruning { .. } => None,
    };
    let recorded = record.get(14..22).and_then(|millis| millis.try_into().ok()).map(i64::from_be_bytes);
    let recorded = Timestamp::from_millis(recorded.ok_or(ProofFault::Record)?);
    Ok(Proven { size: checkpoint.size, sequence, recorded, ticket, record })
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

/// The root to which a path leads; `None` if it is too long or too short for the place.
fn root(index: u64, size: u64, leaf: Digest, path: &[Digest]) -> Option<Digest> {
    let (mut place, mut last) = (index, size.checked_sub(1)?);
    if place > last {
        return None;
    }
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node(sibling, &hash);
            // An end without a right sibling goes up until it is one.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, section 2.1.1, word for word.
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
    fn every_path_of_every_small_tree_leads_to_its_root_and_no_other_does() {
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
