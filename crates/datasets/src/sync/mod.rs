//! Keeping the five datasets in step with their sources: the room where [`crate::feed`] and [`crate::store`] meet.
//!
//! A run looks at one feed's notification, plans ([`plan`], pure), and follows the plan: nothing, deltas, or a snapshot
//! and the deltas after it. It ends in an [`Outcome`], whose code is the same in the log, the history and every report.
//! Whatever a source does, the store is left in a state that the source's publisher once announced, whole; one feed's
//! failure touches no other.
//!
//! A run blocks (it reads files, asks publishers and writes a database): call it from a thread that may. Answers go on
//! meanwhile. [`follow`] does so again and again, and a [`Monitor`] tells what is going on to whoever wants to know.

mod https;
mod load;
mod monitor;
mod outcome;
mod plan;
mod rejected;
mod run;
mod schedule;
mod settings;
mod source;

pub use https::{FeedIdentity, FeedLimits, FeedUrl, HttpsFeed};
pub use monitor::{Monitor, Phase, Progress, Status};
pub use outcome::{Failure, Outcome, Refusal, Report, SnapshotReason};
pub use plan::{Plan, plan};
pub use run::{Feeds, run_all};
pub use schedule::follow;
pub use settings::{Feed, Settings, Share, Shrinking, Source};
