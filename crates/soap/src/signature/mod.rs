//! Signed messages (XML Signature, WS-Security): the octets of an element over which a digest is
//! computed.
//!
//! The canonical form is made from the tokens of the crate's own reader, in the pass that checks the
//! document. No second parser decides what was signed: two parsers that read one message
//! differently are how signature wrapping works.

mod c14n;
mod octets;
mod prefix_list;
mod rendered;

pub use c14n::{Canonicalizer, Progress, Subtree};
pub use octets::{CANONICAL_WORK, CanonicalizationError};
pub use prefix_list::{PREFIXES, PrefixList, PrefixListError};

#[cfg(test)]
mod tests;
