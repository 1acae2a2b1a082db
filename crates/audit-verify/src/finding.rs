//! Findings: what a verification reports as wrong.

use ehealth_core::model::{Digest, Timestamp};

use super::segment::SegmentDamage;

/// A checkpoint that is compared with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointSource {
    /// The checkpoint in the audit log's folder.
    Own,
    /// The checkpoint that was kept elsewhere.
    Elsewhere,
}

impl CheckpointSource {
    /// Code of the place.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl std::fmt::Display for CheckpointSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own => "the audit log's own checkpoint",
            Self::Elsewhere => "the checkpoint kept elsewhere",
        })
    }
}

/// An error in the audit log (`docs/reference/audit-log-format.md` "Verification").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A file ends in `.seg` but is not named as a segment.
    #[error("{0} is not the name of a segment (FIRST-YYYY-MM.seg)")]
    Name(String),
    /// A segment is damaged at this byte. Nothing behind it can be compared.
    #[error("{segment}, byte {offset}: {damage}")]
    Damaged {
        /// File name of the segment.
        segment: String,
        /// Offset of the first bad frame; the bytes before it are sound.
        offset: u64,
        /// Kind of damage.
        damage: SegmentDamage,
    },
    /// A segment does not begin where the one before it ended.
    #[error("{segment} begins with record {found}; expected record {expected}")]
    Gap {
        /// File name of the segment.
        segment: String,
        /// Sequence that follows the segment before.
        expected: u64,
        /// Sequence in the file name.
        found: u64,
    },
    /// The tree in a segment's first record is not the tree of the records before it.
    #[error("{segment} names another tree than that of the records before it")]
    TreeMismatch {
        /// File name of the segment.
        segment: String,
    },
    /// The first records are missing, and no pruning record names the new beginning.
    #[error("the records before record {first} are missing and were not pruned")]
    BeginningMissing {
        /// Sequence of the first record that is present.
        first: u64,
    },
    /// The text of a policy file was changed: its SHA-256 is not the one in its name.
    #[error("policy-{0}.toml was changed: its SHA-256 is another")]
    PolicyTextChanged(Digest),
    /// The folder has no segment.
    #[error("the folder has no segment")]
    Empty,
    /// A checkpoint file is missing.
    #[error("{0} is missing")]
    CheckpointMissing(CheckpointSource),
    /// A checkpoint is not signed by this key under this origin, or was changed.
    #[error("{0} is not signed by this key, or was changed")]
    CheckpointForged(CheckpointSource),
    /// The audit log has fewer records than a checkpoint signs.
    #[error("truncated: {checkpoint} signs {signed} records, but only {found} are present")]
    Truncated {
        /// Checkpoint that signs more records.
        checkpoint: CheckpointSource,
        /// Number of records that it signs.
        signed: u64,
        /// Number of records that are present, pruned ones included.
        found: u64,
    },
    /// The records are damaged before the end of what a checkpoint signs, so that the two cannot be
    /// compared.
    #[error("{checkpoint} signs {signed} records; it cannot be compared, because only the first {sound} are sound")]
    Incomparable {
        /// Checkpoint that cannot be compared.
        checkpoint: CheckpointSource,
        /// Number of records that it signs.
        signed: u64,
        /// Number of records before the first damage.
        sound: u64,
    },
    /// A checkpoint signs other records.
    #[error("the first {signed} records are not those that {checkpoint} signs")]
    Inconsistent {
        /// Checkpoint whose root differs.
        checkpoint: CheckpointSource,
        /// Number of records that it signs.
        signed: u64,
    },
    /// A checkpoint signs fewer records than were pruned since, so that the two cannot be compared.
    #[error("{checkpoint} signs {signed} records, all of which were pruned since")]
    TooOld {
        /// Checkpoint that is too old.
        checkpoint: CheckpointSource,
        /// Number of records that it signs.
        signed: u64,
    },
    /// The audit log's own checkpoint is older than the one kept elsewhere: an old one was put
    /// back.
    #[error(
        "the audit log's own checkpoint signs {own} records, fewer than the {elsewhere} records that the checkpoint \
         kept elsewhere signs"
    )]
    OlderThanElsewhere {
        /// Number of records that the audit log's own checkpoint signs.
        own: u64,
        /// Number of records that the checkpoint kept elsewhere signs.
        elsewhere: u64,
    },
}

/// A fact that a reader of the verdict must know, but that is no error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Records lie behind the newest checkpoint: the log is being written, was copied while it was
    /// written, or its writer died. Nothing proves them.
    #[error(
        "{records} records after the last checkpoint are not signed: the log was copied while it was written, or its \
         writer was killed"
    )]
    Unsigned {
        /// Number of records behind the newest checkpoint.
        records: u64,
    },
    /// The last segment ends inside a write, behind everything that a checkpoint signs.
    #[error("{segment}, byte {offset}: the end of a write that was under way; no checkpoint signs it")]
    TornEnd {
        /// File name of the segment.
        segment: String,
        /// Offset of the first byte that is no whole record.
        offset: u64,
    },
    /// The log was once opened without any checkpoint, on the word of its operator.
    #[error(
        "at {at} the log had {records} records and no checkpoint, and its operator vouched for them \
         (audit_log.missing_checkpoint = \"sign\"): only a checkpoint that was kept elsewhere before proves them"
    )]
    Vouched {
        /// Number of records before it.
        records: u64,
        /// When it was recorded.
        at: Timestamp,
    },
    /// The text of a policy file under which exchanges were decided is not in the folder.
    #[error(
        "policy-{0}.toml is missing, the policy file under which exchanges were decided: copy it from the audit log's \
         folder or from a backup"
    )]
    PolicyTextMissing(Digest),
    /// A checkpoint was made in the future: the clock of the machine that signed it, or of this
    /// one, is wrong.
    #[error("{checkpoint} was made at {made}, more than 5 minutes after the clock of this machine ({now})")]
    Future {
        /// The checkpoint.
        checkpoint: CheckpointSource,
        /// When it was made.
        made: Timestamp,
        /// The clock.
        now: Timestamp,
    },
}

impl Notice {
    /// Code of the kind of notice, as in `docs/reference/audit-log-format.md` "Verification".
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned { .. } => "unsigned",
            Self::TornEnd { .. } => "torn end",
            Self::Vouched { .. } => "vouched",
            Self::PolicyTextMissing(_) => "policy text missing",
            Self::Future { .. } => "future",
        }
    }
}

impl Finding {
    /// Code of the kind of finding, as in `docs/reference/audit-log-format.md` "Verification".
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Damaged { .. } => "damaged",
            Self::Gap { .. } => "gap",
            Self::TreeMismatch { .. } => "tree mismatch",
            Self::BeginningMissing { .. } => "beginning missing",
            Self::PolicyTextChanged(_) => "policy text changed",
            Self::Empty => "empty",
            Self::CheckpointMissing(_) => "checkpoint missing",
            Self::CheckpointForged(_) => "checkpoint forged",
            Self::Truncated { .. } => "truncated",
            Self::Incomparable { .. } => "incomparable",
            Self::Inconsistent { .. } => "inconsistent",
            Self::TooOld { .. } => "too old",
            Self::OlderThanElsewhere { .. } => "older than elsewhere",
        }
    }
}
