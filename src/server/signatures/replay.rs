//! Memory of signed messages: each is accepted once.
//!
//! Only a message whose signature was verified is remembered, so that only registered consumers fill
//! the memory, and each its own part of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use parking_lot::Mutex;

use ehealth_core::model::{Digest, EnterpriseNumber, Timestamp};

/// Maximum messages of one signer that are remembered at one time: 200 a second, each for 11 min. Further
/// messages are refused until the oldest expire.
const PER_SIGNER: usize = 131_072;

/// Maximum messages that are remembered at one time: about 80 MiB.
const TOTAL: usize = 524_288;

/// Why a message is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// It was received before.
    Before,
    /// No more messages can be remembered.
    Full,
}

/// Remembers signed messages until they expire. Several nodes may share one memory.
pub trait ReplayCache: Send + Sync {
    /// Remembers the signature of a message (SHA-256 of its value) until it expires.
    ///
    /// # Errors
    /// [`Replayed`]: the message must be refused.
    fn remember(
        &self,
        signer: EnterpriseNumber,
        signature: Digest,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Replayed>;
}

/// Memory of one process.
#[derive(Debug, Default)]
pub struct ReplayMemory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    signatures: HashSet<Digest>,
    /// The same, by the time at which they expire.
    by_time: BTreeSet<(i64, Digest, EnterpriseNumber)>,
    of_signer: HashMap<EnterpriseNumber, usize>,
}

impl Remembered {
    /// Forgets what has expired: at most a few for each message that is remembered, so that no message
    /// pays for many.
    fn forget(&mut self, now: Timestamp) {
        for _ in 0..4 {
            let Some((expires, signature, signer)) = self.by_time.first().copied() else { return };
            if expires >= now.as_millis() {
                return;
            }
            self.by_time.pop_first();
            self.signatures.remove(&signature);
            if let Some(count) = self.of_signer.get_mut(&signer) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.of_signer.remove(&signer);
                }
            }
        }
    }
}

impl ReplayCache for ReplayMemory {
    fn remember(
        &self,
        signer: EnterpriseNumber,
        signature: Digest,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Replayed> {
        let mut remembered = self.0.lock();
        remembered.forget(now);
        if remembered.signatures.contains(&signature) {
            return Err(Replayed::Before);
        }
        let of_signer = remembered.of_signer.get(&signer).copied().unwrap_or(0);
        if of_signer >= PER_SIGNER || remembered.signatures.len() >= TOTAL {
            return Err(Replayed::Full);
        }
        remembered.signatures.insert(signature);
        remembered.by_time.insert((expires.as_millis(), signature, signer));
        remembered.of_signer.insert(signer, of_signer.saturating_add(1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(number: u32) -> Digest {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Digest::new(bytes)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_signature_is_accepted_once_until_it_expires() {
        let memory = ReplayMemory::default();
        let signer = EnterpriseNumber::parse("0999010126").expect("a number");
        assert_eq!(memory.remember(signer, signature(1), at(1_000), at(0)), Ok(()));
        assert_eq!(memory.remember(signer, signature(1), at(9_000), at(1_000)), Err(Replayed::Before));
        assert_eq!(memory.remember(signer, signature(2), at(1_000), at(1_000)), Ok(()));
        // After its end the message itself is refused, as expired.
        assert_eq!(memory.remember(signer, signature(1), at(9_000), at(1_001)), Ok(()));
        let remembered = memory.0.lock();
        assert_eq!(remembered.signatures.len(), remembered.by_time.len());
    }

    #[test]
    fn one_signer_cannot_fill_the_memory() {
        let memory = ReplayMemory::default();
        let [one, other] = ["0999010126", "0202239951"].map(|text| EnterpriseNumber::parse(text).expect("a number"));
        let limit = u32::try_from(PER_SIGNER).expect("small");
        for number in 0..limit {
            assert_eq!(memory.remember(one, signature(number), at(1_000), at(0)), Ok(()));
        }
        assert_eq!(memory.remember(one, signature(limit), at(1_000), at(0)), Err(Replayed::Full));
        assert_eq!(memory.remember(other, signature(limit), at(1_000), at(0)), Ok(()));
        // What has expired makes room.
        assert_eq!(memory.remember(one, signature(limit + 1), at(5_000), at(1_001)), Ok(()));
    }
}
