//! Writes the audit log: queue, group commit, checkpoints, recovery, pruning.

pub(crate) mod batch;
pub(crate) mod checkpointer;
pub(crate) mod commit_worker;
pub(crate) mod error;
pub(crate) mod in_flight;
pub(crate) mod log;
pub(crate) mod prune;
pub(crate) mod recover;
pub(crate) mod segment_writer;
pub(crate) mod settings;
pub(crate) mod status;
