//! Loads one data file into the store: reads and validates it, compares its hash, and only then
//! makes it visible.

use std::io;
use std::path::Path;

use super::convert::{fields, key, known_file, reason, row};
use super::error::RunError;
use super::monitor::{Activity, Monitor, Phase};
use super::rejected_file::RejectedFile;
use super::settings::{Feed, Share, Shrinking};
use super::source::OpenFeed;
use crate::feed::{
    Change, Compression, Content, FileKind, ListedFile, Notification, Records, RecordsError, Validated,
};
use crate::outcome::Refusal;
use crate::store::{BuildEvent, Delta, DeltaOutcome, State, StoreError, Writer};
use ehealth_core::model::Clock;

/// Invalid records that a file may have whatever the share: a small file is not refused for one of
/// them.
const WRONG_ALWAYS: u64 = 10;

/// Accepts a validated record of a line.
type Accept<'a> = dyn FnMut(u64, Validated) -> Result<(), StoreError> + 'a;

/// Loads the files of one notification.
pub(super) struct Loader<'a> {
    pub feed: &'a Feed,
    pub clock: &'a dyn Clock,
    pub notification: &'a Notification,
    pub source: &'a OpenFeed<'a>,
    pub monitor: &'a Monitor,
    pub rejected_folder: &'a Path,
    /// Records read so far.
    pub records: u64,
    /// Records rejected so far.
    pub rejected: u64,
}

impl Loader<'_> {
    /// Loads a snapshot of the notification.
    pub fn load_snapshot(&mut self, writer: &mut Writer, listed: &ListedFile) -> Result<(), RunError> {
        let before = writer.loaded_state()?;
        let mut rejected = self.rejected_file(FileKind::Snapshot, listed);
        let allowance = allowance(self.feed.wrong_share, listed.records);
        let mut snapshot = writer.snapshot()?;
        let read = self.read(FileKind::Snapshot, listed, &mut rejected, &mut |line, validated| {
            match validated {
                Validated::Accepted(Change::Put(record)) => snapshot.put(line, row(record)),
                // A snapshot has no deletes: every row of it is read as a `put`.
                Validated::Accepted(Change::Delete(_)) | Validated::Rejected { key: None, .. } => Ok(()),
                Validated::Rejected { key: Some(rejected), .. } => snapshot.reject(line, key(rejected)),
            }
        });
        let Some(mut rejected) = keep(read, rejected)? else {
            return Err(RunError::Refused(Refusal::TooManyWrong));
        };
        let remaining = allowance.saturating_sub(rejected.count());
        self.activity().enter(Phase::Writing);
        let built = snapshot.build(remaining, &mut |event| self.take_event(event, &mut rejected))?;
        let count = rejected.count();
        rejected.finish().map_err(RunError::Rejected)?;
        let built = built.ok_or(RunError::Refused(Refusal::TooManyWrong))?;
        if before.state.is_some() {
            self.check_loss(before.records, before.records.saturating_sub(built.records()))?;
        }
        let state = self.state(listed, count);
        Ok(built.publish(&state, &[known_file(FileKind::Snapshot, listed)])?)
    }

    /// Applies one delta of the notification.
    pub fn apply_delta(&mut self, writer: &mut Writer, listed: &ListedFile) -> Result<(), RunError> {
        let mut rejected = self.rejected_file(FileKind::Delta, listed);
        let allowance = allowance(self.feed.wrong_share, listed.records);
        let mut delta = writer.delta()?;
        let before = delta.records();
        let read = self.read(FileKind::Delta, listed, &mut rejected, &mut |line, validated| match validated {
            Validated::Accepted(change) => add(&mut delta, line, change),
            Validated::Rejected { key: Some(rejected), .. } => delta.reject(line, key(rejected)),
            Validated::Rejected { key: None, .. } => Ok(()),
        });
        let Some(mut rejected) = keep(read, rejected)? else {
            return Err(RunError::Refused(Refusal::TooManyWrong));
        };
        let remaining = allowance.saturating_sub(rejected.count());
        self.activity().enter(Phase::Writing);
        let applied = match delta.apply(remaining, &mut |event| self.take_event(event, &mut rejected))? {
            DeltaOutcome::Applied(applied) => applied,
            DeltaOutcome::UnknownKey => return Err(RunError::Refused(Refusal::BadDelta)),
            DeltaOutcome::TooManyConflicts => {
                rejected.finish().map_err(RunError::Rejected)?;
                return Err(RunError::Refused(Refusal::TooManyWrong));
            }
        };
        let count = rejected.count();
        rejected.finish().map_err(RunError::Rejected)?;
        self.check_loss(before, applied.deleted())?;
        let state = self.state(listed, count);
        Ok(applied.commit(&state, &[known_file(FileKind::Delta, listed)])?)
    }

    /// Reads a file to its end, whatever it contains, and refuses it unless it is the announced
    /// file and well-formed.
    fn read(
        &mut self,
        kind: FileKind,
        listed: &ListedFile,
        rejected: &mut RejectedFile,
        accept: &mut Accept<'_>,
    ) -> Result<(), RunError> {
        self.activity().begin_file(listed.records, listed.bytes);
        let source = self.source.file(&listed.uri)?;
        let content = Content::open(source, Compression::of(&listed.uri), listed.bytes).map_err(RunError::Source)?;
        let (verdict, content) = match Records::open(content, self.feed.dataset, kind, listed.records) {
            Ok(mut records) => {
                let verdict = self.read_records(&mut records, listed, rejected, accept)?;
                (verdict, records.into_source())
            }
            Err((error, content)) => (Some(refusal(&error)), content),
        };
        let found = content.finish().map_err(RunError::Source)?;
        // Size and hash come first: the publisher did not announce the content of any other file.
        if found.bytes != listed.bytes {
            return Err(RunError::Refused(Refusal::Bytes));
        }
        if found.digest != listed.digest {
            return Err(RunError::Refused(Refusal::Hash));
        }
        verdict.map_or(Ok(()), |refusal| Err(RunError::Refused(refusal)))
    }

    fn read_records<R: io::BufRead>(
        &mut self,
        records: &mut Records<R>,
        listed: &ListedFile,
        rejected: &mut RejectedFile,
        accept: &mut Accept<'_>,
    ) -> Result<Option<Refusal>, RunError> {
        let allowance = allowance(self.feed.wrong_share, listed.records);
        loop {
            let validated = match records.advance() {
                Ok(Some(validated)) => validated,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(refusal(&error))),
            };
            self.records += 1;
            self.activity().count_record();
            accept(records.line(), validated)?;
            let Validated::Rejected { reason, .. } = validated else { continue };
            rejected.add(records.line(), reason, records.fields()).map_err(RunError::Rejected)?;
            self.rejected += 1;
            if rejected.count() > allowance {
                return Ok(Some(Refusal::TooManyWrong));
            }
        }
    }

    /// Takes a report of the store: a record that is left out, or the progress.
    fn take_event(&mut self, event: BuildEvent, rejected: &mut RejectedFile) -> Result<(), StoreError> {
        match event {
            BuildEvent::Conflict(conflict) => {
                self.rejected += 1;
                let columns = fields(conflict.row);
                rejected.add_put(conflict.line, reason(&conflict), &columns).map_err(StoreError::Folder)
            }
            BuildEvent::Written(rows) => self.report_written(rows),
        }
    }

    /// Reports the progress of the writing; an error once the runs are stopped.
    fn report_written(&self, rows: u64) -> Result<(), StoreError> {
        self.activity().set_rows_written(rows);
        if self.monitor.is_stopped() { Err(StoreError::Stopped) } else { Ok(()) }
    }

    fn activity(&self) -> &Activity {
        self.monitor.activity(self.feed.dataset)
    }

    fn rejected_file(&self, kind: FileKind, listed: &ListedFile) -> RejectedFile {
        RejectedFile::new(self.rejected_folder, self.feed.dataset, kind, listed.serial)
    }

    fn state(&self, listed: &ListedFile, rejected: u64) -> State {
        State {
            session: self.notification.session.as_u128(),
            serial: listed.serial,
            digest: listed.digest,
            created: self.notification.created,
            applied: self.clock.now(),
            rejected,
        }
    }

    fn check_loss(&self, before: u64, lost: u64) -> Result<(), RunError> {
        match self.feed.shrinking {
            Shrinking::UpTo(share) if lost > share.of(before) => Err(RunError::Refused(Refusal::Shrunk)),
            Shrinking::UpTo(_) | Shrinking::Allow => Ok(()),
        }
    }
}

/// Decides about the rejected records after the file was read. If it was read, they are returned,
/// to be completed. If it had too many, their file becomes visible and the result is `None`: an
/// operator needs to see what was wrong. If it was not the announced file, they are dropped.
fn keep(read: Result<(), RunError>, rejected: RejectedFile) -> Result<Option<RejectedFile>, RunError> {
    match read {
        Ok(()) => Ok(Some(rejected)),
        Err(RunError::Refused(Refusal::TooManyWrong)) => {
            rejected.finish().map_err(RunError::Rejected)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn allowance(share: Share, records: u64) -> u64 {
    share.of(records).max(WRONG_ALWAYS)
}

/// Adds the change of a line to a delta.
fn add(delta: &mut Delta<'_>, line: u64, change: Change) -> Result<(), StoreError> {
    match change {
        Change::Put(record) => delta.put(line, row(record)),
        Change::Delete(deleted) => delta.delete(line, key(deleted)),
    }
}

/// Maps an error of the file's reader to the refusal of the file.
fn refusal(error: &RecordsError) -> Refusal {
    match error {
        RecordsError::Count => Refusal::Records,
        RecordsError::Row(_) | RecordsError::Header | RecordsError::Columns { .. } => Refusal::Malformed,
    }
}
