//! Errors of a call.
//!
//! No text of an error has an SSIN: the question is not part of it, and SSINs in the service's
//! texts are masked ([`SoapFault`]). A question that was answered with a status is an
//! [`Answer`](super::Answer), not an error.

use std::sync::Arc;
use std::time::Duration;

use soap::signature::SignError;
use tls_files::describe_error;

use super::fault::SoapFault;
use super::not_understood::NotUnderstood;
use super::response_signature_error::ResponseSignatureError;
use super::retry::{Blame, Retry};
use super::ticket::CbssTicket;

/// Error of a call that gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// No connection: the name has no address, nothing listens on the port, or the network has no
    /// route.
    #[error("no connection to the service: {0}")]
    Connect(#[source] Arc<std::io::Error>),
    /// No connection within [`Settings::connect_timeout`](super::Settings::connect_timeout).
    #[error("no connection to the service within {}", in_seconds(.0))]
    ConnectTimeout(Duration),
    /// One side refused the other's certificate, or the two share no TLS version or cipher suite.
    #[error("TLS: {}", describe_error(.0))]
    Tls(#[source] rustls::Error),
    /// The call took longer than [`Settings::deadline`](super::Settings::deadline).
    #[error("no answer within {} ({progress})", in_seconds(.after))]
    Deadline {
        /// Length of the deadline.
        after: Duration,
        /// Whether the request was sent.
        progress: Progress,
    },
    /// The connection broke.
    #[error("the connection was lost ({progress}): {reason}")]
    ConnectionLost {
        /// Whether the request was sent.
        progress: Progress,
        /// Error of the HTTP library.
        #[source]
        reason: Arc<hyper::Error>,
    },
    /// Refused below SOAP: an HTTP status other than 200, without a fault.
    #[error("the service refused the request with HTTP status {status}{}", request_suffix(.request_id.as_ref()))]
    Refused {
        /// HTTP status.
        status: u16,
        /// `Retry-After`, if it is given in seconds.
        retry_after: Option<Duration>,
        /// `X-Request-Id`: the operator of the service finds the refusal by it.
        request_id: Option<CbssTicket>,
    },
    /// A SOAP fault.
    #[error("{0}")]
    Fault(Box<SoapFault>),
    /// The request cannot be signed.
    #[error("the request cannot be signed: {0}")]
    Signing(#[source] SignError),
    /// [`Settings::verify_responses`](super::Settings::verify_responses) requires a signed response,
    /// and this one is not signed, or its signature is refused.
    #[error("the response is not accepted: {0}")]
    Unverified(#[from] ResponseSignatureError),
    /// The reply does not follow the contract.
    #[error("the reply was not understood: {0}")]
    NotUnderstood(#[from] NotUnderstood),
}

fn in_seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn request_suffix(request_id: Option<&CbssTicket>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// Whether the request was sent when the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No byte of the request was sent: it cannot have been answered.
    NotSent,
    /// The request was sent, in part or whole: it may have been answered, and then it was recorded.
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

impl ClientError {
    /// The party that must act on the error.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Connect(_) | Self::ConnectTimeout(_) | Self::ConnectionLost { .. } => Blame::Network,
            // An alert is the service's error about our certificate; every other error is ours
            // about the service's.
            Self::Tls(rustls::Error::AlertReceived(_)) => Blame::Caller,
            Self::Tls(_) | Self::NotUnderstood(_) | Self::Unverified(_) => Blame::Service,
            Self::Signing(_) => Blame::Caller,
            Self::Deadline { progress: Progress::NotSent, .. } => Blame::Network,
            Self::Deadline { progress: Progress::Sent, .. } => Blame::Service,
            Self::Refused { status: 400..=499, .. } => Blame::Caller,
            Self::Refused { .. } => Blame::Service,
            Self::Fault(fault) => fault.blame(),
        }
    }

    /// Whether the same call may be repeated.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect(_) | Self::ConnectTimeout(_) => Retry::Later { after: None },
            Self::Tls(_) | Self::Signing(_) | Self::Unverified(_) | Self::NotUnderstood(_) => Retry::Never,
            Self::Deadline { progress, .. } | Self::ConnectionLost { progress, .. } => match progress {
                Progress::NotSent => Retry::Later { after: None },
                Progress::Sent => Retry::OnlyIfTwiceIsFine,
            },
            // docs/reference/contract.md "HTTP details": these refusals are temporary, and none was
            // answered.
            Self::Refused { status: 408 | 429 | 502..=504, retry_after, .. } => Retry::Later { after: *retry_after },
            Self::Refused { .. } => Retry::Never,
            Self::Fault(fault) => fault.retry(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_names_of_types() {
        let after = Duration::from_millis(1_500);
        let error = ClientError::Deadline { after, progress: Progress::NotSent };
        assert_eq!(error.to_string(), "no answer within 1.5 s (the request was not sent)");
        let error = ClientError::ConnectTimeout(Duration::from_secs(10));
        assert_eq!(error.to_string(), "no connection to the service within 10 s");
        let error = ClientError::Tls(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer));
        assert_eq!(error.to_string(), "TLS: no trusted authority issued the certificate");
        let error = ClientError::Tls(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired));
        assert_eq!(error.to_string(), "TLS: the other side ended the connection: certificate expired");
    }
}
