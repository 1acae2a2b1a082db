//! Reads the audit log: all records, the records about a person, and proofs.

pub(crate) mod index;
pub(crate) mod prove;
pub(crate) mod pruned;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod search_many;
pub(crate) mod subtrees;
