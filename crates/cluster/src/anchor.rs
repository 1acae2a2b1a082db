//! Checkpoints that prove a node's records.

use audit_log::KeyFolder;
use tokio_postgres::Client;

use crate::adopt::newest_checkpoint;

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
    let mut lines = note.lines().skip(1);
    let size = lines.next()?.parse().ok()?;
    let root = lines.next()?.to_owned();
    Some(Anchor { size, root, note })
}
