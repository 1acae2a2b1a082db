//! The look-ups of [`Directory`]: one SQL statement for each, and the check of every value that
//! they return.
//!
//! Statements are prepared once for each connection. A [`View`] pins the state that they read.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::error::StoreError;
use super::reader::View;
use ehealth_core::lookup::{Directory, DirectoryError};
use ehealth_core::model::{
    Affiliation, Dataset, DatasetState, DatasetStates, Date, EmploymentPeriod, EnterpriseNumber, Membership, Period,
    ServiceKind, Ssin, Timestamp,
};

/// Maximum SSINs of one person. The registers know a handful; a longer chain or family would let an
/// error of a publisher keep a worker busy.
const FAMILY_MAX: usize = 1_000;

/// Initial capacity for the SSINs of a person; hardly any person has more.
const FAMILY_USUAL: usize = 4;

impl Directory for View<'_> {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        Dataset::ALL.into_iter().try_fold(DatasetStates::default(), |states, dataset| {
            if let Some(known) = self.known_state(dataset) {
                return Ok(states.with(dataset, known));
            }
            let found = self.look_up(dataset, |connection| {
                let mut select = connection.prepare_cached("SELECT serial, created FROM state")?;
                Ok(select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?)
            })?;
            let Some((serial, created)) = found else { return Ok(states) };
            let now = DatasetState { serial: serial.cast_unsigned(), created: Timestamp::from_millis(created) };
            self.remember_state(dataset, now);
            Ok(states.with(dataset, now))
        })
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        let family = self.look_up(Dataset::Persons, |connection| family(connection, ssin).map(Some))?;
        let Some(family) = family else {
            into.push(ssin);
            return Ok(ssin);
        };
        into.extend_from_slice(&family);
        // The family starts with its current SSIN, and is never empty.
        Ok(family.first().copied().unwrap_or(ssin))
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        self.look_up(Dataset::Dimona, |connection| {
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
        self.look_up(dataset_of(kind), |connection| {
            let select = "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1";
            each(connection, select, employer.as_u64(), |service, period| into.push(Affiliation { service, period }))
        })
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        self.look_up(Dataset::Insurance, |connection| {
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
        self.look_up(dataset_of(kind), |connection| {
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
        self.look_up(Dataset::Dimona, |connection| {
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
        self.look_up(Dataset::Insurance, |connection| {
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
        self.look_up(dataset, |connection| {
            let mut statement = connection.prepare_cached(select)?;
            for _ in 0..times {
                statement.query([NOT_AN_SSIN])?.next()?;
            }
            if dataset == Dataset::Persons {
                let mut others = connection.prepare_cached("SELECT ssin FROM person WHERE replaced_by > ?1")?;
                let mut rows = others.query([NOT_AN_SSIN])?;
                for _ in 0..times {
                    let Some(row) = rows.next()? else { break };
                    number(row.get(0)?)?;
                }
            }
            Ok(())
        })
    }
}

/// Dataset with the affiliations to services of this kind.
fn dataset_of(kind: ServiceKind) -> Dataset {
    match kind {
        ServiceKind::External => Dataset::Coprev,
        ServiceKind::Internal => Dataset::Federated,
    }
}

/// Reads the `rows` rows that follow the person in the table, from its beginning again after its
/// end.
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

/// Reads at most `most` rows of an organisation and a period, and checks them.
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

/// Rows of one SSIN.
const PERIODS: &str = "SELECT employer, begin_day, end_day FROM period WHERE ssin = ?1";
const MEMBERSHIPS: &str = "SELECT fund, begin_day, end_day FROM membership WHERE ssin = ?1";

/// The SSIN that replaced one, with 1, and the SSINs that it replaced, with 0. The indices contain
/// only SSINs that were ever replaced, which are few.
const NEIGHBOURS: &str = "SELECT replaced_by, 1 FROM person INDEXED BY person_by_replaced
                          WHERE ssin = ?1 AND replaced_by IS NOT NULL
                          UNION ALL SELECT ssin, 0 FROM person WHERE replaced_by = ?1";

/// Not an SSIN: no row has it, and it replaced no other.
const NOT_AN_SSIN: i64 = 0;

fn number(value: i64) -> Result<Ssin, StoreError> {
    Ssin::from_u64(value.cast_unsigned()).map_err(|_| StoreError::Value)
}

/// All SSINs of a person, the current one first.
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
    // So far the current SSIN and those that it replaced; now those that they replaced.
    let mut seen = 1;
    while let Some(next) = family.get(seen).copied() {
        seen += 1;
        neighbours(&mut select, next, &mut family)?;
    }
    Ok(family)
}

/// Returns the SSIN that replaced this one, and appends those that it replaced to `into`.
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
