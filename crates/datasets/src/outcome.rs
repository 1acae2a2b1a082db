//! How a run ended. The codes are part of the contract with operators (feed.md): one list, spelled in a test.

use ehealth_core::model::Dataset;

/// How a run of one feed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The publisher has nothing new. The data count as fresh as the notification says.
    Nothing,
    /// Deltas led to the publisher's serial.
    Deltas,
    /// A snapshot, and the deltas after it, led to the publisher's serial.
    Snapshot(SnapshotReason),
    /// What the publisher offers was not taken, or not all of it; what was loaded before is served on.
    Refused(Refusal),
    /// Nobody's offer was judged: something did not work. The next run may.
    Failed(Failure),
    /// Another run is at it.
    Skipped,
}

/// Why a snapshot was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotReason {
    /// Nothing was loaded before.
    First,
    /// The publisher began a new session.
    NewSession,
    /// The deltas that would lead on are no longer offered.
    Gap,
    /// A delta could not be applied.
    BadDelta,
}

/// Why an offer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The serial is lower than the one that is loaded, or the session was left before.
    Rollback,
    /// A file that was known has another hash now.
    Rewritten,
    /// The file has another hash than announced.
    Hash,
    /// The file has another length than announced.
    Bytes,
    /// The file has another number of records than announced.
    Records,
    /// The notification, or a file that it lists, is not there.
    MissingFile,
    /// The file is not the CSV, or not packed as its name says.
    Malformed,
    /// More records are wrong than may be.
    TooManyWrong,
    /// A path could leave the feed, or leads over a link or to something that is no file.
    Uri,
    /// The notification cannot be read, is another dataset's, or does not lead to its serial.
    Notification,
    /// The notification is not signed as it must be.
    Signature,
    /// The dataset would lose more records than it may.
    Shrunk,
    /// A delta could not be applied, and the snapshot is older than it.
    BadDelta,
}

/// What did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The feed cannot be read now.
    Source,
    /// The store, or the folder of rejected records, cannot be written.
    Store,
    /// The service was told to stop meanwhile.
    Stopped,
}

impl Outcome {
    /// All of them, in feed.md's order.
    pub const ALL: [Self; 23] = [
        Self::Nothing,
        Self::Deltas,
        Self::Snapshot(SnapshotReason::First),
        Self::Snapshot(SnapshotReason::NewSession),
        Self::Snapshot(SnapshotReason::Gap),
        Self::Snapshot(SnapshotReason::BadDelta),
        Self::Refused(Refusal::Rollback),
        Self::Refused(Refusal::Rewritten),
        Self::Refused(Refusal::Hash),
        Self::Refused(Refusal::Bytes),
        Self::Refused(Refusal::Records),
        Self::Refused(Refusal::MissingFile),
        Self::Refused(Refusal::Malformed),
        Self::Refused(Refusal::TooManyWrong),
        Self::Refused(Refusal::Uri),
        Self::Refused(Refusal::Notification),
        Self::Refused(Refusal::Signature),
        Self::Refused(Refusal::Shrunk),
        Self::Refused(Refusal::BadDelta),
        Self::Failed(Failure::Source),
        Self::Failed(Failure::Store),
        Self::Failed(Failure::Stopped),
        Self::Skipped,
    ];

    /// The code in log, metric, history and page.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Deltas => "deltas",
            Self::Snapshot(SnapshotReason::First) => "snapshot/first",
            Self::Snapshot(SnapshotReason::NewSession) => "snapshot/new-session",
            Self::Snapshot(SnapshotReason::Gap) => "snapshot/gap",
            Self::Snapshot(SnapshotReason::BadDelta) => "snapshot/bad-delta",
            Self::Refused(Refusal::Rollback) => "refused/rollback",
            Self::Refused(Refusal::Rewritten) => "refused/rewritten",
            Self::Refused(Refusal::Hash) => "refused/hash",
            Self::Refused(Refusal::Bytes) => "refused/bytes",
            Self::Refused(Refusal::Records) => "refused/records",
            Self::Refused(Refusal::MissingFile) => "refused/missing-file",
            Self::Refused(Refusal::Malformed) => "refused/malformed",
            Self::Refused(Refusal::TooManyWrong) => "refused/too-many-wrong",
            Self::Refused(Refusal::Uri) => "refused/uri",
            Self::Refused(Refusal::Notification) => "refused/notification",
            Self::Refused(Refusal::Signature) => "refused/signature",
            Self::Refused(Refusal::Shrunk) => "refused/shrunk",
            Self::Refused(Refusal::BadDelta) => "refused/bad-delta",
            Self::Failed(Failure::Source) => "failed/source",
            Self::Failed(Failure::Store) => "failed/store",
            Self::Failed(Failure::Stopped) => "failed/stopped",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the dataset is now at the publisher's serial.
    #[must_use]
    pub fn is_in_step(self) -> bool {
        match self {
            Self::Nothing | Self::Deltas | Self::Snapshot(_) => true,
            Self::Refused(_) | Self::Failed(_) | Self::Skipped => false,
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Of which dataset.
    pub dataset: Dataset,
    /// How it ended.
    pub outcome: Outcome,
    /// The serial that is loaded now; `None` if none ever was, or if that could not be told.
    pub serial: Option<u64>,
    /// Records read in this run.
    pub records: u64,
    /// Those that were rejected.
    pub rejected: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_code() {
        let codes = "nothing deltas snapshot/first snapshot/new-session snapshot/gap snapshot/bad-delta \
            refused/rollback refused/rewritten refused/hash refused/bytes refused/records refused/missing-file \
            refused/malformed refused/too-many-wrong refused/uri refused/notification refused/signature \
            refused/shrunk refused/bad-delta failed/source failed/store failed/stopped skipped";
        assert_eq!(Outcome::ALL.map(Outcome::code).join(" "), codes);
    }
}
