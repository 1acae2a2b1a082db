//! What is to be done: the table of feed.md as one pure function.

use super::{Refusal, SnapshotReason};
use crate::feed::{self, Listed, Notification};
use crate::store::{FileKind, KnownFile, LoadedState};

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The data are the publisher's; only their moment is renewed.
    Nothing,
    /// Apply the deltas from this serial on; all are listed.
    Deltas {
        /// The first one.
        from: u64,
    },
    /// Load the snapshot, then the deltas after it; all are listed.
    Snapshot(SnapshotReason),
    /// Take nothing.
    Refuse(Refusal),
}

/// Holds what a publisher offers against what is loaded and was ever known.
#[must_use]
pub fn plan(standing: &LoadedState, notification: &Notification) -> Plan {
    let Some(state) = &standing.state else { return Plan::Snapshot(SnapshotReason::First) };
    let session = notification.session.as_u128();
    if standing.left.contains(&session) {
        return Plan::Refuse(Refusal::Rollback);
    }
    if state.session != session {
        return Plan::Snapshot(SnapshotReason::NewSession);
    }
    if notification.serial < state.serial {
        return Plan::Refuse(Refusal::Rollback);
    }
    let rewritten =
        |file: KnownFile| standing.known.get(&(file.kind, file.serial)).is_some_and(|digest| *digest != file.digest);
    if files(notification).any(rewritten) {
        return Plan::Refuse(Refusal::Rewritten);
    }
    if notification.serial == state.serial {
        return Plan::Nothing;
    }
    // Every delta after the snapshot is listed: a notification that exists leads to its serial.
    let from = state.serial.saturating_add(1);
    let listed = notification.deltas.range(from..).count() as u64;
    if listed == notification.serial - state.serial {
        Plan::Deltas { from }
    } else {
        Plan::Snapshot(SnapshotReason::Gap)
    }
}

/// All files of a notification, as the store remembers them.
pub(super) fn files(notification: &Notification) -> impl Iterator<Item = KnownFile> {
    let snapshot = known(feed::FileKind::Snapshot, &notification.snapshot);
    std::iter::once(snapshot).chain(notification.deltas.values().map(|delta| known(feed::FileKind::Delta, delta)))
}

/// A listed file as the store remembers it.
pub(super) fn known(kind: feed::FileKind, file: &Listed) -> KnownFile {
    let kind = match kind {
        feed::FileKind::Snapshot => FileKind::Snapshot,
        feed::FileKind::Delta => FileKind::Delta,
    };
    KnownFile { kind, serial: file.serial, digest: file.digest }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::feed::{Session, Uri};
    use crate::store::State;
    use ehealth_core::model::{Dataset, Digest, Timestamp};

    fn listed(serial: u64, hash: u8) -> Listed {
        let uri = Uri::parse("file.csv").expect("plain");
        Listed { serial, uri, digest: Digest::new([hash; 32]), bytes: 1, records: 1 }
    }

    fn notification(session: u128, serial: u64, snapshot: u64, deltas: &[u64]) -> Notification {
        Notification {
            dataset: Dataset::Dimona,
            session: Session::new(session),
            serial,
            created: Timestamp::from_millis(0),
            snapshot: listed(snapshot, 1),
            deltas: deltas.iter().map(|&serial| (serial, listed(serial, 2))).collect(),
        }
    }

    fn standing(session: u128, serial: u64) -> LoadedState {
        let moment = Timestamp::from_millis(0);
        let state =
            State { session, serial, digest: Digest::new([1; 32]), created: moment, applied: moment, rejected: 0 };
        LoadedState { state: Some(state), live: 1, left: BTreeSet::from([9]), known: BTreeMap::new() }
    }

    #[test]
    fn follows_the_table() {
        use Plan::{Deltas, Nothing, Refuse, Snapshot};
        for (session, serial, snapshot, deltas, expected) in [
            (1, 5, 5, &[][..], Nothing),
            (1, 5, 3, &[4, 5], Nothing),
            (1, 7, 3, &[4, 5, 6, 7], Deltas { from: 6 }),
            (1, 7, 7, &[6, 7], Deltas { from: 6 }),
            (1, 7, 6, &[7], Snapshot(SnapshotReason::Gap)),
            (1, 7, 7, &[], Snapshot(SnapshotReason::Gap)),
            (1, 7, 6, &[2, 7], Snapshot(SnapshotReason::Gap)),
            (1, 4, 4, &[], Refuse(Refusal::Rollback)),
            (2, 1, 1, &[], Snapshot(SnapshotReason::NewSession)),
            (9, 99, 99, &[], Refuse(Refusal::Rollback)),
        ] {
            let notification = notification(session, serial, snapshot, deltas);
            assert_eq!(plan(&standing(1, 5), &notification), expected, "{session} {serial} {snapshot} {deltas:?}");
        }
        let first = plan(&LoadedState::default(), &notification(1, 7, 6, &[7]));
        assert_eq!(first, Snapshot(SnapshotReason::First));
    }

    #[test]
    fn a_known_file_with_another_hash_was_rewritten() {
        let mut standing = standing(1, 5);
        standing.known.insert((FileKind::Delta, 5), Digest::new([7; 32]));
        assert_eq!(plan(&standing, &notification(1, 6, 4, &[5, 6])), Plan::Refuse(Refusal::Rewritten));
        assert_eq!(plan(&standing, &notification(1, 5, 4, &[5])), Plan::Refuse(Refusal::Rewritten));
        assert_eq!(plan(&standing, &notification(1, 4, 4, &[])), Plan::Refuse(Refusal::Rollback));
        // A snapshot of a serial whose delta was known is a new file, not a rewritten one.
        assert_eq!(plan(&standing, &notification(1, 6, 5, &[6])), Plan::Deltas { from: 6 });
        // What another session called serial 5 is no matter.
        assert_eq!(plan(&standing, &notification(2, 5, 4, &[5])), Plan::Snapshot(SnapshotReason::NewSession));
    }
}
