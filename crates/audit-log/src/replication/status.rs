//! What a replication is doing, for readiness and metrics.

use std::sync::Arc;

/// Whether exchanges are answered while their records cannot be replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// No: an answer leaves when its record is durable on two machines.
    #[default]
    Replicated,
    /// Yes: each record says that it was not replicated, and is replicated later.
    Local,
}

/// State of the connection to the second copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Nothing is replicated, for this reason.
    Down(Arc<str>),
    /// The copy is brought up to date.
    Joining,
    /// Every record is replicated before its answer leaves.
    Confirmed,
}

/// What a replication is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationStatus {
    /// State of the connection.
    pub link: Link,
    /// Whether exchanges are answered meanwhile.
    pub durability: Durability,
    /// Number of records in the own log.
    pub written: u64,
    /// Number of records that the copy has.
    pub confirmed: u64,
    /// Exchanges that wait for the confirmation of their record.
    pub waiting: usize,
    /// Exchanges that were refused because records could not be replicated, since the start.
    pub refused: u64,
    /// Exchanges that were answered with a record that says that it was not replicated, since the
    /// start.
    pub unreplicated: u64,
    /// How often it was unknown whether a commit had succeeded, since the start. Its exchanges were
    /// not answered.
    pub unknown_outcomes: u64,
}

impl ReplicationStatus {
    /// Records that only the own log has.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.written.saturating_sub(self.confirmed)
    }

    /// Whether exchanges are answered.
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.durability == Durability::Local || self.link == Link::Confirmed
    }
}
