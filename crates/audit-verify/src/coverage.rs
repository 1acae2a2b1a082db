//! What a verification covers: which log, which months, which checkpoints and keys.

use std::collections::BTreeMap;

use ehealth_core::model::{Digest, Timestamp};

use super::compare::Checkpoints;
use super::finding::CheckpointSource;
use super::key::VerifyingKey;
use super::segment::{Scanned, SegmentFile};

/// What a verification covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Name of the audit log: the origin of its checkpoints.
    pub origin: String,
    /// Key id of the public key that was given, 8 hexadecimal digits.
    pub key: String,
    /// When the first and the last sound record were written; `None` without one.
    pub period: Option<(Timestamp, Timestamp)>,
    /// Months with records, oldest first.
    pub months: Vec<MonthRecords>,
    /// Months that were pruned, oldest first: `YYYY-MM`. A month that was pruned in part is in both lists.
    pub pruned_months: Vec<String>,
    /// The checkpoints that this key signed, in the order in which they were read.
    pub checkpoints: Vec<VerifiedCheckpoint>,
}

/// Sound records of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRecords {
    /// `YYYY-MM`, by the calendar of Brussels.
    pub month: String,
    /// Number of segments.
    pub segments: u64,
    /// Number of sound records.
    pub records: u64,
}

/// A checkpoint that the given key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    /// Where it was read.
    pub source: CheckpointSource,
    /// Number of records that it signs.
    pub size: u64,
    /// Root of their tree.
    pub root: Digest,
    /// When the newest of them was written; `None` if the checkpoint does not say.
    pub made: Option<Timestamp>,
    /// Key ids of all its signatures, in their order. Only that of the given key is verified: after a key
    /// rotation another one stands beside it.
    pub keys: Vec<String>,
}

impl Coverage {
    pub(super) fn new(
        key: &VerifyingKey,
        (files, scanned): (&[SegmentFile], &[Scanned]),
        checkpoints: &Checkpoints,
    ) -> Self {
        let mut months: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for (file, scanned) in files.iter().zip(scanned) {
            let (segments, records) = months.entry((file.year, file.month)).or_default();
            *segments = segments.saturating_add(1);
            *records = records.saturating_add(scanned.leaves.end().saturating_sub(file.first));
        }
        let month = |(year, month): (u16, u8)| format!("{year:04}-{month:02}");
        let mut pruned: Vec<_> = scanned.iter().flat_map(|segment| &segment.pruned_months).copied().collect();
        pruned.sort_unstable();
        pruned.dedup();
        let times = || scanned.iter().filter_map(|segment| segment.times);
        Self {
            origin: key.name().to_owned(),
            key: key.id(),
            period: times().next().zip(times().next_back()).map(|((first, _), (_, last))| (first, last)),
            months: months
                .into_iter()
                .map(|(of, (segments, records))| MonthRecords { month: month(of), segments, records })
                .collect(),
            pruned_months: pruned.into_iter().map(month).collect(),
            checkpoints: checkpoints
                .iter()
                .map(|(source, head)| VerifiedCheckpoint {
                    source,
                    size: head.size,
                    root: head.root,
                    made: head.made,
                    keys: head.keys.clone(),
                })
                .collect(),
        }
    }

    /// The newest checkpoint: the one that signs most records.
    #[must_use]
    pub fn newest_checkpoint(&self) -> Option<&VerifiedCheckpoint> {
        self.checkpoints.iter().max_by_key(|checkpoint| checkpoint.size)
    }
}
