//! Records that go to the disk in one write.

use ehealth_core::lookup::{Pending, RecordFailure};
use ehealth_core::model::{DatasetStates, Digest, Timestamp};

use super::encode;
use super::frame::TooLong;
use super::record::Stamp;
use super::seal::{DetailKey, SubjectKey};
use super::{Frontier, Trouble};

/// When so many bytes are under way, no further entry is taken: some 3 000 records, a few milliseconds of encoding. So no
/// more than these and one record can be torn.
pub(super) const BATCH_BYTES: u64 = 1 << 20;

/// The keys of a month.
pub(super) struct MonthKeys {
    pub(super) detail: DetailKey,
    pub(super) subject: SubjectKey,
}

/// Records that go to the disk together, and who waits for them.
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// Who waits, with the sequence of the record.
    pub(super) entries: Vec<(Pending, u64)>,
    /// The tree with them.
    pub(super) tree: Frontier,
    /// Which states of the datasets the newest exchange had read.
    pub(super) datasets: DatasetStates,
    /// Entries that no record can hold.
    pub(super) too_long: u64,
    /// So many records are known to be durable.
    pub(super) durable: u64,
    /// With so many bytes it is full.
    pub(super) room: u64,
}

impl Batch {
    /// An empty one behind these records, all of which are durable; in memory that was used before.
    pub(super) fn new(mut bytes: Vec<u8>, tree: Frontier, datasets: DatasetStates) -> Self {
        bytes.clear();
        let durable = tree.size();
        Self { bytes, entries: Vec::new(), tree, datasets, too_long: 0, durable, room: BATCH_BYTES }
    }

    /// Appends one record and its leaf.
    pub(super) fn append(
        &mut self,
        recorded: Timestamp,
        encode: impl FnOnce(&mut Vec<u8>, &Stamp) -> Result<Digest, TooLong>,
    ) -> Result<Result<(), TooLong>, Trouble> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| Trouble::Random)?;
        let sequence = self.tree.size();
        let unproven = u32::try_from(sequence.saturating_sub(self.durable)).unwrap_or(u32::MAX);
        let stamp = Stamp { sequence, unproven, recorded, salt };
        Ok(encode(&mut self.bytes, &stamp).map(|leaf| self.tree.push(leaf)))
    }

    /// Appends what `next` gives, until it is full.
    pub(super) fn fill(
        &mut self,
        recorded: Timestamp,
        keys: &MonthKeys,
        next: &mut impl FnMut() -> Option<Pending>,
    ) -> Result<(), Trouble> {
        while u64::try_from(self.bytes.len()).is_ok_and(|length| length < self.room) {
            let Some(pending) = next() else { break };
            let sequence = self.tree.size();
            let appended = self.append(recorded, |out, stamp| {
                encode::exchange(out, stamp, pending.record(), &keys.detail, &keys.subject)
            });
            match appended {
                Ok(Ok(())) => {
                    let read = pending.record().datasets;
                    if read != DatasetStates::default() {
                        self.datasets = read;
                    }
                    self.entries.push((pending, sequence));
                }
                Ok(Err(TooLong)) => {
                    self.too_long = self.too_long.saturating_add(1);
                    pending.failed(RecordFailure::Unwritable);
                }
                Err(trouble) => {
                    self.entries.push((pending, sequence));
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }
}
