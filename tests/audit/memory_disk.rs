//! A disk in memory that can fail, be held back, and lose its power: every call is noted, and from any number of calls
//! an image can be made of what a disk could then hold.
//!
//! The model: what was synced is there. Of what was written since, any subset of 512-byte sectors is there, in any
//! order, the last of them perhaps in part; bytes never written are zeros. Names change in order, but may lag behind.
//! After a sync that failed, unwritten pages are forgotten, as Linux does. It does not model a disk that loses what it
//! said was durable.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex};

use ehealth_attributes::audit::{Disk, DiskFile};
use ehealth_attributes::model::Ticket;

const SECTOR: usize = 512;

/// One call, or what somebody was told.
#[derive(Debug, Clone)]
pub enum Call {
    Create {
        name: String,
        file: usize,
    },
    Write {
        file: usize,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: usize,
        length: usize,
    },
    Sync {
        file: usize,
    },
    FailedSync {
        file: usize,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        name: String,
    },
    SyncNames,
    /// The entry was settled as durable under this sequence.
    Told {
        sequence: u64,
        ticket: Ticket,
    },
}

/// What the next calls that write or sync shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Half of the bytes are written, then no space is left.
    Full,
    /// A sync says that the disk failed.
    SyncFails,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    /// Files that hold checkpoints: their syncs are neither counted nor held back, because another thread does them.
    checkpoints: BTreeSet<usize>,
    files: Vec<Vec<u8>>,
    calls: Vec<Call>,
    fault: Option<Fault>,
    held: bool,
    syncs: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Shared>);

impl MemoryDisk {
    /// A disk that holds these files.
    pub fn holding(image: BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.0.state.lock().expect("no panic");
            for (name, bytes) in image {
                let file = state.files.len();
                state.files.push(bytes);
                state.names.insert(name, file);
            }
        }
        disk
    }

    /// What is in the files now.
    pub fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.state.lock().expect("no panic");
        state.names.iter().map(|(name, file)| (name.clone(), state.files[*file].clone())).collect()
    }

    /// From now on, until `None`, writes or syncs fail.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.0.state.lock().expect("no panic").fault = fault;
    }

    /// Lets no sync come to its end until [`MemoryDisk::release`].
    pub fn hold(&self) {
        self.0.state.lock().expect("no panic").held = true;
    }

    /// Lets syncs go on.
    pub fn release(&self) {
        self.0.state.lock().expect("no panic").held = false;
        self.0.changed.notify_all();
    }

    /// Waits until a sync is being held back.
    pub fn wait_for_a_sync(&self, after: u64) {
        let state = self.0.state.lock().expect("no panic");
        drop(self.0.changed.wait_while(state, |state| state.syncs <= after).expect("no panic"));
    }

    /// How many syncs of files were begun, those of checkpoints apart.
    pub fn syncs(&self) -> u64 {
        self.0.state.lock().expect("no panic").syncs
    }

    /// Notes that somebody was told.
    pub fn note_told(&self, sequence: u64, ticket: Ticket) {
        self.0.state.lock().expect("no panic").calls.push(Call::Told { sequence, ticket });
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.0.state.lock().expect("no panic").calls.clone()
    }
}

impl Disk for MemoryDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.state.lock().expect("no panic").names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.state.lock().expect("no panic").names.get(name).copied();
        Ok(Box::new(MemoryFile { disk: self.clone(), file: file.ok_or(io::ErrorKind::NotFound)? }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.state.lock().expect("no panic");
        let file = state.files.len();
        state.files.push(Vec::new());
        state.names.insert(name.to_owned(), file);
        if name.starts_with("checkpoint") {
            state.checkpoints.insert(file);
        }
        state.calls.push(Call::Create { name: name.to_owned(), file });
        Ok(Box::new(MemoryFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.state.lock().expect("no panic");
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        state.calls.push(Call::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.state.lock().expect("no panic");
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.calls.push(Call::Remove { name: name.to_owned() });
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.0.state.lock().expect("no panic").calls.push(Call::SyncNames);
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.0.state.lock().expect("no panic").files[self.file].len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.0.state.lock().expect("no panic");
        let bytes = state.files[self.file].get(offset as usize..).unwrap_or_default();
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.state.lock().expect("no panic");
        let full = state.fault == Some(Fault::Full);
        let written = if full { &bytes[..bytes.len() / 2] } else { bytes };
        let (file, offset) = (self.file, offset as usize);
        put(&mut state.files[file], offset, written);
        state.calls.push(Call::Write { file, offset, bytes: written.to_vec() });
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.0.state.lock().expect("no panic");
        state.files[self.file].resize(length as usize, 0);
        state.calls.push(Call::Truncate { file: self.file, length: length as usize });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.state.lock().expect("no panic");
        if !state.checkpoints.contains(&self.file) {
            state.syncs += 1;
            self.disk.0.changed.notify_all();
            state = self.disk.0.changed.wait_while(state, |state| state.held).expect("no panic");
        }
        if state.fault == Some(Fault::SyncFails) {
            state.calls.push(Call::FailedSync { file: self.file });
            return Err(io::Error::other("the disk failed"));
        }
        state.calls.push(Call::Sync { file: self.file });
        Ok(())
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// A sequence of numbers that is the same for the same seed (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

#[derive(Default)]
struct Replayed {
    durable: Vec<u8>,
    since: Vec<Change>,
}

impl Replayed {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.since) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                Change::Truncate { length } => self.durable.resize(length, 0),
            }
        }
    }

    /// Some of what was not synced reaches the disk; the rest is forgotten.
    fn lose(&mut self, dice: &mut Dice) {
        let per_cent = [0, 10, 50, 90, 100][dice.below(5) as usize];
        for change in std::mem::take(&mut self.since) {
            match change {
                Change::Truncate { length } if dice.below(2) == 0 => self.durable.resize(length, 0),
                Change::Truncate { .. } => {}
                Change::Write { offset, bytes } => {
                    // The length can reach the disk without the bytes.
                    if dice.below(4) == 0 && self.durable.len() < offset + bytes.len() {
                        self.durable.resize(offset + bytes.len(), 0);
                    }
                    let mut at = 0;
                    while at < bytes.len() {
                        let end = (at + SECTOR - (offset + at) % SECTOR).min(bytes.len());
                        if dice.below(100) < per_cent {
                            let torn = dice.below(8) == 0;
                            let kept = if torn { at + dice.below((end - at) as u64) as usize } else { end };
                            put(&mut self.durable, offset + at, &bytes[at..kept]);
                        }
                        at = end;
                    }
                }
            }
        }
    }
}

/// What a disk holds after a power cut, and what somebody had been told before.
pub struct CrashImage {
    pub files: BTreeMap<String, Vec<u8>>,
    pub told: Vec<(u64, Ticket)>,
}

/// What a disk that held this could hold if its power was cut after these calls.
pub fn crash_image(before: &BTreeMap<String, Vec<u8>>, calls: &[Call], dice: &mut Dice) -> CrashImage {
    // Numbered as `MemoryDisk::holding` does.
    let mut files: BTreeMap<usize, Replayed> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (file, (name, bytes)) in before.iter().enumerate() {
        files.insert(file, Replayed { durable: bytes.clone(), since: Vec::new() });
        names.insert(name.clone(), file);
    }
    let mut name_calls: Vec<&Call> = Vec::new();
    let mut told = Vec::new();
    for call in calls {
        match call {
            Call::Create { file, .. } => {
                files.insert(*file, Replayed::default());
                name_calls.push(call);
            }
            Call::Write { file, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                files.entry(*file).or_default().since.push(change);
            }
            Call::Truncate { file, length } => {
                files.entry(*file).or_default().since.push(Change::Truncate { length: *length });
            }
            Call::Sync { file } => files.entry(*file).or_default().sync(),
            Call::FailedSync { file } => files.entry(*file).or_default().lose(dice),
            Call::Rename { .. } | Call::Remove { .. } => name_calls.push(call),
            Call::SyncNames => name_calls.drain(..).for_each(|call| rename(&mut names, call)),
            Call::Told { sequence, ticket } => told.push((*sequence, *ticket)),
        }
    }
    let kept = dice.below(name_calls.len() as u64 + 1) as usize;
    name_calls[..kept].iter().for_each(|call| rename(&mut names, call));
    files.values_mut().for_each(|file| file.lose(dice));
    let image =
        names.into_iter().map(|(name, file)| (name, std::mem::take(&mut files.entry(file).or_default().durable)));
    CrashImage { files: image.collect(), told }
}

fn rename(names: &mut BTreeMap<String, usize>, call: &Call) {
    match call {
        Call::Create { name, file } => {
            names.insert(name.clone(), *file);
        }
        Call::Rename { from, to } => {
            let file = names.remove(from).expect("it had the name");
            names.insert(to.clone(), file);
        }
        Call::Remove { name } => {
            names.remove(name);
        }
        Call::Write { .. } | Call::Truncate { .. } | Call::Sync { .. } | Call::FailedSync { .. } => {}
        Call::SyncNames | Call::Told { .. } => {}
    }
}
