//! The integration tests, in one binary. What needs a process of its own is a file beside this folder.

mod support;

// Rules of the answer.
mod lookup;
mod numbers;
mod policy;
// Messages.
mod client_messages;
mod codecs;
mod contract;
mod requests;
mod requests_read;
mod xml_suite;
// The server: HTTP, TLS, certificates.
mod certificates;
mod client_connection;
mod faults;
mod http;
mod mtls;
mod tls;
mod trust;
// Datasets and their feeds.
mod crash;
mod hostile;
mod https;
mod store;
mod sync;
// The audit log.
mod audit;
// The program as its users start it.
mod cli;
mod descriptors;
mod lookup_many;
mod operators;
mod shutdown;
mod simulate;
// What operators see.
mod admin;
mod alerts;
mod deploy;
mod runbook;
// What integrators follow.
mod fixtures;
mod guides;
mod interop;
mod interop_matrix;
mod readme;
// The source text.
mod architecture;
