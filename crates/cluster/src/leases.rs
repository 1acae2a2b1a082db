//! Leases of quotas: the rows that all nodes share, one transaction for all consumers of a request.
//!
//! The arithmetic, and why the sum over all nodes never exceeds a quota, is in
//! `ehealth_core::policy`. Here rows are locked, read, and written back. Two round trips: the first
//! begins the transaction and locks the rows in the order of the consumers, so that two nodes never
//! wait for each other; the second writes and commits. The time is the database's. It is read before
//! or while the transaction waits for a lock, never later, and after the request was sent.
//!
//! A commit that did not reach the standby can be lost with the primary: use a session that waits
//! for it.

use std::collections::BTreeMap;
use std::time::Duration;

use ehealth_core::policy::{GuardTotals, Lease, LeaseRequest, SharedCounts, exchange};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

const SELECT: &str = "select consumer, floor(extract(epoch from clock_timestamp()) * 1000)::bigint, \
    at, minute, day, points, decayed, empties \
    from ehealth.quota where consumer = any($1) order by consumer for update";

const INSERT: &str = "insert into ehealth.quota (consumer) select unnest($1::text[]) order by 1 on conflict do nothing";

/// The counts of a row are a text that the server parses: an array of arrays cannot be unnested by
/// rows. With slices of one long array, three clients had 194 exchanges per second of 100 rows, and
/// 4 of 1 000.
const UPDATE: &str = "update ehealth.quota set at = new.at, points = new.points, decayed = new.decayed, \
    minute = new.minute::integer[], day = new.day::integer[], empties = new.empties::integer[] \
    from unnest($1::text[], $2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::text[]) \
    as new (consumer, at, points, decayed, minute, day, empties) \
    where quota.consumer = new.consumer";

/// The statements of an exchange, prepared for one connection.
pub struct LeaseExchange {
    select: Statement,
    insert: Statement,
    update: Statement,
}

/// Columns of the rows to write.
#[derive(Default)]
struct Columns {
    consumers: Vec<String>,
    at: Vec<i64>,
    points: Vec<i32>,
    decayed: Vec<i64>,
    minute: Vec<String>,
    day: Vec<String>,
    empties: Vec<String>,
}

impl LeaseExchange {
    /// Prepares the statements.
    ///
    /// # Errors
    /// The error of the database.
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        let update = [
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::TEXT_ARRAY,
            Type::TEXT_ARRAY,
        ];
        let (select, insert, update) = tokio::try_join!(
            client.prepare_typed(SELECT, &[Type::TEXT_ARRAY]),
            client.prepare_typed(INSERT, &[Type::TEXT_ARRAY]),
            client.prepare_typed(UPDATE, &update),
        )?;
        Ok(Self { select, insert, update })
    }

    /// Applies the requests in one transaction, and returns a lease for each, in their order. Use
    /// the leases only if this succeeds.
    ///
    /// After an error, or if the future is dropped before it ends, the connection may be inside a
    /// transaction, and the outcome is unknown: drop the connection.
    ///
    /// # Errors
    /// The error of the database.
    pub async fn exchange(&self, client: &mut Client, requests: &[LeaseRequest]) -> Result<Vec<Lease>, Error> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let consumers: Vec<&str> = requests.iter().map(|request| request.consumer.as_str()).collect();
        let mut rows = self.lock(client, &consumers).await?;
        if consumers.iter().any(|consumer| !rows.contains_key(*consumer)) {
            // In a transaction of its own: one that holds locks does not wait for another's insert.
            client.batch_execute("rollback").await?;
            client.execute(&self.insert, &[&consumers]).await?;
            rows = self.lock(client, &consumers).await?;
        }
        let apply = |request: &LeaseRequest| {
            let (shared, clock) = rows.entry(request.consumer.clone()).or_default();
            exchange(shared, request, *clock)
        };
        let leases = requests.iter().map(apply).collect();
        let columns = Columns::of(&rows);
        // If the update fails, the commit rolls back.
        tokio::try_join!(self.write(client, &columns), client.batch_execute("commit"))?;
        Ok(leases)
    }

    /// Begins a transaction and locks the rows. Returns each with the database's time.
    async fn lock(
        &self,
        client: &Client,
        consumers: &[&str],
    ) -> Result<BTreeMap<String, (SharedCounts, Duration)>, Error> {
        let parameters: [&(dyn ToSql + Sync); 1] = [&consumers];
        let query = client.query(&self.select, &parameters);
        let ((), rows) = tokio::try_join!(client.batch_execute("begin"), query)?;
        rows.iter().map(read).collect()
    }

    async fn write(&self, client: &Client, columns: &Columns) -> Result<u64, Error> {
        let Columns { consumers, at, points, decayed, minute, day, empties } = columns;
        client.execute(&self.update, &[consumers, at, points, decayed, minute, day, empties]).await
    }
}

impl Columns {
    fn of(rows: &BTreeMap<String, (SharedCounts, Duration)>) -> Self {
        let mut columns = Self::default();
        for (consumer, (shared, _)) in rows {
            columns.consumers.push(consumer.clone());
            columns.at.push(db_millis(shared.at));
            columns.points.push(db_count(shared.guard.points));
            columns.decayed.push(db_millis(shared.decayed));
            columns.minute.push(array_text(&shared.minute));
            columns.day.push(array_text(&shared.day));
            columns.empties.push(array_text(&shared.guard.empties));
        }
        columns
    }
}

fn read(row: &Row) -> Result<(String, (SharedCounts, Duration)), Error> {
    let points: i32 = row.try_get(5)?;
    let shared = SharedCounts {
        at: time_of(row.try_get(2)?),
        minute: counts_of(&row.try_get::<_, Vec<i32>>(3)?),
        day: counts_of(&row.try_get::<_, Vec<i32>>(4)?),
        guard: GuardTotals { points: count_of(points), empties: counts_of(&row.try_get::<_, Vec<i32>>(7)?) },
        decayed: time_of(row.try_get(6)?),
    };
    Ok((row.try_get(0)?, (shared, time_of(row.try_get(1)?))))
}

/// The counts of an array, which is empty if there are none.
fn counts_of<const N: usize>(array: &[i32]) -> [u32; N] {
    let mut counts = [0; N];
    counts.iter_mut().zip(array).for_each(|(into, count)| *into = count_of(*count));
    counts
}

/// The text of an array, as PostgreSQL reads it.
fn array_text(counts: &[u32]) -> String {
    let counts: Vec<_> = counts.iter().map(|count| db_count(*count).to_string()).collect();
    format!("{{{}}}", counts.join(","))
}

fn count_of(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn db_count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn time_of(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn db_millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use ehealth_core::policy::{EMPTY_SLOTS, HOURS, MINUTE_SLOTS};

    use super::*;

    #[test]
    fn the_table_has_the_lengths_of_the_counts() {
        let table = include_str!("../migrations/0002_quota.sql");
        for (name, length) in [("minute", MINUTE_SLOTS), ("day", HOURS), ("empties", EMPTY_SLOTS)] {
            assert!(table.contains(&format!("cardinality({name}) in (0, {length})")), "{name}");
        }
    }

    #[test]
    fn an_empty_array_has_no_counts_and_a_negative_one_counts_nothing() {
        assert_eq!(counts_of::<3>(&[]), [0; 3]);
        assert_eq!(counts_of::<3>(&[1, -1, 3]), [1, 0, 3]);
        assert_eq!(array_text(&[1, 0, u32::MAX]), "{1,0,2147483647}");
    }
}
