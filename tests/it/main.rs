//! The integration tests, in one binary.
//!
//! Tests that need another process are beside this folder: `cost.rs` has a global allocator,
//! `canary.rs` logs a number that every test that searches the log would find, `datasets` locks
//! files and must start no program at the same time.
//!
//! No test depends on today's date: the suite passes under `FAKETIME_DONT_FAKE_MONOTONIC=1 faketime
//! -f +400d cargo test --test it`. Without the variable every timed wait of Rust's standard library
//! lasts 400 days: libfaketime shifts the monotonic clock that the library reads, but not the futex
//! that waits on it. libfaketime also makes a JVM about eight times slower: on a busy machine the
//! JAX-WS block of the guides misses the handshake's deadline.

mod support;

// Rules of the answer.
mod lookup;
mod numbers;
mod policy;
mod policy_add;
// Messages.
mod canonical_forms;
mod client_messages;
mod codecs;
mod command_line;
mod contract;
mod requests;
mod requests_read;
mod xml_suite;
// The server: HTTP, TLS, certificates.
mod certificates;
mod certificates_inspect;
mod certificates_rotate;
mod client_connection;
mod failures;
mod faults;
mod holders;
mod http;
mod http_requests;
mod limits;
mod mtls;
mod pins;
mod pkcs12;
mod proxies;
mod proxy_protocol;
mod question_limits;
mod refusals;
mod tls;
mod trust;
// Datasets: killed runs.
mod crash;
// The audit log.
mod audit;
mod audit_events;
// The program as its users start it.
mod cli;
mod config_check;
mod containers;
mod contract_export;
mod descriptors;
mod doctor;
mod edited_files;
mod legal_contexts;
mod log;
mod lookup_many;
mod lookup_profile;
mod lookup_resume;
mod operators;
mod shutdown;
mod signatures;
mod simulate;
mod support_bundle;
// What operators use.
mod acme;
mod admin;
mod admin_page;
mod alerts;
mod chart;
mod deploy;
mod runbook;
mod units;
// Pages for people.
mod accessibility;
// The book, and what integrators look up in it.
mod book;
mod call_fails;
// What integrators follow.
mod collections;
mod examples;
mod fixtures;
mod guides;
mod interop;
mod interop_matrix;
mod json_schemas;
mod ksz;
mod readme;
mod shown_files;
// Tables of the documentation.
mod tables;
mod traces;
// The source text.
mod architecture;
