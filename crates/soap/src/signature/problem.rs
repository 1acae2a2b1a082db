//! Why a signed message is refused: the check that failed, and what was expected and found.

use std::borrow::Cow;
use std::fmt;

use ehealth_core::explained::Cause;

use crate::reader::Reader;

ehealth_core::closed_enum! {
    /// A check of a signed message. Checks are made in this order: those that cost little come first
    /// (docs/reference/message-signature.md "Order of checks").
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Check {
        /// The block has the elements of the profile, each once.
        Structure => "structure",
        /// Its algorithms are those of the profile.
        Algorithms => "algorithms",
        /// The message is neither too old nor from the future.
        Timestamp => "timestamp",
        /// The certificate is valid and not revoked.
        Certificate => "certificate",
        /// The signer may sign for the TLS client.
        Signer => "signer",
        /// The signed elements have the signed digests.
        Digests => "digests",
        /// The signature of the digests is valid.
        Signature => "signature",
        /// The signed elements are those that the service reads, and no id is ambiguous.
        Position => "position",
        /// The message was not received before.
        Replay => "replay",
    }
}

ehealth_core::closed_enum! {
    /// Why a signed message is refused. Codes: logs and metrics. The caller receives one fault for all
    /// of them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SignatureError {
        /// No `wsse:Security` block for this service, and the consumer must sign.
        Missing => "missing",
        /// A second `wsse:Security` block for this service.
        RepeatedBlock => "repeated-block",
        /// An element that the profile does not have here.
        UnexpectedElement => "unexpected-element",
        /// An element of the profile that occurs twice.
        RepeatedElement => "repeated-element",
        /// An element or attribute of the profile that is missing.
        MissingElement => "missing-element",
        /// Text among elements.
        UnexpectedText => "unexpected-text",
        /// The token is not a base64 X.509 certificate.
        TokenType => "token-type",
        /// The key is not a direct reference to the token.
        KeyReference => "key-reference",
        /// A `URI` that is not `#` and an id.
        ReferenceUri => "reference-uri",
        /// More than 16 references, none, or two of one element.
        References => "references",
        /// A value that is not base64 or not a time.
        Value => "value",
        /// A `CanonicalizationMethod` other than exclusive C14N without comments.
        CanonicalizationMethod => "canonicalization-method",
        /// A signature algorithm outside the profile.
        SignatureMethod => "signature-method",
        /// A digest algorithm outside the profile.
        DigestMethod => "digest-method",
        /// A transform outside the profile.
        Transform => "transform",
        /// A `PrefixList` that is malformed or too long.
        PrefixList => "prefix-list",
        /// `Created` is in the future.
        CreatedInFuture => "created-in-future",
        /// `Expires` is past.
        Expired => "expired",
        /// The time from `Created` to `Expires` is negative or too long.
        Lifetime => "lifetime",
        /// The certificate is not accepted.
        Certificate => "certificate",
        /// The certificate names no registered consumer.
        UnknownSigner => "unknown-signer",
        /// The signer is neither the TLS client's organisation nor one of its `signers`.
        ForeignSigner => "foreign-signer",
        /// A relayed message whose token is not signed.
        TokenNotSigned => "token-not-signed",
        /// A digest differs.
        Digest => "digest",
        /// The key is not of the signature algorithm, or too short.
        KeyType => "key-type",
        /// The signature value does not verify.
        SignatureValue => "signature-value",
        /// Canonicalisation failed: a relative namespace URI, or too many octets.
        Canonicalization => "canonicalization",
        /// No element has the id of a reference.
        UnknownId => "unknown-id",
        /// Two elements have one id, or one element has two.
        AmbiguousId => "ambiguous-id",
        /// More than 64 ids.
        Ids => "ids",
        /// A signed element that is not where the service reads it.
        Position => "position",
        /// The body or the timestamp is not signed.
        NotSigned => "not-signed",
        /// The message was received before.
        Replayed => "replayed",
        /// The memory of received messages is full.
        ReplayMemory => "replay-memory",
    }
}

impl SignatureError {
    /// The check that finds it.
    #[must_use]
    pub fn check(self) -> Check {
        match self {
            Self::Missing
            | Self::RepeatedBlock
            | Self::UnexpectedElement
            | Self::RepeatedElement
            | Self::MissingElement
            | Self::UnexpectedText
            | Self::TokenType
            | Self::KeyReference
            | Self::ReferenceUri
            | Self::References
            | Self::Value => Check::Structure,
            Self::CanonicalizationMethod
            | Self::SignatureMethod
            | Self::DigestMethod
            | Self::Transform
            | Self::PrefixList => Check::Algorithms,
            Self::CreatedInFuture | Self::Expired | Self::Lifetime => Check::Timestamp,
            Self::Certificate => Check::Certificate,
            Self::UnknownSigner | Self::ForeignSigner | Self::TokenNotSigned => Check::Signer,
            Self::Digest | Self::Canonicalization => Check::Digests,
            Self::KeyType | Self::SignatureValue => Check::Signature,
            Self::UnknownId | Self::AmbiguousId | Self::Ids | Self::Position | Self::NotSigned => Check::Position,
            Self::Replayed | Self::ReplayMemory => Check::Replay,
        }
    }
}

/// Where an error is, and what is wrong: for the log, and for the author of the message. Its text
/// comes from the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub error: SignatureError,
    /// Line in the document, from 1; 0: no line.
    pub line: usize,
    /// Elements from the root to the one with the error, as written.
    pub path: String,
    /// What the profile demands.
    pub expected: Cow<'static, str>,
    /// What the message has.
    pub found: String,
}

impl Problem {
    /// A problem that is not in one element.
    #[must_use]
    pub fn new(error: SignatureError, expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self { error, line: 0, path: String::new(), expected: expected.into(), found: found.into() }
    }

    /// The same problem at this place.
    #[must_use]
    pub fn at(self, line: usize, path: String) -> Self {
        Self { line, path, ..self }
    }

    /// A problem in the element that the reader read last.
    #[expect(clippy::unnecessary_box_returns, reason = "a problem is large and rare: every error with one is boxed")]
    pub(super) fn here(
        reader: &Reader<'_>,
        error: SignatureError,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Box<Self> {
        Box::new(Self::new(error, expected, found).at(reader.line(), reader.written_path()))
    }

    /// What was found, for the log: bounded, escaped, with SSINs masked.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let cause = Cause::fixed(self.error.code());
        let cause = if self.path.is_empty() { cause } else { cause.and("element", &self.path) };
        cause.and("found", &self.found)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, {}: ", self.line, self.path)?;
        }
        write!(f, "expected {}; found {}", self.expected, self.found)
    }
}
