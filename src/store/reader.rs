//! Reading: which files are in use, connections to them, and the view that a question reads through.
//!
//! A view never waits: readers of SQLite's write-ahead log pass by the writer, and a replaced file stays readable to
//! whoever has it open. What a view does wait for is the disk, if the pages asked for are not in memory; they are mapped
//! rather than copied, which the operator pays with one rule: a file in use is replaced, never truncated in place.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension};

use super::StoreError;
use super::bookkeeping::{self, Account, HistoryEntry, account};
use super::folder::Folder;
use super::open::{Purpose, open};
use crate::lookup::{Directory, DirectoryError};
use crate::model::{
    Affiliation, Dataset, DatasetSet, DatasetState, DatasetStates, Date, EmploymentPeriod, EnterpriseNumber,
    Membership, Period, ServiceKind, Ssin, Timestamp,
};

/// The most numbers that one person may have had. The registers know of a handful; a chain or a family that is longer
/// would let a publisher's mistake keep a worker busy.
const FAMILY_MAX: usize = 1_000;

/// Room for the numbers of a person, as many as hardly anybody has.
const FAMILY_USUAL: usize = 4;

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
    fn known_state(&self, dataset: Dataset) -> Option<DatasetState> {
        match &self.reader.slots[dataset as usize] {
            Slot::Open { pinned: true, state, .. } => *state,
            Slot::Open { .. } | Slot::Nothing | Slot::Broken(_) => None,
        }
    }

    /// Does `look` on the pinned dataset; nothing if the dataset was never loaded.
    fn look<T: Default>(
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
    pub fn account(&mut self, dataset: Dataset, runs: u32) -> Result<Account, DirectoryError> {
        self.look(dataset, |connection| account(connection, runs))
    }
}

impl Directory for View<'_> {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        Dataset::ALL.into_iter().try_fold(DatasetStates::default(), |states, dataset| {
            if let Some(known) = self.known_state(dataset) {
                return Ok(states.with(dataset, known));
            }
            let found = self.look(dataset, |connection| {
                let mut select = connection.prepare_cached("SELECT serial, created FROM state")?;
                Ok(select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?)
            })?;
            let Some((serial, created)) = found else { return Ok(states) };
            let now = DatasetState { serial: serial.cast_unsigned(), created: Timestamp::from_millis(created) };
            if let Slot::Open { state, .. } = &mut self.reader.slots[dataset as usize] {
                *state = Some(now);
            }
            Ok(states.with(dataset, now))
        })
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        let family = self.look(Dataset::Persons, |connection| family(connection, ssin).map(Some))?;
        let Some(family) = family else {
            into.push(ssin);
            return Ok(ssin);
        };
        into.extend_from_slice(&family);
        // The family begins with its last number, and is never empty.
        Ok(family.first().copied().unwrap_or(ssin))
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        self.look(Dataset::Dimona, |connection| {
            each(connection, PERIODS, ssin.as_u64(), |employer, period| {
                into.push(EmploymentPeriod { employer, period });
            })
        })
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        self.look(dataset_of(kind), |connection| {
            let select = "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1";
            each(connection, select, employer.as_u64(), |service, period| into.push(Affiliation { service, period }))
        })
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        self.look(Dataset::Insurance, |connection| {
            each(connection, MEMBERSHIPS, ssin.as_u64(), |fund, period| into.push(Membership { fund, period }))
        })
    }

    fn affiliations_to(
        &mut self,
        service: EnterpriseNumber,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        self.look(dataset_of(kind), |connection| {
            let select = "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1 AND service = ?2";
            let keys = [employer.as_u64(), service.as_u64()];
            each_of(connection, select, keys, usize::MAX, |service, period| {
                into.push(Affiliation { service, period });
            })?;
            Ok(())
        })
    }

    fn periods_behind(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<EmploymentPeriod>,
    ) -> Result<(), DirectoryError> {
        self.look(Dataset::Dimona, |connection| {
            let select = "SELECT employer, begin_day, end_day FROM period WHERE ssin BETWEEN ?1 AND ?2";
            each_behind(connection, select, ssin, rows, |employer, period| {
                into.push(EmploymentPeriod { employer, period });
            })
        })
    }

    fn memberships_behind(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<Membership>,
    ) -> Result<(), DirectoryError> {
        self.look(Dataset::Insurance, |connection| {
            let select = "SELECT fund, begin_day, end_day FROM membership WHERE ssin BETWEEN ?1 AND ?2";
            each_behind(connection, select, ssin, rows, |fund, period| into.push(Membership { fund, period }))
        })
    }

    fn look_for_nobody(&mut self, dataset: Dataset, times: usize) -> Result<(), DirectoryError> {
        let select = match dataset {
            Dataset::Dimona => PERIODS,
            Dataset::Insurance => MEMBERSHIPS,
            Dataset::Persons => PREDECESSORS,
            Dataset::Coprev | Dataset::Federated => return Ok(()),
        };
        self.look(dataset, |connection| {
            let mut nobody = connection.prepare_cached(select)?;
            for _ in 0..times {
                nobody.query([NOBODY])?.next()?;
            }
            if dataset == Dataset::Persons {
                let mut others = connection.prepare_cached("SELECT ssin FROM person WHERE replaced_by > ?1")?;
                let mut rows = others.query([NOBODY])?;
                for _ in 0..times {
                    let Some(row) = rows.next()? else { break };
                    number(row.get(0)?)?;
                }
            }
            Ok(())
        })
    }
}

/// Where affiliations to services of this kind are.
fn dataset_of(kind: ServiceKind) -> Dataset {
    match kind {
        ServiceKind::External => Dataset::Coprev,
        ServiceKind::Internal => Dataset::Federated,
    }
}

/// Reads the next so many rows behind the person's place: to the end, then from the beginning.
fn each_behind(
    connection: &Connection,
    select: &str,
    ssin: Ssin,
    rows: usize,
    mut take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    let mut left = rows;
    for range in [[ssin.as_u64() + 1, i64::MAX.cast_unsigned()], [0, ssin.as_u64()]] {
        each_of(connection, select, range, left, |organisation, period| {
            left -= 1;
            take(organisation, period);
        })?;
    }
    Ok(())
}

/// Reads the rows of one owner.
fn each(
    connection: &Connection,
    select: &str,
    owner: u64,
    take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    each_of(connection, select, [owner], usize::MAX, take)
}

/// Reads rows of an organisation and a period, `most` of them, and checks them.
fn each_of<const N: usize>(
    connection: &Connection,
    select: &str,
    keys: [u64; N],
    most: usize,
    mut take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(rusqlite::params_from_iter(keys.map(u64::cast_signed)))?;
    for _ in 0..most {
        let Some(row) = rows.next()? else { break };
        let organisation: i64 = row.get(0)?;
        let organisation = EnterpriseNumber::from_u64(organisation.cast_unsigned()).map_err(|_| StoreError::Value)?;
        let day = |days: i64| Date::from_days(days).map_err(|_| StoreError::Value);
        let end = row.get::<_, Option<i64>>(2)?.map(day).transpose()?;
        take(organisation, Period::from_days(day(row.get(1)?)?, end).map_err(|_| StoreError::Value)?);
    }
    Ok(())
}

/// What is filed under a number.
const PERIODS: &str = "SELECT employer, begin_day, end_day FROM period WHERE ssin = ?1";
const MEMBERSHIPS: &str = "SELECT fund, begin_day, end_day FROM membership WHERE ssin = ?1";

/// The numbers that one replaced.
const PREDECESSORS: &str = "SELECT ssin FROM person WHERE replaced_by = ?1";

/// No person's number, and none that replaced another.
const NOBODY: i64 = 0;

fn number(value: i64) -> Result<Ssin, StoreError> {
    Ssin::from_u64(value.cast_unsigned()).map_err(|_| StoreError::Value)
}

/// All numbers of a person, the last one first.
fn family(connection: &Connection, ssin: Ssin) -> Result<Vec<Ssin>, StoreError> {
    let mut successor = connection.prepare_cached("SELECT replaced_by FROM person WHERE ssin = ?1")?;
    let mut last = ssin;
    for step in 0.. {
        if step == FAMILY_MAX {
            return Err(StoreError::Cycle);
        }
        let next: Option<Option<i64>> =
            successor.query_row([last.as_u64().cast_signed()], |row| row.get(0)).optional()?;
        match next.flatten() {
            Some(next) => last = number(next)?,
            None => break,
        }
    }
    let mut predecessors = connection.prepare_cached(PREDECESSORS)?;
    let mut family = Vec::with_capacity(FAMILY_USUAL);
    family.push(last);
    let mut seen = 0;
    while let Some(next) = family.get(seen).copied() {
        seen += 1;
        let mut rows = predecessors.query([next.as_u64().cast_signed()])?;
        while let Some(row) = rows.next()? {
            if family.len() == FAMILY_MAX {
                return Err(StoreError::Cycle);
            }
            family.push(number(row.get(0)?)?);
        }
    }
    Ok(family)
}
