//! The domain: identifiers and days ([`model`]), who may ask what ([`policy`]), and how an answer is found ([`lookup`]).
//!
//! Pure and synchronous: no IO, no clock, no async. It reads through [`lookup::Directory`] and records through
//! [`lookup::AuditSink`], whose implementations are in other crates.

mod closed_enum;
pub mod lookup;
pub mod model;
pub mod policy;
