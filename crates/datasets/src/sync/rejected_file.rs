//! The file of the rejected records of one data file: created with the first record, visible when
//! it is complete.

use std::fs::{self, DirBuilder};
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use durable_file::{Draft, draft_target};

use crate::feed::{FileKind, PUT, RejectReason, Rejections};
use ehealth_core::model::Dataset;

/// Maximum rejected records of one data file, whatever their share: 50 000, more than 0.1 % of the
/// largest dataset of the country.
pub(super) const REJECTED_MAX: u64 = 50_000;

/// Maximum size of a file of rejected records: 8 MiB, for as many records of usual length.
const BYTES_MAX: u64 = 8 << 20;

/// Files of rejected records that are kept of each dataset: the newest ones.
const FILES_KEPT: usize = 5;

/// Collects the rejected records of one data file. Dropped before [`RejectedFile::finish`], it
/// leaves nothing behind.
pub(super) struct RejectedFile {
    folder: PathBuf,
    dataset: Dataset,
    kind: FileKind,
    serial: u64,
    rejections: Option<Rejections<Counted<BufWriter<Draft>>>>,
    count: u64,
}

impl RejectedFile {
    /// Makes the collector for a data file. It creates no file yet.
    pub fn new(folder: &Path, dataset: Dataset, kind: FileKind, serial: u64) -> Self {
        Self { folder: folder.to_owned(), dataset, kind, serial, rejections: None, count: 0 }
    }

    /// Number of records added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the file has its maximum size: no record may be added any more.
    pub fn is_full(&self) -> bool {
        self.rejections.as_ref().is_some_and(|rejections| rejections.destination().bytes >= BYTES_MAX)
    }

    /// Path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.name())
    }

    /// Adds a record.
    pub fn add<'a>(
        &mut self,
        line: u64,
        reason: RejectReason,
        fields: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        if self.rejections.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let draft = Draft::create(&self.path(), 0o600)?;
            let destination = Counted { destination: BufWriter::new(draft), bytes: 0 };
            self.rejections = Some(Rejections::begin(destination, self.dataset, self.kind)?);
        }
        if let Some(rejections) = &mut self.rejections {
            rejections.add(line, reason, fields)?;
            self.count += 1;
        }
        Ok(())
    }

    /// Adds a valid record that is left out, from its columns.
    pub fn add_put(&mut self, line: u64, reason: RejectReason, columns: &[String]) -> io::Result<()> {
        let action = match self.kind {
            FileKind::Snapshot => None,
            FileKind::Delta => Some(PUT),
        };
        self.add(line, reason, action.into_iter().chain(columns.iter().map(String::as_str)))
    }

    /// Makes the file visible and durable, if there are rejected records. Removes the oldest files
    /// of the dataset beyond the newest five.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(rejections) = self.rejections.take() else { return Ok(()) };
        let draft = rejections.finish()?.destination.into_inner().map_err(IntoInnerError::into_error)?;
        draft.commit()?;
        remove_oldest(&self.folder, self.dataset)
    }

    fn name(&self) -> String {
        format!("{}-{}-{}.csv", self.dataset.code(), self.serial, self.kind.code())
    }
}

/// A destination that counts the bytes written.
struct Counted<W> {
    destination: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.destination.write(bytes)?;
        self.bytes = self.bytes.saturating_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.destination.flush()
    }
}

/// Removes the files of a dataset beyond the newest five. The publisher chooses the serials, so the
/// time of the last change decides.
fn remove_oldest(folder: &Path, dataset: Dataset) -> io::Result<()> {
    let prefix = format!("{}-", dataset.code());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(".csv"));
        if is_ours && entry.file_type()?.is_file() {
            files.push((entry.metadata()?.modified()?, name));
        }
    }
    files.sort_unstable();
    let surplus = files.len().saturating_sub(FILES_KEPT);
    files.iter().take(surplus).try_for_each(|(_, name)| fs::remove_file(folder.join(name)))
}

/// Removes what a crashed run left behind, and the oldest files beyond the newest five. The caller
/// must be the dataset's only writer.
pub(super) fn remove_leftovers(folder: &Path, dataset: Dataset) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let prefix = format!("{}-", dataset.code());
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let target = draft_target(&name).and_then(|target| target.to_str());
        // Version 0.1 wrote the records to `.NAME.part`.
        let old_target = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".part"));
        if target.or(old_target).is_some_and(|target| target.starts_with(&prefix)) {
            fs::remove_file(entry.path())?;
        }
    }
    remove_oldest(folder, dataset)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let mut names: Vec<_> = fs::read_dir(folder).expect("a folder").map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn is_visible_when_finished_and_gone_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rejected");
        for (is_finished, expected) in [(false, vec![]), (true, vec!["persons-7-delta.csv"])] {
            let mut file = RejectedFile::new(&path, Dataset::Persons, FileKind::Delta, 7);
            file.add(2, RejectReason::Ssin, ["put", "x", "", "0"].into_iter()).expect("writable");
            assert_eq!(file.count(), 1);
            if is_finished {
                file.finish().expect("writable");
            } else {
                drop(file);
            }
            assert_eq!(names(&path), expected);
        }
    }

    #[test]
    fn removes_the_drafts_of_its_own_dataset() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = [".coprev-1-delta.csv.part", ".persons-1-delta.csv", "persons-1-delta.csv"];
        let leftovers = [".persons-1-delta.csv.part", ".persons-1-delta.csv.0123456789abcdef.draft"];
        for name in kept.iter().chain(&leftovers) {
            fs::write(folder.path().join(name), "").expect("writable");
        }
        remove_leftovers(folder.path(), Dataset::Persons).expect("a folder");
        assert_eq!(names(folder.path()), kept);
        remove_leftovers(&folder.path().join("missing"), Dataset::Persons).expect("nothing to remove");
    }

    #[test]
    fn a_file_is_full_at_its_maximum_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = RejectedFile::new(folder.path(), Dataset::Dimona, FileKind::Snapshot, 1);
        let long = "x".repeat(4_000);
        while !file.is_full() {
            file.add(2, RejectReason::Ssin, ["1", &long, "", "", ""].into_iter()).expect("writable");
            assert!(file.count() < BYTES_MAX / 4_000 + 9, "it is full when it has its maximum size");
        }
        file.finish().expect("writable");
        let length = fs::metadata(folder.path().join("dimona-1-snapshot.csv")).expect("a file").len();
        // One record of at most 4 KiB more, and the writer's buffer.
        assert!((BYTES_MAX..BYTES_MAX + 16_384).contains(&length), "{length}");
    }

    #[test]
    fn the_newest_five_files_of_a_dataset_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("coprev-1-delta.csv"), "").expect("writable");
        // The publisher chooses the serials: the order of the writing counts.
        for (written, serial) in (1..).zip([70, 60, 5, 40, 30, 20, 10]) {
            let mut file = RejectedFile::new(folder.path(), Dataset::Persons, FileKind::Delta, serial);
            file.add(2, RejectReason::Ssin, ["put", "x", "", "0"].into_iter()).expect("writable");
            let path = file.path();
            file.finish().expect("writable");
            // File systems round times differently: later files get later times.
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(written);
            fs::File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("writable");
        }
        let kept = [5, 10, 20, 30, 40].map(|serial| format!("persons-{serial}-delta.csv"));
        let mut expected: Vec<String> = kept.into_iter().chain(["coprev-1-delta.csv".to_owned()]).collect();
        expected.sort();
        assert_eq!(names(folder.path()), expected);
    }
}
