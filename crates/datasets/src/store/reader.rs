//! Connections to the current files, and the view through which a question reads.
//!
//! A view never waits for a writer: readers of SQLite's write-ahead log pass by the writer, and a
//! replaced file stays readable for those that have it open. A view does wait for the disk if the
//! pages are not in memory. Pages are read into a cache of each connection, never mapped: a file that
//! is truncated in place, or a page that the disk cannot read, is an error of its dataset, and does
//! not end the process. SQLite maps one file, the index of the write-ahead log (`-shm`), which has
//! no data: never truncate it. `directory.rs` has the look-ups.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::database::{Purpose, open};
use super::error::StoreError;
use super::history::{HistoryEntry, read_history};
use super::status::{DatasetStatus, read_status};
use super::watch::{CurrentFile, Watch};
use ehealth_core::lookup::DirectoryError;
use ehealth_core::model::{Dataset, DatasetState};

/// Connections to the five datasets, with prepared statements. It serves one question at a time.
pub struct Reader {
    watch: Watch,
    /// Generation of the slots; `None` if a slot must be opened again in any case.
    generation: Option<u64>,
    slots: [Slot; 5],
}

enum Slot {
    /// No data were ever loaded.
    Empty,
    Open {
        file: PathBuf,
        connection: Connection,
        /// Whether a view has a transaction on the connection.
        pinned: bool,
        /// State of the pinned transaction, once a look-up asked for it.
        state: Option<DatasetState>,
    },
    /// The file or its pointer cannot be read.
    Broken(Arc<StoreError>),
}

impl Watch {
    /// Makes a reader. Its first view opens the connections.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { watch: self.clone(), generation: None, slots: Dataset::ALL.map(|_| Slot::Empty) }
    }
}

impl Reader {
    /// A view of the datasets as they are now. Opens the files that were replaced since the last
    /// view or were unreadable.
    pub fn view(&mut self) -> View<'_> {
        if self.generation != Some(self.watch.generation()) {
            self.update_slots();
            if self.slots.iter().any(|slot| matches!(slot, Slot::Broken(_))) {
                // The file may have been replaced and removed after the last poll.
                self.watch.poll();
                self.update_slots();
            }
        }
        View { reader: self, end: End::Release }
    }

    /// Releases every state that a view kept pinned.
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

    fn update_slots(&mut self) {
        let (generation, files) = self.watch.files();
        self.generation = Some(generation);
        for ((dataset, slot), current) in Dataset::ALL.into_iter().zip(&mut self.slots).zip(files) {
            match current {
                CurrentFile::None => *slot = Slot::Empty,
                CurrentFile::Unreadable => *slot = Slot::Broken(Arc::new(StoreError::Pointer)),
                CurrentFile::At(current) => match slot {
                    Slot::Open { file, .. } if *file == current => {}
                    Slot::Open { .. } | Slot::Empty | Slot::Broken(_) => {
                        *slot = match open(&current, dataset, Purpose::Read) {
                            Ok(connection) => Slot::Open { file: current, connection, pinned: false, state: None },
                            Err(error) => Slot::Broken(Arc::new(error)),
                        }
                    }
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

/// One state of each dataset. The first look-up in a dataset pins its state; the end of the view
/// releases it.
///
/// Keep a view short: while it pins a state, the write-ahead log of that dataset cannot be
/// truncated.
#[derive(Debug)]
pub struct View<'a> {
    reader: &'a mut Reader,
    end: End,
}

/// What the end of a view does with the pinned states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Release,
    Keep,
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        match self.end {
            End::Release => self.reader.release(),
            End::Keep => {}
        }
    }
}

impl View<'_> {
    /// Ends the view and leaves its states pinned: the reader's next view continues with them, and
    /// sees nothing newer until [`Reader::release`]. Pinning costs three system calls for each
    /// dataset. The caller must limit the age of the states that it keeps.
    pub fn keep(mut self) {
        self.end = End::Keep;
    }

    /// Runs of a dataset's feed, the latest first; empty if there were none. Never waits for a
    /// writer.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn history(&mut self, dataset: Dataset) -> Result<Vec<HistoryEntry>, DirectoryError> {
        self.look_up(dataset, |connection| read_history(connection, u32::MAX))
    }

    /// Status of a dataset, with the last `runs` entries of its history; empty if no data were ever
    /// loaded.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn status(&mut self, dataset: Dataset, runs: u32) -> Result<DatasetStatus, DirectoryError> {
        self.look_up(dataset, |connection| read_status(connection, runs))
    }

    /// State of a pinned dataset, if an earlier look-up read it.
    pub(super) fn known_state(&self, dataset: Dataset) -> Option<DatasetState> {
        match &self.reader.slots[dataset as usize] {
            Slot::Open { pinned: true, state, .. } => *state,
            Slot::Open { .. } | Slot::Empty | Slot::Broken(_) => None,
        }
    }

    /// Remembers the state of a pinned dataset.
    pub(super) fn remember_state(&mut self, dataset: Dataset, now: DatasetState) {
        if let Slot::Open { state, .. } = &mut self.reader.slots[dataset as usize] {
            *state = Some(now);
        }
    }

    /// Performs a look-up in the pinned dataset. Returns the default if no data were ever loaded.
    pub(super) fn look_up<T: Default>(
        &mut self,
        dataset: Dataset,
        look_up: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, DirectoryError> {
        let slot = &mut self.reader.slots[dataset as usize];
        let outcome = match slot {
            Slot::Empty => Ok(T::default()),
            Slot::Broken(error) => Err(Arc::clone(error)),
            Slot::Open { connection, pinned, .. } => {
                pin(connection, pinned).and_then(|()| look_up(connection)).map_err(Arc::new)
            }
        };
        outcome.map_err(|reason| {
            // The next view opens the file again: an operator may have repaired it.
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
