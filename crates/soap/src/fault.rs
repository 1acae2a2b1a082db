//! Everything that can end an exchange with a SOAP fault, in one closed world: the message's own mistakes, and what is
//! found wrong elsewhere.
//!
//! Says what the caller is told, and nothing of what the operator should know: a fault has no place for a text from
//! inside the program, nor for the caller's. How it is spelled in XML is the affair of `response`.

use super::mistake::{BadMessage, FaultCode, MessageError};

/// Why an exchange ends with a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message is wrong.
    BadMessage(BadMessage),
    /// The certificate names no organisation, or none that is known.
    UnknownCaller,
    /// `customerIdentification` is neither the certificate's organisation nor one that it acts for.
    WrongIdentification,
    /// The grant's quota is spent; HTTP's `Retry-After` says when there is a new one.
    QuotaSpent,
    /// The evidence could not be made durable, so there is no answer.
    EvidenceUnwritable,
    /// Something inside went wrong.
    Internal,
}

/// One line of the table of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultRow {
    /// `reasonCode`.
    pub code: &'static str,
    /// `faultcode`.
    pub fault_code: FaultCode,
    /// `faultstring`, and the beginning of `diagnostic`.
    pub sentence: &'static str,
}

impl From<BadMessage> for Fault {
    fn from(bad: BadMessage) -> Self {
        Self::BadMessage(bad)
    }
}

impl Fault {
    /// The faults that no message is the cause of.
    const ELSEWHERE: [Self; 5] =
        [Self::Internal, Self::UnknownCaller, Self::WrongIdentification, Self::QuotaSpent, Self::EvidenceUnwritable];

    /// Every code that a fault can have, once: what the reference lists and tests reach.
    pub fn table() -> impl Iterator<Item = FaultRow> {
        let of_message = MessageError::ALL.into_iter().map(|mistake| FaultRow {
            code: mistake.code(),
            fault_code: mistake.fault_code(),
            sentence: mistake.sentence(),
        });
        let elsewhere = Self::ELSEWHERE.into_iter().map(|fault| FaultRow {
            code: fault.code(),
            fault_code: fault.fault_code(),
            sentence: fault.sentence(),
        });
        elsewhere.chain(of_message)
    }

    /// `reasonCode`: what software acts upon. Recorded as the outcome of the exchange.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadMessage(bad) => bad.mistake().code(),
            Self::UnknownCaller => "SOA-01001",
            Self::WrongIdentification => "MSG90051",
            Self::QuotaSpent => "MSG90052",
            Self::EvidenceUnwritable => "MSG90053",
            Self::Internal => "MSG00003",
        }
    }

    /// `faultcode`: who is at fault.
    #[must_use]
    pub fn fault_code(&self) -> FaultCode {
        match self {
            Self::BadMessage(bad) => bad.mistake().fault_code(),
            Self::UnknownCaller | Self::WrongIdentification | Self::QuotaSpent => FaultCode::Client,
            Self::EvidenceUnwritable | Self::Internal => FaultCode::Server,
        }
    }

    /// `faultstring`: one fixed sentence.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::BadMessage(bad) => bad.mistake().sentence(),
            Self::UnknownCaller => "The certificate names no organisation that is known here.",
            Self::WrongIdentification => "customerIdentification is not the caller's, nor one that it acts for.",
            Self::QuotaSpent => "The quota of the grant is spent.",
            Self::EvidenceUnwritable => "The exchange could not be recorded, so it was not answered.",
            Self::Internal => "Internal error.",
        }
    }

    /// `diagnostic`: the sentence and, for a wrong message, what was expected and where. At most 256 characters.
    #[must_use]
    pub fn diagnostic(&self) -> String {
        match self {
            Self::BadMessage(bad) => bad.to_string(),
            Self::UnknownCaller
            | Self::WrongIdentification
            | Self::QuotaSpent
            | Self::EvidenceUnwritable
            | Self::Internal => self.sentence().to_owned(),
        }
    }

    /// `severity`: of a fault it is always the highest, for there is no answer.
    #[must_use]
    pub fn severity(&self) -> &'static str {
        "FATAL"
    }

    /// Whether the fault has a `detail`. SOAP 1.1, section 4.4 keeps it for faults that the body is the cause of.
    #[must_use]
    pub fn has_detail(&self) -> bool {
        match self.fault_code() {
            FaultCode::Client | FaultCode::Server => true,
            FaultCode::VersionMismatch | FaultCode::MustUnderstand => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_its_own_and_fits_its_type() {
        let rows: Vec<_> = Fault::table().collect();
        let codes: HashSet<_> = rows.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), rows.len());
        assert!(rows.iter().all(|row| row.code.len() <= 16 && row.sentence.ends_with('.')));
    }
}
