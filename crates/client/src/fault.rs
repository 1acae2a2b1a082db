//! A SOAP fault: the service gives no answer, and says why.
//!
//! The contract says that a fault has no data of a person. A client that prints or logs faults need
//! not trust that: the texts have no control characters, and each SSIN in them is masked.

use std::time::Duration;

use super::fault_code::FaultCode;
use super::retry::{Blame, Retry};
use super::ticket::CbssTicket;

/// A SOAP 1.1 fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapFault {
    /// `faultcode`.
    pub code: FaultCode,
    /// `faultstring`.
    pub string: String,
    /// Reasons; empty with `VersionMismatch` and `MustUnderstand`, where SOAP 1.1 forbids a detail.
    pub reasons: Vec<Reason>,
    /// `ticketCBSS`, or `X-Request-Id` where there is no detail. Quote it to the operator of the
    /// service.
    pub ticket: Option<CbssTicket>,
    /// `Retry-After`, if it is given in seconds.
    pub retry_after: Option<Duration>,
}

/// One `detail` of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `severity`.
    pub severity: Severity,
    /// `reasonCode`, for software to act on.
    pub code: String,
    /// `diagnostic`: the reason, for people.
    pub diagnostic: String,
    /// `authorCode`: the system that reports the reason.
    pub author: String,
    /// `information`: names with optional values, such as the element and the line.
    pub information: Vec<(String, Option<String>)>,
}

/// `severity` of a [`Reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `INFORMATION`.
    Information,
    /// `WARNING`.
    Warning,
    /// `FATAL`.
    Fatal,
}

impl SoapFault {
    /// The party that must act, from the fault code (SOAP 1.1, section 4.4.1).
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self.code {
            FaultCode::Client | FaultCode::VersionMismatch | FaultCode::MustUnderstand => Blame::Caller,
            FaultCode::Server => Blame::Service,
        }
    }

    /// Whether the same call may be repeated. A fault is not an answer: nothing was disclosed.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match (self.code, self.retry_after) {
            (_, after @ Some(_)) => Retry::Later { after },
            (FaultCode::Server, None) => Retry::Later { after: None },
            (FaultCode::Client | FaultCode::VersionMismatch | FaultCode::MustUnderstand, None) => Retry::Never,
        }
    }
}

impl std::fmt::Display for SoapFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} fault", self.code.code())?;
        if self.reasons.is_empty() {
            write!(f, ": {}", self.string)?;
        }
        for (index, reason) in self.reasons.iter().enumerate() {
            write!(f, "{} {} {}", if index == 0 { ":" } else { ";" }, reason.code, reason.diagnostic)?;
            for (name, value) in &reason.information {
                write!(f, " [{name}{}{}]", if value.is_some() { " " } else { "" }, value.as_deref().unwrap_or(""))?;
            }
        }
        match &self.ticket {
            Some(ticket) => write!(f, " (ticket {ticket})"),
            None => Ok(()),
        }
    }
}
