//! Parses the fields of one row into a record or a key of its dataset.

use super::record::{Entity, Key, Record, RejectReason};
use super::rows::Fields;
use ehealth_core::model::{Dataset, Date, EnterpriseNumber, Period, Ssin};

/// Parses the columns of a record, in order. The number of fields must have been checked.
///
/// # Errors
/// The first invalid column, and the record's key if it is readable.
pub(super) fn parse_record(dataset: Dataset, fields: Fields<'_>) -> Result<Record, (RejectReason, Option<Key>)> {
    let mut values = Values(fields);
    match dataset {
        Dataset::Dimona => parse_dimona(&mut values),
        Dataset::Coprev | Dataset::Federated => parse_affiliation(dataset, &mut values),
        Dataset::Insurance => parse_insurance(&mut values),
        Dataset::Persons => parse_persons(&mut values),
    }
}

/// Parses the key columns of a record, and ignores the others. The number of fields must have been
/// checked.
///
/// # Errors
/// The first invalid key column.
pub(super) fn parse_key(dataset: Dataset, fields: Fields<'_>) -> Result<Key, RejectReason> {
    let mut values = Values(fields);
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

fn without_key(reason: RejectReason) -> (RejectReason, Option<Key>) {
    (reason, None)
}

fn parse_dimona(values: &mut Values<'_>) -> Result<Record, (RejectReason, Option<Key>)> {
    let period_id = values.id().map_err(without_key)?;
    let with_key = |reason| (reason, Some(Key::Period(period_id)));
    let ssin = values.ssin().map_err(with_key)?;
    let employer = values.enterprise(RejectReason::Employer).map_err(with_key)?;
    let period = values.period().map_err(with_key)?;
    Ok(Record::Dimona { period_id, ssin, employer, period })
}

/// Parses a record of `coprev` or `federated`; the latter has one column more.
fn parse_affiliation(dataset: Dataset, values: &mut Values<'_>) -> Result<Record, (RejectReason, Option<Key>)> {
    let affiliation_id = values.id().map_err(without_key)?;
    let with_key = |reason| (reason, Some(Key::Affiliation(affiliation_id)));
    let employer = values.enterprise(RejectReason::Employer).map_err(with_key)?;
    let service = values.enterprise(RejectReason::Service).map_err(with_key)?;
    let period = values.period().map_err(with_key)?;
    if dataset == Dataset::Coprev {
        return Ok(Record::Coprev { affiliation_id, employer, service, period });
    }
    let entity = Entity::parse(values.next()).ok_or(with_key(RejectReason::Entity))?;
    Ok(Record::Federated { affiliation_id, employer, service, period, entity })
}

fn parse_insurance(values: &mut Values<'_>) -> Result<Record, (RejectReason, Option<Key>)> {
    let ssin = values.ssin().map_err(without_key)?;
    let fund = values.enterprise(RejectReason::Fund);
    let begin = values.begin().map_err(without_key)?;
    let with_key = |reason| (reason, Some(Key::Membership(ssin, begin)));
    let fund = fund.map_err(with_key)?;
    let period = values.period_from(begin).map_err(with_key)?;
    Ok(Record::Insurance { ssin, fund, period })
}

fn parse_persons(values: &mut Values<'_>) -> Result<Record, (RejectReason, Option<Key>)> {
    let ssin = values.ssin().map_err(without_key)?;
    let with_key = |reason| (reason, Some(Key::Person(ssin)));
    let replaced_by = match values.next() {
        "" => None,
        text => Some(Ssin::parse(text).map_err(|_| with_key(RejectReason::ReplacedBy))?),
    };
    let cancelled = match values.next() {
        "1" => true,
        "0" => false,
        _ => return Err(with_key(RejectReason::Cancelled)),
    };
    if replaced_by == Some(ssin) {
        return Err(with_key(RejectReason::Cycle));
    }
    Ok(Record::Persons { ssin, replaced_by, cancelled })
}

/// The fields of a row, parsed column by column.
struct Values<'a>(Fields<'a>);

impl<'a> Values<'a> {
    fn next(&mut self) -> &'a str {
        self.0.next().unwrap_or_default()
    }

    /// Parses an id of 1 to 18 digits. Leading zeros do not count: `007` is the key `7`.
    fn id(&mut self) -> Result<u64, RejectReason> {
        let text = self.next();
        let is_id = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| is_id).ok_or(RejectReason::Id)
    }

    fn ssin(&mut self) -> Result<Ssin, RejectReason> {
        Ssin::parse(self.next()).map_err(|_| RejectReason::Ssin)
    }

    fn enterprise(&mut self, reason: RejectReason) -> Result<EnterpriseNumber, RejectReason> {
        EnterpriseNumber::parse(self.next()).map_err(|_| reason)
    }

    fn begin(&mut self) -> Result<Date, RejectReason> {
        Date::parse(self.next()).map_err(|_| RejectReason::Begin)
    }

    fn period(&mut self) -> Result<Period, RejectReason> {
        let begin = self.begin()?;
        self.period_from(begin)
    }

    fn period_from(&mut self, begin: Date) -> Result<Period, RejectReason> {
        let end = match self.next() {
            "" => None,
            text => Some(Date::parse(text).map_err(|_| RejectReason::End)?),
        };
        Period::from_days(begin, end).map_err(|_| RejectReason::Reversed)
    }
}
