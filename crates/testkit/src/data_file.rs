//! A data file of a generated feed, hashed while it is written.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use datasets::feed::columns;
use ehealth_core::model::Dataset;

/// Size of one write to a data file, 1 MiB: fewer system calls.
const BUFFER: usize = 1 << 20;

/// Name, size and digest of a data file that is complete.
#[derive(Debug, Clone)]
pub struct DataFileSummary {
    /// Dataset of the file.
    pub dataset: Dataset,
    /// File name in the feed's folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of records, without the header.
    pub records: u64,
    pub(crate) kind: FileKind,
    pub(crate) serial: u64,
    pub(crate) sha256: String,
}

ehealth_core::closed_enum! {
    /// Kind of a data file; its code is the element of the notification and the first part of the
    /// file name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum FileKind {
        /// All records.
        Snapshot => "snapshot",
        /// Changes since the previous serial.
        Delta => "delta",
    }
}

/// A data file that is being written.
pub(crate) struct DataFile {
    writer: BufWriter<Hashed>,
    dataset: Dataset,
    kind: FileKind,
    serial: u64,
    name: String,
    records: u64,
}

struct Hashed {
    file: File,
    context: Context,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.context.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DataFile {
    /// Creates a file in the dataset's folder and writes its header.
    pub fn create(feeds: &Path, dataset: Dataset, kind: FileKind, serial: u64) -> io::Result<Self> {
        let folder = feeds.join(dataset.code());
        fs::create_dir_all(&folder)?;
        let name = format!("{}-{serial}.csv", kind.code());
        let file = File::create(folder.join(&name))?;
        let hashed = Hashed { file, context: Context::new(&SHA256), bytes: 0 };
        let mut writer = BufWriter::with_capacity(BUFFER, hashed);
        let action = match kind {
            FileKind::Snapshot => "",
            FileKind::Delta => "action,",
        };
        writeln!(writer, "{action}{}", columns(dataset).join(","))?;
        Ok(Self { writer, dataset, kind, serial, name, records: 0 })
    }

    /// Writes a record, whose text ends with a line feed.
    pub fn write(&mut self, record: fmt::Arguments<'_>) -> io::Result<()> {
        self.records += 1;
        self.writer.write_fmt(record)
    }

    /// Writes the rest to disk.
    pub fn finish(self) -> io::Result<DataFileSummary> {
        let Self { writer, dataset, kind, serial, name, records } = self;
        let hashed = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        hashed.file.sync_all()?;
        let sha256 = hashed.context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(DataFileSummary { dataset, name, bytes: hashed.bytes, records, kind, serial, sha256 })
    }
}
