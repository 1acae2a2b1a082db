//! Verifies the signatures of responses (docs/guides/signing.md).
//!
//! The reader of the crate `soap` that finds the message in a response also finds what was signed,
//! so that the two cannot differ. HTTP status and headers are not signed.

use rustls::pki_types::CertificateDer;
use soap::signature::{MessageKind, ReadError, SecurityBlock, TimeRule, VerificationKey, read_security, verify};
use soap::{Charset, Document};
use tls_files::parse_certificates;

use ehealth_core::model::Timestamp;

use super::binding::around_message;
use super::error::ClientError;
use super::response_signature_error::ResponseSignatureError;
use super::settings::{Part, SettingsError};
use super::signing::public_key_of;

/// What a response is verified against.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseContext<'a> {
    /// Certificate that the server presented in the TLS handshake.
    pub server_certificate: Option<&'a CertificateDer<'static>>,
    /// Value of the request's signature; `None`: the request was not signed.
    pub request_signature: Option<&'a [u8]>,
    pub now: Timestamp,
}

/// Verifies responses. Its certificates may sign them, besides the certificate of the TLS server.
pub(super) struct ResponseVerifier {
    signers: Vec<CertificateDer<'static>>,
}

impl ResponseVerifier {
    /// Reads the certificates; `None`: only that of the TLS server.
    pub(super) fn new(signers_pem: Option<&[u8]>) -> Result<Self, SettingsError> {
        let content = |reason| SettingsError::Content { part: Part::ResponseSigners, reason };
        let signers = signers_pem.map(parse_certificates).transpose().map_err(content)?;
        Ok(Self { signers: signers.unwrap_or_default() })
    }

    /// Verifies the signature of a response or a fault.
    ///
    /// # Errors
    /// [`ClientError::Unverified`], by the first check that fails; [`ClientError::NotUnderstood`] if
    /// the bytes are no well-formed message.
    pub(super) fn verify(&self, response: &[u8], context: ResponseContext<'_>) -> Result<(), ClientError> {
        let document = Document::from_bytes(response, Some(Charset::Utf8)).map_err(around_message)?;
        let block =
            read_security(&document, MessageKind::Response).map_err(refuse)?.ok_or(ResponseSignatureError::Missing)?;
        block.check_algorithms().map_err(ResponseSignatureError::from)?;
        block.check_time(context.now, TimeRule::default()).map_err(ResponseSignatureError::from)?;
        let key = self.key_of(&block, context)?;
        let digests = verify(&document, &block, &key).map_err(refuse)?;
        if !digests.signs_confirmations(&block) {
            return Err(ResponseSignatureError::ConfirmationNotSigned.into());
        }
        check_confirmation(&block, context.request_signature)?;
        Ok(())
    }

    /// Key of the token, if it may sign responses.
    fn key_of(
        &self,
        block: &SecurityBlock,
        context: ResponseContext<'_>,
    ) -> Result<VerificationKey, ResponseSignatureError> {
        let mut accepted = context.server_certificate.into_iter().chain(&self.signers);
        let certificate = accepted
            .find(|certificate| certificate.as_ref() == block.certificate)
            .ok_or(ResponseSignatureError::UnknownSigner)?;
        let info = public_key_of(certificate).ok_or(ResponseSignatureError::Certificate)?;
        Ok(VerificationKey::parse(block.method, &info)?)
    }
}

/// Checks that the response belongs to the request. A block has at most one confirmation.
fn check_confirmation(block: &SecurityBlock, signature: Option<&[u8]>) -> Result<(), ResponseSignatureError> {
    match (signature, block.confirmations.first()) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(ResponseSignatureError::NotConfirmed),
        (Some(signature), Some(confirmed)) if confirmed == signature => Ok(()),
        (Some(_) | None, Some(_)) => Err(ResponseSignatureError::AnotherRequest),
    }
}

fn refuse(error: ReadError) -> ClientError {
    match error {
        ReadError::Problem(problem) => ResponseSignatureError::from(problem).into(),
        ReadError::Document(bad) => around_message(bad).into(),
    }
}

#[cfg(test)]
#[path = "response_signature_tests.rs"]
mod tests;
