//! Writes the audit log: queue, group commit, checkpoints, crash recovery, pruning.

// What the server uses.
pub(crate) mod error;
pub(crate) mod log;
pub(crate) mod settings;
pub(crate) mod status;

// Group commit.
pub(crate) mod batch;
pub(crate) mod commit_worker;
pub(crate) mod in_flight;
pub(crate) mod lone_record;
pub(crate) mod position;
pub(crate) mod segment_writer;
pub(crate) mod submit;

// Beside it.
pub(crate) mod check;
pub(crate) mod checkpointer;
pub(crate) mod copier;
pub(crate) mod prune;
pub(crate) mod read_back;
pub(crate) mod recover;
pub(crate) mod stored;
