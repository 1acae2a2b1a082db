//! Signed messages: whether a message has a valid signature, and whose question it then is.
//!
//! The order of the checks is that of docs/reference/message-signature.md: those that cost little
//! come first. A message counts as signed only as a [`Verified`] value, which only
//! [`SignatureChecks::verify`] makes.

mod replay;
mod responses;
mod verify;

pub use replay::{ReplayCache, ReplayMemory, Replayed};
pub use responses::ResponseSigner;
pub use verify::{Bearer, Refused, RelayedSigner, SignatureChecks, SignatureExplainer, Signer, Verified};
pub(super) use verify::{missing, replayed};
