//! Says why a signed message is refused, to its author: every check with what it found, and for a
//! digest or a signature that differs, the error of the signer that reproduces it.
//!
//! No part of this verifies a message: [`verify`](fn@super::verify) does. A signer that hashed other
//! octets hashed some form of the element, and the known forms are few. Each is made and compared.

mod advice;
mod cause;
mod compare;
mod digests;
mod examine;
mod form;
mod recovered;
mod report;
mod schemes;
mod signatures;
mod steps;
mod tree;
mod variants;
mod white_space;

pub use cause::{Cause, Explanation};
pub use examine::{Context, ServiceChecks, examine};
pub use report::{CanonicalForm, CheckFinding, Fault, Outcome, Report};
pub use steps::describe_steps;

#[cfg(test)]
mod tests;
