//! A disk in memory with fault injection: it can fail or delay calls, and logs every call, so that
//! `replay.rs` can compute what a disk could hold after a power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use audit_log::{Disk, DiskFile};
use ehealth_core::model::Ticket;

use super::replay::{Call, put};

/// Planned failure of the next writes or syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Half of the bytes are written, then the disk is full.
    Full,
    /// A sync reports a disk failure.
    SyncFails,
    /// The next sync reports it, and then each other handle of that file once, as on Linux.
    OneSyncFails,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    /// Files that hold checkpoints: their syncs are neither counted nor held back, because another
    /// thread does them.
    checkpoints: BTreeSet<usize>,
    files: Vec<Vec<u8>>,
    /// Write-back failures of each file.
    failures: BTreeMap<usize, u64>,
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

/// A disk in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Shared>);

impl MemoryDisk {
    /// Makes a disk with these files.
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

    /// Current contents of the files.
    pub fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.state.lock().expect("no panic");
        state.names.iter().map(|(name, file)| (name.clone(), state.files[*file].clone())).collect()
    }

    /// Makes writes or syncs fail from now on, until `None`.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.0.state.lock().expect("no panic").fault = fault;
    }

    /// Blocks every sync until [`MemoryDisk::release`].
    pub fn hold(&self) {
        self.0.state.lock().expect("no panic").held = true;
    }

    /// Unblocks the syncs.
    pub fn release(&self) {
        self.0.state.lock().expect("no panic").held = false;
        self.0.changed.notify_all();
    }

    /// Waits until a sync is blocked.
    pub fn wait_for_a_sync(&self, after: u64) {
        let state = self.0.state.lock().expect("no panic");
        drop(self.0.changed.wait_while(state, |state| state.syncs <= after).expect("no panic"));
    }

    /// Number of file syncs that began, without those of checkpoints.
    pub fn syncs(&self) -> u64 {
        self.0.state.lock().expect("no panic").syncs
    }

    /// Logs an acknowledgement.
    pub fn note_acknowledged(&self, sequence: u64, ticket: Ticket) {
        self.0.state.lock().expect("no panic").calls.push(Call::Acknowledged { sequence, ticket: ticket.to_string() });
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
        let state = self.0.state.lock().expect("no panic");
        let file = state.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        let reported = AtomicU64::new(state.failures.get(&file).copied().unwrap_or(0));
        Ok(Box::new(MemoryFile { disk: self.clone(), file, reported }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.state.lock().expect("no panic");
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Vec::new());
        state.names.insert(name.to_owned(), file);
        // The draft of a checkpoint, too.
        if name.contains("checkpoint") {
            state.checkpoints.insert(file);
        }
        state.calls.push(Call::Create { name: name.to_owned(), file });
        Ok(Box::new(MemoryFile { disk: self.clone(), file, reported: AtomicU64::new(0) }))
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
        let mut state = self.0.state.lock().expect("no panic");
        let began = state.calls.len();
        state.calls.push(Call::SyncNames { folder: String::new(), began });
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
    /// Write-back failures that this handle has reported.
    reported: AtomicU64,
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
        let began = state.calls.len();
        if !state.checkpoints.contains(&self.file) {
            state.syncs += 1;
            self.disk.0.changed.notify_all();
            state = self.disk.0.changed.wait_while(state, |state| state.held).expect("no panic");
        }
        if matches!(state.fault, Some(Fault::SyncFails | Fault::OneSyncFails)) {
            *state.failures.entry(self.file).or_default() += 1;
            state.fault = state.fault.filter(|fault| *fault == Fault::SyncFails);
        }
        let failures = state.failures.get(&self.file).copied().unwrap_or(0);
        if self.reported.swap(failures, Ordering::Relaxed) < failures {
            state.calls.push(Call::FailedSync { file: self.file });
            return Err(io::Error::other("the disk failed"));
        }
        state.calls.push(Call::Sync { file: self.file, began });
        Ok(())
    }
}
