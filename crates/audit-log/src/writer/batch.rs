//! A batch: records that go to the disk in one write.

use ehealth_core::lookup::{Pending, RecordContent, RecordFailure};
use ehealth_core::model::{DatasetStates, Digest, Timestamp};

use crate::format::detail::DetailKey;
use crate::format::encode;
use crate::format::frame::TooLong;
use crate::format::record::RecordHeader;
use crate::format::subject::SubjectKey;
use crate::format::tree::Frontier;
use crate::storage::tail::BATCH_BYTES;
use crate::storage::write_failure::WriteFailure;

/// The keys of a month.
pub(crate) struct MonthKeys {
    pub(crate) detail: DetailKey,
    pub(crate) subject: SubjectKey,
}

/// Records of one write, with the exchanges that wait for them.
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Waiting exchanges, each with the sequence of its record.
    pub(crate) records: Vec<(Pending, u64)>,
    /// Tree with these records.
    pub(crate) tree: Frontier,
    /// Offset in `bytes` and leaf hash of the last record.
    pub(crate) last: Option<(u64, Digest)>,
    /// Dataset states that the newest exchange had read.
    pub(crate) datasets: DatasetStates,
    /// Number of exchanges that do not fit a record.
    pub(crate) too_long: u64,
    /// Number of records that are known to be durable.
    pub(crate) durable: u64,
    /// Length in bytes at which the batch is full.
    pub(crate) capacity: u64,
}

impl Batch {
    /// Constructs an empty batch after these records, all of which are durable. Reuses the memory
    /// of `bytes`.
    pub(crate) fn new(mut bytes: Vec<u8>, tree: Frontier, datasets: DatasetStates) -> Self {
        bytes.clear();
        let durable = tree.size();
        Self { bytes, records: Vec::new(), tree, last: None, datasets, too_long: 0, durable, capacity: BATCH_BYTES }
    }

    /// Appends a record to the bytes and its leaf hash to the tree.
    pub(crate) fn append(
        &mut self,
        recorded: Timestamp,
        encode: impl FnOnce(&mut Vec<u8>, &RecordHeader) -> Result<Digest, TooLong>,
    ) -> Result<Result<(), TooLong>, WriteFailure> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| WriteFailure::Random)?;
        let sequence = self.tree.size();
        let unproven = u32::try_from(sequence.saturating_sub(self.durable)).unwrap_or(u32::MAX);
        let header = RecordHeader { sequence, unproven, recorded, salt };
        let offset = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        Ok(encode(&mut self.bytes, &header).map(|leaf| {
            self.last = Some((offset, leaf));
            self.tree.push(leaf);
        }))
    }

    /// Appends what `next` returns, until the batch is full.
    pub(crate) fn fill(
        &mut self,
        recorded: Timestamp,
        keys: &MonthKeys,
        is_unreplicated: bool,
        next: &mut impl FnMut() -> Option<Pending>,
    ) -> Result<(), WriteFailure> {
        while u64::try_from(self.bytes.len()).is_ok_and(|length| length < self.capacity) {
            let Some(pending) = next() else { break };
            let sequence = self.tree.size();
            let appended = self.append(recorded, |out, header| match pending.record() {
                RecordContent::Exchange(exchange) => {
                    encode::exchange(out, header, exchange, (&keys.detail, &keys.subject), is_unreplicated)
                }
                RecordContent::Suppressed(requests) => encode::suppressed(out, header, requests),
            });
            match appended {
                Ok(Ok(())) => {
                    let read = pending.record().exchange().map(|exchange| exchange.datasets).unwrap_or_default();
                    if read != DatasetStates::default() {
                        self.datasets = read;
                    }
                    self.records.push((pending, sequence));
                }
                Ok(Err(TooLong)) => {
                    self.too_long = self.too_long.saturating_add(1);
                    pending.failed(RecordFailure::Unwritable);
                }
                Err(failure) => {
                    self.records.push((pending, sequence));
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}
