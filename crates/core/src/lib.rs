//! The domain of the service: its values, its policy, and the lookup.
//!
//! Pure and synchronous: no IO, no clock, no async. It reads through [`lookup::Directory`] and
//! records through [`lookup::AuditSink`], which other crates implement. Dependencies point down:
//! `lookup` uses `policy` and `model`, `policy` and `explained` use `model`.

// Declares closed lists: an enum, the list of its variants, and their codes.
mod closed_enum;

// Identifiers, days, periods, the nine fields, the question and the answer.
pub mod model;

// Why something is refused: for the caller, and for the operator alone.
pub mod explained;

// Who may ask what: consumers, grants, the decision, rate limits.
pub mod policy;

// How an answer is found: the pipeline of types, the five rules, the ports.
pub mod lookup;
