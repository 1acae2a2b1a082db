//! One data file into the store: read, judged, sealed, and only then made visible.

use std::io;

use super::monitor::{Activity, Phase};
use super::plan::known;
use super::rejected::RejectedFile;
use super::run::{Run, Trouble};
use super::{Refusal, Share, Shrinking};
use crate::feed::{Change, Content, FileKind, Key, Listed, Packing, Reason, Record, Records, RecordsError, Validated};
use crate::store::{self, Delta, Fault, Late, Placed, Row, Sealing, State, StoreError, Writer};

/// Wrong records that a file may have whatever their share: a small file is not refused for one of them.
const WRONG_ALWAYS: u64 = 10;

impl Run<'_> {
    /// Loads the snapshot of the notification.
    pub(super) fn load_snapshot(&mut self, writer: &mut Writer, listed: &Listed) -> Result<(), Trouble> {
        let before = writer.standing()?;
        let mut rejected = self.rejected_file(FileKind::Snapshot, listed);
        let allowance = allowance(self.feed.wrong_share, listed.records);
        let mut snapshot = writer.snapshot()?;
        let read = self.read(FileKind::Snapshot, listed, &mut rejected, &mut |line, judged| {
            match judged {
                Validated::Accepted(Change::Put(record)) => snapshot.put(line, row(record))?,
                // A snapshot has no deletions: every row of it is read as a `put`.
                Validated::Accepted(Change::Delete(_)) | Validated::Rejected { key: None, .. } => {}
                Validated::Rejected { key: Some(key), .. } => snapshot.reject(line, store_key(key))?,
            }
            Ok(None)
        });
        let Some(mut rejected) = keep(read, rejected)? else {
            return Err(Trouble::Refused(Refusal::TooManyWrong));
        };
        let left = allowance.saturating_sub(rejected.count());
        self.activity().enter(Phase::Writing);
        let sealed = snapshot.seal(left, &mut |sealing| match sealing {
            Sealing::Late(late) => {
                self.rejected += 1;
                add_late(&mut rejected, late).map_err(StoreError::Folder)
            }
            Sealing::Written(rows) => self.tell_written(rows),
        })?;
        let count = rejected.count();
        rejected.finish().map_err(Trouble::Rejected)?;
        let sealed = sealed.ok_or(Trouble::Refused(Refusal::TooManyWrong))?;
        if before.state.is_some() {
            self.check_loss(before.live, before.live.saturating_sub(sealed.live()))?;
        }
        let state = self.state(listed, count);
        Ok(sealed.publish(&state, &[known(FileKind::Snapshot, listed)])?)
    }

    /// Applies one delta of the notification.
    pub(super) fn apply_delta(&mut self, writer: &mut Writer, listed: &Listed) -> Result<(), Trouble> {
        let mut rejected = self.rejected_file(FileKind::Delta, listed);
        let mut delta = writer.delta()?;
        let before = delta.live();
        let read = self.read(FileKind::Delta, listed, &mut rejected, &mut |_, judged| match judged {
            Validated::Accepted(change) => take(&mut delta, change),
            Validated::Rejected { key: Some(key), .. } => delta.reject(store_key(key)).map(|()| None),
            Validated::Rejected { key: None, .. } => Ok(None),
        });
        let Some(rejected) = keep(read, rejected)? else {
            return Err(Trouble::Refused(Refusal::TooManyWrong));
        };
        self.activity().enter(Phase::Writing);
        let applied = delta.apply(&mut |rows| self.tell_written(rows))?;
        let applied = applied.ok_or(Trouble::Refused(Refusal::BadDelta))?;
        let count = rejected.count();
        rejected.finish().map_err(Trouble::Rejected)?;
        self.check_loss(before, applied.deleted())?;
        let state = self.state(listed, count);
        Ok(applied.commit(&state, &[known(FileKind::Delta, listed)])?)
    }

    /// Reads a file to its end, whatever is in it, and refuses it unless it is the announced one and well formed.
    /// `take` gets each record and may find a fault in it that only the data show.
    fn read(
        &mut self,
        kind: FileKind,
        listed: &Listed,
        rejected: &mut RejectedFile,
        take: &mut dyn FnMut(u64, Validated) -> Result<Option<Reason>, StoreError>,
    ) -> Result<(), Trouble> {
        self.activity().begin_file(listed.records, listed.bytes);
        let source = self.visited.open(&listed.uri)?;
        let content = Content::open(source, Packing::of(&listed.uri), listed.bytes).map_err(Trouble::Source)?;
        let (verdict, content) = match Records::open(content, self.feed.dataset, kind, listed.records) {
            Ok(mut records) => {
                let verdict = self.read_records(&mut records, listed, rejected, take)?;
                (verdict, records.into_source())
            }
            Err((error, content)) => (Some(refusal(&error)), content),
        };
        let seal = content.seal().map_err(Trouble::Source)?;
        // Whether it is the announced file comes first: what is in another one is nobody's word.
        if seal.bytes != listed.bytes {
            return Err(Trouble::Refused(Refusal::Bytes));
        }
        if seal.digest != listed.digest {
            return Err(Trouble::Refused(Refusal::Hash));
        }
        verdict.map_or(Ok(()), |refusal| Err(Trouble::Refused(refusal)))
    }

    fn read_records<R: io::BufRead>(
        &mut self,
        records: &mut Records<R>,
        listed: &Listed,
        rejected: &mut RejectedFile,
        take: &mut dyn FnMut(u64, Validated) -> Result<Option<Reason>, StoreError>,
    ) -> Result<Option<Refusal>, Trouble> {
        let allowance = allowance(self.feed.wrong_share, listed.records);
        loop {
            let judged = match records.advance() {
                Ok(Some(judged)) => judged,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(refusal(&error))),
            };
            self.records += 1;
            self.activity().count_record();
            let found = take(records.line(), judged)?;
            let reason = match (judged, found) {
                (_, Some(reason)) | (Validated::Rejected { reason, .. }, None) => reason,
                (Validated::Accepted(_), None) => continue,
            };
            rejected.add(records.line(), reason, records.fields()).map_err(Trouble::Rejected)?;
            self.rejected += 1;
            if rejected.count() > allowance {
                return Ok(Some(Refusal::TooManyWrong));
            }
        }
    }

    /// Tells how far the writing is; an error once runs are to end.
    fn tell_written(&self, rows: u64) -> Result<(), StoreError> {
        self.activity().tell_written(rows);
        if self.monitor.is_stopped() { Err(StoreError::Stopped) } else { Ok(()) }
    }

    fn activity(&self) -> &Activity {
        self.monitor.activity(self.feed.dataset)
    }

    fn rejected_file(&self, kind: FileKind, listed: &Listed) -> RejectedFile {
        RejectedFile::new(self.rejected_folder, self.feed.dataset, kind, listed.serial)
    }

    fn state(&self, listed: &Listed, rejected: u64) -> State {
        State {
            session: self.notification.session.as_u128(),
            serial: listed.serial,
            digest: listed.digest,
            created: self.notification.created,
            applied: self.clock.now(),
            rejected,
        }
    }

    fn check_loss(&self, before: u64, lost: u64) -> Result<(), Trouble> {
        match self.feed.shrinking {
            Shrinking::UpTo(share) if lost > share.of(before) => Err(Trouble::Refused(Refusal::Shrunk)),
            Shrinking::UpTo(_) | Shrinking::Allow => Ok(()),
        }
    }
}

/// What a file's rejected records are good for once it is read: to be added to; to be shown though the file is refused
/// (then `None`), for an operator wants to see what was wrong with so many; or, if it was not the announced file, nothing.
fn keep(read: Result<(), Trouble>, rejected: RejectedFile) -> Result<Option<RejectedFile>, Trouble> {
    match read {
        Ok(()) => Ok(Some(rejected)),
        Err(Trouble::Refused(Refusal::TooManyWrong)) => {
            rejected.finish().map_err(Trouble::Rejected)?;
            Ok(None)
        }
        Err(trouble) => Err(trouble),
    }
}

fn allowance(share: Share, records: u64) -> u64 {
    share.of(records).max(WRONG_ALWAYS)
}

/// Hands a change to the store, which may find a fault that only the data show.
fn take(delta: &mut Delta<'_>, change: Change) -> Result<Option<Reason>, StoreError> {
    match change {
        Change::Put(record) => match delta.put(row(record))? {
            Placed::Done => Ok(None),
            Placed::Cycle => {
                if let Record::Persons { ssin, .. } = record {
                    delta.reject(store::Key::Person(ssin))?;
                }
                Ok(Some(Reason::Cycle))
            }
        },
        Change::Delete(key) => delta.delete(store_key(key)).map(|()| None),
    }
}

/// What the reader of a file says, as a refusal of it.
fn refusal(error: &RecordsError) -> Refusal {
    match error {
        RecordsError::Count => Refusal::Records,
        RecordsError::Row(_) | RecordsError::Header | RecordsError::Columns { .. } => Refusal::Malformed,
    }
}

/// A record as the store keeps it: without what no answer needs.
fn row(record: Record) -> Row {
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

fn store_key(key: Key) -> store::Key {
    match key {
        Key::Period(id) => store::Key::Period(id),
        Key::Affiliation(id) => store::Key::Affiliation(id),
        Key::Membership(ssin, begin) => store::Key::Membership(ssin, begin),
        Key::Person(ssin) => store::Key::Person(ssin),
    }
}

/// Adds a record that was found wrong after its row had passed: from what the store kept of it.
fn add_late(rejected: &mut RejectedFile, late: Late) -> io::Result<()> {
    let reason = match late.fault {
        Fault::Duplicate => Reason::Duplicate,
        Fault::Cycle => Reason::Cycle,
    };
    let digits = |ssin: ehealth_core::model::Ssin| String::from_utf8_lossy(&ssin.digits()).into_owned();
    let days = |period: ehealth_core::model::Period| {
        [period.begin().to_string(), period.end().map(|end| end.to_string()).unwrap_or_default()]
    };
    let fields = match late.row {
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
    };
    rejected.add(late.line, reason, fields.iter().map(String::as_str))
}
