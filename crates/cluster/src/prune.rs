//! Removes the months past retention from the database, once every node has pruned its own log.

use audit_log::Month;
use tokio_postgres::Client;

use crate::join::find_node;
use crate::months::{extents, months};
use crate::records::month_number;

/// What remains of a month, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrunedMonth {
    /// Its records were removed.
    Removed(Month),
    /// This node still has it in its own log, or has not said otherwise.
    KeptBy(Month, String),
}

/// Removes the records of the months before `past`. `firsts`: the first record of each node's own
/// log, as it says. A month stays while a node has a part of it.
///
/// # Errors
/// The error of the database.
pub async fn prune(
    client: &Client,
    past: Month,
    firsts: &[(String, Option<u64>)],
) -> Result<Vec<PrunedMonth>, tokio_postgres::Error> {
    let mut pruned = Vec::new();
    for month in months(client).await?.into_iter().filter(|month| *month < past) {
        let mut kept_by = None;
        for (name, first) in firsts {
            let Some(node) = find_node(client, name).await? else { continue };
            let extent = extents(client, node).await?.into_iter().find(|extent| extent.month == month);
            if extent.is_some_and(|extent| first.is_none_or(|first| first <= extent.last)) {
                kept_by.get_or_insert_with(|| name.clone());
            }
        }
        pruned.push(match kept_by {
            Some(name) => PrunedMonth::KeptBy(month, name),
            None => {
                client.execute("select ehealth.prune_month($1)", &[&month_number(month)]).await?;
                PrunedMonth::Removed(month)
            }
        });
    }
    Ok(pruned)
}

/// Texts of the policy files that records name.
///
/// # Errors
/// The error of the database.
pub async fn policy_texts(client: &Client) -> Result<Vec<Vec<u8>>, tokio_postgres::Error> {
    let rows = client.query("select text from ehealth.policy_text", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
