//! Helpers that several tests share.

// The service and the program under test.
pub mod bad_acme;
pub mod nodes;
pub mod npm;
pub mod pebble;
pub mod program;
#[allow(dead_code, reason = "tests/datasets uses the rest")]
pub mod publisher;
pub mod service;
pub mod simulation;
pub mod unread;
// Inputs.
pub mod certificates;
pub mod documents;
pub mod random;
pub mod requests;
// The test run.
pub mod environment;
pub mod work;
// Independent oracles.
pub mod canary;
pub mod ksz;
pub mod oracle;
pub mod python;
pub mod schemas;
pub mod yaserde_messages;
