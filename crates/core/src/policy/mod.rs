//! Who may ask what: consumers and their grants as data, and the decisions over them as pure functions.
//!
//! Deny by default: what no line of the register allows is refused, and every refusal names its rule. Nothing here
//! reads a clock, a file or a dataset; the relation that a grant demands is *named* here and *shown* in
//! [`crate::lookup`]. A [`Permit`] can be born in one place only, [`decide`].

mod consumer;
mod decide;
mod grant;
mod quota;

pub use consumer::{ActsFor, Certified, Consumer, NotIdentified, Pins, Register, RegisterError};
pub use decide::{Denied, NoGrant, Permit, Refusal, decide};
pub use grant::{Deliberation, Grant, GrantError, Reach, Relation, ceiling};
pub use quota::{Quota, RateLimiter, THROTTLE_DELAY, Throttle};
