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
//! The way, in order:
//!
//! ```
//! # use ehealth_attributes::lookup::{Answer, Directory, Entry, FreshnessLimits, Permission, Presented, Receipt};
//! # use ehealth_attributes::policy::Register;
//! fn answer(
//!     presented: Presented,
//!     register: &Register,
//!     directory: &mut impl Directory,
//!     limits: &FreshnessLimits,
//!     record: impl Fn(Entry) -> Option<Receipt>,
//! ) -> Option<Answer> {
//!     let resolved = match presented.identify(register).ok()?.permit() {
//!         Permission::Permitted(permitted) => permitted.resolve(directory, limits).ok()?,
//!         Permission::Refused(resolved, _rule) => resolved,
//!     };
//!     let receipt = record(resolved.entry())?;
//!     resolved.release(&receipt).ok()
//! }
//! ```
//!
//! No step can be left out. What was not permitted cannot be resolved:
//!
//! ```compile_fail,E0599
//! # use ehealth_attributes::lookup::{Directory, FreshnessLimits, Identified};
//! fn read(identified: Identified, directory: &mut impl Directory, limits: &FreshnessLimits) {
//!     identified.resolve(directory, limits);
//! }
//! ```
//!
//! A permit cannot be made up, nor turned into one for somebody else:
//!
//! ```compile_fail,E0451
//! # use ehealth_attributes::model::Criteria;
//! # use ehealth_attributes::policy::Permit;
//! fn forge(permit: Permit, criteria: Criteria) -> Permit {
//!     Permit { criteria, ..permit }
//! }
//! ```
//!
//! What is not on record shows nothing of what was found, and does not become an answer:
//!
//! ```compile_fail,E0599
//! # use ehealth_attributes::lookup::Resolved;
//! # use ehealth_attributes::model::Disclosure;
//! fn peek(resolved: &Resolved) -> Option<&Disclosure> {
//!     resolved.disclosure()
//! }
//! ```
//!
//! ```compile_fail,E0423
//! # use ehealth_attributes::lookup::{Answer, Resolved};
//! fn tell(resolved: Resolved) -> Answer {
//!     Answer(resolved)
//! }
//! ```
//!
//! A receipt cannot be made up either, and an outcome is released once:
//!
//! ```compile_fail,E0451
//! # use ehealth_attributes::lookup::Receipt;
//! # use ehealth_attributes::model::Ticket;
//! fn forge(ticket: Ticket) -> Receipt {
//!     Receipt { ticket, sequence: 0 }
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use ehealth_attributes::lookup::{Answer, Receipt, Resolved};
//! fn twice(resolved: Resolved, receipt: &Receipt) -> [Option<Answer>; 2] {
//!     [resolved.release(receipt).ok(), resolved.release(receipt).ok()]
//! }
//! ```
//!
//! Two seams remain that types alone do not close: whoever holds a [`Directory`] can read it, and whoever holds a
//! [`Pending`] can declare it durable. `tests/house.rs` sees to it that this room does the one and `audit` the other.
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
