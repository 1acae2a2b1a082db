//! Begins a connection: takes the node's name, and continues where the database ends.

use std::path::{Path, PathBuf};

use audit_log::replication::{FramesError, SegmentFrames, SentBatch, rows};
use audit_log::{KeyFolder, Month};
use ehealth_core::model::Digest;
use tokio_postgres::Client;

use crate::connect::{ConnectError, Connector, Session, describe};
use crate::examine::{Problem, examine_server, lock_name};
use crate::months::{Extent, extents};
use crate::newest_sums::{ChangedSums, newest_sums};
use crate::person_index::PersonIndex;
use crate::records::{RecordWriter, ReplicateError, db_number, sequence_of};
use crate::settings::Settings;
use crate::tree::{TreeBuilder, WIDTH};

/// Bytes of frames that are read and sent at once.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// What a node says of itself when it first connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Origin of its checkpoints.
    pub origin: String,
    /// Public key of its checkpoints, in the form of signed-note tools.
    pub verifying_key: String,
}

/// Where the node's own audit log is.
#[derive(Debug, Clone)]
pub struct OwnLog {
    /// Folder of the segments.
    pub folder: PathBuf,
    /// Folder of the keys.
    pub keys: KeyFolder,
}

/// Reason why a node cannot write to the database.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server cannot be used.
    #[error("{}", texts(.0))]
    Unfit(Vec<Problem>),
    /// Another session has the node's name.
    #[error("another process is connected as node \"{0}\", or its last session has not ended yet")]
    NameInUse(String),
    /// The database has records that the own log lacks.
    #[error("the database has {database} records of this node, and its own log has {own}")]
    Ahead {
        /// Records in the database.
        database: u64,
        /// Records in the own log.
        own: u64,
    },
    /// Rows of the tree are missing.
    #[error("the database lacks what proves the node's records before {0}: rows of ehealth.tree_node were removed")]
    Nodes(u64),
    /// The own log cannot be read.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// Records cannot be written.
    #[error(transparent)]
    Replicate(#[from] ReplicateError),
}

impl From<tokio_postgres::Error> for JoinError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Connect(ConnectError::Database(error))
    }
}

fn texts(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join("; ")
}

/// Opens a session, checks the server, and takes the node's name for the session.
///
/// # Errors
/// [`JoinError`].
pub(crate) async fn open_session(connector: &Connector, settings: &Settings) -> Result<Session, JoinError> {
    let session = connector.connect().await?;
    let (_, mut problems) = examine_server(&session.client).await?;
    problems.retain(|problem| !problem.is_warning);
    if !problems.is_empty() {
        return Err(JoinError::Unfit(problems));
    }
    if !lock_name(&session.client, &settings.node, settings.timeout).await? {
        return Err(JoinError::NameInUse(settings.node.to_string()));
    }
    Ok(session)
}

/// Number of a node; `None` if it has never connected.
///
/// # Errors
/// The error of the database.
pub(crate) async fn find_node(client: &Client, name: &str) -> Result<Option<i16>, tokio_postgres::Error> {
    let row = client.query_opt("select id from ehealth.node where name = $1", &[&name]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Number of a node. Adds it when it connects for the first time.
async fn node_id(client: &Client, name: &str, identity: &Identity) -> Result<i16, tokio_postgres::Error> {
    let insert = "insert into ehealth.node (name, origin, verifying_key) values ($1, $2, $3) on conflict do nothing";
    client.execute(insert, &[&name, &identity.origin, &identity.verifying_key]).await?;
    Ok(client.query_one("select id from ehealth.node where name = $1", &[&name]).await?.get(0))
}

/// A writer that continues where the database ends, and the sequence of the next record.
pub(crate) async fn resume(
    session: Session,
    settings: &Settings,
    (identity, own): (&Identity, &OwnLog),
    durable: u64,
) -> Result<(RecordWriter, u64), JoinError> {
    let name = settings.node.as_str();
    let node = node_id(&session.client, name, identity).await?;
    let extents = extents(&session.client, node).await?;
    let (tree, index, next) = match extents.last() {
        None => {
            let first = audit_log::first_sequence(&own.folder).ok().flatten().unwrap_or(0);
            (TreeBuilder::begin(first), PersonIndex::new(first), first)
        }
        Some(newest) => {
            let next = newest.last.saturating_add(1);
            if next > durable {
                return Err(JoinError::Ahead { database: next, own: durable });
            }
            let tree = resume_tree(&session.client, node, next, &own.folder).await?;
            let index = resume_index(&session.client, (node, name), newest, own).await?;
            (tree, index, next)
        }
    };
    let writer = RecordWriter::new(session, (node, name), own.keys.clone(), (tree, index)).await?;
    Ok((writer, next))
}

/// Continues the tree: its nodes from the database, its last leaves from the own log.
async fn resume_tree(client: &Client, node: i16, size: u64, folder: &Path) -> Result<TreeBuilder, JoinError> {
    let blocks = size / WIDTH;
    let first = blocks.saturating_sub(blocks % WIDTH);
    let text =
        "select number, hash from ehealth.tree_node where node = $1 and level = 8 and number >= $2 order by number";
    let rows = client.query(text, &[&node, &db_number(first)]).await?;
    let mut hashes = Vec::new();
    for (row, expected) in rows.iter().zip(first..blocks) {
        let hash: Option<[u8; 32]> = row.get::<_, &[u8]>(1).try_into().ok();
        let is_next = sequence_of(row.get(0)) == expected;
        hashes.push(hash.filter(|_| is_next).map(Digest::new).ok_or(JoinError::Nodes(size))?);
    }
    // A log that began after the first record of this subtree never has all of its nodes.
    let mut tree = TreeBuilder::resume(size, hashes);
    let batches = read(folder, tree.next(), size);
    for batch in batches {
        for row in rows_of(&batch?) {
            tree.push(row?.leaf).for_each(drop);
        }
    }
    Ok(tree)
}

/// Continues the sums of the newest month: from the database what its code proves, the rest from the
/// own log.
async fn resume_index(
    client: &Client,
    (node, name): (i16, &str),
    newest: &Extent,
    own: &OwnLog,
) -> Result<PersonIndex, JoinError> {
    let Extent { month, first, last } = *newest;
    let key = own.keys.subject_key(month.year()).map_err(ReplicateError::from)?;
    let mut index = match newest_sums(client, (node, name), month, &key).await? {
        Some(Ok((until, slots))) => PersonIndex::resume(month, until, slots),
        Some(Err(ChangedSums)) => {
            tracing::error!(%month, "the index of persons in the database was changed; making it again");
            begin_index(month, first)
        }
        None => begin_index(month, first),
    };
    let from = index.next();
    for batch in read(&own.folder, from, last.saturating_add(1)) {
        for row in rows_of(&batch?) {
            index.add(&row?, &key);
        }
    }
    Ok(index)
}

fn begin_index(month: Month, first: u64) -> PersonIndex {
    let mut index = PersonIndex::new(first);
    index.begin(month);
    index
}

/// The frames of the own log from a sequence on.
fn read(folder: &Path, from: u64, until: u64) -> impl Iterator<Item = Result<SentBatch, FramesError>> {
    let mut frames = (from < until).then(|| SegmentFrames::open(folder, from));
    std::iter::from_fn(move || {
        let opened = frames.take()?;
        match opened {
            Ok(mut opened) => {
                let batch = opened.next(until, CHUNK_BYTES).transpose()?;
                if batch.is_ok() {
                    frames = Some(Ok(opened));
                }
                Some(batch)
            }
            Err(error) => Some(Err(error)),
        }
    })
}

fn rows_of(batch: &SentBatch) -> impl Iterator<Item = Result<audit_log::replication::FrameRow<'_>, ReplicateError>> {
    let first = batch.first;
    rows(&batch.bytes).map(move |row| row.map_err(|_| ReplicateError::Unsound(first)))
}

/// The text of an error that a log line shows.
pub(crate) fn reason(error: &JoinError) -> String {
    match error {
        JoinError::Connect(ConnectError::Database(error)) => describe(error),
        JoinError::Connect(ConnectError::File(_) | ConnectError::Tls(_) | ConnectError::Timeout(_))
        | JoinError::Unfit(_)
        | JoinError::NameInUse(_)
        | JoinError::Ahead { .. }
        | JoinError::Nodes(_)
        | JoinError::Frames(_)
        | JoinError::Replicate(_) => error.to_string(),
    }
}
