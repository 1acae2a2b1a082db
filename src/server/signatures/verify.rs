//! Verifies the signature of one message.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::replay::{ReplayCache, Replayed};
use crate::server::tls::ClientVerifier;
use crate::server::tls::client_verifier::VerifiedClient;
use certificates::sha256;
use ehealth_core::explained::Explained;
use ehealth_core::lookup::{Caller, MessageSignature, Relay};
use ehealth_core::model::{Digest, EnterpriseNumber, Timestamp};
use ehealth_core::policy::{Consumer, Register};
use soap::signature::{
    Digests, MessageKind, Problem, ReadError, SecurityBlock, SignatureError, Target, TimeRule, read_security,
};
use soap::{BadMessage, Charset, Document};

/// A message whose signature was verified.
#[derive(Debug)]
pub struct Verified {
    /// Who signed it.
    pub signer: Signer,
    /// The signature, for the record.
    pub signature: Arc<MessageSignature>,
}

/// Who signed a message.
#[derive(Debug)]
pub enum Signer {
    /// The TLS client's own organisation.
    Caller,
    /// Another organisation, whose message the TLS client brings: the question is the signer's.
    Relayed(Box<RelayedSigner>),
}

/// The signer of a message that a relay brought.
#[derive(Debug)]
pub struct RelayedSigner {
    /// The signer.
    pub caller: Caller,
    /// The TLS client.
    pub relay: Relay,
    /// The signer as a consumer.
    pub consumer: Arc<Consumer>,
}

/// Why a message is refused.
#[derive(Debug)]
pub enum Refused {
    /// By this check.
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

/// Explains to a caller why the signature of its message is not accepted: for a test double.
pub trait SignatureExplainer: Send + Sync {
    /// What is wrong with the message, and what to do.
    fn explain(&self, message: &[u8], charset: Option<Charset>, problem: &Problem) -> String;
}

/// A TLS client that brings a message.
#[derive(Debug, Clone, Copy)]
pub struct Bearer<'a> {
    /// The client as a consumer.
    pub consumer: &'a Consumer,
    /// SHA-256 of its certificate (DER).
    pub fingerprint: Digest,
    /// The certificates that it sent besides its own.
    pub intermediates: &'a [CertificateDer<'static>],
}

/// What the checks of a message need.
#[derive(Clone, Copy)]
pub struct SignatureChecks<'a> {
    /// Registered consumers.
    pub register: &'a Register,
    /// Verifies certificates.
    pub client_verifier: &'a ClientVerifier,
    /// Remembers messages.
    pub replay: &'a dyn ReplayCache,
    /// Limits of the timestamp.
    pub times: TimeRule,
    /// When the message was received.
    pub now: Timestamp,
}

fn problem(error: SignatureError, expected: &'static str, found: impl Into<String>) -> Refused {
    Refused::Problem(Box::new(Problem::new(error, expected, found)))
}

/// The problem of a message that was received before.
pub(in crate::server) fn replayed() -> Problem {
    Problem::new(SignatureError::Replayed, "a message that was not received before", "a replay")
}

/// The problem of a message without a block.
pub(in crate::server) fn missing() -> Refused {
    problem(SignatureError::Missing, "a wsse:Security block for this service", "none")
}

impl SignatureChecks<'_> {
    /// Verifies the signature of a message, which was read without error.
    ///
    /// # Errors
    /// [`Refused`], by the first check that fails.
    pub fn verify(self, bearer: Bearer<'_>, bytes: &[u8], charset: Option<Charset>) -> Result<Verified, Refused> {
        let document = Document::from_bytes(bytes, charset).map_err(Refused::Document)?;
        let block = read_security(&document, MessageKind::Request)?.ok_or_else(missing)?;
        block.check_algorithms()?;
        block.check_time(self.now, self.times)?;
        let certificate = CertificateDer::from(block.certificate.as_slice());
        let admitted = self.client_verifier.admit(&certificate, bearer.intermediates);
        let signing = admitted.map_err(|refused| {
            problem(SignatureError::Certificate, "a certificate that a TLS client may have", refused.to_string())
        })?;
        let signer = self.identify(bearer, &signing)?;
        let key = signing.verification_key(block.method)?;
        let digests = soap::signature::verify(&document, &block, &key)?;
        if let Signer::Relayed(_) = signer
            && !digests.signs(Target::Token)
        {
            let expected = "a reference to the token of a relayed message";
            return Err(problem(SignatureError::TokenNotSigned, expected, "none"));
        }
        self.remember(&block, &digests, signing.facts.organisation.ok())?;
        let signature = MessageSignature {
            message: sha256(bytes),
            value: block.value.into(),
            certificate: block.certificate.into(),
        };
        Ok(Verified { signer, signature: Arc::new(signature) })
    }

    /// Finds whether the signer may sign for the TLS client.
    fn identify(self, bearer: Bearer<'_>, signing: &VerifiedClient) -> Result<Signer, Refused> {
        let Bearer { consumer, fingerprint, .. } = bearer;
        let caller = signing.caller();
        let recognised = self.register.recognise(caller.certified);
        let signing_consumer = recognised
            .map_err(|reason| problem(SignatureError::UnknownSigner, "a registered consumer", reason.code()))?;
        let organisation = signing_consumer.organisation;
        if organisation == consumer.organisation {
            return Ok(Signer::Caller);
        }
        if !consumer.signatures.signers.contains(&organisation) {
            let expected = "the TLS client's organisation, or one of its signers in the policy";
            return Err(problem(SignatureError::ForeignSigner, expected, organisation.to_string()));
        }
        let relay = Relay { organisation: consumer.organisation, fingerprint };
        Ok(Signer::Relayed(Box::new(RelayedSigner { caller, relay, consumer: Arc::clone(signing_consumer) })))
    }

    /// Remembers a message whose other checks passed.
    fn remember(
        self,
        block: &SecurityBlock,
        _passed: &Digests,
        signer: Option<EnterpriseNumber>,
    ) -> Result<(), Refused> {
        let Some(signer) = signer else {
            return Err(problem(SignatureError::UnknownSigner, "a certificate that names an organisation", "none"));
        };
        let until = block.expires.plus_millis(self.times.skew_millis);
        let seen = self.replay.remember(signer, sha256(&block.value), until, self.now);
        seen.map_err(|reason| match reason {
            Replayed::Before => Refused::Problem(Box::new(replayed())),
            Replayed::Full => problem(SignatureError::ReplayMemory, "room to remember the message", "none"),
        })
    }
}
