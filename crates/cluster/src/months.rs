//! The partitions of the records: one for each month.

use audit_log::Month;
use tokio_postgres::Client;

use crate::records::{month_number, month_of_number, sequence_of};

/// The months that have a partition, oldest first.
///
/// # Errors
/// The error of the database.
pub(crate) async fn months(client: &Client) -> Result<Vec<Month>, tokio_postgres::Error> {
    let text = "select relname::text from pg_inherits join pg_class on pg_class.oid = inhrelid \
                where inhparent = 'ehealth.record'::regclass";
    let rows = client.query(text, &[]).await?;
    let month = |name: &str| month_of_number(name.strip_prefix("record_")?.parse().ok()?);
    let mut months: Vec<_> = rows.iter().filter_map(|row| month(row.get(0))).collect();
    months.sort_unstable();
    Ok(months)
}

/// First and last sequence of a node in each month that has any, oldest first.
///
/// # Errors
/// The error of the database.
pub(crate) async fn extents(client: &Client, node: i16) -> Result<Vec<Extent>, tokio_postgres::Error> {
    let text = "select min(sequence), max(sequence) from ehealth.record where month = $1 and node = $2";
    let statement = client.prepare(text).await?;
    let mut extents = Vec::new();
    for month in months(client).await? {
        let row = client.query_one(&statement, &[&month_number(month), &node]).await?;
        let (first, last): (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
        if let Some((first, last)) = first.zip(last) {
            extents.push(Extent { month, first: sequence_of(first), last: sequence_of(last) });
        }
    }
    Ok(extents)
}

/// What a node has in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) month: Month,
    pub(crate) first: u64,
    pub(crate) last: u64,
}
