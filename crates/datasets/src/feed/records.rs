//! Rows judged: each is a record that says something, or is rejected with a reason.
//!
//! A fault of the file (header, column count, quoting, UTF-8, compression, too many rows) ends the reading; a wrong
//! value or an unknown action rejects the one record. Nothing is compared with other records or with what is loaded:
//! duplicates and cycles are found where the data are.

use std::fmt;
use std::io::BufRead;

use super::rows::{Fields, RowError, Rows};
use super::{Change, Entity, FileKind, Key, Reason, Record, Validated};
use ehealth_core::model::{Dataset, Date, EnterpriseNumber, Period, Ssin};

/// Why a file is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// It cannot be split into rows.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The first row is not the header of this dataset and kind of file.
    #[error("the header is not that of the dataset")]
    Header,
    /// A row has too few or too many fields.
    #[error("line {line}: the row has not as many fields as the header")]
    Columns {
        /// Where the row begins, from 1.
        line: u64,
    },
    /// The file has more or fewer records than were announced.
    #[error("the file has not as many records as were announced")]
    Count,
}

/// The columns of a dataset's files, `action` aside.
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

/// `action`, the first column of a delta.
pub(super) const ACTION: &str = "action";

/// The records of a data file, one after the other.
pub struct Records<R> {
    rows: Rows<R>,
    dataset: Dataset,
    kind: FileKind,
    columns: usize,
    announced: u64,
    count: u64,
}

impl<R: BufRead> Records<R> {
    /// Begins to read a file that was announced to have so many records, and checks its header. The source is given
    /// back with the error, because the file is to be sealed even then.
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

    /// The judgement on the next row; `None` at the end of a file that has as many records as were announced.
    ///
    /// # Errors
    /// [`RecordsError`]; then nothing more can be read.
    pub fn advance(&mut self) -> Result<Option<Validated>, RecordsError> {
        if !self.rows.advance()? {
            return if self.count == self.announced { Ok(None) } else { Err(RecordsError::Count) };
        }
        if self.count == self.announced {
            return Err(RecordsError::Count);
        }
        self.count = self.count.saturating_add(1);
        if self.fields().count() != self.columns {
            return Err(RecordsError::Columns { line: self.rows.line() });
        }
        let mut fields = self.rows.fields();
        Ok(Some(match self.kind {
            FileKind::Snapshot => judge_put(self.dataset, fields),
            FileKind::Delta => match fields.next() {
                Some("put") => judge_put(self.dataset, fields),
                Some("delete") => judge_delete(self.dataset, fields),
                _ => Validated::Rejected { reason: Reason::Action, key: None },
            },
        }))
    }

    /// The line at which the row begins, from 1; the header is line 1.
    pub fn line(&self) -> u64 {
        self.rows.line()
    }

    /// The fields of the row as they were written.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.rows.fields()
    }

    /// The source, to be sealed.
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

fn judge_put(dataset: Dataset, fields: Fields<'_>) -> Validated {
    match read_put(dataset, &mut Values(fields)) {
        Ok(record) => Validated::Accepted(Change::Put(record)),
        Err((reason, key)) => Validated::Rejected { reason, key },
    }
}

fn judge_delete(dataset: Dataset, fields: Fields<'_>) -> Validated {
    match read_key(dataset, &mut Values(fields)) {
        Ok(key) => Validated::Accepted(Change::Delete(key)),
        Err(reason) => Validated::Rejected { reason, key: None },
    }
}

/// Reads the columns of a record, in order; the first wrong one is the reason.
fn read_put(dataset: Dataset, values: &mut Values<'_>) -> Result<Record, (Reason, Option<Key>)> {
    let keyless = |reason| (reason, None);
    match dataset {
        Dataset::Dimona => {
            let period_id = values.id().map_err(keyless)?;
            let keyed = |reason| (reason, Some(Key::Period(period_id)));
            let ssin = values.ssin().map_err(keyed)?;
            let employer = values.enterprise(Reason::Employer).map_err(keyed)?;
            let period = values.period().map_err(keyed)?;
            Ok(Record::Dimona { period_id, ssin, employer, period })
        }
        Dataset::Coprev | Dataset::Federated => {
            let affiliation_id = values.id().map_err(keyless)?;
            let keyed = |reason| (reason, Some(Key::Affiliation(affiliation_id)));
            let employer = values.enterprise(Reason::Employer).map_err(keyed)?;
            let service = values.enterprise(Reason::Service).map_err(keyed)?;
            let period = values.period().map_err(keyed)?;
            if dataset == Dataset::Coprev {
                return Ok(Record::Coprev { affiliation_id, employer, service, period });
            }
            let entity = Entity::parse(values.next()).ok_or(keyed(Reason::Entity))?;
            Ok(Record::Federated { affiliation_id, employer, service, period, entity })
        }
        Dataset::Insurance => {
            let ssin = values.ssin().map_err(keyless)?;
            let fund = values.enterprise(Reason::Fund);
            let begin = values.begin().map_err(keyless)?;
            let keyed = |reason| (reason, Some(Key::Membership(ssin, begin)));
            let fund = fund.map_err(keyed)?;
            let period = values.period_from(begin).map_err(keyed)?;
            Ok(Record::Insurance { ssin, fund, period })
        }
        Dataset::Persons => {
            let ssin = values.ssin().map_err(keyless)?;
            let keyed = |reason| (reason, Some(Key::Person(ssin)));
            let replaced_by = match values.next() {
                "" => None,
                text => Some(Ssin::parse(text).map_err(|_| keyed(Reason::ReplacedBy))?),
            };
            let cancelled = match values.next() {
                "1" => true,
                "0" => false,
                _ => return Err(keyed(Reason::Cancelled)),
            };
            if replaced_by == Some(ssin) {
                return Err(keyed(Reason::Cycle));
            }
            Ok(Record::Persons { ssin, replaced_by, cancelled })
        }
    }
}

fn read_key(dataset: Dataset, values: &mut Values<'_>) -> Result<Key, Reason> {
    match dataset {
        Dataset::Dimona => values.id().map(Key::Period),
        Dataset::Coprev | Dataset::Federated => values.id().map(Key::Affiliation),
        Dataset::Insurance => {
            let ssin = values.ssin()?;
            values.next();
            Ok(Key::Membership(ssin, values.begin()?))
        }
        Dataset::Persons => values.ssin().map(Key::Person),
    }
}

/// The fields of a row, read column by column. Their number was checked.
struct Values<'a>(Fields<'a>);

impl<'a> Values<'a> {
    fn next(&mut self) -> &'a str {
        self.0.next().unwrap_or_default()
    }

    /// An id of 1 to 18 digits. Leading zeros do not count: `007` is the key `7`.
    fn id(&mut self) -> Result<u64, Reason> {
        let text = self.next();
        let right = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| right).ok_or(Reason::Id)
    }

    fn ssin(&mut self) -> Result<Ssin, Reason> {
        Ssin::parse(self.next()).map_err(|_| Reason::Ssin)
    }

    fn enterprise(&mut self, reason: Reason) -> Result<EnterpriseNumber, Reason> {
        EnterpriseNumber::parse(self.next()).map_err(|_| reason)
    }

    fn begin(&mut self) -> Result<Date, Reason> {
        Date::parse(self.next()).map_err(|_| Reason::Begin)
    }

    fn period(&mut self) -> Result<Period, Reason> {
        let begin = self.begin()?;
        self.period_from(begin)
    }

    fn period_from(&mut self, begin: Date) -> Result<Period, Reason> {
        let end = match self.next() {
            "" => None,
            text => Some(Date::parse(text).map_err(|_| Reason::End)?),
        };
        Period::from_days(begin, end).map_err(|_| Reason::Reversed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(dataset: Dataset, kind: FileKind, rows: &[&str]) -> Result<Vec<Validated>, RecordsError> {
        let header = match kind {
            FileKind::Snapshot => columns(dataset).join(","),
            FileKind::Delta => format!("action,{}", columns(dataset).join(",")),
        };
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let mut records =
            Records::open(text.as_bytes(), dataset, kind, rows.len() as u64).map_err(|(error, _)| error)?;
        let mut judged = Vec::new();
        while let Some(judgement) = records.advance()? {
            judged.push(judgement);
        }
        Ok(judged)
    }

    fn reason(dataset: Dataset, kind: FileKind, row: &str) -> (Option<Reason>, Option<Key>) {
        match judge(dataset, kind, &[row]).expect("a well-formed file")[..] {
            [Validated::Accepted(_)] => (None, None),
            [Validated::Rejected { reason, key }] => (Some(reason), key),
            _ => unreachable!("one row, one judgement"),
        }
    }

    #[test]
    fn reads_one_record_of_each_dataset() {
        for (dataset, row) in [
            (Dataset::Dimona, "000000000000000007,85073000160,0202239951,2020-02-29,"),
            (Dataset::Coprev, "7,0202239951,0202239951,2020-01-01,2020-01-01"),
            (Dataset::Federated, "7,0202239951,0202239951,2020-01-01,,VLG"),
            (Dataset::Insurance, "85073000160,0202239951,2020-01-01,"),
            (Dataset::Persons, "85073000160,,0"),
            (Dataset::Persons, "\"85073000160\",,1"),
        ] {
            assert_eq!(reason(dataset, FileKind::Snapshot, row), (None, None), "{row}");
        }
    }

    #[test]
    fn names_the_column_that_is_wrong_and_keeps_a_readable_key() {
        use Dataset::{Coprev, Dimona, Federated, Insurance, Persons};
        let ssin = Ssin::parse("85073000160").expect("right by construction");
        let day = Date::parse("2020-01-02").expect("a day");
        for (dataset, row, wrong, key) in [
            (Dimona, ",85073000160,0202239951,2020-01-02,", Reason::Id, None),
            (Dimona, "+7,85073000160,0202239951,2020-01-02,", Reason::Id, None),
            (Dimona, "1000000000000000000,85073000160,0202239951,2020-01-02,", Reason::Id, None),
            (Dimona, "7,85073000161,0202239951,2020-01-02,", Reason::Ssin, Some(Key::Period(7))),
            (Dimona, "7,85073000160,2202239951,2020-01-02,", Reason::Employer, Some(Key::Period(7))),
            (Dimona, "7,85073000160,0202239951,,", Reason::Begin, Some(Key::Period(7))),
            (Dimona, "7,85073000160,0202239951,2020-01-02,x", Reason::End, Some(Key::Period(7))),
            (Dimona, "7,85073000160,0202239951,2020-01-02,2020-01-01", Reason::Reversed, Some(Key::Period(7))),
            (Coprev, "7,0202239951,0,2020-01-02,", Reason::Service, Some(Key::Affiliation(7))),
            (Federated, "7,0202239951,0202239951,2020-01-02,,vlg", Reason::Entity, Some(Key::Affiliation(7))),
            (Insurance, "85073000160,x,2020-01-02,", Reason::Fund, Some(Key::Membership(ssin, day))),
            (Insurance, "85073000160,x,2020-01-32,", Reason::Begin, None),
            (Persons, "85073000160,x,0", Reason::ReplacedBy, Some(Key::Person(ssin))),
            (Persons, "85073000160,,", Reason::Cancelled, Some(Key::Person(ssin))),
            (Persons, "85073000160,85073000160,0", Reason::Cycle, Some(Key::Person(ssin))),
        ] {
            assert_eq!(reason(dataset, FileKind::Snapshot, row), (Some(wrong), key), "{row}");
        }
    }

    #[test]
    fn a_delete_needs_its_key_columns_alone() {
        let ssin = Ssin::parse("85073000160").expect("right by construction");
        let day = Date::parse("2020-01-02").expect("a day");
        let rows = ["delete,85073000160,,2020-01-02,nonsense"];
        assert_eq!(
            judge(Dataset::Insurance, FileKind::Delta, &rows).expect("well formed"),
            [Validated::Accepted(Change::Delete(Key::Membership(ssin, day)))]
        );
        let nobody = reason(Dataset::Persons, FileKind::Delta, "delete,x,,");
        assert_eq!(nobody, (Some(Reason::Ssin), None));
        let unknown = reason(Dataset::Persons, FileKind::Delta, "Put,85073000160,,0");
        assert_eq!(unknown, (Some(Reason::Action), None));
    }

    #[test]
    fn the_file_is_at_fault_for_header_columns_and_count() {
        let open = |text: &'static str, announced| -> Result<Vec<Validated>, RecordsError> {
            let mut records = Records::open(text.as_bytes(), Dataset::Persons, FileKind::Snapshot, announced)
                .map_err(|(error, _)| error)?;
            let mut judged = Vec::new();
            while let Some(judgement) = records.advance()? {
                judged.push(judgement);
            }
            Ok(judged)
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
        assert!(matches!(open("ssin,replaced_by,cancelled\n,,\n", 2), Err(RecordsError::Count)));
        assert!(matches!(open("ssin,replaced_by,cancelled\n,,\n,,\n", 1), Err(RecordsError::Count)));
    }
}
