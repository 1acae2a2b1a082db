//! Keeps checkpoints: signs the newest head of the tree and puts the note in two places and into the log.
//!
//! A thread of its own does this, so that no receipt ever waits for it. The writer offers a head after every write; a
//! checkpoint is made when so many records or so much time came since the last one, but no more than ten times a second,
//! and always at the end. A place that cannot be written is tried again at every interval: the evidence itself is
//! durable without.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ehealth_core::model::{DatasetStates, Timestamp};

use super::Frontier;
use super::checkpoint::{CHECKPOINT, CHECKPOINT_DRAFT, CheckpointKey, Head, Known, MAX_CHECKPOINT_BYTES, root_text};
use super::disk::Disk;
use super::recover::ReadFrom;

/// At most one line a minute goes into the log, however many checkpoints are made.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// When checkpoints are made, and where they are put besides the trail's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    /// The name of the trail in its checkpoints: like `gateway.example.be/trail`, without blanks and `+`.
    pub origin: String,
    /// The file that holds the newest checkpoint a second time: on another machine's disk, if it shall be worth much.
    /// If that disk hangs, only checkpoints and the end of the process wait for it.
    pub copy: Option<PathBuf>,
    /// After so many records, as long as that is not more often than `apart`.
    pub records: u64,
    /// So much time is at least between two of them: each costs two syncs, which records wait for as well.
    pub apart: Duration,
    /// After so much time, if there is anything new.
    pub interval: Duration,
    /// What to do with a trail that has records but no checkpoint.
    pub missing: MissingCheckpoint,
}

impl Default for Checkpoints {
    /// A checkpoint every second or every 256 records, no more than ten a second, without a second place.
    fn default() -> Self {
        Self {
            origin: "ehealth-attributes/audit-log".into(),
            copy: None,
            records: 256,
            apart: Duration::from_millis(100),
            interval: Duration::from_secs(1),
            missing: MissingCheckpoint::Refuse,
        }
    }
}

/// What to do with a trail that has records but no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingCheckpoint {
    /// It is not opened: somebody removed the checkpoint.
    #[default]
    Refuse,
    /// It is opened and signed as it is: somebody answers for it (another checkpoint key, another name).
    Sign,
}

/// What the writer tells of its tree.
struct Offered {
    tree: Frontier,
    made: Timestamp,
    datasets: DatasetStates,
}

struct State {
    offered: Option<Offered>,
    /// Sizes of the newest checkpoint that was tried, that is durable in the trail's folder, that is everywhere.
    tried: u64,
    signed: u64,
    everywhere: u64,
    /// The places that could not be written the last time.
    failing: Vec<CheckpointPlace>,
    /// Somebody waits for a checkpoint of this size.
    wanted: u64,
    closing: bool,
}

impl State {
    /// The size of the newest tree that was offered.
    fn size(&self) -> u64 {
        self.offered.as_ref().map_or(0, |offered| offered.tree.size())
    }
}

/// Keeps the checkpoints of one trail.
pub(super) struct Checkpointer {
    /// Let go of at the end, with its lock.
    disk: Mutex<Option<Arc<dyn Disk>>>,
    key: CheckpointKey,
    settings: Checkpoints,
    state: Mutex<State>,
    changed: Condvar,
    failures: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

impl Checkpointer {
    /// `kept` is what the places hold, `signed` the size of the newest of them.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        key: CheckpointKey,
        settings: Checkpoints,
        kept: &Kept,
        signed: u64,
    ) -> Self {
        let everywhere = if settings.copy.is_none() || kept.trail == kept.copy { signed } else { 0 };
        let failing = Vec::new();
        let state = State { offered: None, tried: signed, signed, everywhere, failing, wanted: 0, closing: false };
        let (changed, failures, logged) = (Condvar::new(), AtomicU64::new(0), Mutex::new(None));
        let disk = Mutex::new(Some(disk));
        Self { disk, key, settings, state: Mutex::new(state), changed, failures, logged }
    }

    /// The public key, in the form of signed-note tools.
    pub(super) fn verifying_key(&self) -> String {
        self.key.verifying_key()
    }

    /// The size of the newest checkpoint in the trail's folder.
    pub(super) fn signed(&self) -> u64 {
        self.state().signed
    }

    /// How often one of the places could not be written.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Tells of a tree that is durable. Never blocks for a disk.
    pub(super) fn offer(&self, tree: &Frontier, made: Timestamp, datasets: DatasetStates) {
        let mut state = self.state();
        let (was_missing, was_full) = (state.size() > state.everywhere, self.is_full(&state));
        state.offered = Some(Offered { tree: tree.clone(), made, datasets });
        // Else the thread knows already when to wake.
        if !was_missing || was_full != self.is_full(&state) {
            self.changed.notify_all();
        }
    }

    /// Whether so many records came since the last checkpoint that the next one does not wait for the interval.
    fn is_full(&self, state: &State) -> bool {
        state.size().saturating_sub(state.tried) >= self.settings.records
    }

    /// Waits until a checkpoint of at least this size was tried; whether it is in the trail's folder.
    pub(super) fn wait_for(&self, size: u64) -> bool {
        let mut state = self.state();
        state.wanted = size.max(state.wanted);
        self.changed.notify_all();
        let waits = |state: &mut State| state.tried < size && !state.closing;
        self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner).signed >= size
    }

    /// Lets [`Checkpointer::run`] come to its end, after a last checkpoint.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
    }

    /// Makes checkpoints until it is closed.
    pub(super) fn run(&self) {
        let mut last = Instant::now();
        let mut state = self.state();
        loop {
            let size = state.size();
            let new = size.saturating_sub(state.tried);
            let missing = size > state.everywhere && !(state.closing && new == 0);
            let interval = if self.is_full(&state) { self.settings.apart } else { self.settings.interval };
            let rest = interval.saturating_sub(last.elapsed());
            let due = rest.is_zero() || state.wanted > state.tried || state.closing;
            if !missing {
                if state.closing {
                    *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if !due {
                state = self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
            } else {
                drop(state);
                // A failure was counted and logged; the next checkpoint is the next try.
                let _ = self.make();
                last = Instant::now();
                state = self.state();
            }
        }
    }

    /// Signs what was offered last and puts it everywhere; an error if it is not in the trail's folder.
    pub(super) fn make(&self) -> io::Result<()> {
        let head = self.head()?;
        let note = self.key.sign(&head);
        self.put(&head, &note)
    }

    /// Has the newest head signed by this key and the next, and puts the note everywhere; the note. Nobody else may make
    /// any meanwhile, so that this is the last of this key.
    pub(super) fn hand_over(&self, disk: Arc<dyn Disk>, next: &CheckpointKey) -> io::Result<String> {
        let head = self.head()?;
        let note = next.sign_also(&self.key.sign(&head)).ok_or(io::ErrorKind::InvalidData)?;
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = Some(disk);
        let put = self.put(&head, &note);
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = None;
        put?;
        if self.state().everywhere < head.size {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(note)
    }

    /// The disk of the trail, as long as it is open.
    pub(super) fn disk(&self) -> Option<Arc<dyn Disk>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was offered last.
    fn head(&self) -> io::Result<Head> {
        match &self.state().offered {
            Some(Offered { tree, made, datasets }) => {
                Ok(Head { size: tree.size(), root: tree.root(), made: *made, datasets: *datasets })
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Puts a note about this head everywhere; an error if it is not in the trail's folder.
    fn put(&self, head: &Head, note: &str) -> io::Result<()> {
        // First the trail's own: a copy elsewhere is never ahead of it.
        let kept = self.keep(note);
        self.tell(CheckpointPlace::AuditLog, &kept);
        let mut everywhere = kept.is_ok();
        if kept.is_ok() {
            if let Some(copy) = &self.settings.copy {
                let copied = replace(copy, note);
                self.tell(CheckpointPlace::Copy, &copied);
                everywhere = copied.is_ok();
            }
            self.log(head, note);
        }
        let mut state = self.state();
        state.tried = head.size;
        if kept.is_ok() {
            state.signed = head.size;
        }
        if everywhere {
            state.everywhere = head.size;
        } else {
            state.everywhere = state.everywhere.min(head.size.saturating_sub(1));
        }
        self.changed.notify_all();
        kept
    }

    fn keep(&self, note: &str) -> io::Result<()> {
        let disk = self.disk().ok_or(io::ErrorKind::BrokenPipe)?;
        let file = disk.create(CHECKPOINT_DRAFT)?;
        file.write_at(note.as_bytes(), 0)?;
        file.sync()?;
        disk.rename(CHECKPOINT_DRAFT, CHECKPOINT)?;
        disk.sync_names()
    }

    /// Counts every failure, and logs when a place begins to fail and when it is well again.
    fn tell(&self, place: CheckpointPlace, kept: &io::Result<()>) {
        let mut state = self.state();
        let was_failing = state.failing.contains(&place);
        match kept {
            Ok(()) if was_failing => {
                state.failing.retain(|failing| *failing != place);
                tracing::info!(%place, "checkpoints can be kept again");
            }
            Ok(()) => {}
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    state.failing.push(place);
                    tracing::warn!(%place, reason = %error.kind(), "checkpoints cannot be kept");
                }
            }
        }
    }

    /// The whole note goes into the log, so that a log kept elsewhere can judge the trail.
    fn log(&self, head: &Head, note: &str) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, root) = (head.size, root_text(head.root));
        if logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) || self.state().closing {
            tracing::info!(size, root, note, "checkpoint");
            *logged = Some(Instant::now());
        } else {
            tracing::debug!(size, root, "checkpoint");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpointer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Whose checkpoint cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointFault {
    /// The trail has records, but no checkpoint.
    #[error("the trail has records but no checkpoint")]
    Missing,
    /// It is not one that this trail's key signed under this trail's name.
    #[error("{0} holds no checkpoint of this trail and this key")]
    Foreign(CheckpointPlace),
    /// The trail is shorter than it was.
    #[error("truncated: a checkpoint was signed over {signed} records, and {found} are there")]
    Truncated {
        /// So many records had it.
        signed: u64,
        /// So many are there.
        found: u64,
    },
    /// The trail's records are not those that were signed.
    #[error("the first {signed} records are not those that were signed")]
    Inconsistent {
        /// The size of the checkpoint.
        signed: u64,
    },
    /// The second place cannot be read.
    #[error("the second place of the checkpoint cannot be read: {0}")]
    Io(io::ErrorKind),
}

/// Where a checkpoint lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointPlace {
    /// In the trail's folder.
    AuditLog,
    /// In the second place.
    Copy,
}

impl std::fmt::Display for CheckpointPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuditLog => "the trail's folder",
            Self::Copy => "the second place",
        })
    }
}

/// What the places hold.
pub(super) struct Kept {
    pub(super) trail: Option<Vec<u8>>,
    pub(super) copy: Option<Vec<u8>>,
}

impl Kept {
    /// Reads both places; a place without a checkpoint is `None`.
    pub(super) fn read(disk: &dyn Disk, copy: Option<&Path>) -> io::Result<Result<Self, CheckpointFault>> {
        let mut trail = Vec::new();
        let trail = match disk.open(CHECKPOINT) {
            Ok(file) => {
                ReadFrom { file, offset: 0 }.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut trail)?;
                Some(trail)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(match copy.map(read_bounded).transpose() {
            Ok(copy) => Ok(Self { trail, copy: copy.flatten() }),
            Err(error) => Err(CheckpointFault::Io(error.kind())),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.trail.is_none() && self.copy.is_none()
    }

    /// The newest of them; every one must be this key's.
    pub(super) fn newest(&self, key: &CheckpointKey) -> Result<Option<Known>, CheckpointFault> {
        let known = |bytes: &Option<Vec<u8>>, place| {
            let read = |bytes| std::str::from_utf8(bytes).ok().and_then(|note| key.read(note));
            bytes.as_deref().map(|bytes| read(bytes).ok_or(CheckpointFault::Foreign(place))).transpose()
        };
        let trail = known(&self.trail, CheckpointPlace::AuditLog)?;
        let copy = known(&self.copy, CheckpointPlace::Copy)?;
        Ok([trail, copy].into_iter().flatten().max_by_key(|known| known.size))
    }
}

fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a text into the place of a file, whole and durable or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
