//! External merge sort: sorts more rows than fit into memory. Sorted chunks go to disk and are
//! merged at the end.
//!
//! A B-tree that is filled in order is written once, front to back, with full pages; in another
//! order it is written many times over. SQLite could sort too, but it would need the rows as SQL
//! values in a table first. Fixed-size integers need neither.
//!
//! Sorting and merging run on their own threads, beside the caller that reads or writes.
//!
//! Spilled chunks have no file name: it is removed as soon as the file is open, so no crash leaves
//! one behind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::folder::create_unnamed;

/// Entries of one chunk. A sorter has two chunks in memory, one that fills and one that is spilled.
/// With 40 bytes for a row and 24 for a key, two sorters use 128 MiB together.
const CHUNK_ENTRIES: usize = 1 << 20;

/// Read buffer of each chunk while merging: 256 KiB.
const MERGE_BUFFER: usize = 256 * 1024;

/// Entries that the merging thread sends at a time.
const BATCH: usize = 4096;

/// Maximum batches that wait for the receiver.
const BATCHES_WAITING: usize = 8;

/// Accepts entries in any order. While one chunk fills, another thread sorts the one before and
/// writes it to disk.
#[derive(Debug)]
pub(super) struct Sorter<const N: usize> {
    chunk: Vec<[u64; N]>,
    chunk_max: usize,
    spilled: Vec<File>,
    spilling: Option<JoinHandle<io::Result<Spilled<N>>>>,
    spill_path: PathBuf,
    /// Bytes that may still be spilled.
    bytes_left: u64,
}

/// A chunk on disk, and its empty buffer.
type Spilled<const N: usize> = (File, Vec<[u64; N]>);

impl<const N: usize> Sorter<N> {
    /// Makes a sorter that spills at most `bytes_max` bytes to `spill_path`, where no file may
    /// exist.
    pub fn new(spill_path: PathBuf, bytes_max: u64) -> Self {
        Self::with_chunk(spill_path, bytes_max, CHUNK_ENTRIES)
    }

    /// Makes a sorter with chunks of `chunk_max` entries.
    pub fn with_chunk(spill_path: PathBuf, bytes_max: u64, chunk_max: usize) -> Self {
        let (chunk, spilled) = (Vec::new(), Vec::new());
        Self { chunk, chunk_max, spilled, spilling: None, spill_path, bytes_left: bytes_max }
    }

    /// Adds one entry.
    pub fn push(&mut self, entry: [u64; N]) -> io::Result<()> {
        if self.chunk.len() == self.chunk_max {
            self.spill()?;
        }
        self.chunk.push(entry);
        Ok(())
    }

    /// Returns all entries in order, duplicates included.
    pub fn merge(mut self) -> io::Result<Merge<N>> {
        drop(self.finish_spilling()?);
        self.chunk.sort_unstable();
        let in_memory = self.chunk.into_iter();
        if self.spilled.is_empty() {
            return Ok(Merge { batch: in_memory, merging: None });
        }
        let mut chunks = Vec::with_capacity(self.spilled.len() + 1);
        for mut file in self.spilled {
            file.rewind()?;
            chunks.push(Chunk::Spilled(BufReader::with_capacity(MERGE_BUFFER, file)));
        }
        chunks.push(Chunk::InMemory(in_memory));
        let (sender, batches) = sync_channel(BATCHES_WAITING);
        // The thread ends at the latest when the receiver is dropped.
        let thread = thread::Builder::new().name("merge".into()).spawn(move || merge(chunks, &sender))?;
        Ok(Merge { batch: Vec::new().into_iter(), merging: Some((batches, thread)) })
    }

    fn spill(&mut self) -> io::Result<()> {
        let bytes = size_of_val(self.chunk.as_slice()) as u64;
        self.bytes_left =
            self.bytes_left.checked_sub(bytes).ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
        let empty = self.finish_spilling()?;
        let chunk = std::mem::replace(&mut self.chunk, empty);
        // The name is removed before the thread starts: a failed thread leaves nothing behind.
        let file = create_unnamed(&self.spill_path)?;
        let thread = thread::Builder::new().name("sort".into());
        self.spilling = Some(thread.spawn(move || write_chunk(chunk, file))?);
        Ok(())
    }

    /// Waits for the chunk that is being spilled, and returns its buffer for the next one.
    fn finish_spilling(&mut self) -> io::Result<Vec<[u64; N]>> {
        let Some(thread) = self.spilling.take() else { return Ok(Vec::new()) };
        let (file, empty) = join(thread)?;
        self.spilled.push(file);
        Ok(empty)
    }
}

fn write_chunk<const N: usize>(mut chunk: Vec<[u64; N]>, file: File) -> io::Result<Spilled<N>> {
    chunk.sort_unstable();
    let mut writer = BufWriter::with_capacity(MERGE_BUFFER, file);
    for entry in chunk.drain(..) {
        for number in entry {
            writer.write_all(&number.to_le_bytes())?;
        }
    }
    Ok((writer.into_inner().map_err(io::IntoInnerError::into_error)?, chunk))
}

fn join<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the sorter panicked")))
}

/// Merges the chunks into batches, until all are merged or the receiver is dropped.
fn merge<const N: usize>(mut chunks: Vec<Chunk<N>>, sender: &SyncSender<Vec<[u64; N]>>) -> io::Result<()> {
    let mut heads = BinaryHeap::with_capacity(chunks.len());
    for (number, chunk) in chunks.iter_mut().enumerate() {
        if let Some(entry) = chunk.next()? {
            heads.push(Reverse((entry, number)));
        }
    }
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((entry, number)) = *head;
        match chunks[number].next()? {
            Some(next) => *head = Reverse((next, number)),
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
        batch.push(entry);
        if batch.len() == BATCH && sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err() {
            return Ok(());
        }
    }
    // A dropped receiver does not need the rest.
    let _ = sender.send(batch);
    Ok(())
}

/// Iterator of the entries in order.
pub(super) struct Merge<const N: usize> {
    batch: std::vec::IntoIter<[u64; N]>,
    merging: Option<Merging<N>>,
}

/// The merging thread, and the receiver of its batches.
type Merging<const N: usize> = (Receiver<Vec<[u64; N]>>, JoinHandle<io::Result<()>>);

impl<const N: usize> Merge<N> {
    /// Next entry; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        loop {
            if let Some(entry) = self.batch.next() {
                return Ok(Some(entry));
            }
            let Some((batches, thread)) = self.merging.take() else { return Ok(None) };
            match batches.recv() {
                Ok(batch) => {
                    self.batch = batch.into_iter();
                    self.merging = Some((batches, thread));
                }
                // The thread is done, or it failed.
                Err(_) => join(thread)?,
            }
        }
    }
}

enum Chunk<const N: usize> {
    Spilled(BufReader<File>),
    InMemory(std::vec::IntoIter<[u64; N]>),
}

impl<const N: usize> Chunk<N> {
    fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        match self {
            Self::InMemory(entries) => Ok(entries.next()),
            Self::Spilled(file) => {
                let mut entry = [0; N];
                for (index, number) in entry.iter_mut().enumerate() {
                    let mut bytes = [0; 8];
                    match file.read_exact(&mut bytes) {
                        Ok(()) => *number = u64::from_le_bytes(bytes),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && index == 0 => return Ok(None),
                        Err(error) => return Err(error),
                    }
                }
                Ok(Some(entry))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merges_many_chunks_into_one_sorted_sequence(
            entries in proptest::collection::vec(proptest::array::uniform2(0_u64..9), 0..200), chunk_max in 1_usize..40
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut sorter = Sorter::with_chunk(folder.path().join("spill"), u64::MAX, chunk_max);
            for entry in &entries {
                sorter.push(*entry).expect("enough disk space");
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
            let mut merge = sorter.merge().expect("readable");
            let mut found = Vec::new();
            while let Some(entry) = merge.next().expect("readable") {
                found.push(entry);
            }
            let mut expected = entries;
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_sorter_spills_at_most_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        // Two chunks of four entries of 16 bytes, and one in memory.
        let mut sorter = Sorter::with_chunk(folder.path().join("spill"), 128, 4);
        for number in 0..12 {
            sorter.push([number, number]).expect("within the limit");
        }
        assert_eq!(sorter.push([12, 12]).expect_err("over the limit").kind(), io::ErrorKind::QuotaExceeded);
    }
}
