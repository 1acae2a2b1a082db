//! Keeps the five datasets up to date with their feeds: joins [`crate::feed`] and [`crate::store`].
//!
//! A run reads one feed's notification, makes a plan ([`plan()`], pure) and executes it: nothing,
//! deltas, or a snapshot and the deltas after it. It ends in an [`Outcome`], whose code is the same
//! in the log, the history and every report. Whatever a feed contains, the store is left in a state
//! that the publisher once announced, complete. The failure of one feed affects no other.
//!
//! A run blocks: it reads files, calls publishers and writes a database. Call it from a thread that
//! may block. Answers continue meanwhile. [`follow`] repeats the runs, and a [`Monitor`] shows
//! their progress.

// What is synchronised, and how it ended.
mod monitor;
mod report;
mod settings;

// Reading a feed.
mod bounded;
mod https;
mod source;

// A run.
mod convert;
mod error;
mod feeds;
mod load;
mod plan;
mod rejected_file;
mod run;
mod schedule;

pub use crate::outcome::{Failure, Outcome, OutcomeKind, Refusal, SnapshotReason};
pub use feeds::{Feeds, run_all};
pub use https::{FeedIdentity, FeedLimits, FeedUrl, HttpsFeed};
pub use monitor::{Monitor, Phase, Progress, Status};
pub use plan::{Plan, plan};
pub use report::Report;
pub use schedule::follow;
pub use settings::{Feed, Settings, Share, Shrinking, Source};
