//! SQL statements that write the tables of each dataset. Values are bound, never written into the
//! SQL text.

use rusqlite::{CachedStatement, Connection, Statement};

use super::error::StoreError;
use super::row::{Packed, day};
use ehealth_core::model::Dataset;

/// The statements of one dataset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statements {
    /// Inserts or replaces a row.
    pub put: &'static str,
    /// Inserts a row that does not exist, which saves a look-up.
    pub fill: &'static str,
    /// Deletes a row by owner and id (or begin).
    pub delete: &'static str,
    /// Finds the owner of a key's row: by the id where an id is the whole key, otherwise by owner
    /// and second key column.
    pub find: &'static str,
    /// Statements of the owner table, where an id is the whole key.
    pub owners: Option<Owners>,
}

/// Statements of the table that leads from an id to its owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owners {
    /// Inserts or replaces an id's owner.
    pub put: &'static str,
    /// Inserts the owner of an id that has none.
    pub fill: &'static str,
    /// Deletes an id.
    pub delete: &'static str,
}

impl Statements {
    pub fn of(dataset: Dataset) -> Self {
        match dataset {
            Dataset::Dimona => Self {
                put: "INSERT OR REPLACE INTO period (ssin, period_id, employer, begin_day, end_day)
                      VALUES (?1, ?2, ?3, ?4, ?5)",
                fill: "INSERT INTO period (ssin, period_id, employer, begin_day, end_day)
                      VALUES (?1, ?2, ?3, ?4, ?5)",
                delete: "DELETE FROM period WHERE ssin = ?1 AND period_id = ?2",
                find: "SELECT ssin FROM period_owner WHERE period_id = ?1",
                owners: Some(Owners {
                    put: "INSERT OR REPLACE INTO period_owner (period_id, ssin) VALUES (?1, ?2)",
                    fill: "INSERT INTO period_owner (period_id, ssin) VALUES (?1, ?2)",
                    delete: "DELETE FROM period_owner WHERE period_id = ?1",
                }),
            },
            Dataset::Coprev | Dataset::Federated => Self {
                put: "INSERT OR REPLACE INTO affiliation (employer, affiliation_id, service, begin_day, end_day)
                      VALUES (?1, ?2, ?3, ?4, ?5)",
                fill: "INSERT INTO affiliation (employer, affiliation_id, service, begin_day, end_day)
                      VALUES (?1, ?2, ?3, ?4, ?5)",
                delete: "DELETE FROM affiliation WHERE employer = ?1 AND affiliation_id = ?2",
                find: "SELECT employer FROM affiliation_owner WHERE affiliation_id = ?1",
                owners: Some(Owners {
                    put: "INSERT OR REPLACE INTO affiliation_owner (affiliation_id, employer) VALUES (?1, ?2)",
                    fill: "INSERT INTO affiliation_owner (affiliation_id, employer) VALUES (?1, ?2)",
                    delete: "DELETE FROM affiliation_owner WHERE affiliation_id = ?1",
                }),
            },
            Dataset::Insurance => Self {
                put: "INSERT OR REPLACE INTO membership (ssin, begin_day, fund, end_day) VALUES (?1, ?2, ?3, ?4)",
                fill: "INSERT INTO membership (ssin, begin_day, fund, end_day) VALUES (?1, ?2, ?3, ?4)",
                delete: "DELETE FROM membership WHERE ssin = ?1 AND begin_day = ?2",
                find: "SELECT ssin FROM membership WHERE ssin = ?1 AND begin_day = ?2",
                owners: None,
            },
            Dataset::Persons => Self {
                put: "INSERT OR REPLACE INTO person (ssin, replaced_by) VALUES (?1, ?2)",
                fill: "INSERT INTO person (ssin, replaced_by) VALUES (?1, ?2)",
                delete: "DELETE FROM person WHERE ssin = ?1",
                find: "SELECT ssin FROM person WHERE ssin = ?1",
                owners: None,
            },
        }
    }
}

/// Executes [`Statements::put`] or [`Statements::fill`].
pub(super) fn put_row(put: &mut Statement<'_>, dataset: Dataset, row: Packed) -> Result<(), StoreError> {
    let owner = row.owner.cast_signed();
    let value = row.value.cast_signed();
    match dataset {
        Dataset::Dimona | Dataset::Coprev | Dataset::Federated => {
            put.execute((owner, row.id.cast_signed(), value, row.begin_day(), row.end_day()))?
        }
        Dataset::Insurance => put.execute((owner, row.begin_day(), value, row.end_day()))?,
        Dataset::Persons => put.execute((owner, (value != 0).then_some(value)))?,
    };
    Ok(())
}

/// Executes [`Statements::delete`]; returns the number of deleted rows, 0 or 1.
pub(super) fn delete_row(
    delete: &mut Statement<'_>,
    dataset: Dataset,
    owner: u64,
    id: u64,
) -> Result<usize, StoreError> {
    let owner = owner.cast_signed();
    Ok(match dataset {
        Dataset::Dimona | Dataset::Coprev | Dataset::Federated => delete.execute((owner, id.cast_signed()))?,
        Dataset::Insurance => delete.execute((owner, day(id)))?,
        Dataset::Persons => delete.execute((owner,))?,
    })
}

/// Executes [`Statements::find`].
pub(super) fn find_owner(
    find: &mut Statement<'_>,
    dataset: Dataset,
    key_owner: u64,
    id: u64,
) -> Result<Option<u64>, StoreError> {
    let mut rows = match dataset {
        Dataset::Dimona | Dataset::Coprev | Dataset::Federated => find.query((id.cast_signed(),))?,
        Dataset::Insurance => find.query((key_owner.cast_signed(), day(id)))?,
        Dataset::Persons => find.query((key_owner.cast_signed(),))?,
    };
    let found = rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()?;
    Ok(found.map(i64::cast_unsigned))
}

/// Statement that remembers a rejected key.
pub(super) fn put_rejected(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("INSERT OR IGNORE INTO rejected_key (owner, id) VALUES (?1, ?2)")
}
