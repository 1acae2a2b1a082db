//! Runs `audit export`.

use std::collections::VecDeque;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::args::ExportArguments;
use super::error::ExportError;
use super::line::LineFormat;
use super::state::{Place, Progress, StateFile};
use super::target::Target;
use crate::cli::audit::inputs::{Failure, audit_log_settings, failed};
use crate::cli::exit::Exit;
use audit_log::{Event, Position, Reader, RecordView, checkpoint_size};
use ehealth_core::model::Digest;
use text_file::TextError;

/// Interval between two looks for new records.
const POLL: Duration = Duration::from_secs(1);
/// Bytes of lines that are written and synced at a time.
const BATCH_BYTES: usize = 1 << 22;
/// Bytes of records that a writer can have under way, with room.
const MAX_WAITING_BYTES: usize = 1 << 22;

/// Exports the records, and with `--follow` those that are written meanwhile.
pub(in crate::cli::audit) fn run_export(arguments: &ExportArguments) -> Result<Exit, Failure> {
    let settings = audit_log_settings(&arguments.settings)?;
    let format = LineFormat { log: settings.checkpoints.origin.clone(), has_detail: arguments.with_encrypted_detail };
    let mut export = Export::open(arguments, &settings.folder, format).map_err(failed)?;
    loop {
        export.run_pass().map_err(failed)?;
        if !arguments.follow {
            break;
        }
        thread::sleep(POLL);
    }
    if let Some(waiting) = export.waiting.front() {
        eprintln!(
            "record {} and those behind it are not known to be durable; the next start of the service makes them so",
            waiting.sequence
        );
    }
    Ok(Exit::Done)
}

/// A record that was read and is not yet known to be durable.
struct Waiting {
    sequence: u64,
    hash: Digest,
    line: String,
    record_bytes: usize,
    /// Behind the record.
    position: Option<Position>,
}

/// What is taken of a record.
struct Taken {
    waiting: Waiting,
    /// Number of records that were durable when it was written.
    durable: u64,
}

/// An export under way.
struct Export<'a> {
    folder: &'a Path,
    format: LineFormat,
    target: Target,
    state: Option<StateFile>,
    progress: Progress,
    /// Sequence of the next record; `None`: the first of the log.
    next: Option<u64>,
    /// Behind the last record that was exported.
    position: Option<Position>,
    /// Number of records that are durable.
    durable: u64,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Lines that are not yet written.
    batch: String,
    in_batch: u32,
    max_batch: u32,
}

impl<'a> Export<'a> {
    fn open(arguments: &ExportArguments, folder: &'a Path, format: LineFormat) -> Result<Self, ExportError> {
        let out = arguments.out.as_deref().map(Place::new).transpose()?;
        let state = arguments.state.as_deref().map(Place::new).transpose()?;
        if let (Some(out), Some(state)) = (&out, &state)
            && out.is(state)?
        {
            return Err(ExportError::NotAFile(state.path.clone()));
        }
        let (state, kept) = match state {
            None => (None, None),
            Some(place) => {
                let (state, kept) = StateFile::open(&place, &format)?;
                (Some(state), kept)
            }
        };
        let target = match &out {
            None => Target::Output,
            Some(place) => Target::open(place, kept.as_ref())?,
        };
        let progress = kept.unwrap_or_default();
        if let (Some(state), None) = (&state, kept) {
            // Before the first line: a file with lines always has a state.
            state.write(&progress, &format)?;
        }
        let last = arguments.after.or(progress.last.map(|(sequence, _)| sequence));
        Ok(Self {
            folder,
            format,
            target,
            state,
            progress,
            next: last.map(|last| last.saturating_add(1)),
            position: None,
            durable: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            batch: String::new(),
            in_batch: 0,
            max_batch: arguments.batch.get(),
        })
    }

    /// Exports all records that are durable now.
    fn run_pass(&mut self) -> Result<(), ExportError> {
        // Before the records: the log has everything that it signs.
        let signed = self.signed()?;
        if self.position.is_some() && self.next.is_some_and(|next| signed <= next) {
            return Ok(());
        }
        self.durable = self.durable.max(signed);
        self.waiting.clear();
        self.waiting_bytes = 0;
        let read = self.read_all(signed);
        // What was read before an error is complete.
        self.commit()?;
        read
    }

    fn read_all(&mut self, signed: u64) -> Result<(), ExportError> {
        let mut reader = match self.position {
            Some(position) => Reader::resume(self.folder, position)?,
            None => Reader::near(self.folder, self.next.unwrap_or(0).saturating_sub(1))?,
        };
        let (format, next) = (self.format.clone(), self.next.unwrap_or(0));
        while let Some(mut taken) = reader.read(|record| take(&format, &record, next))? {
            taken.waiting.position = reader.position();
            self.add(taken)?;
        }
        let end = reader.position().map_or(0, |position| position.next);
        let wanted = self.next.unwrap_or(0).max(signed);
        if end < wanted {
            return Err(ExportError::Ends { wanted: wanted.saturating_sub(1), end });
        }
        if self.waiting.is_empty() { self.target.check_end() } else { Ok(()) }
    }

    /// Size of the newest checkpoint; 0 without one.
    fn signed(&self) -> Result<u64, ExportError> {
        let path = self.folder.join("checkpoint");
        match text_file::read(&path) {
            Ok(note) => Ok(checkpoint_size(&note).unwrap_or(0)),
            Err(TextError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(TextError::Io(error)) => Err(ExportError::file(&path)(error)),
            // Not a checkpoint: later records say what is durable.
            Err(TextError::Utf8 { .. } | TextError::Utf16) => Ok(0),
        }
    }

    fn add(&mut self, taken: Taken) -> Result<(), ExportError> {
        let Taken { waiting, durable } = taken;
        let (sequence, next) = (waiting.sequence, self.next.unwrap_or(waiting.sequence));
        if sequence > next && self.waiting.is_empty() {
            return Err(ExportError::Gap { wanted: next, first: sequence });
        }
        self.durable = self.durable.max(durable);
        if sequence < next {
            let is_other = self.progress.last.is_some_and(|(last, hash)| last == sequence && hash != waiting.hash);
            return if is_other { Err(ExportError::OtherRecord(sequence)) } else { Ok(()) };
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(waiting.record_bytes);
        self.waiting.push_back(waiting);
        while self.waiting.front().is_some_and(|waiting| waiting.sequence < self.durable) {
            if let Some(waiting) = self.waiting.pop_front() {
                self.export(&waiting)?;
            }
        }
        match self.waiting.front() {
            Some(first) if self.waiting_bytes > MAX_WAITING_BYTES => Err(ExportError::NotDurable(first.sequence)),
            Some(_) | None => Ok(()),
        }
    }

    fn export(&mut self, record: &Waiting) -> Result<(), ExportError> {
        self.waiting_bytes = self.waiting_bytes.saturating_sub(record.record_bytes);
        if !self.target.has(&record.line, record.sequence, record.hash)? {
            self.batch.push_str(&record.line);
        }
        self.in_batch = self.in_batch.saturating_add(1);
        self.progress.last = Some((record.sequence, record.hash));
        self.next = record.sequence.checked_add(1);
        self.position = record.position;
        if self.in_batch >= self.max_batch || self.batch.len() >= BATCH_BYTES { self.commit() } else { Ok(()) }
    }

    /// Makes the lines durable, and then the state.
    fn commit(&mut self) -> Result<(), ExportError> {
        if self.in_batch == 0 {
            return Ok(());
        }
        // Also without a new line: a process that was killed may not have synced those that are there.
        self.target.append(&self.batch)?;
        self.batch.clear();
        self.in_batch = 0;
        self.progress.bytes = self.target.end();
        match &self.state {
            Some(state) => state.write(&self.progress, &self.format),
            None => Ok(()),
        }
    }
}

/// Takes what is needed of a record; no line of one before `next`.
fn take(format: &LineFormat, record: &RecordView<'_>, next: u64) -> Taken {
    let sequence = record.header.sequence;
    let durable = match record.event {
        // Each segment was durable before the next one began.
        Event::SegmentBegun(_) => sequence,
        Event::Exchange(_) | Event::Interruption(_) | Event::Pruning(_) | Event::Vouched(_) | Event::Suppressed(_) => {
            record.header.proven()
        }
    };
    let line = if sequence < next { String::new() } else { format.write(record) };
    let waiting = Waiting { sequence, hash: record.leaf, line, record_bytes: record.bytes.len(), position: None };
    Taken { waiting, durable }
}
