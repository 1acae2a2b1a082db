//! The five datasets on disk: one SQLite file for each, with many readers and one writer.
//!
//! Only this module and the `audit-log` crate use SQL. It checks values that it reads: a row that
//! breaks the checks of [`ehealth_core::model`] is an error, not an answer. It does not validate
//! what a publisher sends: [`crate::feed`] did so before. It does not decide which state may follow
//! which: [`crate::sync`] plans that.
//!
//! # Reading
//!
//! A [`Watch`] knows the current file of each dataset, a [`Reader`] has connections to these files,
//! and a [`View`] is one state of each dataset, pinned at the first look-up.
//!
//! Look-ups run inline on the calling thread, asynchronous workers included. A warm look-up among
//! 20 million periods was measured at 5 µs with a view of its own and at 2.5 µs within a view, and
//! it never waits for a writer. Moving it to another thread and back costs more than that. So a
//! server keeps a pool of readers, one for each concurrent question, and opens none while it
//! answers.
//!
//! # Writing
//!
//! A [`Writer`] is the only one of its dataset, across all processes. A [`Snapshot`] is built in a
//! new file and becomes the dataset when [`BuiltSnapshot::publish`] moves the pointer. A [`Delta`]
//! collects changes, applies them in table order, and becomes visible with
//! [`AppliedDelta::commit`]: one transaction on the current file. In both cases, after a crash at
//! any moment, the next reader sees the state before or the state after.
//!
//! A reader of a replaced file keeps it until its next view after a [`Watch::poll`]. Readers and
//! writers never wait for each other.

// Files and connections.
mod database;
mod error;
mod folder;

// What a dataset file says of itself.
mod columns;
mod history;
mod notification_cache;
mod state;
mod status;

// Reading.
mod backup;
mod directory;
mod reader;
mod watch;

// Writing.
mod cycles;
mod delta;
mod delta_transaction;
mod row;
mod snapshot;
mod snapshot_tables;
mod sort;
mod space;
mod statements;
mod writer;

pub use backup::{check_datasets, copy_datasets};
pub use delta::{AppliedDelta, Delta, DeltaOutcome};
pub use error::StoreError;
pub use history::{HistoryEntry, Run};
pub use notification_cache::{CachedNotification, Validator};
pub use reader::{Reader, View};
pub use row::{Key, Row};
pub use snapshot::{BuiltSnapshot, Snapshot};
pub use snapshot_tables::{BuildEvent, Conflict, ConflictKind};
pub use space::SpaceGuard;
pub use state::{FileKind, KnownFile, LoadedState, State};
pub use status::DatasetStatus;
pub use watch::Watch;
pub use writer::Writer;
