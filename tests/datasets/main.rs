//! The datasets and their feeds: tests that lock a dataset's files repeatedly.
//!
//! They need a process that starts no other. A child has a copy of every open file between `fork`
//! and `exec`, and with it the lock: a run that begins in this moment is skipped because the
//! dataset is busy. `tests/it` starts programs all the time.

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../it/support/mod.rs"]
mod support;

mod histories;
mod hostile;
mod https;
mod space;
mod store;
mod sync;
