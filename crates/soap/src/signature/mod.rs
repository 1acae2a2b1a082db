//! Signed messages (WS-Security 1.1 with X.509 tokens, over XML Signature 1.1).
//!
//! The canonical form is made from the tokens of the crate's own reader. No second parser decides
//! what was signed: two parsers that read one message differently are how signature wrapping works.
//! What is signed is identified by its position in the document: [`SecurityBlock`] notes where the
//! body, the timestamp and the token are that the service reads, and [`Digests`] accepts no other
//! element.

// The profile as data, and why a message is not of it.
mod algorithms;
mod block;
mod kind;
mod problem;

// From a message to its block.
mod elements;
mod read;
mod read_signature;

// Canonical forms and digests.
mod c14n;
mod digests;
mod octets;
mod prefix_list;
mod rendered;

// Signatures: to verify, to make.
mod key;
mod sign;
mod signing_key;
mod verify;

// Why a signature is refused, for its author.
pub mod diagnosis;

pub use algorithms::{DigestMethod, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, SignatureMethod};
pub use block::{CERTIFICATE_BYTES, REFERENCES, SIGNATURE_BYTES, SecurityBlock, Target, TimeRule};
pub use c14n::{Canonicalizer, Progress, Subtree};
pub use digests::{Digests, IDS};
pub use elements::ReadError;
pub use key::VerificationKey;
pub use kind::MessageKind;
pub use octets::{CANONICAL_WORK, CanonicalizationError, REPLY_CANONICAL_WORK};
pub use prefix_list::{PREFIXES, PrefixList, PrefixListError};
pub use problem::{Check, Problem, SignatureError};
pub use read::read_security;
pub use sign::{SignError, SignedMessage, SigningIdentity, SigningOptions, SigningStep, sign};
pub use signing_key::SigningKey;
pub use verify::verify;

#[cfg(test)]
mod tests;
