//! Sorting more rows than fit into memory: sorted strides go to disk, and are merged when all are there.
//!
//! A B-tree that is filled in order is written once, front to back, its pages full; filled in another order it is
//! written many times over. SQLite could sort as well, but it would take the rows as SQL values and put them all into
//! a table first; fixed-size integers need neither.
//!
//! Spilled strides have no name: their file is removed as soon as it is open, so that no crash leaves one behind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;

/// Entries of one stride. With 40 bytes an entry and 24 a key, two sorters hold 64 MiB between them.
const STRIDE: usize = 1 << 20;

/// Bytes read at a time from each stride while merging.
const MERGE_BUFFER: usize = 256 * 1024;

/// Takes entries in any order.
#[derive(Debug)]
pub(super) struct Sorter<const N: usize> {
    stride: Vec<[u64; N]>,
    stride_max: usize,
    spilled: Vec<File>,
    spill_path: PathBuf,
}

impl<const N: usize> Sorter<N> {
    /// A sorter that spills beside the path, which must name no file.
    pub fn new(spill_path: PathBuf) -> Self {
        Self { stride: Vec::new(), stride_max: STRIDE, spilled: Vec::new(), spill_path }
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
        self.stride.sort_unstable();
        let mut strides = Vec::with_capacity(self.spilled.len() + 1);
        for mut file in self.spilled {
            file.rewind()?;
            strides.push(Stride::Spilled(BufReader::with_capacity(MERGE_BUFFER, file)));
        }
        strides.push(Stride::InMemory(self.stride.into_iter()));
        let mut heads = BinaryHeap::with_capacity(strides.len());
        for (number, stride) in strides.iter_mut().enumerate() {
            if let Some(entry) = stride.next()? {
                heads.push(Reverse((entry, number)));
            }
        }
        Ok(Merge { strides, heads })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.stride.sort_unstable();
        let file = super::folder::create_unnamed(&self.spill_path)?;
        let mut writer = BufWriter::with_capacity(MERGE_BUFFER, file);
        for entry in self.stride.drain(..) {
            for number in entry {
                writer.write_all(&number.to_le_bytes())?;
            }
        }
        self.spilled.push(writer.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }
}

/// Gives the entries back in order.
pub(super) struct Merge<const N: usize> {
    strides: Vec<Stride<N>>,
    heads: BinaryHeap<Reverse<([u64; N], usize)>>,
}

impl<const N: usize> Merge<N> {
    /// The next entry; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let Reverse((entry, number)) = *head;
        match self.strides[number].next()? {
            Some(next) => *head = Reverse((next, number)),
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
        Ok(Some(entry))
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
            let mut sorter = Sorter::new(folder.path().join("spill"));
            sorter.stride_max = stride_max;
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
