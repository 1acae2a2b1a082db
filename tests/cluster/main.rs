//! The cluster: several nodes of the real program on a real PostgreSQL 15 with a synchronous
//! standby.
//!
//! The tests need Debian's packages `postgresql-15` and `haproxy`; without them they are skipped,
//! and fail where `CI` is set. The servers refuse to run as root, so for root they run as the user
//! `postgres`.

mod scenarios;
#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../it/support/mod.rs"]
mod shared;
#[allow(dead_code, reason = "some tools are for experiments")]
mod support;

// The harness itself.
mod harness;
