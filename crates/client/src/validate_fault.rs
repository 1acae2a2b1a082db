//! Validates a fault: from the message to a [`SoapFault`].

use std::time::Duration;

use super::fault::{Reason, Severity, SoapFault};
use super::fault_code::FaultCode;
use super::mask::mask_ssins;
use super::messages::{self, CbssFault, FaultMessage};
use super::not_understood::NotUnderstood;
use super::ticket::CbssTicket;

/// HTTP headers of a reply, as far as an error needs them.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplyHeaders {
    /// `X-Request-Id`, if it is a UUID.
    pub request_id: Option<CbssTicket>,
    /// `Retry-After`, if it is given in seconds.
    pub retry_after: Option<Duration>,
}

/// Validates a fault.
pub(super) fn validate_fault(
    code: FaultCode,
    fault: messages::Fault,
    headers: ReplyHeaders,
) -> Result<SoapFault, NotUnderstood> {
    let detail = match fault.detail.map(|detail| (detail.consult, detail.test)) {
        Some((Some(detail), None) | (None, Some(detail))) => Some(detail),
        Some(_) => return Err(NotUnderstood::Shape),
        None => None,
    };
    let (ticket, reasons) = match detail {
        Some(detail) => (Some(validate_ticket(&detail)?), validate_reasons(&detail.detail)?),
        None => (headers.request_id, Vec::new()),
    };
    Ok(SoapFault { code, string: mask_ssins(&fault.faultstring), reasons, ticket, retry_after: headers.retry_after })
}

fn validate_ticket(detail: &CbssFault) -> Result<CbssTicket, NotUnderstood> {
    CbssTicket::parse(&detail.information_cbss.ticket_cbss).ok_or(NotUnderstood::Value("ticketCBSS"))
}

fn validate_reasons(details: &[FaultMessage]) -> Result<Vec<Reason>, NotUnderstood> {
    if details.is_empty() {
        return Err(NotUnderstood::Shape);
    }
    details.iter().map(validate_reason).collect()
}

fn validate_reason(detail: &FaultMessage) -> Result<Reason, NotUnderstood> {
    let severity = match detail.severity.as_str() {
        "INFORMATION" => Severity::Information,
        "WARNING" => Severity::Warning,
        "FATAL" => Severity::Fatal,
        _ => return Err(NotUnderstood::Value("severity")),
    };
    let pair = |information: &messages::Information| {
        (mask_ssins(&information.field_name), information.field_value.as_deref().map(mask_ssins))
    };
    Ok(Reason {
        severity,
        code: mask_ssins(&detail.reason_code),
        diagnostic: mask_ssins(&detail.diagnostic),
        author: mask_ssins(&detail.author_code),
        information: detail.information.iter().map(pair).collect(),
    })
}
