//! What a question looks up: the statements behind [`Directory`], and the check of every value that comes out.
//!
//! One statement for each question, prepared once a connection. Reads through a [`View`], which pins the state.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::StoreError;
use super::reader::View;
use ehealth_core::lookup::{Directory, DirectoryError};
use ehealth_core::model::{
    Affiliation, Dataset, DatasetState, DatasetStates, Date, EmploymentPeriod, EnterpriseNumber, Membership, Period,
    ServiceKind, Ssin, Timestamp,
};

/// The most numbers that one person may have had. The registers know of a handful; a chain or a family that is longer
/// would let a publisher's mistake keep a worker busy.
const FAMILY_MAX: usize = 1_000;

/// Room for the numbers of a person, as many as hardly anybody has.
const FAMILY_USUAL: usize = 4;

impl Directory for View<'_> {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        Dataset::ALL.into_iter().try_fold(DatasetStates::default(), |states, dataset| {
            if let Some(known) = self.known_state(dataset) {
                return Ok(states.with(dataset, known));
            }
            let found = self.look(dataset, |connection| {
                let mut select = connection.prepare_cached("SELECT serial, created FROM state")?;
                Ok(select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?)
            })?;
            let Some((serial, created)) = found else { return Ok(states) };
            let now = DatasetState { serial: serial.cast_unsigned(), created: Timestamp::from_millis(created) };
            self.keep_state(dataset, now);
            Ok(states.with(dataset, now))
        })
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        let family = self.look(Dataset::Persons, |connection| family(connection, ssin).map(Some))?;
        let Some(family) = family else {
            into.push(ssin);
            return Ok(ssin);
        };
        into.extend_from_slice(&family);
        // The family begins with its last number, and is never empty.
        Ok(family.first().copied().unwrap_or(ssin))
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        self.look(Dataset::Dimona, |connection| {
            each(connection, PERIODS, ssin.as_u64(), |employer, period| {
                into.push(EmploymentPeriod { employer, period });
            })
        })
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        self.look(dataset_of(kind), |connection| {
            let select = "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1";
            each(connection, select, employer.as_u64(), |service, period| into.push(Affiliation { service, period }))
        })
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        self.look(Dataset::Insurance, |connection| {
            each(connection, MEMBERSHIPS, ssin.as_u64(), |fund, period| into.push(Membership { fund, period }))
        })
    }

    fn affiliations_to(
        &mut self,
        service: EnterpriseNumber,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        self.look(dataset_of(kind), |connection| {
            let select = "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1 AND service = ?2";
            let keys = [employer.as_u64(), service.as_u64()];
            each_of(connection, select, keys, usize::MAX, |service, period| {
                into.push(Affiliation { service, period });
            })?;
            Ok(())
        })
    }

    fn neighbouring_periods(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<EmploymentPeriod>,
    ) -> Result<(), DirectoryError> {
        self.look(Dataset::Dimona, |connection| {
            let select = "SELECT employer, begin_day, end_day FROM period WHERE ssin BETWEEN ?1 AND ?2";
            each_behind(connection, select, ssin, rows, |employer, period| {
                into.push(EmploymentPeriod { employer, period });
            })
        })
    }

    fn neighbouring_memberships(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<Membership>,
    ) -> Result<(), DirectoryError> {
        self.look(Dataset::Insurance, |connection| {
            let select = "SELECT fund, begin_day, end_day FROM membership WHERE ssin BETWEEN ?1 AND ?2";
            each_behind(connection, select, ssin, rows, |fund, period| into.push(Membership { fund, period }))
        })
    }

    fn look_up_unknown(&mut self, dataset: Dataset, times: usize) -> Result<(), DirectoryError> {
        let select = match dataset {
            Dataset::Dimona => PERIODS,
            Dataset::Insurance => MEMBERSHIPS,
            Dataset::Persons => NEIGHBOURS,
            Dataset::Coprev | Dataset::Federated => return Ok(()),
        };
        self.look(dataset, |connection| {
            let mut nobody = connection.prepare_cached(select)?;
            for _ in 0..times {
                nobody.query([NOBODY])?.next()?;
            }
            if dataset == Dataset::Persons {
                let mut others = connection.prepare_cached("SELECT ssin FROM person WHERE replaced_by > ?1")?;
                let mut rows = others.query([NOBODY])?;
                for _ in 0..times {
                    let Some(row) = rows.next()? else { break };
                    number(row.get(0)?)?;
                }
            }
            Ok(())
        })
    }
}

/// Where affiliations to services of this kind are.
fn dataset_of(kind: ServiceKind) -> Dataset {
    match kind {
        ServiceKind::External => Dataset::Coprev,
        ServiceKind::Internal => Dataset::Federated,
    }
}

/// Reads the next so many rows behind the person's place: to the end, then from the beginning.
fn each_behind(
    connection: &Connection,
    select: &str,
    ssin: Ssin,
    rows: usize,
    mut take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    let mut left = rows;
    for range in [[ssin.as_u64() + 1, i64::MAX.cast_unsigned()], [0, ssin.as_u64()]] {
        each_of(connection, select, range, left, |organisation, period| {
            left -= 1;
            take(organisation, period);
        })?;
    }
    Ok(())
}

/// Reads the rows of one owner.
fn each(
    connection: &Connection,
    select: &str,
    owner: u64,
    take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    each_of(connection, select, [owner], usize::MAX, take)
}

/// Reads rows of an organisation and a period, `most` of them, and checks them.
fn each_of<const N: usize>(
    connection: &Connection,
    select: &str,
    keys: [u64; N],
    most: usize,
    mut take: impl FnMut(EnterpriseNumber, Period),
) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(rusqlite::params_from_iter(keys.map(u64::cast_signed)))?;
    for _ in 0..most {
        let Some(row) = rows.next()? else { break };
        let organisation: i64 = row.get(0)?;
        let organisation = EnterpriseNumber::from_u64(organisation.cast_unsigned()).map_err(|_| StoreError::Value)?;
        let day = |days: i64| Date::from_days(days).map_err(|_| StoreError::Value);
        let end = row.get::<_, Option<i64>>(2)?.map(day).transpose()?;
        take(organisation, Period::from_days(day(row.get(1)?)?, end).map_err(|_| StoreError::Value)?);
    }
    Ok(())
}

/// What is filed under a number.
const PERIODS: &str = "SELECT employer, begin_day, end_day FROM period WHERE ssin = ?1";
const MEMBERSHIPS: &str = "SELECT fund, begin_day, end_day FROM membership WHERE ssin = ?1";

/// The number that replaced one, which comes with 1, and the numbers that it replaced, which come with 0. Looked for among
/// those that were ever replaced, which are few, not among all.
const NEIGHBOURS: &str = "SELECT replaced_by, 1 FROM person INDEXED BY person_by_replaced
                          WHERE ssin = ?1 AND replaced_by IS NOT NULL
                          UNION ALL SELECT ssin, 0 FROM person WHERE replaced_by = ?1";

/// No person's number, and none that replaced another.
const NOBODY: i64 = 0;

fn number(value: i64) -> Result<Ssin, StoreError> {
    Ssin::from_u64(value.cast_unsigned()).map_err(|_| StoreError::Value)
}

/// All numbers of a person, the last one first.
fn family(connection: &Connection, ssin: Ssin) -> Result<Vec<Ssin>, StoreError> {
    let mut select = connection.prepare_cached(NEIGHBOURS)?;
    let mut family = Vec::with_capacity(FAMILY_USUAL);
    let mut last = ssin;
    for step in 0.. {
        if step == FAMILY_MAX {
            return Err(StoreError::Cycle);
        }
        family.clear();
        family.push(last);
        match neighbours(&mut select, last, &mut family)? {
            Some(next) => last = next,
            None => break,
        }
    }
    // The last one, and whom it replaced: now whom they replaced.
    let mut seen = 1;
    while let Some(next) = family.get(seen).copied() {
        seen += 1;
        neighbours(&mut select, next, &mut family)?;
    }
    Ok(family)
}

/// The number that replaced this one; `into` takes those that it replaced.
fn neighbours(select: &mut Statement<'_>, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Option<Ssin>, StoreError> {
    let mut successor = None;
    let mut rows = select.query([ssin.as_u64().cast_signed()])?;
    while let Some(row) = rows.next()? {
        let neighbour = number(row.get(0)?)?;
        if row.get(1)? {
            successor = Some(neighbour);
        } else if into.len() == FAMILY_MAX {
            return Err(StoreError::Cycle);
        } else {
            into.push(neighbour);
        }
    }
    Ok(successor)
}
