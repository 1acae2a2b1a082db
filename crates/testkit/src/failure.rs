//! Failures on demand: what a simulation does to connections and answers.
//!
//! These are the values. The gateway reads them from a scenario file, or from the control API of a
//! running simulation, and carries them out.

use std::num::NonZeroU32;
use std::time::Duration;

use ehealth_core::lookup::Operation;
use ehealth_core::model::{DatasetSet, OutcomeCode, Ssin};

/// Everything that a test may change while a simulation runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailurePlan {
    /// Failures, in the order in which they are used up.
    pub failures: Vec<Failure>,
    /// Datasets that are treated as missing.
    pub missing: DatasetSet,
    /// Datasets that are treated as stale.
    pub stale: DatasetSet,
}

/// A failure, and how often it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What happens.
    pub effect: Effect,
    /// Number of connections or requests that it affects; `None`: all of them.
    pub times: Option<NonZeroU32>,
}

/// What happens, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// To the handshake of a connection.
    Handshake(HandshakeFailure),
    /// To the answer of a request.
    Answer(AnswerFailure, Scope),
}

ehealth_core::closed_enum! {
    /// Kind of a failure, as a scenario names it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FailureKind {
        /// [`AnswerFailure::None`].
        None => "none",
        /// [`AnswerFailure::Http`].
        Http => "http",
        /// [`AnswerFailure::Fault`].
        Fault => "fault",
        /// [`AnswerFailure::BrokenXml`].
        BrokenXml => "broken-xml",
        /// [`AnswerFailure::Reset`].
        Reset => "reset",
        /// [`AnswerFailure::Cut`].
        Cut => "cut",
        /// [`AnswerFailure::Slow`].
        Slow => "slow",
        /// [`AnswerFailure::Silent`].
        Silent => "silent",
        /// [`HandshakeFailure::ServerCertificate`].
        ServerCertificate => "server-certificate",
        /// [`HandshakeFailure::ClientRefused`].
        ClientRefused => "client-refused",
        /// [`HandshakeFailure::Closed`].
        HandshakeClosed => "handshake-closed",
    }
}

impl Effect {
    /// Kind of the failure.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Handshake(HandshakeFailure::ServerCertificate(_)) => FailureKind::ServerCertificate,
            Self::Handshake(HandshakeFailure::ClientRefused(_)) => FailureKind::ClientRefused,
            Self::Handshake(HandshakeFailure::Closed) => FailureKind::HandshakeClosed,
            Self::Answer(AnswerFailure::None, _) => FailureKind::None,
            Self::Answer(AnswerFailure::Http { .. }, _) => FailureKind::Http,
            Self::Answer(AnswerFailure::Fault { .. }, _) => FailureKind::Fault,
            Self::Answer(AnswerFailure::BrokenXml(_), _) => FailureKind::BrokenXml,
            Self::Answer(AnswerFailure::Reset { .. }, _) => FailureKind::Reset,
            Self::Answer(AnswerFailure::Cut { .. }, _) => FailureKind::Cut,
            Self::Answer(AnswerFailure::Slow { .. }, _) => FailureKind::Slow,
            Self::Answer(AnswerFailure::Silent, _) => FailureKind::Silent,
        }
    }
}

/// Requests that a failure affects. `Debug` prints no SSIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// Those about this person; `None`: about anyone.
    pub ssin: Option<Ssin>,
    /// Those of this kind.
    pub request: RequestKind,
}

ehealth_core::closed_enum! {
    /// Kind of a request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum RequestKind {
        /// A SOAP message to either operation.
        #[default]
        Message => "message",
        /// A question.
        Consult => "consultAttributes",
        /// A test message.
        Test => "sendTestMessage",
        /// A GET: WSDL, schema or page.
        Document => "document",
    }
}

impl RequestKind {
    /// Whether a failure of this kind affects a message to `operation`; `None`: a GET.
    #[must_use]
    pub fn includes(self, operation: Option<Operation>) -> bool {
        match self {
            Self::Message => operation.is_some(),
            Self::Consult => operation == Some(Operation::ConsultAttributes),
            Self::Test => operation == Some(Operation::SendTestMessage),
            Self::Document => operation.is_none(),
        }
    }
}

/// A failure of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The server presents a certificate that a client must refuse.
    ServerCertificate(ServerProblem),
    /// The server refuses the client's certificate, whatever it is.
    ClientRefused(ClientProblem),
    /// The connection is closed before the handshake.
    Closed,
}

ehealth_core::closed_enum! {
    /// Problem of a server certificate.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ServerProblem {
        /// It expired.
        Expired => "expired",
        /// It is not valid yet.
        NotValidYet => "not-valid-yet",
        /// It names another host.
        OtherName => "other-name",
        /// An authority signed it that the client does not trust.
        OtherAuthority => "other-authority",
    }
}

ehealth_core::closed_enum! {
    /// Why a client certificate is refused; each has its TLS alert (RFC 8446, section 6.2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ClientProblem {
        /// It expired: `certificate_expired`.
        Expired => "expired",
        /// It was revoked: `certificate_revoked`.
        Revoked => "revoked",
        /// Its authority is not trusted: `unknown_ca`.
        UnknownAuthority => "unknown-authority",
        /// It is not for client authentication: `unsupported_certificate`.
        Purpose => "purpose",
        /// It is malformed: `bad_certificate`.
        Malformed => "malformed",
    }
}

/// A failure of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFailure {
    /// None: the answer is that of the service. For sequences.
    None,
    /// An HTTP status below SOAP, with a plain text.
    Http {
        /// 400 to 599.
        status: u16,
        /// `Retry-After`, in whole seconds.
        retry_after: Option<u16>,
    },
    /// A SOAP fault.
    Fault {
        /// `reasonCode`.
        code: OutcomeCode,
        /// `Retry-After`, in whole seconds.
        retry_after: Option<u16>,
    },
    /// An answer that is not what the contract says.
    BrokenXml(Breakage),
    /// The connection is reset (TCP RST) after this many bytes of the response.
    Reset {
        /// Bytes of HTTP, head included.
        after_bytes: u32,
    },
    /// The connection ends without `close_notify` after this many bytes of the response.
    Cut {
        /// Bytes of HTTP, head included.
        after_bytes: u32,
    },
    /// The answer begins late, or arrives slowly.
    Slow {
        /// Time before the first byte.
        delay: Duration,
        /// Bytes of HTTP per second; `None`: not limited.
        bytes_per_second: Option<NonZeroU32>,
    },
    /// No byte of an answer arrives; the connection stays open.
    Silent,
}

ehealth_core::closed_enum! {
    /// What is wrong with an XML answer. Its HTTP framing is right.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Breakage {
        /// It ends within an element.
        Truncated => "truncated",
        /// An HTML page, as a proxy sends it, with status 200 and the media type of XML.
        Html => "html",
        /// It has an element outside the schema.
        UnknownElement => "unknown-element",
        /// It has no `status`.
        MissingElement => "missing-element",
        /// It has no content.
        Empty => "empty",
    }
}
