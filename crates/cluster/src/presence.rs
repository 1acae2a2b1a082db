//! What a node says of itself, and reads of the others: a heartbeat every few seconds.

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_log::checkpoint_size;
use ehealth_core::policy::{Lease, LeaseRequest};
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::Client;

use crate::connect::{Connector, describe};
use crate::join::find_node;
use crate::records::{db_number, sequence_of};
use crate::settings::Settings;

/// Interval of the heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Age of a heartbeat after which a node counts as silent.
pub const SILENT: Duration = Duration::from_secs(20);

/// Pause before the next attempt to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Time for which signed messages are remembered: longer than any is valid.
const REMEMBERED: &str = "3 hours";

/// The gateway, as the cluster sees it.
pub trait Gateway: Send + Sync {
    /// What the node says of itself, as JSON.
    fn report(&self) -> String;

    /// Waits until leases of quotas are needed, and at most this long.
    fn await_lease_request(&self, interval: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Requests of the next exchange of leases.
    fn plan_leases(&self) -> Vec<LeaseRequest>;

    /// Requests that return all leases at the end.
    fn plan_lease_end(&self) -> Vec<LeaseRequest>;

    /// The exchange succeeded.
    fn note_leases(&self, leases: &[Lease]);

    /// The database cannot be reached. With a number of nodes, each answers its share of every quota.
    fn note_unreachable(&self, nodes: Option<NonZeroU32>);

    /// Digest and text of the active policy file.
    fn policy_text(&self) -> Option<([u8; 32], Vec<u8>)>;
}

/// What a node last said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Name of the node.
    pub name: String,
    /// Time since it said so, by the database's clock.
    pub age: Duration,
    /// What it said, as JSON.
    pub report: String,
    /// Records under its newest checkpoint in the database.
    pub signed: u64,
}

/// What a node last read of all nodes.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// All nodes, by name; empty if none was read.
    pub nodes: Vec<NodeStatus>,
    /// When they were read.
    pub read: Option<Instant>,
    /// Why they cannot be read; `None` if they can.
    pub error: Option<String>,
}

/// Heartbeat of the node.
pub(crate) struct Presence {
    pub(crate) settings: Settings,
    pub(crate) connector: Connector,
    /// Folder of the audit log, for its newest checkpoint.
    pub(crate) folder: PathBuf,
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) view: Arc<Mutex<View>>,
}

impl Presence {
    /// Beats for ever. Dropping the future ends it.
    pub(crate) async fn run(self) {
        loop {
            let error = self.connection().await;
            tracing::warn!(reason = error, "the nodes' states are not exchanged");
            self.view.lock().error = Some(error);
            sleep(PAUSE).await;
        }
    }

    /// One connection. Returns why it ended.
    async fn connection(&self) -> String {
        let session = match self.connector.connect().await {
            Ok(session) => session,
            Err(error) => return error.to_string(),
        };
        let mut beats = interval(HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Said::default();
        loop {
            beats.tick().await;
            match timeout(self.settings.timeout, self.beat(&session.client, &mut said)).await {
                Ok(Ok(true)) => {}
                // The replicator adds the node when it first connects.
                Ok(Ok(false)) => beats.reset_after(PAUSE),
                Ok(Err(error)) => return describe(&error),
                Err(_) => return format!("no answer within {} s", self.settings.timeout.as_secs()),
            }
        }
    }

    /// Says how the node is, and reads how the others are; `false` if the database does not know the node
    /// yet.
    async fn beat(&self, client: &Client, said: &mut Said) -> Result<bool, tokio_postgres::Error> {
        let Some(node) = find_node(client, self.settings.node.as_str()).await? else { return Ok(false) };
        let text = "insert into ehealth.node_status (node, said, report) values ($1, clock_timestamp(), $2) \
                    on conflict (node) do update set said = excluded.said, report = excluded.report";
        client.execute(text, &[&node, &self.gateway.report()]).await?;
        self.say_checkpoint(client, node, said).await?;
        if let Some((digest, text)) = self.gateway.policy_text().filter(|(digest, _)| said.policy != Some(*digest)) {
            let insert = "insert into ehealth.policy_text (digest, text) values ($1, $2) on conflict do nothing";
            client.execute(insert, &[&&digest[..], &text]).await?;
            said.policy = Some(digest);
        }
        let forget = format!("delete from ehealth.signed_message where received < now() - interval '{REMEMBERED}'");
        client.execute(&forget, &[]).await?;
        let nodes = read_nodes(client).await?;
        *self.view.lock() = View { nodes, read: Some(Instant::now()), error: None };
        Ok(true)
    }

    /// Inserts the newest checkpoint, if the database does not have it.
    async fn say_checkpoint(&self, client: &Client, node: i16, said: &mut Said) -> Result<(), tokio_postgres::Error> {
        let Ok(note) = fs::read_to_string(self.folder.join("checkpoint")) else { return Ok(()) };
        let size = checkpoint_size(&note).unwrap_or(0);
        if size > said.checkpoint {
            let insert = "insert into ehealth.checkpoint (node, size, note) values ($1, $2, $3) on conflict do nothing";
            client.execute(insert, &[&node, &db_number(size), &note]).await?;
            said.checkpoint = size;
        }
        Ok(())
    }
}

/// What this connection has inserted.
#[derive(Default)]
struct Said {
    checkpoint: u64,
    policy: Option<[u8; 32]>,
}

/// What all nodes last said.
///
/// # Errors
/// The error of the database.
pub async fn read_nodes(client: &Client) -> Result<Vec<NodeStatus>, tokio_postgres::Error> {
    let text = "select name, (extract(epoch from clock_timestamp() - said) * 1000)::bigint, report, \
                coalesce((select max(size) from ehealth.checkpoint where checkpoint.node = node.id), 0) \
                from ehealth.node join ehealth.node_status on node_status.node = node.id order by name";
    let rows = client.query(text, &[]).await?;
    let status = |row: &tokio_postgres::Row| NodeStatus {
        name: row.get(0),
        age: Duration::from_millis(sequence_of(row.get(1))),
        report: row.get(2),
        signed: sequence_of(row.get(3)),
    };
    Ok(rows.iter().map(status).collect())
}
