//! The policy: consumers and their grants as data, and the decisions over them as pure functions.
//!
//! Deny by default: a question that no grant of the register allows is refused, and every refusal
//! names its rule. Nothing here reads a clock, a file or a dataset. The relation that a grant
//! demands is *named* here and *checked* in [`crate::lookup`]. Only [`decide()`] creates a
//! [`Permit`].

// Who is known, and what they are granted.
mod certified;
mod consumer;
mod grant;

// Whether a question may be looked up, and at what rate.
mod decide;
mod quota;
mod warnings;

pub use certified::{Certified, EnvironmentRule, NotIdentified};
pub use consumer::{ActsFor, Consumer, ConsumerId, Pins, Register, RegisterError, ReplacedSsin};
pub use decide::{Denied, NoGrant, Permit, Refusal, decide};
pub use grant::{Deliberation, Grant, GrantError, Reach, Relation, ceiling};
pub use quota::{Quota, RateLimiter, THROTTLE_DELAY, Throttle};
pub use warnings::{GRANT_EXPIRY_WARNING, PolicyWarning, find_warnings};
