//! The domain: identifiers and days ([`model`]), who may ask what ([`policy`]), and how an answer is found ([`lookup`]).
//!
//! Pure and synchronous: no IO, no clock, no async. It reads through [`lookup::Directory`] and records through
//! [`lookup::AuditLog`], whose implementations are in other crates.

pub mod lookup;
pub mod model;
pub mod policy;
