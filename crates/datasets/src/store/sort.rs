//! Sorting more rows than fit into memory: sorted strides go to disk, and are merged when all are there.
//!
//! A B-tree that is filled in order is written once, front to back, its pages full; filled in another order it is
//! written many times over. SQLite could sort as well, but it would take the rows as SQL values and put them all into
//! a table first; fixed-size integers need neither.
//!
//! Sorting and merging run on threads of their own, beside whoever reads and whoever writes.
//!
//! Spilled strides have no name: their file is removed as soon as it is open, so that no crash leaves one behind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Entries of one stride. A sorter holds two of them, one that fills and one that is put aside: with 40 bytes an entry
/// and 24 a key, two sorters hold 128 MiB between them.
const STRIDE: usize = 1 << 20;

/// Bytes read at a time from each stride while merging.
const MERGE_BUFFER: usize = 256 * 1024;

/// Entries that the merging thread hands over at a time.
const BATCH: usize = 4096;

/// Batches that wait to be taken, at most.
const BATCHES_WAITING: usize = 8;

/// Takes entries in any order. While one stride fills, another thread sorts the one before and writes it.
#[derive(Debug)]
pub(super) struct Sorter<const N: usize> {
    stride: Vec<[u64; N]>,
    stride_max: usize,
    spilled: Vec<File>,
    spilling: Option<JoinHandle<io::Result<Spilled<N>>>>,
    spill_path: PathBuf,
}

/// A stride on disk, and the memory that it took.
type Spilled<const N: usize> = (File, Vec<[u64; N]>);

impl<const N: usize> Sorter<N> {
    /// A sorter that spills beside the path, which must name no file.
    pub fn new(spill_path: PathBuf) -> Self {
        Self::with_stride(spill_path, STRIDE)
    }

    /// The same with strides of so many entries.
    pub fn with_stride(spill_path: PathBuf, stride_max: usize) -> Self {
        Self { stride: Vec::new(), stride_max, spilled: Vec::new(), spilling: None, spill_path }
    }

    /// Takes one entry.
    pub fn push(&mut self, entry: [u64; N]) -> io::Result<()> {
        if self.stride.len() == self.stride_max {
            self.spill()?;
        }
        self.stride.push(entry);
        Ok(())
    }

    /// Everything in order; equal entries come as often as they were pushed.
    pub fn merge(mut self) -> io::Result<Merge<N>> {
        drop(self.finish_spilling()?);
        self.stride.sort_unstable();
        let in_memory = self.stride.into_iter();
        if self.spilled.is_empty() {
            return Ok(Merge { batch: in_memory, merging: None });
        }
        let mut strides = Vec::with_capacity(self.spilled.len() + 1);
        for mut file in self.spilled {
            file.rewind()?;
            strides.push(Stride::Spilled(BufReader::with_capacity(MERGE_BUFFER, file)));
        }
        strides.push(Stride::InMemory(in_memory));
        let (sender, batches) = sync_channel(BATCHES_WAITING);
        // Ends at the latest when nobody takes its batches any more.
        let thread = thread::Builder::new().name("merge".into()).spawn(move || merge(strides, &sender))?;
        Ok(Merge { batch: Vec::new().into_iter(), merging: Some((batches, thread)) })
    }

    fn spill(&mut self) -> io::Result<()> {
        let empty = self.finish_spilling()?;
        let stride = std::mem::replace(&mut self.stride, empty);
        // Its name is gone before the thread begins: whatever becomes of the thread, it leaves nothing behind.
        let file = super::folder::create_unnamed(&self.spill_path)?;
        let thread = thread::Builder::new().name("sort".into());
        self.spilling = Some(thread.spawn(move || write_stride(stride, file))?);
        Ok(())
    }

    /// Waits for the stride that is being put aside; gives its memory back for the next one.
    fn finish_spilling(&mut self) -> io::Result<Vec<[u64; N]>> {
        let Some(thread) = self.spilling.take() else { return Ok(Vec::new()) };
        let (file, empty) = join(thread)?;
        self.spilled.push(file);
        Ok(empty)
    }
}

fn write_stride<const N: usize>(mut stride: Vec<[u64; N]>, file: File) -> io::Result<Spilled<N>> {
    stride.sort_unstable();
    let mut writer = BufWriter::with_capacity(MERGE_BUFFER, file);
    for entry in stride.drain(..) {
        for number in entry {
            writer.write_all(&number.to_le_bytes())?;
        }
    }
    Ok((writer.into_inner().map_err(io::IntoInnerError::into_error)?, stride))
}

fn join<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the sorter broke off")))
}

/// Merges the strides into batches, until all is merged or nobody takes them.
fn merge<const N: usize>(mut strides: Vec<Stride<N>>, sender: &SyncSender<Vec<[u64; N]>>) -> io::Result<()> {
    let mut heads = BinaryHeap::with_capacity(strides.len());
    for (number, stride) in strides.iter_mut().enumerate() {
        if let Some(entry) = stride.next()? {
            heads.push(Reverse((entry, number)));
        }
    }
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((entry, number)) = *head;
        match strides[number].next()? {
            Some(next) => *head = Reverse((next, number)),
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
        batch.push(entry);
        if batch.len() == BATCH && sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err() {
            return Ok(());
        }
    }
    // Whoever takes no more has no use for the rest either.
    let _ = sender.send(batch);
    Ok(())
}

/// Gives the entries back in order.
pub(super) struct Merge<const N: usize> {
    batch: std::vec::IntoIter<[u64; N]>,
    merging: Option<Merging<N>>,
}

/// The thread that merges, and where its batches come out.
type Merging<const N: usize> = (Receiver<Vec<[u64; N]>>, JoinHandle<io::Result<()>>);

impl<const N: usize> Merge<N> {
    /// The next entry; `None` after the last.
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
                // It sends no more because it is done, or because something failed.
                Err(_) => join(thread)?,
            }
        }
    }
}

enum Stride<const N: usize> {
    Spilled(BufReader<File>),
    InMemory(std::vec::IntoIter<[u64; N]>),
}

impl<const N: usize> Stride<N> {
    fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        match self {
            Self::InMemory(entries) => Ok(entries.next()),
            Self::Spilled(file) => {
                let mut entry = [0; N];
                for (place, number) in entry.iter_mut().enumerate() {
                    let mut bytes = [0; 8];
                    match file.read_exact(&mut bytes) {
                        Ok(()) => *number = u64::from_le_bytes(bytes),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && place == 0 => return Ok(None),
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
        fn many_strides_come_back_as_one_sorted_sequence(
            entries in proptest::collection::vec(proptest::array::uniform2(0_u64..9), 0..200), stride_max in 1_usize..40
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut sorter = Sorter::with_stride(folder.path().join("spill"), stride_max);
            for entry in &entries {
                sorter.push(*entry).expect("disk enough");
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
}
