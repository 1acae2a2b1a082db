//! Reads the newest sums of a month from the database, and checks that the node made them.

use audit_log::{Month, SubjectKey};
use tokio_postgres::Client;

use crate::person_index::{Slots, parse};
use crate::records::{month_number, sequence_of};

/// The row of the newest sums of a month has not the code of the node's key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangedSums;

/// The newest sums of a month in the database, and the sequence before which they were made; the
/// outer `None` if there are none yet.
///
/// # Errors
/// The error of the database.
pub(crate) async fn newest_sums(
    client: &Client,
    (node, name): (i16, &str),
    month: Month,
    key: &SubjectKey,
) -> Result<Option<Result<(u64, Slots), ChangedSums>>, tokio_postgres::Error> {
    let text =
        "select until, sums, code from ehealth.person_index where node = $1 and month = $2 order by until desc limit 1";
    let row = client.query_opt(text, &[&node, &month_number(month)]).await?;
    Ok(row.map(|row| {
        let (until, sums, code) = (sequence_of(row.get(0)), row.get::<_, &[u8]>(1), row.get::<_, &[u8]>(2));
        let is_own = key.sums_code(name, month, until, sums)[..] == *code;
        parse(sums).filter(|_| is_own).map(|slots| (until, slots)).ok_or(ChangedSums)
    }))
}
