//! The gateway: a SOAP service that returns the employer, the prevention service and the
//! health-insurance fund of a person, given the SSIN. It discloses only the fields (of nine) that
//! the caller's grant permits.
//!
//! # Crates
//!
//! | crate | contents |
//! |---|---|
//! | [`ehealth_core`] | values, policy and lookup: pure, without IO |
//! | [`soap`] | codec of the SOAP messages |
//! | [`datasets`] | publishers' feeds, the SQLite store, and the sync of both |
//! | [`audit_log`] | tamper-evident record of every exchange |
//! | `audit-verify` | independent verifier of an audit log |
//! | `client` | client of the service |
//!
//! # Modules
//!
//! A module imports only modules above it in this table; `tests/it/architecture` checks it.
//!
//! | module | contents |
//! |---|---|
//! | [`certificates`] | facts that certificates and revocation lists state |
//! | [`server`], [`admin`] | the SOAP listener; health, metrics and the operators' page |
//! | [`config`] | settings, policy files and scenarios |
//! | [`app`] | composition of the parts, reload and shutdown |
//! | [`cli`] | commands |
//!
//! # Reading order
//!
//! Read [`ehealth_core::model`] for the terms, [`ehealth_core::policy`] for authorisation, then
//! [`ehealth_core::lookup`]. Its types enforce "authorised before read" and "recorded before
//! answered": code that swaps two steps does not compile.
//!
//! # Three data flows
//!
//! **A question.** [`server`] accepts a connection, and [`certificates`] identifies its client.
//! `server/http/route.rs` validates the head of a request; [`soap`] reads the body into a question.
//! `server/exchange.rs` shows the remaining steps on one page:
//! [`Presented`](ehealth_core::lookup::Presented) →
//! [`Identified`](ehealth_core::lookup::Identified) (the register knows the caller) →
//! [`Permitted`](ehealth_core::lookup::Permitted) (a grant was found) →
//! [`Resolved`](ehealth_core::lookup::Resolved) (read from the store, by five rules) →
//! recorded in the [`AuditLog`](audit_log::AuditLog) →
//! [`Answer`](ehealth_core::lookup::Answer) → written by [`soap`].
//!
//! **A feed.** [`datasets::sync::follow`] starts a run on schedule; the command `sync` starts one
//! by hand. The run fetches the publisher's notification ([`datasets::feed`]) and compares it with
//! the loaded state ([`datasets::sync::plan`]). It streams the data file through digest and
//! validation into a file beside the live one ([`datasets::store`]), and swaps the files when every
//! check passed. Readers see the old or the new state. [`datasets::sync::Monitor`] and the history
//! report the outcome.
//!
//! **A verification.** [`audit_log::Records`] reads what [`AuditLog`](audit_log::AuditLog) wrote
//! and checks each leaf; [`audit_log::find`] finds a person's records by a keyed token.
//!
//! # Failures
//!
//! `docs/operations/faults.md` lists what happens when a disk, a clock, a dataset or the system
//! fails, with the test that causes each failure.

pub mod admin;
pub mod app;
pub mod certificates;
pub mod cli;
pub mod config;
pub mod server;
