//! How the answer is found: a pipeline of types, and the five rules of domain.md.
//!
//! # Two lines that cannot be crossed
//!
//! Presented → Identified → Permitted → Resolved → Recorded → Answer: each state is a type, each step consumes the
//! one before, and the constructors are private.
//!
//! * **Authorised before read**: data are read in `resolve` alone, which takes a [`Permit`](crate::policy::Permit);
//!   only [`crate::policy::decide`] makes one.
//! * **Recorded before answered**: an [`Answer`] is a [`Recorded`] outcome; [`record`] alone makes one, when the
//!   [`AuditSink`] declares the [`Pending`] entry durable that stands for it.
//!
//! The way, in order:
//!
//! ```
//! # use ehealth_core::lookup::{Answer, AuditSink, Directory, FreshnessLimits, Permission, Presented, record};
//! # use ehealth_core::policy::Register;
//! fn answer(
//!     presented: Presented,
//!     register: &Register,
//!     directory: &mut impl Directory,
//!     limits: &FreshnessLimits,
//!     log: &dyn AuditSink,
//!     tell: impl FnOnce(Answer) + Send + 'static,
//! ) {
//!     let Ok(identified) = presented.identify(register) else { return };
//!     let resolved = match identified.permit() {
//!         Permission::Permitted(permitted) => match permitted.resolve(directory, limits) {
//!             Ok(resolved) => resolved,
//!             Err(_) => return,
//!         },
//!         Permission::Refused(resolved, _rule) => resolved,
//!     };
//!     record(resolved, log, |recorded| {
//!         if let Ok(answer) = recorded {
//!             tell(answer);
//!         }
//!     });
//! }
//! ```
//!
//! No step can be left out. What was not permitted cannot be resolved:
//!
//! ```compile_fail,E0599
//! # use ehealth_core::lookup::{Directory, FreshnessLimits, Identified};
//! fn read(identified: Identified, directory: &mut impl Directory, limits: &FreshnessLimits) {
//!     identified.resolve(directory, limits);
//! }
//! ```
//!
//! A permit cannot be made up, nor turned into one for somebody else:
//!
//! ```compile_fail,E0451
//! # use ehealth_core::model::Criteria;
//! # use ehealth_core::policy::Permit;
//! fn forge(permit: Permit, criteria: Criteria) -> Permit {
//!     Permit { criteria, ..permit }
//! }
//! ```
//!
//! What is not on record shows nothing of what was found, and does not become an answer:
//!
//! ```compile_fail,E0599
//! # use ehealth_core::lookup::Resolved;
//! # use ehealth_core::model::Disclosure;
//! fn peek(resolved: &Resolved) -> Option<&Disclosure> {
//!     resolved.disclosure()
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use ehealth_core::lookup::{Answer, Recorded, Resolved};
//! fn tell(resolved: Resolved) -> Answer {
//!     Recorded { told: resolved, sequence: 0 }
//! }
//! ```
//!
//! An entry that is waiting cannot be made up, so that nothing can be declared durable that no log was given:
//!
//! ```compile_fail,E0451
//! # use ehealth_core::lookup::{ExchangeRecord, Pending};
//! fn forge(entry: ExchangeRecord) -> Pending {
//!     Pending { entry, settle: None }
//! }
//! ```
//!
//! An outcome is recorded once:
//!
//! ```compile_fail,E0382
//! # use ehealth_core::lookup::{AuditSink, Resolved, record};
//! fn twice(resolved: Resolved, log: &dyn AuditSink) {
//!     record(resolved, log, |_| ());
//!     record(resolved, log, |_| ());
//! }
//! ```
//!
//! One seam remains that types alone do not close: whoever holds a [`Directory`] can read it. `tests/it/architecture` sees to
//! it that this room alone does.
//!
//! This room is pure and synchronous. It reads through [`Directory`] and writes through [`AuditSink`], whose real
//! shapes live on the floor above.

mod directory;
mod evidence;
mod pipeline;
mod resolve;

pub use directory::{Directory, DirectoryError};
pub use evidence::{
    AuditSink, ExchangeRecord, Operation, Pending, RecordFailure, Recordable, Recorded, Unrecorded, record,
};
pub use pipeline::{Answer, Caller, Exchange, Identified, LookupError, Permission, Permitted, Presented, Resolved};
pub use resolve::FreshnessLimits;
