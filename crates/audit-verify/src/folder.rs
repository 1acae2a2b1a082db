//! Files of an audit log's folder: segments, checkpoints, the lock.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use ehealth_core::model::Digest;

use super::compact_range::hash;
use super::finding::{CheckpointSource, Finding};
use super::key::VerifyingKey;
use super::note::Checkpoint;
use super::segment::{self, Scanned, SegmentFile};

/// Maximum size of a checkpoint file: 64 KiB. A checkpoint has about 500 bytes.
const MAX_NOTE_BYTES: u64 = 1 << 16;

/// Maximum size of a policy file: 16 MiB.
const MAX_POLICY_BYTES: u64 = 1 << 24;

/// An error that prevents verification. What can be read and is wrong is a [`Finding`] instead.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file or folder cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> VerifyError + '_ {
    move |error| VerifyError::Io { path: path.to_owned(), error }
}

/// Whether a process is writing this audit log. A copy of an audit log has no lock that a process
/// could hold.
///
/// To look, the lock is taken and released at once. A writer that starts in that instant finds the
/// audit log in use.
pub(super) fn is_in_use(folder: &Path) -> Result<bool, VerifyError> {
    let try_lock = || match File::open(folder.join("lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(lock) => match lock.try_lock_shared() {
            // Closing it is not enough while another thread starts a program, which has a copy.
            Ok(()) => lock.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    };
    try_lock().map_err(io_error(folder))
}

/// Reads a checkpoint file; `None`, with a finding, if it is missing or not signed by the key.
pub(super) fn read_checkpoint(
    path: &Path,
    key: &VerifyingKey,
    source: CheckpointSource,
    findings: &mut Vec<Finding>,
) -> Result<Option<Checkpoint>, VerifyError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_NOTE_BYTES).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.push(Finding::CheckpointMissing(source));
            return Ok(None);
        }
        Err(error) => return Err(io_error(path)(error)),
        Ok(_) => {}
    }
    let checkpoint = key.open(&bytes);
    if checkpoint.is_none() {
        findings.push(Finding::CheckpointForged(source));
    }
    Ok(checkpoint)
}

/// Lists the segments in the order of their first records.
pub(super) fn segment_files(folder: &Path, findings: &mut Vec<Finding>) -> Result<Vec<SegmentFile>, VerifyError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let name = entry.map_err(io_error(folder))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".seg") {
            match SegmentFile::parse(&name) {
                Some(file) => files.push(file),
                None => findings.push(Finding::Name(name)),
            }
        }
    }
    files.sort_unstable_by(|one, other| (one.first, &one.name).cmp(&(other.first, &other.name)));
    Ok(files)
}

/// State of the text of a policy file in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyText {
    Sound,
    Missing,
    Changed,
}

/// Looks for the text of the policy file with this SHA-256: `policy-<64 hexadecimal digits>.toml`.
pub(super) fn policy_text(folder: &Path, policy: Digest) -> Result<PolicyText, VerifyError> {
    let path = folder.join(format!("policy-{policy}.toml"));
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(MAX_POLICY_BYTES).read_to_end(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PolicyText::Missing),
        Err(error) => Err(io_error(&path)(error)),
        Ok(_) if hash(None, [&text, &[]]) == policy => Ok(PolicyText::Sound),
        Ok(_) => Ok(PolicyText::Changed),
    }
}

/// Reads all segments, on all cores: nearly all of the work is hashing, which does not depend on
/// the segments before.
pub(super) fn scan_all(
    folder: &Path,
    files: &[SegmentFile],
    sizes: &BTreeSet<u64>,
) -> Result<Vec<Scanned>, VerifyError> {
    let next = AtomicUsize::new(0);
    let scanned = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        while let Some((number, file)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            files.get(number).map(|file| (number, file))
        } {
            let path = folder.join(&file.name);
            let result = segment::scan(&path, file, sizes).map_err(io_error(&path));
            scanned.lock().push((number, result));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut scanned = scanned.into_inner();
    scanned.sort_unstable_by_key(|(number, _)| *number);
    scanned.into_iter().map(|(_, result)| result).collect()
}
