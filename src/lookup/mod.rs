//! How the answer is found: a pipeline of types, and the five rules of domain.md.
//!
//! # Two lines that cannot be crossed
//!
//! Presented → Identified → Permitted → Resolved → Recorded → Answer: each state is a type, each step consumes the
//! one before, and the constructors are private.
//!
//! * **Authorised before read**: data are read in `resolve` alone, which takes a [`Permit`](crate::policy::Permit);
//!   only [`crate::policy::decide`] makes one.
//! * **Recorded before answered**: an [`Answer`] comes from [`Resolved::release`] alone, which takes a [`Receipt`];
//!   only a [`Pending`] that an [`AuditLog`] declared durable makes one.
//!
//! This room is pure and synchronous. It reads through [`Directory`] and writes through [`AuditLog`], whose real
//! shapes live on the floor above.

mod directory;
mod evidence;
mod pipeline;
mod resolve;

pub use directory::{Directory, DirectoryError};
pub use evidence::{AuditLog, Entry, Operation, Pending, Receipt, RecordFailure};
pub use pipeline::{
    Answer, Caller, Exchange, Identified, LookupError, Permission, Permitted, Presented, Resolved, WrongReceipt,
};
pub use resolve::FreshnessLimits;
