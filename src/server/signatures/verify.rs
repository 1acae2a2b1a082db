//! Verifies the signature of one message.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::replay::Replayed;
use crate::certificates::sha256;
use crate::server::exchange::ExchangeContext;
use crate::server::peer::Peer;
use crate::server::tls::client_verifier::VerifiedClient;
use ehealth_core::explained::Explained;
use ehealth_core::lookup::{Caller, MessageSignature, Relay};
use ehealth_core::model::EnterpriseNumber;
use ehealth_core::policy::{Consumer, SignatureRule};
use soap::signature::{
    Digests, MessageKind, Problem, ReadError, SecurityBlock, SignatureError, Target, VerificationKey, read_security,
};
use soap::{BadMessage, Charset, Document};

/// A message whose signature was verified.
pub(in crate::server) struct Verified {
    pub signer: Signer,
    pub signature: Arc<MessageSignature>,
}

/// Who signed a message.
pub(in crate::server) enum Signer {
    /// The TLS client's own organisation.
    Caller,
    /// Another organisation, whose message the TLS client brings: the question is the signer's.
    Relayed { caller: Caller, relay: Relay, consumer: Arc<Consumer> },
}

/// Why a message is refused.
pub(in crate::server) enum Refused {
    Problem(Box<Problem>),
    /// It is not well-formed.
    Document(Explained<BadMessage>),
}

impl From<Box<Problem>> for Refused {
    fn from(problem: Box<Problem>) -> Self {
        Self::Problem(problem)
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Problem(problem) => Self::Problem(problem),
            ReadError::Document(bad) => Self::Document(bad),
        }
    }
}

fn problem(error: SignatureError, expected: &'static str, found: impl Into<String>) -> Refused {
    Refused::Problem(Box::new(Problem::new(error, expected, found)))
}

/// Verifies the signature of a message, which was read without error. `has_security`: whether it has a
/// `wsse:Security` block for this service. `None`: it is not signed, and need not be.
///
/// # Errors
/// [`Refused`], by the first check that fails.
pub(in crate::server) fn verify(
    context: ExchangeContext<'_>,
    peer: &Peer,
    message: (&[u8], Option<Charset>),
    has_security: bool,
) -> Result<Option<Verified>, Refused> {
    let Some(consumer) = context.consumer else { return Ok(None) };
    match (consumer.signatures.rule, has_security) {
        (SignatureRule::Off, _) | (SignatureRule::Accept, false) => return Ok(None),
        (SignatureRule::Require, false) => {
            return Err(problem(SignatureError::Missing, "a wsse:Security block for this service", "none"));
        }
        (SignatureRule::Accept | SignatureRule::Require, true) => {}
    }
    let (bytes, charset) = message;
    let document = Document::from_bytes(bytes, charset).map_err(Refused::Document)?;
    let Some(block) = read_security(&document, MessageKind::Request)? else {
        return Err(problem(SignatureError::Missing, "a wsse:Security block for this service", "none"));
    };
    block.check_algorithms()?;
    block.check_time(context.exchange.received, context.service.settings.signatures)?;
    let certificate = CertificateDer::from(block.certificate.as_slice());
    let admitted = context.active_config.client_verifier.admit(&certificate, peer.intermediates());
    let signing = admitted.map_err(|refused| {
        problem(SignatureError::Certificate, "a certificate that a TLS client may have", refused.to_string())
    })?;
    let signer = identify(context, consumer, &signing)?;
    let key = VerificationKey::parse(block.method, &signing.facts.public_key)?;
    let digests = soap::signature::verify(&document, &block, &key)?;
    if let Signer::Relayed { .. } = signer
        && !digests.signs(Target::Token)
    {
        return Err(problem(SignatureError::TokenNotSigned, "a reference to the token of a relayed message", "none"));
    }
    remember(context, &block, &digests, signing.facts.organisation.ok())?;
    let signature =
        MessageSignature { message: sha256(bytes), value: block.value.into(), certificate: block.certificate.into() };
    Ok(Some(Verified { signer, signature: Arc::new(signature) }))
}

/// Finds whether the signer may sign for the TLS client.
fn identify(context: ExchangeContext<'_>, consumer: &Consumer, signing: &VerifiedClient) -> Result<Signer, Refused> {
    let caller = signing.caller();
    let recognised = context.active_config.register.recognise(caller.certified);
    let signing_consumer =
        recognised.map_err(|reason| problem(SignatureError::UnknownSigner, "a registered consumer", reason.code()))?;
    let organisation = signing_consumer.organisation;
    if organisation == consumer.organisation {
        return Ok(Signer::Caller);
    }
    if !consumer.signatures.signers.contains(&organisation) {
        let expected = "the TLS client's organisation, or one of its signers in the policy";
        return Err(problem(SignatureError::ForeignSigner, expected, organisation.to_string()));
    }
    let relay = Relay { organisation: consumer.organisation, fingerprint: context.exchange.caller.fingerprint };
    Ok(Signer::Relayed { caller, relay, consumer: Arc::clone(signing_consumer) })
}

/// Remembers a message whose other checks passed.
fn remember(
    context: ExchangeContext<'_>,
    block: &SecurityBlock,
    _passed: &Digests,
    signer: Option<EnterpriseNumber>,
) -> Result<(), Refused> {
    let Some(signer) = signer else {
        return Err(problem(SignatureError::UnknownSigner, "a certificate that names an organisation", "none"));
    };
    let skew = context.service.settings.signatures.skew_millis;
    let until = block.expires.plus_millis(skew);
    let seen = context.service.replay.remember(signer, sha256(&block.value), until, context.exchange.received);
    seen.map_err(|replayed| match replayed {
        Replayed::Before => problem(SignatureError::Replayed, "a message that was not received before", "a replay"),
        Replayed::Full => problem(SignatureError::ReplayMemory, "room to remember the message", "none"),
    })
}
