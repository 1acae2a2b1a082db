//! The plan of a run: the table of `docs/reference/feeds.md "Rules"` as one pure function.

use super::convert::known_files;
use crate::feed::Notification;
use crate::outcome::{Refusal, SnapshotReason};
use crate::store::{KnownFile, LoadedState};
use ehealth_core::model::Timestamp;

/// Plan of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The loaded data are current; only their creation time is renewed.
    Nothing,
    /// Apply the deltas from this serial on; the notification lists all of them.
    Deltas {
        /// Serial of the first delta.
        from: u64,
    },
    /// Load the snapshot, then the deltas after it; the notification lists all of them.
    Snapshot(SnapshotReason),
    /// Load nothing.
    Refuse(Refusal),
}

/// Compares a notification with the loaded state at the time `now`.
#[must_use]
pub fn plan(loaded: &LoadedState, notification: &Notification, now: Timestamp) -> Plan {
    if notification.created.is_in_the_future(now) {
        return Plan::Refuse(Refusal::Future);
    }
    let Some(state) = &loaded.state else { return Plan::Snapshot(SnapshotReason::First) };
    let session = notification.session.as_u128();
    if loaded.left_sessions.contains(&session) {
        return Plan::Refuse(Refusal::Rollback);
    }
    if state.session != session {
        return Plan::Snapshot(SnapshotReason::NewSession);
    }
    if notification.serial < state.serial {
        return Plan::Refuse(Refusal::Rollback);
    }
    let rewritten = |file: KnownFile| {
        loaded.known_files.get(&(file.kind, file.serial)).is_some_and(|digest| *digest != file.digest)
    };
    if known_files(notification).any(rewritten) {
        return Plan::Refuse(Refusal::Rewritten);
    }
    if notification.serial == state.serial {
        return Plan::Nothing;
    }
    // A parsed notification is complete: it lists every delta after its snapshot.
    let from = state.serial.saturating_add(1);
    let listed = notification.deltas.range(from..).count() as u64;
    if listed == notification.serial - state.serial {
        Plan::Deltas { from }
    } else {
        Plan::Snapshot(SnapshotReason::Gap)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::feed::{ListedFile, Session, Uri};
    use crate::store::{FileKind, State};
    use ehealth_core::model::{Dataset, Digest};

    fn now() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn listed(serial: u64, hash: u8) -> ListedFile {
        let uri = Uri::parse("file.csv").expect("plain");
        ListedFile { serial, uri, digest: Digest::new([hash; 32]), bytes: 1, records: 1 }
    }

    fn notification(session: u128, serial: u64, snapshot: u64, deltas: &[u64]) -> Notification {
        Notification {
            dataset: Dataset::Dimona,
            session: Session::new(session),
            serial,
            created: now(),
            snapshot: listed(snapshot, 1),
            deltas: deltas.iter().map(|&serial| (serial, listed(serial, 2))).collect(),
        }
    }

    fn loaded(session: u128, serial: u64) -> LoadedState {
        let time = now();
        let state = State { session, serial, digest: Digest::new([1; 32]), created: time, applied: time, rejected: 0 };
        LoadedState { state: Some(state), records: 1, left_sessions: BTreeSet::from([9]), known_files: BTreeMap::new() }
    }

    #[test]
    fn follows_the_table_of_rules() {
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
            assert_eq!(plan(&loaded(1, 5), &notification, now()), expected, "{session} {serial} {snapshot} {deltas:?}");
        }
        let first = plan(&LoadedState::default(), &notification(1, 7, 6, &[7]), now());
        assert_eq!(first, Snapshot(SnapshotReason::First));
    }

    #[test]
    fn refuses_a_known_file_with_another_hash() {
        let mut loaded = loaded(1, 5);
        loaded.known_files.insert((FileKind::Delta, 5), Digest::new([7; 32]));
        assert_eq!(plan(&loaded, &notification(1, 6, 4, &[5, 6]), now()), Plan::Refuse(Refusal::Rewritten));
        assert_eq!(plan(&loaded, &notification(1, 5, 4, &[5]), now()), Plan::Refuse(Refusal::Rewritten));
        assert_eq!(plan(&loaded, &notification(1, 4, 4, &[]), now()), Plan::Refuse(Refusal::Rollback));
        // A snapshot of a serial with a known delta is a new file, not a rewritten one.
        assert_eq!(plan(&loaded, &notification(1, 6, 5, &[6]), now()), Plan::Deltas { from: 6 });
        // Serial 5 of another session does not matter.
        assert_eq!(plan(&loaded, &notification(2, 5, 4, &[5]), now()), Plan::Snapshot(SnapshotReason::NewSession));
    }

    #[test]
    fn refuses_a_notification_from_the_future_by_every_way() {
        let mut future = notification(1, 6, 5, &[6]);
        for (millis, is_future) in [(300_000, false), (300_001, true), (i64::MAX, true)] {
            future.created = Timestamp::from_millis(millis);
            for loaded in [LoadedState::default(), loaded(1, 5), loaded(1, 6), loaded(2, 5)] {
                let is_refused = plan(&loaded, &future, now()) == Plan::Refuse(Refusal::Future);
                assert_eq!(is_refused, is_future, "{millis} {loaded:?}");
            }
        }
    }
}
