//! Reads the records of a data file, and validates each.
//!
//! An error of the file (header, column count, quoting, UTF-8, compression, too many rows) ends the
//! reading. An invalid value or an unknown action rejects the one record. Nothing here compares a
//! record with other records or with the loaded data: [`crate::store`] finds duplicates and cycles.

use std::fmt;
use std::io::BufRead;

use super::notification::FileKind;
use super::parse::{parse_key, parse_record};
use super::record::{Change, RejectReason, Validated};
use super::rows::{Fields, RowError, Rows};
use ehealth_core::model::Dataset;

/// Why a file is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The file cannot be split into rows.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The first row is not the header of this dataset and kind of file.
    #[error("line 1: the header is not that of this dataset and kind of file")]
    Header,
    /// A row has too few or too many fields.
    #[error("line {line}: the row and the header have different numbers of fields")]
    Columns {
        /// First line of the row, from 1.
        line: u64,
    },
    /// The file has more or fewer records than announced.
    #[error("line {line}: the file has {} than the {announced} records that the notification announces",
        fewer_or_more(*.is_end))]
    Count {
        /// Line at which this is known, from 1.
        line: u64,
        /// Announced number of records.
        announced: u64,
        /// Whether the file ends there.
        is_end: bool,
    },
}

fn fewer_or_more(is_end: bool) -> &'static str {
    if is_end { "fewer" } else { "more" }
}

/// Columns of a dataset's files, without `action`.
#[must_use]
pub fn columns(dataset: Dataset) -> &'static [&'static str] {
    match dataset {
        Dataset::Dimona => &["period_id", "ssin", "employer", "begin", "end"],
        Dataset::Coprev => &["affiliation_id", "employer", "service", "begin", "end"],
        Dataset::Federated => &["affiliation_id", "employer", "service", "begin", "end", "entity"],
        Dataset::Insurance => &["ssin", "fund", "begin", "end"],
        Dataset::Persons => &["ssin", "replaced_by", "cancelled"],
    }
}

/// First column of a delta.
pub(super) const ACTION: &str = "action";

/// Value of the column `action` that inserts or replaces a record.
pub const PUT: &str = "put";

/// Reader of the records of a data file, one after the other.
pub struct Records<R> {
    rows: Rows<R>,
    dataset: Dataset,
    kind: FileKind,
    columns: usize,
    announced: u64,
    count: u64,
}

impl<R: BufRead> Records<R> {
    /// Checks the header of a file with `announced` records. An error returns the source too,
    /// because the caller must hash the file even then.
    ///
    /// # Errors
    /// [`RecordsError::Header`] or [`RecordsError::Row`].
    pub fn open(source: R, dataset: Dataset, kind: FileKind, announced: u64) -> Result<Self, (RecordsError, R)> {
        let mut rows = Rows::new(source);
        let action = match kind {
            FileKind::Snapshot => &[][..],
            FileKind::Delta => &[ACTION][..],
        };
        match rows.advance() {
            Ok(true) if rows.fields().eq(action.iter().chain(columns(dataset)).copied()) => {}
            Ok(_) => return Err((RecordsError::Header, rows.into_source())),
            Err(error) => return Err((error.into(), rows.into_source())),
        }
        let columns = action.len().saturating_add(columns(dataset).len());
        Ok(Self { rows, dataset, kind, columns, announced, count: 0 })
    }

    /// Validates the next row. Returns `None` at the end of a file that has the announced number of
    /// records.
    ///
    /// # Errors
    /// [`RecordsError`]; nothing more can be read after it.
    pub fn advance(&mut self) -> Result<Option<Validated>, RecordsError> {
        let is_end = !self.rows.advance()?;
        if is_end && self.count == self.announced {
            return Ok(None);
        }
        if is_end || self.count == self.announced {
            return Err(RecordsError::Count { line: self.rows.line(), announced: self.announced, is_end });
        }
        self.count = self.count.saturating_add(1);
        if self.fields().count() != self.columns {
            return Err(RecordsError::Columns { line: self.rows.line() });
        }
        let mut fields = self.rows.fields();
        Ok(Some(match self.kind {
            FileKind::Snapshot => validate_put(self.dataset, fields),
            FileKind::Delta => match fields.next() {
                Some(PUT) => validate_put(self.dataset, fields),
                Some("delete") => validate_delete(self.dataset, fields),
                _ => Validated::Rejected { reason: RejectReason::Action, key: None },
            },
        }))
    }

    /// First line of the row, from 1; the header is line 1.
    pub fn line(&self) -> u64 {
        self.rows.line()
    }

    /// Fields of the row as written.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.rows.fields()
    }

    /// Returns the source, so that the caller can hash the rest of the file.
    pub fn into_source(self) -> R {
        self.rows.into_source()
    }
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("dataset", &self.dataset)
            .field("kind", &self.kind)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

fn validate_put(dataset: Dataset, fields: Fields<'_>) -> Validated {
    match parse_record(dataset, fields) {
        Ok(record) => Validated::Accepted(Change::Put(record)),
        Err((reason, key)) => Validated::Rejected { reason, key },
    }
}

fn validate_delete(dataset: Dataset, fields: Fields<'_>) -> Validated {
    match parse_key(dataset, fields) {
        Ok(key) => Validated::Accepted(Change::Delete(key)),
        Err(reason) => Validated::Rejected { reason, key: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::record::Key;
    use ehealth_core::model::{Date, Ssin};

    fn validate(dataset: Dataset, kind: FileKind, rows: &[&str]) -> Result<Vec<Validated>, RecordsError> {
        let header = match kind {
            FileKind::Snapshot => columns(dataset).join(","),
            FileKind::Delta => format!("action,{}", columns(dataset).join(",")),
        };
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let mut records =
            Records::open(text.as_bytes(), dataset, kind, rows.len() as u64).map_err(|(error, _)| error)?;
        let mut validated = Vec::new();
        while let Some(row) = records.advance()? {
            validated.push(row);
        }
        Ok(validated)
    }

    fn reason(dataset: Dataset, kind: FileKind, row: &str) -> (Option<RejectReason>, Option<Key>) {
        match validate(dataset, kind, &[row]).expect("a well-formed file")[..] {
            [Validated::Accepted(_)] => (None, None),
            [Validated::Rejected { reason, key }] => (Some(reason), key),
            _ => unreachable!("one row, one result"),
        }
    }

    #[test]
    fn accepts_one_record_of_each_dataset() {
        for (dataset, row) in [
            (Dataset::Dimona, "000000000000000007,85073099932,0202239951,2020-02-29,"),
            (Dataset::Coprev, "7,0202239951,0202239951,2020-01-01,2020-01-01"),
            (Dataset::Federated, "7,0202239951,0202239951,2020-01-01,,VLG"),
            (Dataset::Insurance, "85073099932,0202239951,2020-01-01,"),
            (Dataset::Persons, "85073099932,,0"),
            (Dataset::Persons, "\"85073099932\",,1"),
        ] {
            assert_eq!(reason(dataset, FileKind::Snapshot, row), (None, None), "{row}");
        }
    }

    #[test]
    fn names_the_invalid_column_and_keeps_a_readable_key() {
        use Dataset::{Coprev, Dimona, Federated, Insurance, Persons};
        let ssin = Ssin::parse("85073099932").expect("a valid SSIN");
        let day = Date::parse("2020-01-02").expect("a day");
        for (dataset, row, wrong, key) in [
            (Dimona, ",85073099932,0202239951,2020-01-02,", RejectReason::Id, None),
            (Dimona, "+7,85073099932,0202239951,2020-01-02,", RejectReason::Id, None),
            (Dimona, "1000000000000000000,85073099932,0202239951,2020-01-02,", RejectReason::Id, None),
            (Dimona, "7,85073099933,0202239951,2020-01-02,", RejectReason::Ssin, Some(Key::Period(7))),
            (Dimona, "7,85073099932,2202239951,2020-01-02,", RejectReason::Employer, Some(Key::Period(7))),
            (Dimona, "7,85073099932,0202239951,,", RejectReason::Begin, Some(Key::Period(7))),
            (Dimona, "7,85073099932,0202239951,2020-01-02,x", RejectReason::End, Some(Key::Period(7))),
            (Dimona, "7,85073099932,0202239951,2020-01-02,2020-01-01", RejectReason::Reversed, Some(Key::Period(7))),
            (Coprev, "7,0202239951,0,2020-01-02,", RejectReason::Service, Some(Key::Affiliation(7))),
            (Federated, "7,0202239951,0202239951,2020-01-02,,vlg", RejectReason::Entity, Some(Key::Affiliation(7))),
            (Insurance, "85073099932,x,2020-01-02,", RejectReason::Fund, Some(Key::Membership(ssin, day))),
            (Insurance, "85073099932,x,2020-01-32,", RejectReason::Begin, None),
            (Persons, "85073099932,x,0", RejectReason::ReplacedBy, Some(Key::Person(ssin))),
            (Persons, "85073099932,,", RejectReason::Cancelled, Some(Key::Person(ssin))),
            (Persons, "85073099932,85073099932,0", RejectReason::Cycle, Some(Key::Person(ssin))),
        ] {
            assert_eq!(reason(dataset, FileKind::Snapshot, row), (Some(wrong), key), "{row}");
        }
    }

    #[test]
    fn a_delete_needs_only_its_key_columns() {
        let ssin = Ssin::parse("85073099932").expect("a valid SSIN");
        let day = Date::parse("2020-01-02").expect("a day");
        let rows = ["delete,85073099932,,2020-01-02,nonsense"];
        assert_eq!(
            validate(Dataset::Insurance, FileKind::Delta, &rows).expect("well formed"),
            [Validated::Accepted(Change::Delete(Key::Membership(ssin, day)))]
        );
        let unreadable = reason(Dataset::Persons, FileKind::Delta, "delete,x,,");
        assert_eq!(unreadable, (Some(RejectReason::Ssin), None));
        let unknown = reason(Dataset::Persons, FileKind::Delta, "Put,85073099932,,0");
        assert_eq!(unknown, (Some(RejectReason::Action), None));
    }

    #[test]
    fn refuses_the_file_for_header_columns_and_count() {
        let open = |text: &'static str, announced| -> Result<Vec<Validated>, RecordsError> {
            let mut records = Records::open(text.as_bytes(), Dataset::Persons, FileKind::Snapshot, announced)
                .map_err(|(error, _)| error)?;
            let mut validated = Vec::new();
            while let Some(row) = records.advance()? {
                validated.push(row);
            }
            Ok(validated)
        };
        assert!(open("ssin,replaced_by,cancelled\n", 0).is_ok());
        for header in ["", "\u{feff}ssin,replaced_by,cancelled\n", "ssin,replaced_by\n", "ssin,cancelled,replaced_by\n"]
        {
            assert!(matches!(open(header, 0), Err(RecordsError::Header)), "{header:?}");
        }
        for rows in [
            "ssin,replaced_by,cancelled\n\n",
            "ssin,replaced_by,cancelled\n1,2\n",
            "ssin,replaced_by,cancelled\n1,2,3,4\n",
        ] {
            assert!(matches!(open(rows, 1), Err(RecordsError::Columns { line: 2 })), "{rows:?}");
        }
        assert!(matches!(
            open("ssin,replaced_by,cancelled\n,,\n", 2),
            Err(RecordsError::Count { line: 3, is_end: true, .. })
        ));
        assert!(matches!(
            open("ssin,replaced_by,cancelled\n,,\n,,\n", 1),
            Err(RecordsError::Count { line: 3, is_end: false, .. })
        ));
    }
}
