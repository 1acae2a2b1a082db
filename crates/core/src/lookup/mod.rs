//! How an answer is found: a pipeline of types, and the five rules of `docs/reference/domain.md`
//! "How the answer is found".
//!
//! # Two guarantees
//!
//! Presented → Identified → Permitted → Resolved → Recorded → Answer: each state is a type, each
//! step consumes the state before it, and the constructors are private.
//!
//! * **Authorised before read**: data are read in `resolve` only, which takes a
//!   [`Permit`](crate::policy::Permit); only [`crate::policy::decide`] creates one.
//! * **Recorded before answered**: an [`Answer`] is a [`Recorded`] outcome. Only [`record`] creates
//!   one, after the [`AuditSink`] has declared its [`Pending`] record durable.
//!
//! The steps, in order:
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
//!     disclose: impl FnOnce(Answer) + Send + 'static,
//! ) {
//!     let Ok(identified) = presented.identify(register) else { return };
//!     let resolved = match identified.permit() {
//!         Permission::Permitted(permitted) => match permitted.resolve(directory, limits) {
//!             Ok(resolved) => resolved,
//!             Err(_) => return,
//!         },
//!         Permission::Refused(resolved, _rule) => resolved,
//!         Permission::EndUser(_presented, _fault) => return,
//!     };
//!     record(resolved, log, |recorded| {
//!         if let Ok(answer) = recorded {
//!             disclose(answer);
//!         }
//!     });
//! }
//! ```
//!
//! No step can be left out. A question that was not permitted cannot be resolved:
//!
//! ```compile_fail,E0599
//! # use ehealth_core::lookup::{Directory, FreshnessLimits, Identified};
//! fn read(identified: Identified, directory: &mut impl Directory, limits: &FreshnessLimits) {
//!     identified.resolve(directory, limits);
//! }
//! ```
//!
//! A permit cannot be constructed, nor changed into a permit for another question:
//!
//! ```compile_fail,E0451
//! # use ehealth_core::model::Criteria;
//! # use ehealth_core::policy::Permit;
//! fn forge(permit: Permit, criteria: Criteria) -> Permit {
//!     Permit { criteria, ..permit }
//! }
//! ```
//!
//! An outcome that is not recorded gives no access to what was found, and cannot be turned into an
//! answer:
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
//! fn disclose(resolved: Resolved) -> Answer {
//!     Recorded { outcome: resolved, sequence: 0 }
//! }
//! ```
//!
//! A pending record cannot be constructed, so that no record can be declared durable that no audit
//! log received:
//!
//! ```compile_fail,E0451
//! # use ehealth_core::lookup::{Pending, RecordContent};
//! fn forge(record: RecordContent) -> Pending {
//!     Pending { record, settle: None }
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
//! Two gaps remain that types alone do not close: any code that holds a [`Directory`] can read it,
//! and an [`AuditSink`] can settle a record that it did not write. `tests/it/architecture` checks
//! that only this module calls the reads of persons' data, and that only the audit log settles
//! records.
//!
//! This module is pure and synchronous. It reads through [`Directory`] and records through
//! [`AuditSink`], which other crates implement.

// The two ports: what other crates implement.
mod ports;
mod without_datasets;

// The pipeline: the states of an exchange as types.
mod exchange;
mod pipeline;

// Authorised before read: the order of a look-up, its five rules, and the work that equalises
// refusals.
mod disclose;
mod equal_work;
mod freshness_limits;
mod reads;
mod relation;
mod resolve;
mod rules;
mod sources;

// Recorded before answered: the record, its way to the disk, and what may be disclosed afterwards.
mod exchange_record;
mod message_signature;
mod pending;
mod recording;
mod suppressed;

pub use exchange::{Caller, Exchange};
pub use exchange_record::{ExchangeRecord, Operation};
pub use freshness_limits::FreshnessLimits;
pub use message_signature::{MessageSignature, Relay};
pub use pending::{Pending, RecordContent, RecordFailure};
pub use pipeline::{Answer, Identified, LookupError, Permission, Permitted, Presented, Resolved};
pub use ports::{AuditSink, Directory, DirectoryError};
pub use recording::{Recordable, Recorded, Unrecorded, record, record_suppressed};
pub use suppressed::SuppressedRequests;
pub use without_datasets::WithoutDatasets;
