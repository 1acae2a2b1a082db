//! Conversions from the types of [`crate::feed`] to those of [`crate::store`], and back for
//! rejected records.

use crate::feed::{self, ListedFile, Notification, Record, RejectReason};
use crate::store::{self, Conflict, ConflictKind, KnownFile, Row};
use ehealth_core::model::{Period, Ssin};

/// All files of a notification, as the store remembers them.
pub(super) fn known_files(notification: &Notification) -> impl Iterator<Item = KnownFile> {
    let snapshot = known_file(feed::FileKind::Snapshot, &notification.snapshot);
    std::iter::once(snapshot).chain(notification.deltas.values().map(|delta| known_file(feed::FileKind::Delta, delta)))
}

/// A listed file, as the store remembers it.
pub(super) fn known_file(kind: feed::FileKind, file: &ListedFile) -> KnownFile {
    let kind = match kind {
        feed::FileKind::Snapshot => store::FileKind::Snapshot,
        feed::FileKind::Delta => store::FileKind::Delta,
    };
    KnownFile { kind, serial: file.serial, digest: file.digest }
}

/// A record as stored: without the columns that no answer needs.
pub(super) fn row(record: Record) -> Row {
    match record {
        Record::Dimona { period_id, ssin, employer, period } => Row::Period { period_id, ssin, employer, period },
        Record::Coprev { affiliation_id, employer, service, period }
        | Record::Federated { affiliation_id, employer, service, period, entity: _ } => {
            Row::Affiliation { affiliation_id, employer, service, period }
        }
        Record::Insurance { ssin, fund, period } => Row::Membership { ssin, fund, period },
        Record::Persons { ssin, replaced_by, cancelled: _ } => Row::Person { ssin, replaced_by },
    }
}

/// A record's key, as stored.
pub(super) fn key(key: feed::Key) -> store::Key {
    match key {
        feed::Key::Period(id) => store::Key::Period(id),
        feed::Key::Affiliation(id) => store::Key::Affiliation(id),
        feed::Key::Membership(ssin, begin) => store::Key::Membership(ssin, begin),
        feed::Key::Person(ssin) => store::Key::Person(ssin),
    }
}

/// A conflict of a record, as the reason of its rejection.
pub(super) fn reason(conflict: &Conflict) -> RejectReason {
    match conflict.kind {
        ConflictKind::Duplicate => RejectReason::Duplicate,
        ConflictKind::Cycle => RejectReason::Cycle,
    }
}

/// The stored columns of a row as text, in the order of the publisher's file.
pub(super) fn fields(row: Row) -> Vec<String> {
    let digits = |ssin: Ssin| String::from_utf8_lossy(&ssin.digits()).into_owned();
    let days =
        |period: Period| [period.begin().to_string(), period.end().map(|end| end.to_string()).unwrap_or_default()];
    match row {
        Row::Period { period_id, ssin, employer, period } => {
            let [begin, end] = days(period);
            vec![period_id.to_string(), digits(ssin), employer.to_string(), begin, end]
        }
        Row::Affiliation { affiliation_id, employer, service, period } => {
            let [begin, end] = days(period);
            vec![affiliation_id.to_string(), employer.to_string(), service.to_string(), begin, end]
        }
        Row::Membership { ssin, fund, period } => {
            let [begin, end] = days(period);
            vec![digits(ssin), fund.to_string(), begin, end]
        }
        Row::Person { ssin, replaced_by } => vec![digits(ssin), replaced_by.map(digits).unwrap_or_default()],
    }
}
