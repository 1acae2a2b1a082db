//! A feed on a web server: one connection for each run, one request at a time, only the feed's own
//! files.
//!
//! A run blocks, so the connection has its own small runtime, which the reader drives: a slow
//! reader slows the publisher down, and only data in transit are buffered. Redirects are not
//! followed: a file is where the notification says, or it is not in the feed. The notification is
//! requested conditionally, in this process or a later one, as long as the data are up to date with
//! it ([`CachedNotification`](crate::store::CachedNotification)). A response "not modified" counts
//! as if the server had sent that document again.

mod body;
mod client;
mod conditional;
mod connection;
mod date;
mod settings;
mod tls;

pub(super) use client::FeedClient;
pub use settings::{FeedIdentity, FeedLimits, FeedUrl, HttpsFeed};
