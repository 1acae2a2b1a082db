//! Outcomes of a synchronisation run. Their codes are a contract with operators
//! (`docs/reference/feeds.md "Refusals"`): the same in the log, the metrics, the history and the
//! status page.

use ehealth_core::closed_enum;

/// Outcome of a run of one feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The publisher has nothing new. The data are as fresh as the notification says.
    Nothing,
    /// Deltas led to the publisher's serial.
    Deltas,
    /// A snapshot, and the deltas after it, led to the publisher's serial.
    Snapshot(SnapshotReason),
    /// The publisher's data were refused, in part or completely. The loaded data stay in use.
    Refused(Refusal),
    /// The run failed before the publisher's data could be validated. The next run may succeed.
    Failed(Failure),
    /// Another run has the dataset's lock.
    Skipped,
}

closed_enum! {
    /// Outcome without its reason. The codes are those of the outcomes that have no reason, and the
    /// part before the slash of the others.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum OutcomeKind {
        /// [`Outcome::Nothing`].
        Nothing => "nothing",
        /// [`Outcome::Deltas`].
        Deltas => "deltas",
        /// [`Outcome::Snapshot`].
        Snapshot => "snapshot",
        /// [`Outcome::Refused`].
        Refused => "refused",
        /// [`Outcome::Failed`].
        Failed => "failed",
        /// [`Outcome::Skipped`].
        Skipped => "skipped",
    }
}

closed_enum! {
    /// Why a run loaded a snapshot.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SnapshotReason {
        /// No data were loaded before.
        First => "snapshot/first",
        /// The publisher started a new session.
        NewSession => "snapshot/new-session",
        /// The feed no longer has every delta after the loaded serial.
        Gap => "snapshot/gap",
        /// A delta could not be applied.
        BadDelta => "snapshot/bad-delta",
    }
}

closed_enum! {
    /// Why a publisher's data were refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Refusal {
        /// The serial is lower than the loaded one, or the session was left for another one before.
        Rollback => "refused/rollback",
        /// A file that was listed before now has another hash.
        Rewritten => "refused/rewritten",
        /// The file's hash differs from the announced one.
        Hash => "refused/hash",
        /// The file is longer than announced.
        Bytes => "refused/bytes",
        /// The notification ends too early, or a file is shorter than announced: it is still being
        /// uploaded, or was cut.
        Incomplete => "refused/incomplete",
        /// The file's number of records differs from the announced one.
        Records => "refused/records",
        /// The notification, or a file that it lists, does not exist.
        MissingFile => "refused/missing-file",
        /// The file is not valid CSV, or its compression is not the one in its name.
        Malformed => "refused/malformed",
        /// The file is larger than a data file may be, as stored or unpacked.
        TooLarge => "refused/too-large",
        /// More records are invalid than the limit allows.
        TooManyWrong => "refused/too-many-wrong",
        /// A path could leave the feed, crosses a link, or is not a regular file.
        Uri => "refused/uri",
        /// The notification is invalid, is for another dataset, or does not lead to its serial.
        Notification => "refused/notification",
        /// The notification was created in the future.
        Future => "refused/future",
        /// The notification's signature is missing or invalid.
        Signature => "refused/signature",
        /// The dataset would lose more records than the limit allows.
        Shrunk => "refused/shrunk",
        /// A delta could not be applied, and the snapshot is older than the delta.
        BadDelta => "refused/bad-delta",
    }
}

closed_enum! {
    /// Why a run failed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Failure {
        /// The feed's folder does not exist.
        NoFeed => "failed/no-feed",
        /// The feed cannot be read.
        Source => "failed/source",
        /// The store, or the folder of rejected records, cannot be written.
        Store => "failed/store",
        /// The free disk space is below its minimum.
        DiskSpace => "failed/disk-space",
        /// The service stopped during the run.
        Stopped => "failed/stopped",
    }
}

impl Outcome {
    /// Every outcome, in the order of `docs/reference/feeds.md "Refusals"`.
    pub fn all() -> impl Iterator<Item = Self> {
        // A new variant does not compile without its kind, and a new kind not without its outcomes
        // here.
        OutcomeKind::ALL.into_iter().flat_map(|kind| match kind {
            OutcomeKind::Nothing => vec![Self::Nothing],
            OutcomeKind::Deltas => vec![Self::Deltas],
            OutcomeKind::Snapshot => SnapshotReason::ALL.map(Self::Snapshot).to_vec(),
            OutcomeKind::Refused => Refusal::ALL.map(Self::Refused).to_vec(),
            OutcomeKind::Failed => Failure::ALL.map(Self::Failed).to_vec(),
            OutcomeKind::Skipped => vec![Self::Skipped],
        })
    }

    /// The outcome without its reason.
    #[must_use]
    pub const fn kind(self) -> OutcomeKind {
        match self {
            Self::Nothing => OutcomeKind::Nothing,
            Self::Deltas => OutcomeKind::Deltas,
            Self::Snapshot(_) => OutcomeKind::Snapshot,
            Self::Refused(_) => OutcomeKind::Refused,
            Self::Failed(_) => OutcomeKind::Failed,
            Self::Skipped => OutcomeKind::Skipped,
        }
    }

    /// Code in the log, the metrics, the history and the status page.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Snapshot(reason) => reason.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::Failed(failure) => failure.code(),
            Self::Nothing | Self::Deltas | Self::Skipped => self.kind().code(),
        }
    }

    /// The outcome with this code; `None` if the code is unknown.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::all().find(|outcome| outcome.code() == code)
    }

    /// Whether the dataset now is at the publisher's serial.
    #[must_use]
    pub const fn is_up_to_date(self) -> bool {
        match self {
            Self::Nothing | Self::Deltas | Self::Snapshot(_) => true,
            Self::Refused(_) | Self::Failed(_) | Self::Skipped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_code() {
        let codes = "nothing deltas snapshot/first snapshot/new-session snapshot/gap snapshot/bad-delta \
            refused/rollback refused/rewritten refused/hash refused/bytes refused/incomplete refused/records \
            refused/missing-file refused/malformed refused/too-large refused/too-many-wrong refused/uri \
            refused/notification refused/future refused/signature refused/shrunk refused/bad-delta failed/no-feed \
            failed/source failed/store failed/disk-space failed/stopped skipped";
        assert_eq!(Outcome::all().map(Outcome::code).collect::<Vec<_>>().join(" "), codes);
    }

    #[test]
    fn each_code_parses_to_its_outcome() {
        for outcome in Outcome::all() {
            assert_eq!(Outcome::parse(outcome.code()), Some(outcome));
            assert!(outcome.code().starts_with(outcome.kind().code()), "{outcome:?}");
        }
        assert_eq!(Outcome::parse("snapshot"), None);
    }
}
