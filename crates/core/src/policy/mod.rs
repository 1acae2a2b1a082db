//! The policy: consumers and their grants as data, and the decisions over them as pure functions.
//!
//! Deny by default: a question that no grant of the register allows is refused, and every refusal
//! names its rule. Nothing here reads a clock, a file or a dataset. The relation that a grant
//! demands is *named* here and *checked* in [`crate::lookup`]. Only [`decide()`] creates a
//! [`Permit`].

// Who is known, and what they are granted.
mod certified;
mod consumer;
mod context;
mod grant;
mod terms;

// Whether a question may be looked up.
mod decide;
mod rule;
mod signatures;

// At what rate, and what a consumer may find out by asking often.
mod dates_per_person;
mod day_count;
mod empty_answers;
mod guard_score;
mod leased_quota;
mod quota;
mod shared_counts;
mod sliding_count;
mod subject_hash;
mod warnings;

pub use certified::{Certified, EnvironmentRule, NotIdentified};
pub use consumer::{ActsFor, Consumer, ConsumerId, Pins, Register, RegisterError, ReplacedSsin};
pub use context::{ContextDefinition, ContextError, Contexts, DateRule, EndUserRule};
pub use dates_per_person::DatesPerPerson;
pub use day_count::{HOURS, HourCounts, NoQuestion};
pub use decide::{Denied, EndUserFault, NoGrant, Permit, Refusal, decide};
pub use empty_answers::{EmptyAnswers, Finding, THROTTLE_INTERVAL, Throttle};
pub use grant::{Grant, GrantError};
pub use guard_score::{EMPTY_SLOTS, GuardChange, GuardTotals};
pub use leased_quota::{LeaseSource, LeasedQuota, PlannedLease, TakenLease};
pub use quota::{Quota, RateLimiter};
pub use rule::Rule;
pub use shared_counts::{Lease, LeaseRequest, MINUTE_SLOTS, ReturnedLease, SharedCounts, Unleased, exchange};
pub use signatures::{SignatureRule, Signatures};
pub use subject_hash::SubjectHash;
pub use terms::{Deliberation, DeliberationError, Reach, Relation};
pub use warnings::{
    ContextProblem, EXPIRY_WARNING_DAYS, PolicyProblem, PolicyWarning, find_revoked_signers, find_warnings,
};
