//! Verifies a trail from its files alone: every segment, every checkpoint, with nothing but the public key.
//!
//! Written apart from everything that writes or reads a trail: its decoder, its tree, its base64 and its notes are its
//! own, from the tables of the room's documentation. Two mistakes that are the same would have to be made twice. It
//! changes nothing, needs no secret, and opens nothing that is sealed.
//!
//! What a verdict is worth depends on the checkpoint. The one in the trail's folder can be replaced together with the
//! trail by an older pair of both: only a checkpoint kept elsewhere shows that the end was cut off. A [`Verdict`] says
//! which it had ([`Truncation`]). Who holds the signing key can rewrite everything after the newest checkpoint that is
//! kept elsewhere, and nothing before it.

mod note;
mod proof;
mod range;
mod record;
mod segment;

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ehealth_core::model::Digest;

use note::Checkpoint;
pub use note::{VerifyingKey, VerifyingKeyError};
pub use proof::{ProofFault, Proven, verify_proof};
use range::Range;
pub use segment::SegmentFlaw;
use segment::{Scanned, SegmentFile, Start};

/// A checkpoint has some 500 bytes; whatever is longer is none.
const MAX_NOTE_BYTES: u64 = 1 << 16;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The sequence of the first record that is there: 0 unless months were pruned.
    pub first: u64,
    /// How many records there are, with those that were pruned: the size of the tree.
    pub size: u64,
    /// The root of the tree.
    pub root: Digest,
    /// How many segments were read.
    pub segments: usize,
    /// How many bytes were read.
    pub bytes: u64,
    /// How many records at the end no checkpoint signs.
    pub unsigned: u64,
    /// Somebody writes the trail at this moment: an unsigned end is no finding then.
    pub in_use: bool,
    /// Whether a missing end would have been seen.
    pub truncation: Truncation,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing is wrong. What that is worth, [`Verdict::truncation`] says.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Whether a missing end would have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// Up to this size: a checkpoint that was kept elsewhere signs so many records.
    SeenUpTo(u64),
    /// Not at all: no checkpoint that was kept elsewhere was given, and whoever puts back an old trail can put back its
    /// old checkpoint as well.
    NotSeen,
}

impl std::fmt::Display for Truncation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SeenUpTo(size) => {
                write!(f, "a missing end would be seen, up to the {size} records that were signed elsewhere")
            }
            Self::NotSeen => {
                f.write_str("whether the end was cut off cannot be seen without a checkpoint that was kept elsewhere")
            }
        }
    }
}

/// Which checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The one in the trail's folder.
    AuditLog,
    /// The one that was kept elsewhere.
    Elsewhere,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "the trail's own checkpoint",
            Self::Elsewhere => "the checkpoint kept elsewhere",
        })
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A file is named like a segment, but not as one is named.
    #[error("{0} is not the name of a segment")]
    Name(String),
    /// A segment is not sound at this byte; nothing behind it can be judged.
    #[error("{segment}, byte {offset}: {flaw}")]
    Damaged {
        /// The name of its file.
        segment: String,
        /// Everything in it before this byte is sound.
        offset: u64,
        /// What is wrong there.
        flaw: SegmentFlaw,
    },
    /// The records of a segment do not go on where those of the one before ended.
    #[error("{segment} begins with record {found} where {expected} should be")]
    Gap {
        /// The name of its file.
        segment: String,
        /// The sequence that should come.
        expected: u64,
        /// The sequence in its name.
        found: u64,
    },
    /// The tree in a segment's first record is not that of the records before.
    #[error("{segment} does not stand on the records before it")]
    Foundation {
        /// The name of its file.
        segment: String,
    },
    /// The trail's beginning is missing, and no record says that it was pruned.
    #[error("the records before {first} are missing, and were not pruned")]
    Front {
        /// The sequence of the first record that is there.
        first: u64,
    },
    /// There is nothing that could be verified.
    #[error("no segment is there")]
    Empty,
    /// The checkpoint is not there.
    #[error("{0} is missing")]
    CheckpointMissing(Source),
    /// It was not signed by this key, or was changed.
    #[error("{0} was not signed by this key, or was changed")]
    CheckpointForged(Source),
    /// The trail is shorter than what was signed.
    #[error("truncated: {source_name} signs {signed} records, and {found} are there")]
    Truncated {
        /// Which checkpoint says so.
        source_name: Source,
        /// How many records it signs.
        signed: u64,
        /// How many are there.
        found: u64,
    },
    /// Something before was wrong, so that nothing behind it can be compared with what was signed.
    #[error("{source_name} signs {signed} records; behind the first {sound} nothing can be compared with it")]
    Incomparable {
        /// Which checkpoint.
        source_name: Source,
        /// How many records it signs.
        signed: u64,
        /// How many records come before the first flaw.
        sound: u64,
    },
    /// Other records were signed.
    #[error("{source_name} signs other records than the first {signed}")]
    Inconsistent {
        /// Which checkpoint says so.
        source_name: Source,
        /// How many records it signs.
        signed: u64,
    },
    /// The checkpoint signs fewer records than were pruned since: nothing can be compared with it.
    #[error("{source_name} signs {signed} records, which were all pruned since")]
    TooOld {
        /// Which checkpoint.
        source_name: Source,
        /// How many records it signs.
        signed: u64,
    },
    /// The trail's own checkpoint is older than the one that was kept elsewhere: an old one was put back.
    #[error("the trail's own checkpoint signs {own} records, the one kept elsewhere {elsewhere}")]
    OlderThanElsewhere {
        /// How many records the trail's own signs.
        own: u64,
        /// How many records the other one signs.
        elsewhere: u64,
    },
    /// Nobody writes, but records at the end are under no checkpoint: after a crash they are there until the next
    /// start; otherwise somebody added or changed them.
    #[error("the last {records} records are under no checkpoint")]
    Unsigned {
        /// How many.
        records: u64,
    },
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file or the folder cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> VerifyError + '_ {
    move |error| VerifyError::Io { path: path.to_owned(), error }
}

/// Verifies the trail in this folder. `elsewhere` is a checkpoint that was kept where nobody who could change the trail
/// could change it; a file with nothing but the note.
///
/// # Errors
/// [`VerifyError`] if something cannot be read. Whatever can be read and is wrong is a [`Finding`].
pub fn verify(folder: &Path, key: &VerifyingKey, elsewhere: Option<&Path>) -> Result<Verdict, VerifyError> {
    let mut findings = Vec::new();
    let in_use = is_in_use(folder).map_err(io_error(folder))?;
    // Read before the segments: whatever it signs must be found in them.
    let own = read_note(&folder.join("checkpoint"), key, Source::AuditLog, &mut findings)?;
    let kept = match elsewhere {
        None => None,
        Some(path) => read_note(path, key, Source::Elsewhere, &mut findings)?,
    };
    let files = segment_files(folder, &mut findings)?;
    let heads: Vec<(Source, Checkpoint)> = [(Source::AuditLog, own), (Source::Elsewhere, kept)]
        .into_iter()
        .filter_map(|(s, note)| Some((s, note?)))
        .collect();
    let watch: BTreeSet<u64> = heads.iter().map(|(_, head)| head.size).collect();
    let scanned = scan_all(folder, &files, &watch)?;
    let mut chain = Chain { tree: None, roots: Vec::new(), findings, pruned: BTreeSet::new(), bytes: 0, broken: false };
    let last = files.len().saturating_sub(1);
    for (number, (file, scanned)) in files.iter().zip(&scanned).enumerate() {
        let at_end = match (number == last, in_use) {
            (false, _) => AtEnd::No,
            (true, false) => AtEnd::Last,
            (true, true) => AtEnd::BeingWritten,
        };
        chain.add(file, scanned, at_end);
    }
    let Chain { tree, mut roots, mut findings, pruned, bytes, broken } = chain;
    let first = files.first().map_or(0, |file| file.first);
    if first != 0 && !pruned.contains(&first) {
        findings.push(Finding::Front { first });
    }
    if files.is_empty() {
        findings.push(Finding::Empty);
        roots.push((0, Range::empty().root()));
    }
    let tree = tree.unwrap_or_else(Range::empty);
    let size = tree.end();
    for (source_name, head) in &heads {
        let head = (*source_name, head);
        findings.extend(judge(head, first..size, &roots, broken));
    }
    if let [(_, own), (_, elsewhere)] = heads.as_slice()
        && own.size < elsewhere.size
    {
        findings.push(Finding::OlderThanElsewhere { own: own.size, elsewhere: elsewhere.size });
    }
    let signed = heads.iter().map(|(_, head)| head.size).max().unwrap_or(0);
    let unsigned = size.saturating_sub(signed);
    if unsigned > 0 && !in_use && !heads.is_empty() {
        findings.push(Finding::Unsigned { records: unsigned });
    }
    let of_elsewhere = heads.iter().find(|(source, _)| *source == Source::Elsewhere);
    let truncation = of_elsewhere.map_or(Truncation::NotSeen, |(_, head)| Truncation::SeenUpTo(head.size));
    let root = tree.root();
    Ok(Verdict { first, size, root, segments: files.len(), bytes, unsigned, in_use, truncation, findings })
}

fn judge(
    (source_name, head): (Source, &Checkpoint),
    there: std::ops::Range<u64>,
    roots: &[(u64, Digest)],
    broken: bool,
) -> Option<Finding> {
    let signed = head.size;
    if signed > there.end {
        return Some(if broken {
            Finding::Incomparable { source_name, signed, sound: there.end }
        } else {
            Finding::Truncated { source_name, signed, found: there.end }
        });
    }
    if signed < there.start {
        return Some(Finding::TooOld { source_name, signed });
    }
    let same = roots.iter().any(|(size, root)| *size == signed && *root == head.root);
    (!same).then_some(Finding::Inconsistent { source_name, signed })
}

/// Whether a segment is the last, where a writer may be, or have been, at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    No,
    Last,
    BeingWritten,
}

/// What the segments say together.
struct Chain {
    tree: Option<Range>,
    /// Roots at the sizes that were watched for.
    roots: Vec<(u64, Digest)>,
    findings: Vec<Finding>,
    /// Where prunings say that the trail may begin.
    pruned: BTreeSet<u64>,
    bytes: u64,
    /// Something before was wrong: what follows is read, but stands on nothing.
    broken: bool,
}

impl Chain {
    fn add(&mut self, file: &SegmentFile, scanned: &Scanned, at_end: AtEnd) {
        let segment = || file.name.clone();
        self.bytes = self.bytes.saturating_add(scanned.bytes);
        self.pruned.extend(&scanned.pruned);
        let tree = match &mut self.tree {
            Some(tree) => {
                if tree.end() != file.first && !self.broken {
                    let gap = Finding::Gap { segment: segment(), expected: tree.end(), found: file.first };
                    self.findings.push(gap);
                    self.broken = true;
                }
                tree
            }
            none => none.insert(scanned.start.as_ref().map_or_else(Range::empty, |Start { tree }| tree.clone())),
        };
        if let Some(start) = &scanned.start
            && !self.broken
            && start.tree != *tree
        {
            self.findings.push(Finding::Foundation { segment: segment() });
            self.broken = true;
        }
        if !self.broken {
            let root_of = |part: &Range| {
                let mut whole = tree.clone();
                whole.append(part);
                (whole.end(), whole.root())
            };
            self.roots.extend(scanned.watched.iter().map(root_of));
            tree.append(&scanned.leaves);
        }
        if let Some((offset, flaw)) = scanned.flaw {
            // A frame that is being written is there in part; whatever it will be comes after every checkpoint.
            let unfinished = at_end == AtEnd::BeingWritten && flaw.may_be_unfinished();
            let ahead = at_end != AtEnd::No && flaw == SegmentFlaw::Ahead;
            if !unfinished && !ahead {
                self.findings.push(Finding::Damaged { segment: segment(), offset, flaw });
                self.broken = true;
            }
        }
    }
}

/// Whether somebody writes this trail. A copy of a trail has no lock that anybody could hold.
///
/// To look, the lock is taken and let go at once; a writer that starts in that instant finds the trail in use.
fn is_in_use(folder: &Path) -> io::Result<bool> {
    match File::open(folder.join("lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(lock) => match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

fn read_note(
    path: &Path,
    key: &VerifyingKey,
    source: Source,
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

fn segment_files(folder: &Path, findings: &mut Vec<Finding>) -> Result<Vec<SegmentFile>, VerifyError> {
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

/// Reads all segments, on as many cores as there are: nearly all of the work is hashing what does not depend on
/// anything before.
fn scan_all(folder: &Path, files: &[SegmentFile], watch: &BTreeSet<u64>) -> Result<Vec<Scanned>, VerifyError> {
    let next = AtomicUsize::new(0);
    let scanned = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        while let Some((number, file)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            files.get(number).map(|file| (number, file))
        } {
            let path = folder.join(&file.name);
            let result = segment::scan(&path, file, watch).map_err(io_error(&path));
            scanned.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut scanned = scanned.into_inner().unwrap_or_else(PoisonError::into_inner);
    scanned.sort_unstable_by_key(|(number, _)| *number);
    scanned.into_iter().map(|(_, result)| result).collect()
}
