//! The rows that the store keeps, and how they are packed into integers for sorting and binding.

use super::StoreError;
use ehealth_core::model::{Dataset, Date, EnterpriseNumber, Period, Ssin};

/// One record as it is kept: what the rules read, and the key by which the publisher names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// `dimona`.
    Period {
        /// The publisher's key, below 10^18.
        period_id: u64,
        /// Who works.
        ssin: Ssin,
        /// With whom.
        employer: EnterpriseNumber,
        /// From when to when.
        period: Period,
    },
    /// `coprev` and `federated`.
    Affiliation {
        /// The publisher's key, below 10^18.
        affiliation_id: u64,
        /// Whose affiliation.
        employer: EnterpriseNumber,
        /// To which service.
        service: EnterpriseNumber,
        /// From when to when.
        period: Period,
    },
    /// `insurance`; the key is person and begin.
    Membership {
        /// Who is insured.
        ssin: Ssin,
        /// With which fund.
        fund: EnterpriseNumber,
        /// From when to when.
        period: Period,
    },
    /// `persons`; the key is the number.
    Person {
        /// The number.
        ssin: Ssin,
        /// The number that replaced it; never itself.
        replaced_by: Option<Ssin>,
    },
}

/// The publisher's name for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// `dimona`, below 10^18.
    Period(u64),
    /// `coprev` and `federated`, below 10^18.
    Affiliation(u64),
    /// `insurance`.
    Membership(Ssin, Date),
    /// `persons`.
    Person(Ssin),
}

/// How a dataset's rows are found by their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keying {
    /// By an id, through a table that says where the row is filed.
    ById,
    /// By what they are filed under, directly.
    ByOwner,
}

impl Keying {
    pub fn of(dataset: Dataset) -> Self {
        match dataset {
            Dataset::Dimona | Dataset::Coprev | Dataset::Federated => Self::ById,
            Dataset::Insurance | Dataset::Persons => Self::ByOwner,
        }
    }
}

/// A row as five integers whose order is that of the dataset's table, then that of the file it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    /// What it is filed under: SSIN or employer.
    pub owner: u64,
    /// What tells it from others there: id, begin (days since 0001-01-01), or 0.
    pub id: u64,
    /// Where in its file it stood.
    pub line: u64,
    /// Employer, service, fund or successor; 0 for no successor (no SSIN is 0).
    pub value: u64,
    /// Begin in the upper half, end in the lower, both since 0001-01-01; the end all ones if open.
    pub days: u64,
}

const OPEN: u32 = u32::MAX;

impl Packed {
    /// In the place of a value: the key was seen, but the record was rejected.
    pub const REJECTED: u64 = u64::MAX;

    pub fn from_array([owner, id, line, value, days]: [u64; 5]) -> Self {
        Self { owner, id, line, value, days }
    }

    pub fn as_array(self) -> [u64; 5] {
        [self.owner, self.id, self.line, self.value, self.days]
    }

    pub fn new(row: Row, line: u64) -> Self {
        match row {
            Row::Period { period_id, ssin, employer, period } => {
                Self { owner: ssin.as_u64(), id: period_id, line, value: employer.as_u64(), days: pack_days(period) }
            }
            Row::Affiliation { affiliation_id, employer, service, period } => Self {
                owner: employer.as_u64(),
                id: affiliation_id,
                line,
                value: service.as_u64(),
                days: pack_days(period),
            },
            Row::Membership { ssin, fund, period } => Self {
                owner: ssin.as_u64(),
                id: u64::from(offset(period.begin())),
                line,
                value: fund.as_u64(),
                days: pack_days(period),
            },
            Row::Person { ssin, replaced_by } => {
                Self { owner: ssin.as_u64(), id: 0, line, value: replaced_by.map_or(0, Ssin::as_u64), days: 0 }
            }
        }
    }

    /// The place of a rejected record that had a readable key.
    pub fn rejected(key: Key, line: u64) -> Self {
        let (owner, id) = key.parts();
        Self { owner, id, line, value: Self::REJECTED, days: 0 }
    }

    pub fn row(self, dataset: Dataset) -> Result<Row, StoreError> {
        let ssin = |number| Ssin::from_u64(number).map_err(|_| StoreError::Value);
        let enterprise = |number| EnterpriseNumber::from_u64(number).map_err(|_| StoreError::Value);
        Ok(match dataset {
            Dataset::Dimona => Row::Period {
                period_id: self.id,
                ssin: ssin(self.owner)?,
                employer: enterprise(self.value)?,
                period: unpack_days(self.days)?,
            },
            Dataset::Coprev | Dataset::Federated => Row::Affiliation {
                affiliation_id: self.id,
                employer: enterprise(self.owner)?,
                service: enterprise(self.value)?,
                period: unpack_days(self.days)?,
            },
            Dataset::Insurance => Row::Membership {
                ssin: ssin(self.owner)?,
                fund: enterprise(self.value)?,
                period: unpack_days(self.days)?,
            },
            Dataset::Persons => Row::Person {
                ssin: ssin(self.owner)?,
                replaced_by: if self.value == 0 { None } else { Some(ssin(self.value)?) },
            },
        })
    }

    /// The first day, as the tables keep it.
    pub fn begin_day(self) -> i64 {
        day(self.days >> 32)
    }

    /// The last day, as the tables keep it.
    pub fn end_day(self) -> Option<i64> {
        let end = self.days & u64::from(OPEN);
        (end != u64::from(OPEN)).then(|| day(end))
    }
}

impl Row {
    /// Whether rows of this kind are kept in this dataset.
    pub(super) fn belongs_to(self, dataset: Dataset) -> bool {
        match self {
            Self::Period { .. } => dataset == Dataset::Dimona,
            Self::Affiliation { .. } => matches!(dataset, Dataset::Coprev | Dataset::Federated),
            Self::Membership { .. } => dataset == Dataset::Insurance,
            Self::Person { .. } => dataset == Dataset::Persons,
        }
    }
}

impl Key {
    /// Owner and id as in [`Packed`]; the owner of an id is not known and 0.
    pub(super) fn parts(self) -> (u64, u64) {
        match self {
            Self::Period(id) | Self::Affiliation(id) => (0, id),
            Self::Membership(ssin, begin) => (ssin.as_u64(), u64::from(offset(begin))),
            Self::Person(ssin) => (ssin.as_u64(), 0),
        }
    }

    /// Whether keys of this kind name rows of this dataset.
    pub(super) fn belongs_to(self, dataset: Dataset) -> bool {
        match self {
            Self::Period(_) => dataset == Dataset::Dimona,
            Self::Affiliation(_) => matches!(dataset, Dataset::Coprev | Dataset::Federated),
            Self::Membership(..) => dataset == Dataset::Insurance,
            Self::Person(_) => dataset == Dataset::Persons,
        }
    }
}

/// The day of an id of [`Keying::ByOwner`], as the tables keep it.
pub(super) fn day(offset: u64) -> i64 {
    offset.cast_signed() + i64::from(Date::MIN.as_days())
}

fn offset(date: Date) -> u32 {
    // Never negative: no date lies before the first.
    (date.as_days() - Date::MIN.as_days()).cast_unsigned()
}

fn pack_days(period: Period) -> u64 {
    u64::from(offset(period.begin())) << 32 | u64::from(period.end().map_or(OPEN, offset))
}

fn unpack_days(days: u64) -> Result<Period, StoreError> {
    let date = |offset| Date::from_days(day(offset)).map_err(|_| StoreError::Value);
    let end = days & u64::from(OPEN);
    let end = if end == u64::from(OPEN) { None } else { Some(date(end)?) };
    Period::from_days(date(days >> 32)?, end).map_err(|_| StoreError::Value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_row_is_the_row() {
        let ssin = Ssin::parse("85073000160").expect("right by construction");
        let employer = EnterpriseNumber::parse("0202239951").expect("right by construction");
        for end in [None, Some(Date::MAX)] {
            let period = Period::from_days(Date::MIN, end).expect("not reversed");
            for (dataset, row) in [
                (Dataset::Dimona, Row::Period { period_id: 7, ssin, employer, period }),
                (Dataset::Federated, Row::Affiliation { affiliation_id: 7, employer, service: employer, period }),
                (Dataset::Insurance, Row::Membership { ssin, fund: employer, period }),
                (Dataset::Persons, Row::Person { ssin, replaced_by: end.map(|_| ssin) }),
            ] {
                let packed = Packed::from_array(Packed::new(row, 3).as_array());
                assert_eq!(packed.row(dataset).expect("right"), row);
                assert!(row.belongs_to(dataset));
                if dataset != Dataset::Persons {
                    assert_eq!(packed.begin_day(), i64::from(Date::MIN.as_days()));
                    assert_eq!(packed.end_day(), end.map(|end| i64::from(end.as_days())));
                }
            }
        }
    }
}
