//! A SOAP service that tells, from a person's number, the employer, the prevention service and the health-insurance fund:
//! nine fields, and only to who may have them.
//!
//! # The floors
//!
//! A room imports only rooms on floors below it; adapters never see each other. `tests/it/architecture` holds this table.
//!
//! | floor | rooms | what is there |
//! |---|---|---|
//! | 0 words | [`model`] | identifiers, days, the nine fields, question and answer: right when they exist |
//! | 1 rules | [`policy`], [`lookup`] | who may ask what; how the answer is found, as a pipeline of types |
//! | 2 adapters | [`soap`], [`cert`], [`store`], [`feed`], [`audit`] | one library each: the wire, certificates, the data, what brings them, the evidence |
//! | 3 engines | [`sync`], [`server`], [`admin`], [`client`] | what runs: feeds into the store, the door, what operators see, our own client |
//! | 4 roof | [`config`], [`app`], [`cli`] | settings, composition, commands |
//!
//! # Reading order
//!
//! [`model`] for the words, [`policy`] for who may ask, then [`lookup`]: the two lines that make "authorised before read"
//! and "recorded before answered" true stand there, and do not compile when they are crossed.
//!
//! # Three walks
//!
//! **A question.** [`server`] takes a connection, and [`cert`] says whose it is. A request's head is judged
//! (`server/http/route.rs`), its body read by [`soap::read_request`] into a [`model::Question`]. From there `server/exchange.rs`
//! is the whole story on one page: [`lookup::Presented`] → [`lookup::Identified`] ([`policy::Register`] knows the caller)
//! → [`lookup::Permitted`] ([`policy::decide`] found a grant) → [`lookup::Resolved`] (read from [`store`], five rules) →
//! a [`lookup::Receipt`] from [`audit::AuditLog`] → [`lookup::Answer`] → [`soap::write_answer`].
//!
//! **A feed.** [`sync::follow`] begins a run when its time has come, or `sync` on the command line does. The run asks for
//! the publisher's notification ([`feed`]), plans from it and from what is loaded ([`sync::plan`]), streams the
//! data file through digest and judgement into a file beside the live one ([`store`]), and swaps it in when everything
//! was checked. Readers see the old or the new state; a [`sync::Monitor`] and the history say what became of the run.
//!
//! **A verification.** [`audit::Records`] reads what [`audit::AuditLog`] wrote, checks each leaf, and finds a person's records
//! by a keyed token ([`audit::search`]).
//!
//! # When machines fail
//!
//! What happens when a disk, a clock, a dataset or the system fails under any of them is one table, `docs/operations/faults.md`, each
//! row with the test that causes it.

pub mod admin;
pub mod app;
pub mod certificates;
pub mod cli;
pub mod config;
pub mod server;
