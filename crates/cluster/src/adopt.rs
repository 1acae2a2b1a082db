//! Brings the own audit log up to the database: after a crash of the machine the database may have
//! records that the own disk lost, and after the loss of the disk it has all of them.

use std::path::Path;

use audit_log::replication::{FrameRow, Rebuild, RebuildError};
use audit_log::{KeyFolder, checkpoint_size};
use tokio_postgres::Client;

use crate::anchor::newest_checkpoint;
use crate::join::find_node;
use crate::months::extents;
use crate::records::{db_number, month_number, sequence_of};

/// Rows that are read at once.
const ROWS: i64 = 4_096;

/// Reason why the own log cannot be brought up to the database.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The database failed.
    #[error("{}", crate::connect::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// The database does not know the node.
    #[error("the database has no node \"{0}\"")]
    NoNode(String),
    /// A record lacks the code that only a node with the keys can make.
    #[error("record {0} in the database was changed or added there: its code is not that of this node's key")]
    Forged(u64),
    /// The segments cannot be written.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] audit_log::KeyError),
}

/// What was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Records that the own log had.
    pub before: u64,
    /// Records that it has now.
    pub after: u64,
    /// Root of the tree of all records, as a checkpoint has it.
    pub root: String,
}

/// Appends the records to the own log that only the database has. `keys`: checks that this node
/// wrote them; without keys only the frames are checked. `kept`: a checkpoint that was kept elsewhere; an
/// empty log begins with the newest of it and that of the database. `progress` gets the sequence after each part.
///
/// # Errors
/// [`AdoptError`]. What was appended stays, and is sound.
pub async fn adopt(
    client: &Client,
    node: &str,
    folder: &Path,
    (keys, kept): (Option<&KeyFolder>, Option<&str>),
    mut progress: impl FnMut(u64),
) -> Result<Adopted, AdoptError> {
    let Some(id) = find_node(client, node).await? else { return Err(AdoptError::NoNode(node.to_owned())) };
    let mut log = Rebuild::open(folder)?;
    let before = log.size();
    let text = "select sequence, frame, code from ehealth.record \
                where month = $1 and node = $2 and sequence >= $3 order by sequence limit $4";
    let statement = client.prepare(text).await?;
    for extent in extents(client, id).await? {
        if extent.last < log.size() {
            continue;
        }
        let month = month_number(extent.month);
        // Without a log, the records begin where the oldest month begins.
        let mut next = if log.size() == 0 { extent.first } else { log.size() };
        let key = keys.map(|keys| keys.subject_key(extent.month.year())).transpose()?;
        loop {
            let rows = client.query(&statement, &[&month, &id, &db_number(next), &ROWS]).await?;
            for row in &rows {
                let (sequence, frame, code): (i64, &[u8], &[u8]) = (row.get(0), row.get(1), row.get(2));
                let sequence = sequence_of(sequence);
                if let Some(key) = &key {
                    let leaf = FrameRow::parse(frame).map_err(|_| AdoptError::Forged(sequence))?.leaf;
                    if key.row_code(node, leaf)[..] != *code {
                        return Err(AdoptError::Forged(sequence));
                    }
                }
                log.append(frame)?;
                next = sequence.saturating_add(1);
            }
            progress(next);
            if rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX) {
                break;
            }
        }
    }
    let root = log.root();
    let stored = if before == 0 { newest_checkpoint(client, id).await? } else { None };
    let kept = kept.filter(|_| before == 0).map(str::to_owned);
    let checkpoint = stored.into_iter().chain(kept).max_by_key(|note| checkpoint_size(note).unwrap_or(0));
    let after = log.finish(checkpoint.as_deref())?;
    Ok(Adopted { before, after, root })
}
