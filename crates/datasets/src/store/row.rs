//! The stored rows, and their packed form: integers for sorting and binding.

use super::error::StoreError;
use ehealth_core::model::{Dataset, Date, EnterpriseNumber, Period, Ssin};

/// One stored record: the values that the rules read, and the publisher's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// Employment period of `dimona`.
    Period {
        /// Publisher's key, below 10^18.
        period_id: u64,
        /// The employee.
        ssin: Ssin,
        /// The employer.
        employer: EnterpriseNumber,
        /// First and last day.
        period: Period,
    },
    /// Affiliation of `coprev` or `federated`.
    Affiliation {
        /// Publisher's key, below 10^18.
        affiliation_id: u64,
        /// The affiliated employer.
        employer: EnterpriseNumber,
        /// The prevention service.
        service: EnterpriseNumber,
        /// First and last day.
        period: Period,
    },
    /// Membership of `insurance`; the key is SSIN and begin.
    Membership {
        /// The insured person.
        ssin: Ssin,
        /// The health-insurance fund.
        fund: EnterpriseNumber,
        /// First and last day.
        period: Period,
    },
    /// Person of `persons`; the key is the SSIN.
    Person {
        /// The SSIN.
        ssin: Ssin,
        /// The SSIN that replaced it; never itself.
        replaced_by: Option<Ssin>,
    },
}

/// Publisher's key of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// `period_id` of `dimona`, below 10^18.
    Period(u64),
    /// `affiliation_id` of `coprev` or `federated`, below 10^18.
    Affiliation(u64),
    /// SSIN and begin of `insurance`.
    Membership(Ssin, Date),
    /// SSIN of `persons`.
    Person(Ssin),
}

/// How a dataset's rows are found by their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keying {
    /// By an id, through the table that leads from an id to the row's owner.
    ById,
    /// By the row's owner, directly.
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

/// A row as five integers. Their order is that of the dataset's table, then that of the source
/// file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    /// First key column of the table: SSIN or employer.
    pub owner: u64,
    /// Second key column: id, begin (days since 0001-01-01), or 0.
    pub id: u64,
    /// Line in the source file.
    pub line: u64,
    /// Employer, service, fund or successor; 0 for no successor (0 is not an SSIN).
    pub value: u64,
    /// Begin in the upper half, end in the lower half, in days since 0001-01-01. An open end has
    /// all bits set.
    pub days: u64,
}

const OPEN: u32 = u32::MAX;

impl Packed {
    /// In place of a value: the record with this key was rejected, or is to be removed.
    pub const REJECTED: u64 = u64::MAX;

    /// Value of a person without a successor: 0 is not an SSIN.
    pub const NO_SUCCESSOR: u64 = 0;

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
            Row::Person { ssin, replaced_by } => Self {
                owner: ssin.as_u64(),
                id: 0,
                line,
                value: replaced_by.map_or(Self::NO_SUCCESSOR, Ssin::as_u64),
                days: 0,
            },
        }
    }

    /// Entry of a rejected record with a readable key.
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
                replaced_by: if self.value == Self::NO_SUCCESSOR { None } else { Some(ssin(self.value)?) },
            },
        })
    }

    /// First day as stored in the tables.
    pub fn begin_day(self) -> i64 {
        day(self.days >> 32)
    }

    /// Last day as stored in the tables; `None` if open.
    pub fn end_day(self) -> Option<i64> {
        let end = self.days & u64::from(OPEN);
        (end != u64::from(OPEN)).then(|| day(end))
    }
}

impl Row {
    /// Whether the dataset has rows of this kind.
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
    /// Owner and id as in [`Packed`]. For an id the owner is unknown, and 0 here.
    pub(super) fn parts(self) -> (u64, u64) {
        match self {
            Self::Period(id) | Self::Affiliation(id) => (0, id),
            Self::Membership(ssin, begin) => (ssin.as_u64(), u64::from(offset(begin))),
            Self::Person(ssin) => (ssin.as_u64(), 0),
        }
    }

    /// Whether the dataset has keys of this kind.
    pub(super) fn belongs_to(self, dataset: Dataset) -> bool {
        match self {
            Self::Period(_) => dataset == Dataset::Dimona,
            Self::Affiliation(_) => matches!(dataset, Dataset::Coprev | Dataset::Federated),
            Self::Membership(..) => dataset == Dataset::Insurance,
            Self::Person(_) => dataset == Dataset::Persons,
        }
    }
}

/// Day of an id of [`Keying::ByOwner`], as stored in the tables.
pub(super) fn day(offset: u64) -> i64 {
    offset.cast_signed() + i64::from(Date::MIN.as_days())
}

fn offset(date: Date) -> u32 {
    // Never negative: no date is before the first one.
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
    fn a_packed_row_unpacks_to_the_same_row() {
        let ssin = Ssin::parse("85073099932").expect("a valid identifier");
        let employer = EnterpriseNumber::parse("0202239951").expect("a valid identifier");
        for end in [None, Some(Date::MAX)] {
            let period = Period::from_days(Date::MIN, end).expect("not reversed");
            for (dataset, row) in [
                (Dataset::Dimona, Row::Period { period_id: 7, ssin, employer, period }),
                (Dataset::Federated, Row::Affiliation { affiliation_id: 7, employer, service: employer, period }),
                (Dataset::Insurance, Row::Membership { ssin, fund: employer, period }),
                (Dataset::Persons, Row::Person { ssin, replaced_by: end.map(|_| ssin) }),
            ] {
                let packed = Packed::from_array(Packed::new(row, 3).as_array());
                assert_eq!(packed.row(dataset).expect("a valid row"), row);
                assert!(row.belongs_to(dataset));
                if dataset != Dataset::Persons {
                    assert_eq!(packed.begin_day(), i64::from(Date::MIN.as_days()));
                    assert_eq!(packed.end_day(), end.map(|end| i64::from(end.as_days())));
                }
            }
        }
    }
}
