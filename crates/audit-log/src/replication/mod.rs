//! The second copy of every record, on other machines.
//!
//! An audit log with a [`Replication`] submits each batch after it wrote the batch and before it
//! syncs it, so that both copies are made at the same time. A record counts as durable when its
//! segment is synced and the other side has confirmed it. The replicator, which makes the copy,
//! takes the batches with [`Replication::take`] and confirms them with [`Replication::confirm`].
//!
//! Nothing that was submitted is given up: if the own disk fails afterwards, the writer writes the
//! same bytes again before anything else. So both copies have the same record under one sequence.

mod frames;
mod rebuild;
mod row;
mod state;
mod status;

pub use frames::{FramesError, SegmentFrames};
pub use rebuild::{Rebuild, RebuildError};
pub use row::{FrameRow, Prefix, RowError, block_root, prefix, record_of, rows, segment_tree};
pub use state::{Replication, SentBatch};
pub use status::{Durability, Link, ReplicationStatus};

pub(crate) use state::{Mode, Submitted};
