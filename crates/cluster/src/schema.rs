//! The schema of the database: migrations in order, forward only.

use tokio_postgres::Client;

/// A step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Number, from 1.
    pub number: i32,
    /// Name of its file.
    pub name: &'static str,
    sql: &'static str,
}

/// All steps that this program knows, in order.
pub const MIGRATIONS: [Migration; 2] = [
    Migration { number: 1, name: "0001_records.sql", sql: include_str!("../migrations/0001_records.sql") },
    Migration { number: 2, name: "0002_quota.sql", sql: include_str!("../migrations/0002_quota.sql") },
];

/// Version of the schema that this program needs.
pub const VERSION: i32 = 2;

/// Reason why the schema was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer program migrated it.
    #[error("the schema has version {0}, and this program knows version {VERSION}: use the newer program")]
    Newer(i32),
    /// The roles to which it grants rights do not exist.
    #[error("the role {0} does not exist: run deploy/cluster/roles.sql as a superuser first")]
    NoRole(String),
    /// The database refused.
    #[error("{}", crate::connect::describe(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// Version of the schema; `None` without one.
///
/// # Errors
/// The error of the database.
pub async fn version(client: &Client) -> Result<Option<i32>, tokio_postgres::Error> {
    let exists = client.query_one("select to_regclass('ehealth.migration') is not null", &[]).await?;
    if !exists.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client.query_one("select coalesce(max(number), 0) from ehealth.migration", &[]).await?;
    Ok(Some(row.get(0)))
}

/// Brings the schema to the version of this program, each step in a transaction of its own. Returns
/// the steps that were made. Several programs may call it at once.
///
/// # Errors
/// [`MigrateError`].
pub async fn migrate(client: &mut Client) -> Result<Vec<Migration>, MigrateError> {
    for role in ["ehealth_node", "ehealth_prune", "ehealth_auditor"] {
        let known = client.query_opt("select 1 from pg_roles where rolname = $1", &[&role]).await?;
        if known.is_none() {
            return Err(MigrateError::NoRole(role.to_owned()));
        }
    }
    let mut made = Vec::new();
    for migration in MIGRATIONS {
        let transaction = client.transaction().await?;
        transaction
            .batch_execute(
                "select pg_advisory_xact_lock(hashtext('ehealth.migrate')); \
                 create schema if not exists ehealth; \
                 create table if not exists ehealth.migration (\
                     number integer primary key, name text not null, made timestamptz not null default now())",
            )
            .await?;
        let row = transaction.query_one("select coalesce(max(number), 0) from ehealth.migration", &[]).await?;
        let version: i32 = row.get(0);
        if version > VERSION {
            return Err(MigrateError::Newer(version));
        }
        if version >= migration.number {
            continue;
        }
        transaction.batch_execute(migration.sql).await?;
        let insert = "insert into ehealth.migration (number, name) values ($1, $2)";
        transaction.execute(insert, &[&migration.number, &migration.name]).await?;
        transaction
            .batch_execute("grant select on ehealth.migration to ehealth_node, ehealth_prune, ehealth_auditor")
            .await?;
        transaction.commit().await?;
        made.push(migration);
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_numbered_in_order() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.number, number);
            assert!(migration.name.starts_with(&format!("{number:04}_")), "{}", migration.name);
        }
        assert_eq!(MIGRATIONS.last().map(|last| last.number), Some(VERSION));
    }
}
