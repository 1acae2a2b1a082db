//! Reading: which files are in use, connections to them, and the view that a question reads through.
//!
//! A view never waits: readers of SQLite's write-ahead log pass by the writer, and a replaced file stays readable to
//! whoever has it open. What a view does wait for is the disk, if the pages asked for are not in memory; they are mapped
//! rather than copied, which the operator pays with one rule: a file in use is replaced, never truncated in place.
//! What is looked up through a view is `directory`'s affair.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use super::bookkeeping::{self, DatasetStatus, HistoryEntry, account};
use super::folder::Folder;
use super::open::{Purpose, open};
use ehealth_core::lookup::DirectoryError;
use ehealth_core::model::{Dataset, DatasetSet, DatasetState};

/// Knows which file of each dataset is in use. Cheap to clone: all clones know the same.
///
/// A dataset may be replaced by another process, so somebody must call [`Watch::poll`] a few times a second; readers
/// then learn of it with their next view, by one atomic load.
#[derive(Clone)]
pub struct Watch(Arc<Watched>);

struct Watched {
    folder: Folder,
    /// Counts the changes of `files`.
    generation: AtomicU64,
    files: Mutex<[InUse; 5]>,
}

/// What a pointer says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum InUse {
    Nothing,
    File(PathBuf),
    Unreadable,
}

impl Watch {
    /// Watches the datasets of a folder. It need not exist: then nothing was ever loaded.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let watch = Self(Arc::new(Watched {
            folder: Folder::new(folder),
            generation: AtomicU64::new(0),
            files: Mutex::new(Dataset::ALL.map(|_| InUse::Nothing)),
        }));
        watch.poll();
        watch
    }

    /// Looks which files are in use now: five small reads. Tells which datasets changed since the last look.
    pub fn poll(&self) -> DatasetSet {
        let now = Dataset::ALL.map(|dataset| match self.0.folder.current(dataset) {
            Ok(None) => InUse::Nothing,
            Ok(Some(file)) => InUse::File(file),
            Err(error) => {
                tracing::error!(dataset = dataset.code(), %error, "cannot tell which file is in use");
                InUse::Unreadable
            }
        });
        let mut files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = Dataset::ALL.into_iter().zip(files.iter().zip(&now));
        let changed: DatasetSet = pairs.filter(|(_, (old, new))| old != new).map(|(dataset, _)| dataset).collect();
        if !changed.is_empty() {
            *files = now;
            self.0.generation.fetch_add(1, Ordering::Release);
        }
        changed
    }

    /// A reader of its own. Its connections are opened with its first view.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { watch: self.clone(), generation: None, slots: Dataset::ALL.map(|_| Slot::Nothing) }
    }

    fn files(&self) -> (u64, [InUse; 5]) {
        let files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        (self.0.generation.load(Ordering::Acquire), files.clone())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("folder", &self.0.folder).finish_non_exhaustive()
    }
}

/// Connections to the five datasets, with their statements prepared: for one question at a time.
pub struct Reader {
    watch: Watch,
    /// The generation that the slots are of; `None` if one of them must be opened anew whatever the generation.
    generation: Option<u64>,
    slots: [Slot; 5],
}

enum Slot {
    /// Nothing was ever loaded.
    Nothing,
    Open {
        file: PathBuf,
        connection: Connection,
        /// Whether a view has a transaction on it.
        pinned: bool,
        /// Of the pinned state, once it was asked for.
        state: Option<DatasetState>,
    },
    /// There is something, but it cannot be read.
    Broken(Arc<StoreError>),
}

impl Reader {
    /// A view of the datasets as they are now. Opens what was replaced since the last one, or could not be read.
    pub fn view(&mut self) -> View<'_> {
        if self.generation != Some(self.watch.0.generation.load(Ordering::Acquire)) {
            self.follow();
            if self.slots.iter().any(|slot| matches!(slot, Slot::Broken(_))) {
                // Perhaps the file was replaced after the last look, and is gone.
                self.watch.poll();
                self.follow();
            }
        }
        View { reader: self, end: End::LetGo }
    }

    /// Lets go of every state that a view kept.
    pub fn release(&mut self) {
        for slot in &mut self.slots {
            if let Slot::Open { connection, pinned, state, .. } = slot
                && std::mem::take(pinned)
            {
                *state = None;
                if let Err(error) = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) {
                    // A transaction that cannot be ended would pin its state for ever.
                    *slot = Slot::Broken(Arc::new(error.into()));
                    self.generation = None;
                }
            }
        }
    }

    fn follow(&mut self) {
        let (generation, files) = self.watch.files();
        self.generation = Some(generation);
        for ((dataset, slot), now) in Dataset::ALL.into_iter().zip(&mut self.slots).zip(files) {
            match now {
                InUse::Nothing => *slot = Slot::Nothing,
                InUse::Unreadable => *slot = Slot::Broken(Arc::new(StoreError::Pointer)),
                InUse::File(now) => match slot {
                    Slot::Open { file, .. } if *file == now => {}
                    _ => match open(&now, dataset, Purpose::Read) {
                        Ok(connection) => *slot = Slot::Open { file: now, connection, pinned: false, state: None },
                        Err(error) => *slot = Slot::Broken(Arc::new(error)),
                    },
                },
            }
        }
        if self.slots.iter().any(|slot| matches!(slot, Slot::Broken(_))) {
            self.generation = None;
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// One state of each dataset, held still: the first look into a dataset pins it, the end of the view lets go.
///
/// Keep it short: while a view pins a state, the write-ahead log of that dataset cannot be cut.
#[derive(Debug)]
pub struct View<'a> {
    reader: &'a mut Reader,
    end: End,
}

/// What becomes of the pinned states when a view ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    LetGo,
    Keep,
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        match self.end {
            End::LetGo => self.reader.release(),
            End::Keep => {}
        }
    }
}

impl View<'_> {
    /// Ends the view and leaves its states pinned: the reader's next view goes on with them, and sees nothing newer until
    /// [`Reader::release`]. Pinning costs three system calls a dataset, and what keeps states answers for their age.
    pub fn keep(mut self) {
        self.end = End::Keep;
    }

    /// The state of a dataset that a look before this one asked for.
    pub(super) fn known_state(&self, dataset: Dataset) -> Option<DatasetState> {
        match &self.reader.slots[dataset as usize] {
            Slot::Open { pinned: true, state, .. } => *state,
            Slot::Open { .. } | Slot::Nothing | Slot::Broken(_) => None,
        }
    }

    /// Remembers the state of a pinned dataset.
    pub(super) fn keep_state(&mut self, dataset: Dataset, now: DatasetState) {
        if let Slot::Open { state, .. } = &mut self.reader.slots[dataset as usize] {
            *state = Some(now);
        }
    }

    /// Does `look` on the pinned dataset; nothing if the dataset was never loaded.
    pub(super) fn look<T: Default>(
        &mut self,
        dataset: Dataset,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, DirectoryError> {
        let slot = &mut self.reader.slots[dataset as usize];
        let outcome = match slot {
            Slot::Nothing => Ok(T::default()),
            Slot::Broken(error) => Err(Arc::clone(error)),
            Slot::Open { connection, pinned, .. } => {
                pin(connection, pinned).and_then(|()| look(connection)).map_err(Arc::new)
            }
        };
        outcome.map_err(|reason| {
            // The next view opens the file anew: an operator may have mended it.
            self.reader.generation = None;
            if let Slot::Open { file, .. } = &mut self.reader.slots[dataset as usize] {
                *file = PathBuf::new();
            }
            DirectoryError { dataset, reason: Box::new(reason) }
        })
    }
}

fn pin(connection: &Connection, pinned: &mut bool) -> Result<(), StoreError> {
    if !*pinned {
        connection.prepare_cached("BEGIN")?.execute([])?;
        *pinned = true;
    }
    Ok(())
}

impl View<'_> {
    /// How the runs of a dataset's feed ended, the latest first; empty if there was none. Waits for no writer.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn history(&mut self, dataset: Dataset) -> Result<Vec<HistoryEntry>, DirectoryError> {
        self.look(dataset, |connection| bookkeeping::history(connection, u32::MAX))
    }

    /// What a dataset is like, with the last `runs` of its history; all empty if it was never loaded.
    ///
    /// # Errors
    /// [`DirectoryError`] if there is something that cannot be read.
    pub fn account(&mut self, dataset: Dataset, runs: u32) -> Result<DatasetStatus, DirectoryError> {
        self.look(dataset, |connection| account(connection, runs))
    }
}
