//! The gateway: a SOAP service that returns, for a Belgian SSIN, the employer, the competent
//! prevention service and the health-insurance fund of a person.
//!
//! Up to nine fields are disclosed, only to consumers whom the policy grants them, and only once
//! the audit log holds a durable record of the disclosure.
//!
//! This crate is the program. What it is made of are crates of their own: the rules
//! ([`ehealth_core`]), the wire format ([`soap`]), the datasets ([`datasets`]), the audit log
//! ([`audit_log`], [`audit_verify`]), the content of certificates and CRLs ([`certificates`]), certificates
//! and keys in files ([`tls_files`]). [`client`] is the client that `lookup` uses.
//!
//! | module | content |
//! |---|---|
//! | [`cli`] | arguments, one file per command, output, exit codes; log lines |
//! | [`app`] | composition of the service, reload, confinement, backup, shutdown |
//! | [`config`] | settings and policy files, with the origin of each value; all errors at once |
//! | [`admin`] | health, metrics and the page for operators |
//! | [`server`] | the service on the wire: TLS and trust, HTTP/1.1, limits, one message exchange |
//! | [`peer_log`] | log lines that a peer can cause: sampled, counted, summed up once a minute |
//!
//! # Where to start
//!
//! - `src/server/exchange.rs`: one question from its bytes to its answer, each step a type that
//!   consumes the one before ([`ehealth_core::lookup`]).
//! - `src/app/service.rs`: which parts the service has, and in which order they start and stop.
//! - `docs/design/architecture.md`: the crates, their dependencies, the pipeline, and three walks
//!   through the code (a question, a feed, a verification).
//! - `docs/operations/faults.md`: what happens when a disk, a clock, a dataset or the system fails,
//!   each row with the test that causes it.
//! - `tests/it/architecture`: the rules of this structure, checked by tests.

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod peer_log;
pub mod server;
