//! What a disk can hold after a power cut, computed from the calls made before it.
//!
//! The model: what was synced before is present. Of what was written since, any subset of 512-byte
//! sectors is present, in any order, each perhaps in part; bytes never written are zeros, and a
//! length may be present without its bytes. Of the names changed in a folder since its last sync, a
//! prefix is present or any subset; a rename is one change. A file whose folder's own name is lost
//! is lost with it. A sync covers what was done before it began. After a failed sync, unwritten
//! pages are dropped, as Linux does. The model has no disk that loses what it reported as durable.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::random::Random;

const SECTOR: usize = 512;

/// A completed call, or an acknowledgement. Names are paths from the folder of the log on.
#[derive(Debug, Clone)]
pub enum Call {
    /// A new, empty file got a name.
    Create { name: String, file: usize },
    /// A folder was created.
    MakeFolder { name: String },
    /// These bytes were written.
    Write { file: usize, offset: usize, bytes: Vec<u8> },
    /// The file got this length.
    Truncate { file: usize, length: usize },
    /// A successful sync that began after this number of completed calls.
    Sync { file: usize, began: usize },
    /// A sync failed.
    FailedSync { file: usize },
    /// A file got a second name.
    Link { from: String, to: String },
    /// A name was changed.
    Rename { from: String, to: String },
    /// A name was removed.
    Remove { name: String },
    /// The names in a folder were synced; begun as above.
    SyncNames { folder: String, began: usize },
    /// The record with this ticket was settled as durable with this sequence number.
    Acknowledged { sequence: u64, ticket: String },
}

/// Folder of a name; the folder of the log is `""`.
pub fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Contents of a disk after a power cut, and the records acknowledged before.
#[derive(Debug, Clone, Default)]
pub struct CrashImage {
    pub files: BTreeMap<String, Vec<u8>>,
    pub folders: BTreeSet<String>,
    pub acknowledged: Vec<(u64, String)>,
}

/// Computes what a disk with these files could hold after a power cut that follows these calls.
/// Files are numbered from 0: first the existing ones, in the order of their names.
pub fn crash_image(before: &BTreeMap<String, Vec<u8>>, calls: &[Call], random: &mut Random) -> CrashImage {
    let mut disk = Replay::default();
    for (file, (name, bytes)) in before.iter().enumerate() {
        disk.files.insert(file, Content { durable: bytes.clone(), since: Vec::new() });
        disk.live.insert(name, Node::File(file));
        disk.durable.insert(name, Node::File(file));
    }
    for (number, call) in calls.iter().enumerate() {
        disk.make(number, call, random);
    }
    disk.cut(random)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

/// One atomic change of names.
struct NameChange<'a> {
    /// The number of the call.
    number: usize,
    removes: Option<&'a str>,
    sets: Option<(&'a str, Node)>,
}

#[derive(Default)]
struct Replay<'a> {
    files: BTreeMap<usize, Content<'a>>,
    /// The names as programs see them.
    live: BTreeMap<&'a str, Node>,
    /// The names that are certainly on the disk.
    durable: BTreeMap<&'a str, Node>,
    /// Changes since, by folder.
    pending: BTreeMap<&'a str, Vec<NameChange<'a>>>,
    acknowledged: Vec<(u64, String)>,
}

impl<'a> Replay<'a> {
    fn make(&mut self, number: usize, call: &'a Call, random: &mut Random) {
        match call {
            Call::Create { name, file } => {
                self.files.insert(*file, Content::default());
                self.rename(number, None, Some((name, Node::File(*file))));
            }
            Call::MakeFolder { name } => self.rename(number, None, Some((name, Node::Folder))),
            Call::Write { file, offset, bytes } => self.change(*file, number, Change::Write { offset: *offset, bytes }),
            Call::Truncate { file, length } => self.change(*file, number, Change::Truncate { length: *length }),
            Call::Sync { file, began } => self.files.entry(*file).or_default().sync(*began),
            Call::FailedSync { file } => self.files.entry(*file).or_default().lose(random),
            Call::Link { from, to } => self.rename(number, None, Some((to, self.live[from.as_str()]))),
            Call::Rename { from, to } => self.rename(number, Some(from), Some((to, self.live[from.as_str()]))),
            Call::Remove { name } => self.rename(number, Some(name), None),
            Call::SyncNames { folder, began } => {
                let pending = self.pending.entry(folder).or_default();
                let covered = pending.partition_point(|change| change.number < *began);
                let covered: Vec<_> = pending.drain(..covered).collect();
                covered.iter().for_each(|change| apply(&mut self.durable, change));
            }
            Call::Acknowledged { sequence, ticket } => self.acknowledged.push((*sequence, ticket.clone())),
        }
    }

    fn change(&mut self, file: usize, number: usize, change: Change<'a>) {
        self.files.entry(file).or_default().since.push((number, change));
    }

    fn rename(&mut self, number: usize, removes: Option<&'a str>, sets: Option<(&'a str, Node)>) {
        let folders: BTreeSet<_> = removes.into_iter().chain(sets.map(|(name, _)| name)).map(folder_of).collect();
        assert_eq!(folders.len(), 1, "a rename between folders is not modelled");
        let change = NameChange { number, removes, sets };
        apply(&mut self.live, &change);
        self.pending.entry(folders.first().expect("one")).or_default().push(change);
    }

    fn cut(mut self, random: &mut Random) -> CrashImage {
        for changes in self.pending.values() {
            let in_order = random.below(2) == 0;
            let first = random.below(changes.len() as u64 + 1) as usize;
            for (place, change) in changes.iter().enumerate() {
                if if in_order { place < first } else { random.below(2) == 0 } {
                    apply(&mut self.durable, change);
                }
            }
        }
        self.files.values_mut().for_each(|file| file.lose(random));
        let mut image = CrashImage { acknowledged: self.acknowledged, ..CrashImage::default() };
        // In the order of names a folder comes before its content.
        for (name, node) in self.durable {
            let folder = folder_of(name);
            if !folder.is_empty() && !image.folders.contains(folder) {
                continue;
            }
            match node {
                Node::Folder => drop(image.folders.insert(name.to_owned())),
                Node::File(file) => drop(image.files.insert(name.to_owned(), self.files[&file].durable.clone())),
            }
        }
        image
    }
}

fn apply<'a>(names: &mut BTreeMap<&'a str, Node>, change: &NameChange<'a>) {
    if let Some(name) = change.removes {
        names.remove(name);
    }
    names.extend(change.sets);
}

enum Change<'a> {
    Write { offset: usize, bytes: &'a [u8] },
    Truncate { length: usize },
}

#[derive(Default)]
struct Content<'a> {
    durable: Vec<u8>,
    /// Changes since, with the numbers of the calls.
    since: Vec<(usize, Change<'a>)>,
}

impl Content<'_> {
    fn sync(&mut self, began: usize) {
        let covered = self.since.partition_point(|(number, _)| *number < began);
        for (_, change) in self.since.drain(..covered) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, bytes),
                Change::Truncate { length } => self.durable.resize(length, 0),
            }
        }
    }

    /// Keeps a random part of the unsynced changes and drops the rest.
    fn lose(&mut self, random: &mut Random) {
        let per_cent = [0, 10, 50, 90, 100][random.below(5) as usize];
        for (_, change) in std::mem::take(&mut self.since) {
            match change {
                Change::Truncate { length } if random.below(2) == 0 => self.durable.resize(length, 0),
                Change::Truncate { .. } => {}
                Change::Write { offset, bytes } => {
                    // The length can reach the disk without the bytes.
                    if random.below(4) == 0 && self.durable.len() < offset + bytes.len() {
                        self.durable.resize(offset + bytes.len(), 0);
                    }
                    let mut at = 0;
                    while at < bytes.len() {
                        let end = (at + SECTOR - (offset + at) % SECTOR).min(bytes.len());
                        if random.below(100) < per_cent {
                            let torn = random.below(8) == 0;
                            let kept = if torn { at + random.below((end - at) as u64) as usize } else { end };
                            put(&mut self.durable, offset + at, &bytes[at..kept]);
                        }
                        at = end;
                    }
                }
            }
        }
    }
}

/// Writes bytes into a file, which grows if necessary.
pub fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}
