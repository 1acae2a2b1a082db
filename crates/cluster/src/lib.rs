//! The database that several nodes share: a second copy of every record before its answer leaves,
//! leases of quotas, the memory of signed messages, and the search over all nodes.
//!
//! The database is PostgreSQL (15 or later) with synchronous replication, under the operator's own
//! failover. This crate alone knows its client. A node without the settings of a cluster does not
//! use this crate.

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

mod settings;

pub use settings::{Database, DatabaseError, Durability, NodeName, NodeNameError, Settings};
