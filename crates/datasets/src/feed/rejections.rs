//! The file of rejected records: the errors in a publisher's data, for the operator who reports
//! them.
//!
//! CSV like the feed itself: `line`, `reason`, then the columns of the data file
//! (`docs/reference/feeds.md "Rejected records"`). It holds personal data; the caller that creates
//! the file decides who may read it.

use std::fmt;
use std::io::{self, Write};

use super::notification::FileKind;
use super::record::RejectReason;
use super::records::{ACTION, columns};
use ehealth_core::model::Dataset;

/// Writer of rejected records, one row each.
pub struct Rejections<W: Write>(csv::Writer<W>);

impl<W: Write> Rejections<W> {
    /// Writes the header for the rejected records of a data file of this dataset and kind.
    ///
    /// # Errors
    /// If the destination cannot be written.
    pub fn begin(destination: W, dataset: Dataset, kind: FileKind) -> io::Result<Self> {
        let action = match kind {
            FileKind::Snapshot => None,
            FileKind::Delta => Some(ACTION),
        };
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(destination);
        writer.write_record(["line", "reason"].into_iter().chain(action).chain(columns(dataset).iter().copied()))?;
        Ok(Self(writer))
    }

    /// Writes one record, its fields as the publisher wrote them.
    ///
    /// # Errors
    /// If the destination cannot be written.
    pub fn add<'a>(
        &mut self,
        line: u64,
        reason: RejectReason,
        fields: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        self.0.write_field(line.to_string())?;
        self.0.write_field(reason.code())?;
        // Ends the row after the last field.
        Ok(self.0.write_record(fields)?)
    }

    /// The destination. The last rows may not have reached it yet.
    pub fn destination(&self) -> &W {
        self.0.get_ref()
    }

    /// Flushes everything to the destination and returns it.
    ///
    /// # Errors
    /// If the destination cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(|error| io::Error::from(error.error().kind()))
    }
}

impl<W: Write> fmt::Debug for Rejections<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejections").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_line_reason_and_the_record_as_written() {
        let mut rejections = Rejections::begin(Vec::new(), Dataset::Persons, FileKind::Delta).expect("into memory");
        rejections.add(7, RejectReason::Ssin, ["put", "a,b", "", "0"].into_iter()).expect("into memory");
        let text = rejections.finish().expect("into memory");
        assert_eq!(
            String::from_utf8(text).expect("UTF-8"),
            "line,reason,action,ssin,replaced_by,cancelled\n7,ssin,put,\"a,b\",,0\n"
        );
    }
}
