//! The file of the rejected records of one data file: created with the first record, visible when
//! it is complete.

use std::fs::{self, DirBuilder};
use std::io::{self, BufWriter, IntoInnerError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use durable_file::{Draft, draft_target};

use crate::feed::{FileKind, PUT, RejectReason, Rejections};
use ehealth_core::model::Dataset;

/// Collects the rejected records of one data file. Dropped before [`RejectedFile::finish`], it
/// leaves nothing behind.
pub(super) struct RejectedFile {
    folder: PathBuf,
    dataset: Dataset,
    kind: FileKind,
    serial: u64,
    rejections: Option<Rejections<BufWriter<Draft>>>,
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

    /// Adds a record.
    pub fn add<'a>(
        &mut self,
        line: u64,
        reason: RejectReason,
        fields: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        if self.rejections.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let draft = Draft::create(&self.folder.join(self.name()), 0o600)?;
            self.rejections = Some(Rejections::begin(BufWriter::new(draft), self.dataset, self.kind)?);
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

    /// Makes the file visible and durable, if there are rejected records.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(rejections) = self.rejections.take() else { return Ok(()) };
        let draft = rejections.finish()?.into_inner().map_err(IntoInnerError::into_error)?;
        Ok(draft.commit()?)
    }

    fn name(&self) -> String {
        format!("{}-{}-{}.csv", self.dataset.code(), self.serial, self.kind.code())
    }
}

/// Removes what a crashed run left behind. The caller must be the dataset's only writer.
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
    Ok(())
}

#[cfg(test)]
mod tests {
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
}
