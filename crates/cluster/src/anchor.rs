//! Checkpoints that prove a node's records.

use audit_log::{KeyFolder, checkpoint_size};
use tokio_postgres::Client;

/// A checkpoint that the node's key signed.
pub(crate) struct Anchor {
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) note: String,
}

/// The newest checkpoint of a node in the database, if the node's key signed it.
pub(crate) async fn anchor(
    client: &Client,
    node: i16,
    keys: &KeyFolder,
    origin: &str,
) -> Result<Option<Anchor>, tokio_postgres::Error> {
    let Some(note) = newest_checkpoint(client, node).await? else { return Ok(None) };
    let is_signed = keys.has_signed(origin, &note).unwrap_or(false);
    Ok(parse(note).filter(|_| is_signed))
}

/// Parses the text of a checkpoint.
pub(crate) fn parse(note: String) -> Option<Anchor> {
    let size = checkpoint_size(&note)?;
    let root = note.lines().nth(2)?.to_owned();
    Some(Anchor { size, root, note })
}

/// The newest checkpoint of a node in the database.
///
/// # Errors
/// The error of the database.
pub(crate) async fn newest_checkpoint(client: &Client, node: i16) -> Result<Option<String>, tokio_postgres::Error> {
    let text = "select note from ehealth.checkpoint where node = $1 order by size desc limit 1";
    Ok(client.query_opt(text, &[&node]).await?.map(|row| row.get(0)))
}
