//! Why a call gave no answer: whose fault it is, and whether to ask again.
//!
//! Closed enums of data. No text of theirs holds an SSIN: what was asked is not in them, and numbers in what a service
//! said are masked where they are taken over ([`SoapFault`]). A question that was answered with a status is an
//! [`Answer`](super::Answer), not an error.

use std::sync::Arc;
use std::time::Duration;

use super::fault::SoapFault;
use super::ticket::CbssTicket;

/// Why a call gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// No connection: the name has no address, the port no listener, the network no way.
    #[error("no connection to the service: {0}")]
    Connect(#[source] Arc<std::io::Error>),
    /// No connection within [`Settings::connect_timeout`](super::Settings::connect_timeout).
    #[error("no connection to the service within {0:?}")]
    ConnectTimeout(Duration),
    /// One side refused the other's certificate, or they have no TLS in common.
    #[error("TLS: {0}")]
    Tls(#[source] rustls::Error),
    /// The call took longer than [`Settings::deadline`](super::Settings::deadline).
    #[error("no answer within {after:?} ({progress})")]
    Deadline {
        /// The deadline.
        after: Duration,
        /// How far the call had come.
        progress: Progress,
    },
    /// The connection broke.
    #[error("the connection was lost ({progress}): {reason}")]
    ConnectionLost {
        /// How far the call had come.
        progress: Progress,
        /// What was seen.
        #[source]
        reason: Arc<hyper::Error>,
    },
    /// Refused below SOAP, with an HTTP status other than 200 and without a fault.
    #[error("the service refused the request with HTTP status {status}{}", told(.request_id.as_ref()))]
    Refused {
        /// The status.
        status: u16,
        /// `Retry-After`, when it was given in seconds.
        retry_after: Option<Duration>,
        /// `X-Request-Id`: what the service's operator finds the refusal by.
        request_id: Option<CbssTicket>,
    },
    /// A SOAP fault.
    #[error("{0}")]
    Fault(Box<SoapFault>),
    /// Something came back that is not the contract's.
    #[error("the reply was not understood: {0}")]
    NotUnderstood(#[from] NotUnderstood),
}

fn told(request_id: Option<&CbssTicket>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// How far a call had come when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing of the request was given to the network: it cannot have been answered.
    NotSent,
    /// The request went out, in part or whole: it may have been answered, and then it was recorded.
    Sent,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotSent => "the request was not sent",
            Self::Sent => "the request was sent and may have been answered",
        })
    }
}

/// What was wrong with a reply. Names the contract's own words only, never what stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// No HTTP/1.1, or headers beyond every measure.
    #[error("it is not HTTP/1.1")]
    NotHttp,
    /// The media type is not `text/xml`.
    #[error("its media type is not text/xml")]
    MediaType,
    /// The bytes, the declaration or the charset are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Beyond the limits of size, depth or number of elements.
    #[error("it is larger than any answer")]
    TooLarge,
    /// Not well-formed, or with a DOCTYPE or a processing instruction.
    #[error("it is not XML as SOAP 1.1 has it (line {line})")]
    NotXml {
        /// The line, from 1.
        line: u64,
    },
    /// No SOAP 1.1 envelope with one element in its body.
    #[error("it is not a SOAP 1.1 envelope with one message")]
    NotAnEnvelope,
    /// The body holds neither the operation's response nor a fault.
    #[error("its body holds another message")]
    NotTheMessage,
    /// An element is missing, unknown, too many or out of order.
    #[error("its elements are not those of the contract")]
    Shape,
    /// The value of this element is none of its type.
    #[error("the value of {0} is not of its type")]
    Value(&'static str),
    /// This element does not go with the status.
    #[error("{0} does not go with the status")]
    Contradiction(&'static str),
    /// This element is not what was sent: the answer is to another question.
    #[error("{0} is not what was asked: this answers another question")]
    AnotherQuestion(&'static str),
}

/// Who has to do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Whoever called: the request, the certificate or the settings are wrong.
    Caller,
    /// The service and its operator.
    Service,
    /// What lies between.
    Network,
}

/// Whether the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again: something has to change first.
    Never,
    /// It was not answered. Later it may be.
    Later {
        /// How long the service asks to wait; the caller chooses where it does not say.
        after: Option<Duration>,
    },
    /// It may have been answered and recorded: only if a second record of the same question is no harm.
    OnlyIfTwiceIsFine,
}

impl ClientError {
    /// Who has to do something about it.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Connect(_) | Self::ConnectTimeout(_) | Self::ConnectionLost { .. } => Blame::Network,
            // An alert is the service's word about our certificate; everything else is ours about its.
            Self::Tls(rustls::Error::AlertReceived(_)) => Blame::Caller,
            Self::Tls(_) | Self::NotUnderstood(_) => Blame::Service,
            Self::Deadline { progress: Progress::NotSent, .. } => Blame::Network,
            Self::Deadline { progress: Progress::Sent, .. } => Blame::Service,
            Self::Refused { status: 400..=499, .. } => Blame::Caller,
            Self::Refused { .. } => Blame::Service,
            Self::Fault(fault) => fault.blame(),
        }
    }

    /// Whether the same call may be made again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect(_) | Self::ConnectTimeout(_) => Retry::Later { after: None },
            Self::Tls(_) | Self::NotUnderstood(_) => Retry::Never,
            Self::Deadline { progress, .. } | Self::ConnectionLost { progress, .. } => match progress {
                Progress::NotSent => Retry::Later { after: None },
                Progress::Sent => Retry::OnlyIfTwiceIsFine,
            },
            // Contract.md: 408 and 503 are the refusals that pass by themselves; none was answered.
            Self::Refused { status: 408 | 429 | 502..=504, retry_after, .. } => Retry::Later { after: *retry_after },
            Self::Refused { .. } => Retry::Never,
            Self::Fault(fault) => fault.retry(),
        }
    }
}
