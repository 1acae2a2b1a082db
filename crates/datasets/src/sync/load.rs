//! Loads one data file into the store: reads and validates it, compares its hash, and only then
//! makes it visible.

use std::io;
use std::path::Path;

use super::convert::{fields, key, known_file, reason, row};
use super::error::{FileFault, RunError};
use super::monitor::{Activity, Monitor, Phase};
use super::rejected_file::{REJECTED_MAX, RejectedFile};
use super::settings::{Feed, Share, Shrinking};
use super::source::OpenFeed;
use crate::feed::{
    CONTENT_BYTES_MAX, Change, Compression, Content, FileKind, ListedFile, Notification, Records, Validated,
};
use crate::outcome::Refusal;
use crate::store::{BuildEvent, Delta, DeltaOutcome, SpaceGuard, State, StoreError, Writer};
use ehealth_core::model::Clock;

/// Records between two checks of the free space: at most some 4 MiB of rejected records.
const RECORDS_PER_CHECK: u64 = 1 << 10;

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
    pub space: SpaceGuard,
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
        let mut rejected = keep(read, rejected)?;
        let remaining = allowance.saturating_sub(rejected.count());
        self.activity().enter(Phase::Writing);
        let built = snapshot.build(remaining, &mut |event| self.take_event(event, &mut rejected))?;
        let too_many = self.too_many_wrong(listed, &rejected);
        let count = rejected.count();
        rejected.finish().map_err(RunError::Rejected)?;
        let built = built.ok_or(too_many)?;
        if before.state.is_some() {
            self.check_loss(listed, before.records, before.records.saturating_sub(built.records()))?;
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
        let mut rejected = keep(read, rejected)?;
        let remaining = allowance.saturating_sub(rejected.count());
        self.activity().enter(Phase::Writing);
        let applied = match delta.apply(remaining, &mut |event| self.take_event(event, &mut rejected))? {
            DeltaOutcome::Applied(applied) => applied,
            DeltaOutcome::UnknownKey => return Err(self.source.refuse(listed.uri.as_str(), FileFault::UnknownKey)),
            DeltaOutcome::TooManyConflicts => {
                let too_many = self.too_many_wrong(listed, &rejected);
                rejected.finish().map_err(RunError::Rejected)?;
                return Err(too_many);
            }
        };
        let count = rejected.count();
        rejected.finish().map_err(RunError::Rejected)?;
        self.check_loss(listed, before, applied.deleted())?;
        self.space.check_for(applied.growth()?)?;
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
        self.space.check()?;
        let (source, path, announced) = (self.source, listed.uri.as_str(), listed.bytes);
        if announced > CONTENT_BYTES_MAX {
            return Err(source.refuse(path, FileFault::TooLarge { announced }));
        }
        let unreadable = |error| source.unreadable(path, error);
        let content =
            Content::open(source.file(&listed.uri)?, Compression::of(&listed.uri), announced).map_err(unreadable)?;
        let (verdict, content) = match Records::open(content, self.feed.dataset, kind, listed.records) {
            Ok(mut records) => {
                let verdict = self.read_records(&mut records, listed, rejected, accept)?;
                (verdict, records.into_source())
            }
            Err((error, content)) => (Some(FileFault::Records(error)), content),
        };
        let found = content.finish().map_err(unreadable)?;
        // Size and hash come first: the publisher did not announce the content of any other file.
        let reason = if found.bytes > announced {
            FileFault::TooLong { announced }
        } else if found.bytes < announced {
            FileFault::TooShort { found: found.bytes, announced }
        } else if found.digest != listed.digest {
            FileFault::Hash { found: found.digest.to_string(), announced: listed.digest.to_string() }
        } else {
            let Some(reason) = verdict else { return Ok(()) };
            reason
        };
        Err(source.refuse(path, reason))
    }

    fn read_records<R: io::BufRead>(
        &mut self,
        records: &mut Records<R>,
        listed: &ListedFile,
        rejected: &mut RejectedFile,
        accept: &mut Accept<'_>,
    ) -> Result<Option<FileFault>, RunError> {
        let allowance = allowance(self.feed.wrong_share, listed.records);
        loop {
            let validated = match records.advance() {
                Ok(Some(validated)) => validated,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(FileFault::Records(error))),
            };
            self.records += 1;
            self.activity().count_record();
            if self.records.is_multiple_of(RECORDS_PER_CHECK) {
                self.space.check()?;
            }
            accept(records.line(), validated)?;
            let Validated::Rejected { reason, .. } = validated else { continue };
            rejected.add(records.line(), reason, records.fields()).map_err(RunError::Rejected)?;
            self.rejected += 1;
            if rejected.count() > allowance || rejected.is_full() {
                return Ok(Some(FileFault::TooManyWrong { rejected: rejected.count(), list: rejected.path() }));
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

    /// Reports the progress of the writing; an error once the runs are stopped, or the disk has too
    /// little free space.
    fn report_written(&self, rows: u64) -> Result<(), StoreError> {
        self.activity().set_rows_written(rows);
        if self.monitor.is_stopped() { Err(StoreError::Stopped) } else { self.space.check() }
    }

    fn too_many_wrong(&self, listed: &ListedFile, rejected: &RejectedFile) -> RunError {
        let reason = FileFault::TooManyWrong { rejected: rejected.count(), list: rejected.path() };
        self.source.refuse(listed.uri.as_str(), reason)
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

    fn check_loss(&self, listed: &ListedFile, before: u64, lost: u64) -> Result<(), RunError> {
        match self.feed.shrinking {
            Shrinking::UpTo(share) if lost > share.of(before) => {
                Err(self.source.refuse(listed.uri.as_str(), FileFault::Shrunk { lost, before }))
            }
            Shrinking::UpTo(_) | Shrinking::Allow => Ok(()),
        }
    }
}

/// Decides about the rejected records after the file was read. If it was read, they are returned,
/// to be completed. If it had too many, their file becomes visible: an operator needs to see what
/// was wrong. If it was not the announced file, they are dropped.
fn keep(read: Result<(), RunError>, rejected: RejectedFile) -> Result<RejectedFile, RunError> {
    match read {
        Ok(()) => Ok(rejected),
        Err(error) => {
            if error.refusal() == Some(Refusal::TooManyWrong) {
                rejected.finish().map_err(RunError::Rejected)?;
            }
            Err(error)
        }
    }
}

/// Rejected records that a file may have. The publisher announces the number of records, so its
/// share alone is no limit.
fn allowance(share: Share, records: u64) -> u64 {
    share.of(records).clamp(WRONG_ALWAYS, REJECTED_MAX)
}

/// Adds the change of a line to a delta.
fn add(delta: &mut Delta<'_>, line: u64, change: Change) -> Result<(), StoreError> {
    match change {
        Change::Put(record) => delta.put(line, row(record)),
        Change::Delete(deleted) => delta.delete(line, key(deleted)),
    }
}
