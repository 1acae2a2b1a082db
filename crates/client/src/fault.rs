//! A SOAP fault, typed: what the service says when it gives no answer.
//!
//! The service promises that a fault holds nothing of a person. A client that prints or logs faults need not believe it:
//! every text is taken over without control characters, and with each SSIN in it masked.

use std::time::Duration;

use super::envelope::FaultCode;
use super::error::{Blame, NotUnderstood, Retry};
use super::messages::{self, CbssFault, FaultMessage};
use super::ticket::CbssTicket;
use ehealth_core::model::Ssin;

/// A SOAP 1.1 fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapFault {
    /// `faultcode`.
    pub code: FaultCode,
    /// `faultstring`.
    pub string: String,
    /// What went wrong; none with `VersionMismatch` and `MustUnderstand`, where SOAP 1.1 forbids a detail.
    pub reasons: Vec<Reason>,
    /// `ticketCBSS`, or `X-Request-Id` where there is no detail: what to quote to the service's operator.
    pub ticket: Option<CbssTicket>,
    /// `Retry-After`, when it was given in seconds.
    pub retry_after: Option<Duration>,
}

/// One `detail` of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `severity`.
    pub severity: Severity,
    /// `reasonCode`: what software acts upon.
    pub code: String,
    /// `diagnostic`: the reason as a sentence.
    pub diagnostic: String,
    /// `authorCode`: which system says so.
    pub author: String,
    /// `information`: names, and perhaps values, such as the element and the line.
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
    /// Whose fault the fault is: the code says it (SOAP 1.1, 4.4.1).
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self.code {
            FaultCode::Client | FaultCode::VersionMismatch | FaultCode::MustUnderstand => Blame::Caller,
            FaultCode::Server => Blame::Service,
        }
    }

    /// Whether the same call may be made again. A fault is no answer: nothing was disclosed.
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
        for (place, reason) in self.reasons.iter().enumerate() {
            write!(f, "{} {} {}", if place == 0 { ":" } else { ";" }, reason.code, reason.diagnostic)?;
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

/// What the HTTP headers said beside a fault.
#[derive(Debug, Clone, Default)]
pub(super) struct Aside {
    /// `X-Request-Id`.
    pub request_id: Option<CbssTicket>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<Duration>,
}

/// Judges a fault as it was read.
pub(super) fn judge(code: FaultCode, fault: messages::Fault, aside: Aside) -> Result<SoapFault, NotUnderstood> {
    let detail = match fault.detail.map(|detail| (detail.consult, detail.test)) {
        Some((Some(detail), None) | (None, Some(detail))) => Some(detail),
        Some(_) => return Err(NotUnderstood::Shape),
        None => None,
    };
    let (ticket, reasons) = match detail {
        Some(detail) => (Some(judge_ticket(&detail)?), judge_reasons(&detail.detail)?),
        None => (aside.request_id, Vec::new()),
    };
    Ok(SoapFault { code, string: tame(&fault.faultstring), reasons, ticket, retry_after: aside.retry_after })
}

fn judge_ticket(detail: &CbssFault) -> Result<CbssTicket, NotUnderstood> {
    CbssTicket::parse(&detail.information_cbss.ticket_cbss).ok_or(NotUnderstood::Value("ticketCBSS"))
}

fn judge_reasons(details: &[FaultMessage]) -> Result<Vec<Reason>, NotUnderstood> {
    if details.is_empty() {
        return Err(NotUnderstood::Shape);
    }
    details.iter().map(judge_reason).collect()
}

fn judge_reason(detail: &FaultMessage) -> Result<Reason, NotUnderstood> {
    let severity = match detail.severity.as_str() {
        "INFORMATION" => Severity::Information,
        "WARNING" => Severity::Warning,
        "FATAL" => Severity::Fatal,
        _ => return Err(NotUnderstood::Value("severity")),
    };
    let pair = |information: &messages::Information| {
        (tame(&information.field_name), information.field_value.as_deref().map(tame))
    };
    Ok(Reason {
        severity,
        code: tame(&detail.reason_code),
        diagnostic: tame(&detail.diagnostic),
        author: tame(&detail.author_code),
        information: detail.information.iter().map(pair).collect(),
    })
}

/// A text that may be printed and logged: control characters are blanks, each SSIN is eleven stars.
pub(super) fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    let mut digits = String::new();
    let flush = |digits: &mut String, tamed: &mut String| {
        match Ssin::parse(digits) {
            Ok(_) => tamed.push_str("***********"),
            Err(_) => tamed.push_str(digits),
        }
        digits.clear();
    };
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        flush(&mut digits, &mut tamed);
        tamed.push(if is_unprintable(letter) { ' ' } else { letter });
    }
    flush(&mut digits, &mut tamed);
    tamed
}

/// Control characters, and those that turn the direction of what follows: a terminal acts on both.
fn is_unprintable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_tamed_before_it_is_shown() {
        assert_eq!(tame("no 85073000160, line 3"), "no ***********, line 3");
        assert_eq!(tame("85073000161 1850730001600"), "85073000161 1850730001600");
        assert_eq!(tame("a\u{1b}[31mred\n\u{202e}b"), "a [31mred  b");
        assert_eq!(tame("85073000160"), "***********");
    }
}
