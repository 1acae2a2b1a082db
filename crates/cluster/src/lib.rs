//! The database that several nodes share: a second copy of every record before its answer leaves,
//! leases of quotas, the memory of signed messages, and the search over all nodes.
//!
//! The database is PostgreSQL (15 or later) with synchronous replication, under the operator's own
//! failover. This crate alone knows its client. A node without the settings of a cluster does not
//! use this crate.
//!
//! [`Prepared`] brings a node's own audit log up to the database before it is opened, and [`Node`]
//! replicates its records while it runs. [`examine()`] says what a start would refuse, [`migrate`]
//! makes the schema, [`adopt()`] rebuilds the log of a lost node.

#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

// The database: settings, connections, what a start needs, the schema.
mod connect;
mod examine;
mod schema;
mod settings;

// The second copy of every record.
mod adopt;
mod join;
mod months;
mod newest_sums;
mod person_index;
mod records;
mod replicator;
mod tree;

// What auditors ask of all nodes.
mod anchor;
mod node_keys;
mod proof;
mod prune;
mod read_records;
mod search;
mod tree_reader;

// Quotas over all nodes.
mod leases;

// The node.
mod lease_loop;
mod node;
mod presence;

pub use adopt::{AdoptError, Adopted, adopt};
pub use audit_log::replication::Durability;
pub use connect::{ConnectError, Connector, Session};
pub use examine::{Problem, Server, examine};
pub use join::{Identity, JoinError, OwnLog};
pub use lease_loop::LeaseCounters;
pub use leases::LeaseExchange;
pub use node::{Node, Prepared, StartError};
pub use node_keys::NodeKeys;
pub use presence::{Gateway, HEARTBEAT, NodeStatus, SILENT, View, read_nodes};
pub use proof::{Proof, ProofError, prove};
pub use prune::{PrunedMonth, policy_texts, prune};
pub use read_records::{TakeRecord, read_records};
pub use records::ReplicateError;
pub use replicator::TransactionCounters;
pub use schema::{MIGRATIONS, MigrateError, Migration, VERSION, migrate, version};
pub use search::search;
pub use settings::{Database, DatabaseError, NodeName, NodeNameError, Settings};
