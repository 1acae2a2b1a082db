//! The audit log from outside: as a server, an operator and a crash see it.
//!
//! No test sleeps: it waits for another thread by a channel or by a condition with a deadline.

#![allow(clippy::cast_possible_truncation, reason = "tests run where a usize has 64 bits")]

mod checkpoint;
mod crash;
mod disclosure;
mod durability;
mod exporting;
mod failures;
mod finding;
mod fixtures;
mod harness;
mod kill;
mod letters;
mod listed;
mod listing;
mod memory_disk;
mod oracles;
mod pruning;
mod replay;
mod replication;
mod reporting;
mod second_place;
mod seen;
mod strace;
mod system_calls;
mod verification;
