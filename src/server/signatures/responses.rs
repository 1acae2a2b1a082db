//! Signs the responses to consumers that want it.

use ehealth_core::model::Timestamp;
use soap::signature::{MessageKind, SignError, SigningIdentity, SigningOptions, sign};

/// Validity of a signed response.
const LIFETIME_MILLIS: i64 = 300_000;

/// Key and certificate with which responses are signed.
#[derive(Debug)]
pub struct ResponseSigner(pub SigningIdentity);

impl ResponseSigner {
    /// Signs a response, and confirms the signature of its request if that was signed.
    ///
    /// # Errors
    /// [`SignError`]: the response must not be sent.
    pub(in crate::server) fn sign(
        &self,
        response: &[u8],
        now: Timestamp,
        confirmed: Option<&[u8]>,
    ) -> Result<Vec<u8>, SignError> {
        let confirmations: Vec<_> = confirmed.into_iter().map(<[u8]>::to_vec).collect();
        let options = SigningOptions {
            kind: MessageKind::Response,
            created: now,
            expires: now.plus_millis(LIFETIME_MILLIS),
            confirmations: &confirmations,
        };
        sign(response, &self.0, options).map(|signed| signed.message)
    }
}
