//! The proof that an exchange was recorded, made from the database.

use audit_log::replication::{prefix, record_of};
use audit_log::{Event, write_proof};
use ehealth_core::model::Ticket;
use tokio_postgres::Client;

use crate::anchor::{anchor, newest_checkpoint, parse};
use crate::node_keys::NodeKeys;
use crate::records::{month_of_number, sequence_of};
use crate::tree_reader::TreeReader;

/// Reason why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The database failed.
    #[error("{}", crate::connect::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No record of any node has this ticket.
    #[error("no record has this ticket")]
    Unknown,
    /// The record is newer than the checkpoint.
    #[error("the record is newer than the checkpoint")]
    Unsigned,
    /// There is no checkpoint that the node's key signed.
    #[error("the database has no checkpoint of node {0} that its key signed; name one that was kept elsewhere")]
    Checkpoint(String),
    /// The text is not a checkpoint.
    #[error("the checkpoint cannot be parsed")]
    Unparsed,
    /// The records are not those that the checkpoint signs.
    #[error("the records in the database are not those that the checkpoint signs")]
    Inconsistent,
}

/// A proof, and the record that it proves.
#[derive(Debug)]
pub struct Proof {
    /// The proof: a C2SP tlog-proof.
    pub text: String,
    /// Node that wrote the record.
    pub node: String,
    /// Frame of the record.
    pub frame: Vec<u8>,
    /// Month of its segment.
    pub month: audit_log::Month,
}

/// Makes the proof that the exchange with this ticket is in the tree of its node's checkpoint: of
/// the text given, or else of the newest in the database.
///
/// # Errors
/// [`ProofError`].
pub async fn prove(
    client: &Client,
    keys: &dyn NodeKeys,
    ticket: Ticket,
    checkpoint: Option<&str>,
) -> Result<Proof, ProofError> {
    let text = "select node.id, node.name, node.origin, month, sequence, frame from ehealth.record \
                join ehealth.node on node.id = record.node where ticket = $1";
    let rows = client.query(text, &[&prefix(ticket.as_bytes())]).await?;
    let is_of_ticket = |row: &&tokio_postgres::Row| {
        let record = record_of(row.get(5)).and_then(|record| audit_log::parse_record(record).ok());
        record.is_some_and(|record| matches!(record.event, Event::Exchange(of) if of.ticket == ticket))
    };
    let row = rows.iter().find(is_of_ticket).ok_or(ProofError::Unknown)?;
    let (node, name, origin): (i16, String, &str) = (row.get(0), row.get(1), row.get(2));
    let (month, sequence, frame) = (month_of_number(row.get(3)), sequence_of(row.get(4)), row.get::<_, Vec<u8>>(5));
    let anchor = match checkpoint {
        Some(note) => parse(note.to_owned()).ok_or(ProofError::Unparsed)?,
        None => match keys.of_node(&name) {
            Some(keys) => anchor(client, node, keys, origin).await?,
            None => newest_checkpoint(client, node).await?.and_then(parse),
        }
        .ok_or_else(|| ProofError::Checkpoint(name.clone()))?,
    };
    if sequence >= anchor.size {
        return Err(ProofError::Unsigned);
    }
    let tree = TreeReader::new(client, node, anchor.size).await?.around([sequence].into_iter()).await?;
    let is_root = |root| audit_log::root_text(root) == anchor.root;
    if !tree.root(0, anchor.size).is_some_and(is_root) {
        return Err(ProofError::Inconsistent);
    }
    let path = tree.path(sequence, anchor.size).ok_or(ProofError::Inconsistent)?;
    let (record, month) = record_of(&frame).zip(month).ok_or(ProofError::Inconsistent)?;
    let text = write_proof(record, sequence, &path, &anchor.note);
    Ok(Proof { text, node: name, frame, month })
}
