//! The checks of a signature that need its key: digests, signature, position, in this order.

use super::block::SecurityBlock;
use super::digests::Digests;
use super::elements::ReadError;
use super::key::VerificationKey;
use super::problem::{Problem, SignatureError};
use crate::reader::Document;

/// Verifies what a message signs, with the key of its certificate. The block was read from the same
/// document. Time and certificate are checked before, because that costs less; whether the message
/// was received before is checked afterwards, because only a valid message is remembered.
///
/// # Errors
/// [`ReadError`]: the first check that fails.
pub fn verify(document: &Document<'_>, block: &SecurityBlock, key: &VerificationKey) -> Result<Digests, ReadError> {
    let digests = Digests::compute(document, block)?;
    digests.check_digests()?;
    digests.check_signature(block, key)?;
    digests.check_position(block)?;
    Ok(digests)
}

impl Digests {
    /// Verifies the signature of the digests.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn check_signature(&self, block: &SecurityBlock, key: &VerificationKey) -> Result<(), Box<Problem>> {
        let Some(digest) = self.signed_info.as_ref().filter(|_| key.method() == block.method) else {
            let problem = Problem::new(SignatureError::SignatureValue, "a SignedInfo with a canonical form", "none");
            return Err(Box::new(problem));
        };
        key.verify(digest, &block.value)
    }
}
