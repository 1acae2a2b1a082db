//! The verdict on an audit log.

use ehealth_core::model::Digest;

use super::coverage::Coverage;
use super::finding::{Finding, Notice};

/// Result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Sequence of the first record that is present: 0 unless months were pruned.
    pub first: u64,
    /// Size of the tree: the number of records, pruned ones included.
    pub size: u64,
    /// Root of the tree.
    pub root: Digest,
    /// Number of segments that were read.
    pub segments: usize,
    /// Number of bytes in sound frames.
    pub bytes: u64,
    /// Number of records that the newest checkpoint signs; 0 without one.
    pub signed: u64,
    /// Number of records behind the newest checkpoint.
    pub unsigned: u64,
    /// Whether a process was writing the audit log.
    pub in_use: bool,
    /// Whether missing records at the end would have been detected.
    pub truncation: Truncation,
    /// What was verified: the log, its months, checkpoints and keys.
    pub coverage: Coverage,
    /// Everything that is wrong; empty if the audit log is sound.
    pub findings: Vec<Finding>,
    /// What a reader must know besides.
    pub notices: Vec<Notice>,
}

impl Verdict {
    /// Whether nothing is wrong. [`Verdict::truncation`] says what that is worth.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Whether missing records at the end would have been detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// Detectable up to this size: a checkpoint that was kept elsewhere signs this number of
    /// records.
    DetectableUpTo(u64),
    /// Not detectable: no valid checkpoint that was kept elsewhere was given. An attacker who puts
    /// back an old audit log can put back its old checkpoint as well.
    NotDetectable,
}

impl std::fmt::Display for Truncation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DetectableUpTo(size) => write!(
                f,
                "truncation: would be detected, up to the {size} records that the checkpoint kept elsewhere signs"
            ),
            Self::NotDetectable => f.write_str("truncation: cannot be detected without a checkpoint kept elsewhere"),
        }
    }
}
