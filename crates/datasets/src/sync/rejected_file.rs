//! The file of rejected records of a data file: made with the first of them, visible when it is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::feed::{FileKind, Reason, Rejections};
use ehealth_core::model::Dataset;

/// Takes the rejected records of one data file. Dropped before [`RejectedFile::finish`], it leaves nothing behind.
pub(super) struct RejectedFile {
    folder: PathBuf,
    dataset: Dataset,
    kind: FileKind,
    serial: u64,
    rejections: Option<Rejections<BufWriter<File>>>,
    count: u64,
}

impl RejectedFile {
    /// For the records of this file. Nothing is made yet.
    pub fn new(folder: &Path, dataset: Dataset, kind: FileKind, serial: u64) -> Self {
        Self { folder: folder.to_owned(), dataset, kind, serial, rejections: None, count: 0 }
    }

    /// How many were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a record.
    pub fn add<'a>(&mut self, line: u64, reason: Reason, fields: impl Iterator<Item = &'a str>) -> io::Result<()> {
        if self.rejections.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let part = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.part())?;
            self.rejections = Some(Rejections::begin(BufWriter::new(part), self.dataset, self.kind)?);
        }
        if let Some(rejections) = &mut self.rejections {
            rejections.add(line, reason, fields)?;
            self.count += 1;
        }
        Ok(())
    }

    /// Makes the file visible, if there were rejected records.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(rejections) = self.rejections.take() else { return Ok(()) };
        let outcome = rejections
            .finish()
            .and_then(|writer| writer.into_inner().map_err(io::IntoInnerError::into_error))
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(self.part(), self.folder.join(self.name())));
        outcome.inspect_err(|_| self.discard())
    }

    fn name(&self) -> String {
        format!("{}-{}-{}.csv", self.dataset.code(), self.serial, self.kind.code())
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!(".{}.part", self.name()))
    }

    fn discard(&self) {
        if let Err(error) = fs::remove_file(self.part()) {
            tracing::warn!(dataset = self.dataset.code(), %error, "cannot remove an unfinished file of rejected records");
        }
    }
}

impl Drop for RejectedFile {
    fn drop(&mut self) {
        if self.rejections.take().is_some() {
            self.discard();
        }
    }
}

/// Removes what a run that crashed left behind. Whoever calls is the dataset's only writer.
pub(super) fn sweep(folder: &Path, dataset: Dataset) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let own = format!(".{}-", dataset.code());
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().and_then(|name| name.strip_suffix(".part")).is_some_and(|name| name.starts_with(&own)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
