//! Where the lines go: a file that is continued, or standard output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use serde_json::Value;

use super::error::ExportError;
use super::state::{Place, Progress, lock};
use crate::cli::output::is_lost;
use ehealth_core::model::Digest;

/// Maximum length of a line: a record of 1 MiB twice in base64, and its other members.
const MAX_LINE_BYTES: u64 = 1 << 22;

/// Where the lines go.
pub(super) enum Target {
    File(FileTarget),
    Output,
}

/// A file that this export alone writes.
pub(super) struct FileTarget {
    file: File,
    path: PathBuf,
    /// End of the lines that are in the file.
    end: u64,
    /// Lines that a process wrote before it was killed, behind those of the state.
    unconfirmed: Option<BufReader<File>>,
}

impl Target {
    /// Opens a file. `progress`: what the state says; without a state the file must be empty.
    pub fn open(place: &Place, progress: Option<&Progress>) -> Result<Self, ExportError> {
        let path = place.path.clone();
        let in_file = ExportError::file(&place.path);
        let file = place.directory.open_or_create(&place.name, 0o600).map_err(&in_file)?;
        let metadata = file.metadata().map_err(&in_file)?;
        if !metadata.is_file() {
            return Err(ExportError::NotAFile(path));
        }
        lock(&file, &path)?;
        place.directory.sync().map_err(&in_file)?;
        let length = metadata.len();
        let end = match progress {
            // A new file, also after the one before was moved away.
            _ if length == 0 => 0,
            None => return Err(ExportError::NotEmpty(path)),
            Some(progress) if length < progress.bytes => {
                return Err(ExportError::Changed { path, at: length, problem: "it ends, and once was longer" });
            }
            Some(progress) => {
                check_last_line(&file, &path, progress)?;
                progress.bytes
            }
        };
        let unconfirmed = if length > end {
            let mut again = file.try_clone().map_err(&in_file)?;
            again.seek(SeekFrom::Start(end)).map_err(&in_file)?;
            Some(BufReader::new(again))
        } else {
            None
        };
        Ok(Self::File(FileTarget { file, path, end, unconfirmed }))
    }

    /// Length of the file with the lines so far; 0 on standard output.
    pub fn end(&self) -> u64 {
        match self {
            Self::File(file) => file.end,
            Self::Output => 0,
        }
    }

    /// Whether the line of this record is there already.
    pub fn has(&mut self, line: &str, sequence: u64, hash: Digest) -> Result<bool, ExportError> {
        match self {
            Self::File(file) => file.has(line, sequence, hash),
            Self::Output => Ok(false),
        }
    }

    /// Appends lines, and makes them durable.
    pub fn append(&mut self, lines: &str) -> Result<(), ExportError> {
        match self {
            Self::File(file) => file.append(lines),
            Self::Output => {
                print!("{lines}");
                let flushed = io::stdout().flush();
                if is_lost() || flushed.is_err() { Err(ExportError::Closed) } else { Ok(()) }
            }
        }
    }

    /// Checks that the log has every line of the file.
    pub fn check_end(&self) -> Result<(), ExportError> {
        match self {
            Self::File(FileTarget { path, end, unconfirmed: Some(_), .. }) => Err(ExportError::Changed {
                path: path.clone(),
                at: *end,
                problem: "there are lines that the log lacks",
            }),
            Self::File(FileTarget { unconfirmed: None, .. }) | Self::Output => Ok(()),
        }
    }
}

impl FileTarget {
    fn has(&mut self, line: &str, sequence: u64, hash: Digest) -> Result<bool, ExportError> {
        let Some(unconfirmed) = &mut self.unconfirmed else { return Ok(false) };
        let in_file = ExportError::file(&self.path);
        let mut found = Vec::new();
        unconfirmed.take(MAX_LINE_BYTES).read_until(b'\n', &mut found).map_err(&in_file)?;
        let is_whole = found.first() == Some(&b'{') && found.last() == Some(&b'\n');
        if is_whole && (found == line.as_bytes() || is_line_of(&found, sequence, hash)) {
            self.end = self.end.saturating_add(u64::try_from(found.len()).unwrap_or(u64::MAX));
            if unconfirmed.fill_buf().map_err(&in_file)?.is_empty() {
                self.unconfirmed = None;
            }
            return Ok(true);
        }
        if is_whole {
            let problem = "there is the line of another record";
            return Err(ExportError::Changed { path: self.path.clone(), at: self.end, problem });
        }
        // The process was killed inside this line, or the machine lost power.
        self.unconfirmed = None;
        self.file.set_len(self.end).map_err(&in_file)?;
        Ok(false)
    }

    fn append(&mut self, lines: &str) -> Result<(), ExportError> {
        let in_file = ExportError::file(&self.path);
        self.file.write_all_at(lines.as_bytes(), self.end).map_err(&in_file)?;
        self.file.sync_data().map_err(&in_file)?;
        self.end = self.end.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// Whether a line is that of a record. Another version of the program may have written other members.
fn is_line_of(line: &[u8], sequence: u64, hash: Digest) -> bool {
    let Ok(line) = serde_json::from_slice::<Value>(line) else { return false };
    let has_hash = line.get("hash").and_then(Value::as_str) == Some(&hash.to_string());
    has_hash && line.get("sequence").and_then(Value::as_u64) == Some(sequence)
}

/// Checks that the last line of the state is where the state says.
fn check_last_line(file: &File, path: &std::path::Path, progress: &Progress) -> Result<(), ExportError> {
    let Some((sequence, hash)) = progress.last.filter(|_| progress.bytes > 0) else { return Ok(()) };
    let in_file = ExportError::file(path);
    let length = progress.bytes.min(MAX_LINE_BYTES);
    let mut file = file;
    file.seek(SeekFrom::Start(progress.bytes.saturating_sub(length))).map_err(&in_file)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(&in_file)?;
    let line = bytes.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    if line.is_some_and(|line| is_line_of(line, sequence, hash)) {
        return Ok(());
    }
    let problem = "the line of the last exported record does not end";
    Err(ExportError::Changed { path: path.to_owned(), at: progress.bytes, problem })
}
