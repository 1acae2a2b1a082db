//! Records in the database: one transaction for all that wait.

use audit_log::replication::{FrameRow, Prefix, SentBatch, rows};
use audit_log::{KeyFolder, Month, SubjectKey};
use ehealth_core::model::Digest;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use crate::connect::Session;
use crate::person_index::{PersonIndex, Sums};
use crate::tree::{TreeBuilder, TreeNode};

/// Reason why a batch does not count as replicated.
#[derive(Debug, thiserror::Error)]
pub enum ReplicateError {
    /// The connection failed, or the database refused: the outcome may be unknown.
    #[error("{}", crate::connect::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No standby is named as synchronous.
    #[error("synchronous_standby_names is empty: no standby confirms commits")]
    NoStandby,
    /// The server is a standby itself.
    #[error("the server is a standby")]
    InRecovery,
    /// The server warned during the commit: it may not have waited for the standby.
    #[error("the database warned during a commit; it may not have waited for the standby")]
    Warned,
    /// The database has another record under one of the sequences.
    #[error(
        "the database has other records than this log from {first} on: a record was changed there, or another process \
         wrote as this node"
    )]
    Differs {
        /// First sequence of the batch.
        first: u64,
    },
    /// The records came faster than the database took them, and the connection was given up.
    #[error("the database is slower than the records come")]
    Slow,
    /// The frames of a batch cannot be parsed.
    #[error("record {0} of the own log is not sound")]
    Unsound(u64),
    /// A key of the audit log cannot be read.
    #[error(transparent)]
    Key(#[from] audit_log::KeyError),
}

/// Number of a month in the database.
#[must_use]
pub fn month_number(month: Month) -> i32 {
    i32::from(month.year()).saturating_mul(100).saturating_add(i32::from(month.number()))
}

/// The month of a number in the database.
#[must_use]
pub fn month_of_number(number: i32) -> Option<Month> {
    Month::from_calendar(u16::try_from(number.div_euclid(100)).ok()?, u8::try_from(number.rem_euclid(100)).ok()?)
}

/// A sequence as a number of the database.
#[must_use]
pub fn db_number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// A number of the database as a sequence.
#[must_use]
pub fn sequence_of(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

struct Statements {
    insert: Statement,
    differ: Statement,
    nodes: Statement,
    sums: Statement,
    messages: Statement,
    replayed: Statement,
    check: Statement,
    alive: Statement,
}

const INSERT: &str = "insert into ehealth.record (month, node, sequence, frame, code, subject, successor, end_user, ticket) \
    select $1, $2, * from unnest($3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[], \
    $9::bigint[]) on conflict do nothing";
const DIFFER: &str = "select count(*) from unnest($3::bigint[], $4::bytea[], $5::bytea[]) as sent(sequence, frame, code) \
    left join ehealth.record on record.month = $1 and record.node = $2 and record.sequence = sent.sequence \
    where record.frame is distinct from sent.frame or record.code is distinct from sent.code";
const NODES: &str = "insert into ehealth.tree_node (node, level, number, hash) \
    select $1, * from unnest($2::smallint[], $3::bigint[], $4::bytea[]) on conflict do nothing";
const SUMS: &str = "insert into ehealth.person_index (node, month, until, sums, code) values ($1, $2, $3, $4, $5) \
    on conflict do nothing";
const MESSAGES: &str = "insert into ehealth.signed_message (signature, node, sequence) \
    select s.signature, $1, s.sequence from unnest($2::bytea[], $3::bigint[]) as s(signature, sequence) \
    on conflict do nothing";
const REPLAYED: &str = "select sent.sequence from unnest($2::bytea[], $3::bigint[]) as sent(signature, sequence) \
    join ehealth.signed_message using (signature) \
    where signed_message.node <> $1 or signed_message.sequence <> sent.sequence";
const ALIVE: &str = "insert into ehealth.node_status (node, said, report) values ($1, clock_timestamp(), '{}') \
    on conflict (node) do update set said = excluded.said";
const CHECK: &str = "select current_setting('synchronous_standby_names') = '', pg_is_in_recovery()";

/// Writes a node's records to the database.
pub(crate) struct RecordWriter {
    session: Session,
    statements: Statements,
    /// Number of the node.
    node: i16,
    name: String,
    keys: KeyFolder,
    subject_key: Option<(u16, SubjectKey)>,
    /// The last month whose partition exists.
    month: Option<Month>,
    pub(crate) tree: TreeBuilder,
    pub(crate) index: PersonIndex,
}

/// Rows of one month, as columns.
#[derive(Default)]
struct Columns<'a> {
    sequence: Vec<i64>,
    frame: Vec<&'a [u8]>,
    code: Vec<Vec<u8>>,
    subject: Vec<Option<Prefix>>,
    successor: Vec<Option<Prefix>>,
    end_user: Vec<Option<Prefix>>,
    ticket: Vec<Option<Prefix>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, row: &FrameRow<'a>, code: [u8; 16]) {
        self.sequence.push(db_number(row.sequence));
        self.frame.push(row.frame);
        self.code.push(code.to_vec());
        self.subject.push(row.subject);
        self.successor.push(row.successor);
        self.end_user.push(row.end_user);
        self.ticket.push(row.ticket);
    }
}

impl RecordWriter {
    pub(crate) async fn new(
        session: Session,
        (node, name): (i16, &str),
        keys: KeyFolder,
        (tree, index): (TreeBuilder, PersonIndex),
    ) -> Result<Self, tokio_postgres::Error> {
        let client = &session.client;
        let statements = Statements {
            insert: client.prepare(INSERT).await?,
            differ: client.prepare(DIFFER).await?,
            nodes: client.prepare(NODES).await?,
            sums: client.prepare(SUMS).await?,
            messages: client.prepare(MESSAGES).await?,
            replayed: client.prepare(REPLAYED).await?,
            check: client.prepare(CHECK).await?,
            alive: client.prepare(ALIVE).await?,
        };
        let name = name.to_owned();
        Ok(Self { session, statements, node, name, keys, subject_key: None, month: None, tree, index })
    }

    /// Inserts batches in one transaction, and returns the records among them whose signed message
    /// another record has. When it returns, a standby has flushed them.
    pub(crate) async fn write(&mut self, batches: &[SentBatch]) -> Result<Vec<u64>, ReplicateError> {
        let mut replayed = Vec::new();
        for of_month in batches.chunk_by(|one, other| one.month == other.month) {
            let Some(month) = of_month.first().map(|batch| batch.month) else { continue };
            replayed.extend(self.write_month(month, of_month).await?);
        }
        Ok(replayed)
    }

    async fn write_month(&mut self, month: Month, batches: &[SentBatch]) -> Result<Vec<u64>, ReplicateError> {
        if self.month != Some(month) {
            self.session.client.execute("select ehealth.begin_month($1)", &[&month_number(month)]).await?;
            self.month = Some(month);
        }
        let finished = match self.index.month().filter(|left| *left != month) {
            Some(left) => {
                let key = subject_key(&mut self.subject_key, &self.keys, left.year())?;
                Some(self.index.sums(&self.name, left, key))
            }
            None => None,
        };
        let first = batches.first().map_or(0, |batch| batch.first);
        let key = subject_key(&mut self.subject_key, &self.keys, month.year())?;
        self.index.begin(month);
        let (mut columns, mut nodes) = (Columns::default(), Vec::new());
        for batch in batches {
            let mut expected = batch.first;
            for row in rows(&batch.bytes) {
                let row = row.ok().filter(|row| row.sequence == expected).ok_or(ReplicateError::Unsound(expected))?;
                expected = expected.saturating_add(1);
                columns.push(&row, key.row_code(&self.name, row.leaf));
                nodes.extend(self.tree.push(row.leaf));
                self.index.add(&row, key);
            }
        }
        let sums = finished.or_else(|| self.index.due(&self.name, key));
        let signatures = batches.iter().flat_map(|batch| batch.signatures.iter().copied()).collect();
        let rows = Rows { month, first, columns, nodes, sums, signatures };
        let warnings = self.session.warnings();
        let replayed = self.transaction(&rows).await?;
        if self.session.warnings() != warnings {
            return Err(ReplicateError::Warned);
        }
        Ok(replayed)
    }

    /// Proves that commits are confirmed: writes when the node was last alive.
    pub(crate) async fn probe(&self) -> Result<(), ReplicateError> {
        let (client, warnings) = (&self.session.client, self.session.warnings());
        let node: [&(dyn ToSql + Sync); 1] = [&self.node];
        let ((), before, _, (), after) = tokio::try_join!(
            biased;
            client.batch_execute("begin"),
            client.query_one(&self.statements.check, &[]),
            client.execute(&self.statements.alive, &node),
            client.batch_execute("commit"),
            client.query_one(&self.statements.check, &[]),
        )?;
        confirmed(&[before, after])?;
        if self.session.warnings() == warnings { Ok(()) } else { Err(ReplicateError::Warned) }
    }

    /// Sends everything at once. The statements of the transaction are answered in their order, and
    /// the last one reads the settings after the commit: a commit that was released because the
    /// setting was emptied does not count.
    async fn transaction(&self, rows: &Rows<'_>) -> Result<Vec<u64>, ReplicateError> {
        let (client, node, month) = (&self.session.client, self.node, month_number(rows.month));
        let columns = &rows.columns;
        let insert: [&(dyn ToSql + Sync); 9] = [
            &month,
            &node,
            &columns.sequence,
            &columns.frame,
            &columns.code,
            &columns.subject,
            &columns.successor,
            &columns.end_user,
            &columns.ticket,
        ];
        let ((), before, inserted, (), (), (), (), after) = tokio::try_join!(
            biased;
            client.batch_execute("begin"),
            client.query_one(&self.statements.check, &[]),
            client.execute(&self.statements.insert, &insert),
            self.insert_nodes(&rows.nodes),
            self.insert_sums(rows.sums.as_ref()),
            self.insert_messages(&rows.signatures),
            client.batch_execute("commit"),
            client.query_one(&self.statements.check, &[]),
        )?;
        confirmed(&[before, after])?;
        if inserted != u64::try_from(columns.sequence.len()).unwrap_or(u64::MAX) {
            self.compare(rows).await?;
        }
        self.replayed(&rows.signatures).await
    }

    async fn insert_nodes(&self, nodes: &[TreeNode]) -> Result<(), tokio_postgres::Error> {
        if nodes.is_empty() {
            return Ok(());
        }
        let levels: Vec<i16> = nodes.iter().map(|node| node.level).collect();
        let numbers: Vec<i64> = nodes.iter().map(|node| db_number(node.number)).collect();
        let hashes: Vec<&[u8]> = nodes.iter().map(|node| &node.hash.as_bytes()[..]).collect();
        let statement = &self.statements.nodes;
        self.session.client.execute(statement, &[&self.node, &levels, &numbers, &hashes]).await.map(drop)
    }

    async fn insert_sums(&self, sums: Option<&Sums>) -> Result<(), tokio_postgres::Error> {
        let Some(Sums { month, until, bytes, code }) = sums else { return Ok(()) };
        let (month, until) = (month_number(*month), db_number(*until));
        let statement = &self.statements.sums;
        self.session.client.execute(statement, &[&self.node, &month, &until, bytes, &&code[..]]).await.map(drop)
    }

    async fn insert_messages(&self, signatures: &[(u64, Digest)]) -> Result<(), tokio_postgres::Error> {
        if signatures.is_empty() {
            return Ok(());
        }
        let (digests, sequences) = columns_of(signatures);
        let statement = &self.statements.messages;
        self.session.client.execute(statement, &[&self.node, &digests, &sequences]).await.map(drop)
    }

    /// The records whose signed message another record has.
    async fn replayed(&self, signatures: &[(u64, Digest)]) -> Result<Vec<u64>, ReplicateError> {
        if signatures.is_empty() {
            return Ok(Vec::new());
        }
        let (digests, sequences) = columns_of(signatures);
        let statement = &self.statements.replayed;
        let rows = self.session.client.query(statement, &[&self.node, &digests, &sequences]).await?;
        Ok(rows.iter().map(|row| sequence_of(row.get(0))).collect())
    }

    /// Compares rows that were there already with those that were sent.
    async fn compare(&self, rows: &Rows<'_>) -> Result<(), ReplicateError> {
        let columns = &rows.columns;
        let month = month_number(rows.month);
        let sent: [&(dyn ToSql + Sync); 5] = [&month, &self.node, &columns.sequence, &columns.frame, &columns.code];
        let differ: i64 = self.session.client.query_one(&self.statements.differ, &sent).await?.get(0);
        if differ == 0 { Ok(()) } else { Err(ReplicateError::Differs { first: rows.first }) }
    }
}

/// Whether the settings, as they were read before and after a commit, had it wait for a standby.
fn confirmed(checks: &[Row]) -> Result<(), ReplicateError> {
    if checks.iter().any(|row| row.get(0)) {
        return Err(ReplicateError::NoStandby);
    }
    if checks.iter().any(|row| row.get(1)) { Err(ReplicateError::InRecovery) } else { Ok(()) }
}

/// What one transaction inserts.
struct Rows<'a> {
    month: Month,
    first: u64,
    columns: Columns<'a>,
    nodes: Vec<TreeNode>,
    sums: Option<Sums>,
    signatures: Vec<(u64, Digest)>,
}

/// Digests and sequences, in the order of the digests: two nodes that insert the same digests wait
/// for each other in one direction only.
fn columns_of(signatures: &[(u64, Digest)]) -> (Vec<&[u8]>, Vec<i64>) {
    let mut sorted: Vec<_> = signatures.iter().collect();
    sorted.sort_unstable_by_key(|(_, digest)| *digest.as_bytes());
    sorted.into_iter().map(|(sequence, digest)| (&digest.as_bytes()[..], db_number(*sequence))).unzip()
}

fn subject_key<'k>(
    cached: &'k mut Option<(u16, SubjectKey)>,
    keys: &KeyFolder,
    year: u16,
) -> Result<&'k SubjectKey, ReplicateError> {
    if cached.as_ref().is_none_or(|(of, _)| *of != year) {
        *cached = Some((year, keys.subject_key(year)?));
    }
    cached.as_ref().map(|(_, key)| key).ok_or(ReplicateError::Unsound(0))
}
