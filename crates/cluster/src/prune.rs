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
    let mut owned = Vec::new();
    for (name, first) in firsts {
        let Some(node) = find_node(client, name).await? else { continue };
        owned.push((name, first, extents(client, node).await?));
    }
    let mut pruned = Vec::new();
    for month in months(client).await?.into_iter().filter(|month| *month < past) {
        let kept_by = owned.iter().find(|(_, first, extents)| {
            let mut of_month = extents.iter().filter(|extent| extent.month == month);
            of_month.any(|extent| first.is_none_or(|first| first <= extent.last))
        });
        pruned.push(match kept_by {
            Some((name, ..)) => PrunedMonth::KeptBy(month, (*name).clone()),
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
