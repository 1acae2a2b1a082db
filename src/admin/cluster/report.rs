//! The cluster as one node sees it: its own replication, and what every node last said of itself.

use std::time::Duration;

use ehealth_core::closed_enum;

closed_enum! {
    /// State of the connection to the database that the nodes share.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum LinkReport {
        /// Records are not replicated.
        Down => "down",
        /// The database is brought up to date.
        Joining => "joining",
        /// Each record is replicated before its answer leaves.
        Confirmed => "confirmed",
    }
}

/// The cluster as one node sees it.
#[derive(Debug, Clone)]
pub struct ClusterReport {
    /// Name of this node.
    pub node: String,
    /// State of its connection to the database.
    pub link: LinkReport,
    /// Why the connection is down.
    pub reason: Option<String>,
    /// Whether questions are answered.
    pub is_answering: bool,
    /// Records that only this node has.
    pub lag: u64,
    /// Exchanges that wait for the confirmation of their record.
    pub waiting: usize,
    /// Exchanges that were refused because records could not be replicated, since the start.
    pub refused: u64,
    /// Exchanges that were answered without a second copy of their record, since the start.
    pub unreplicated: u64,
    /// How often it was unknown whether a commit had succeeded, since the start.
    pub unknown_outcomes: u64,
    /// Transactions of records, since the start.
    pub transactions: TransactionReport,
    /// Leases of quotas, since the start.
    pub leases: LeaseReport,
    /// All nodes; empty if they were never read.
    pub nodes: Vec<NodeReport>,
    /// Time since the nodes were read; `None`: never.
    pub nodes_read: Option<Duration>,
    /// Why the nodes cannot be read.
    pub nodes_error: Option<String>,
}

/// Leases of quotas, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseReport {
    /// Number of exchanges with the database.
    pub exchanges: u64,
    /// Questions that were leased.
    pub granted: u64,
    /// Leased questions that were returned unused.
    pub returned: u64,
}

/// Transactions of records, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransactionReport {
    /// Number of transactions that were confirmed.
    pub count: u64,
    /// Number of records in them.
    pub records: u64,
    /// Time from their begin to their confirmation.
    pub duration: Duration,
}

/// What a node last said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Name of the node.
    pub name: String,
    /// Time since it said so.
    pub age: Duration,
    /// Whether that is too long ago.
    pub is_silent: bool,
    /// Version of its program.
    pub version: Option<String>,
    /// Code of its [`LinkReport`].
    pub link: Option<String>,
    /// Why its connection is down.
    pub reason: Option<String>,
    /// Records in its audit log.
    pub records: Option<u64>,
    /// Records of it that the database has.
    pub replicated: Option<u64>,
    /// First record of its audit log.
    pub first: Option<u64>,
    /// Records under its newest checkpoint in the database.
    pub signed: u64,
    /// Loaded serial of each dataset.
    pub serials: Vec<(String, u64)>,
    /// SHA-256 of its policy file.
    pub policy: Option<String>,
    /// SHA-256 over what its CRLs say.
    pub revocation: Option<String>,
}
