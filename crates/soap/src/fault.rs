//! Faults: everything that can end an exchange with a SOAP fault, as closed lists.
//!
//! A fault is either an error in the message ([`BadMessage`]) or one found elsewhere
//! ([`ExchangeFault`]). It says what the caller may read, and nothing that only the operator should
//! know: it cannot contain text from inside the program, nor text of the caller. `response` writes
//! it as XML.

use super::message_error::{BadMessage, DIAGNOSTIC_CHARS, FaultCode, MessageError};
use ehealth_core::model::OutcomeCode;

/// Why an exchange ends with a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message is wrong.
    BadMessage(BadMessage),
    /// The message is well-formed and valid; something else failed.
    Exchange(ExchangeFault),
    /// [`ExchangeFault::MessageSignature`], with what is wrong: of a test double only. The service
    /// itself says nothing of the reason.
    ExplainedSignature(Box<str>),
}

ehealth_core::closed_enum! {
    /// A fault that is not an error in the message.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ExchangeFault {
        /// An internal error.
        Internal,
        /// The organisation of the certificate is not registered, or not with this certificate.
        UnknownCaller,
        /// The certificate names no organisation, or not unambiguously.
        NoOrganisation,
        /// The certificate is not for the environment of the service.
        OtherEnvironment,
        /// The message signature is missing or not accepted: one fault for every reason.
        MessageSignature,
        /// `customerIdentification` is neither the certificate's organisation nor one that it acts
        /// for.
        WrongIdentification,
        /// The quota of the consumer is exhausted. `Retry-After` of HTTP says when the next request
        /// is accepted.
        QuotaSpent,
        /// The record could not be made durable, so there is no answer.
        NotRecorded,
        /// The legal context demands an end user, and the message names none.
        EndUserMissing,
        /// The legal context allows no end user, and the message names one.
        EndUserRefused,
    }
}

impl ExchangeFault {
    /// `reasonCode`, typed. Recorded as the outcome of the exchange.
    #[must_use]
    pub const fn outcome(self) -> OutcomeCode {
        match self {
            Self::Internal => OutcomeCode::Internal,
            Self::UnknownCaller | Self::NoOrganisation | Self::OtherEnvironment | Self::MessageSignature => {
                OutcomeCode::UnknownCaller
            }
            Self::WrongIdentification => OutcomeCode::WrongIdentification,
            Self::QuotaSpent => OutcomeCode::QuotaSpent,
            Self::NotRecorded => OutcomeCode::NotRecorded,
            Self::EndUserMissing => OutcomeCode::EndUserMissing,
            Self::EndUserRefused => OutcomeCode::EndUserRefused,
        }
    }

    /// `faultcode`.
    #[must_use]
    pub const fn fault_code(self) -> FaultCode {
        match self {
            Self::UnknownCaller
            | Self::NoOrganisation
            | Self::OtherEnvironment
            | Self::MessageSignature
            | Self::WrongIdentification
            | Self::QuotaSpent
            | Self::EndUserMissing
            | Self::EndUserRefused => FaultCode::Client,
            Self::Internal | Self::NotRecorded => FaultCode::Server,
        }
    }

    /// One fixed sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Internal => "Internal error.",
            Self::UnknownCaller => "The client certificate does not identify a registered organisation.",
            Self::NoOrganisation => {
                "The client certificate names no organisation; registration does not help, use another certificate."
            }
            Self::OtherEnvironment => {
                "The client certificate is not for the environment of this service; use another certificate."
            }
            Self::MessageSignature => "The message signature is missing or not accepted.",
            Self::WrongIdentification => {
                "customerIdentification is neither the caller's organisation nor one that it acts for."
            }
            Self::QuotaSpent => "The quota is exhausted; wait for the time in Retry-After.",
            Self::NotRecorded => "The exchange could not be recorded, so it was not answered; retry later.",
            Self::EndUserMissing => {
                "This legal context demands an end user; add the header block endUser of urn:ehealth-attributes:end-user:v1."
            }
            Self::EndUserRefused => "This legal context allows no end user; leave the header block endUser out.",
        }
    }
}

/// One line of the table of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultRow {
    /// `reasonCode`, typed.
    pub outcome: OutcomeCode,
    /// `faultcode`.
    pub fault_code: FaultCode,
    /// `faultstring`, and the beginning of `diagnostic`.
    pub sentence: &'static str,
}

impl FaultRow {
    /// `reasonCode`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.outcome.code()
    }
}

impl From<BadMessage> for Fault {
    fn from(bad: BadMessage) -> Self {
        Self::BadMessage(bad)
    }
}

impl From<ExchangeFault> for Fault {
    fn from(fault: ExchangeFault) -> Self {
        Self::Exchange(fault)
    }
}

impl Fault {
    /// Returns every fault once: the reference lists them, and tests reach each. Faults of one code
    /// follow each other.
    pub fn table() -> impl Iterator<Item = FaultRow> {
        let exchange = ExchangeFault::ALL.into_iter().map(|fault| FaultRow {
            outcome: fault.outcome(),
            fault_code: fault.fault_code(),
            sentence: fault.sentence(),
        });
        let message = MessageError::ALL.into_iter().map(|error| FaultRow {
            outcome: error.outcome(),
            fault_code: error.fault_code(),
            sentence: error.sentence(),
        });
        exchange.chain(message)
    }

    /// `reasonCode`, typed. Recorded as the outcome of the exchange.
    #[must_use]
    pub fn outcome(&self) -> OutcomeCode {
        match self {
            Self::BadMessage(bad) => bad.error().outcome(),
            Self::Exchange(fault) => fault.outcome(),
            Self::ExplainedSignature(_) => ExchangeFault::MessageSignature.outcome(),
        }
    }

    /// `reasonCode`: what software acts upon.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.outcome().code()
    }

    /// `faultcode`: which side caused the fault.
    #[must_use]
    pub fn fault_code(&self) -> FaultCode {
        match self {
            Self::BadMessage(bad) => bad.error().fault_code(),
            Self::Exchange(fault) => fault.fault_code(),
            Self::ExplainedSignature(_) => ExchangeFault::MessageSignature.fault_code(),
        }
    }

    /// `faultstring`: the sentence. For a fault that may not have a `detail`, also what was expected
    /// and found, or the well-known header block, as far as the contract and this program name them.
    #[must_use]
    pub fn faultstring(&self) -> String {
        match self {
            Self::BadMessage(bad) => bad.faultstring(),
            Self::Exchange(fault) => fault.sentence().to_owned(),
            Self::ExplainedSignature(text) => format!("{} {text}", self.sentence()),
        }
    }

    /// One fixed sentence for each fault.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::BadMessage(bad) => bad.error().sentence(),
            Self::Exchange(fault) => fault.sentence(),
            Self::ExplainedSignature(_) => ExchangeFault::MessageSignature.sentence(),
        }
    }

    /// `diagnostic`: the sentence and, for a wrong message, what was expected and where. At most
    /// 256 characters.
    #[must_use]
    pub fn diagnostic(&self) -> String {
        match self {
            Self::BadMessage(bad) => bad.to_string(),
            Self::Exchange(fault) => fault.sentence().to_owned(),
            Self::ExplainedSignature(text) => text.chars().take(DIAGNOSTIC_CHARS).collect(),
        }
    }

    /// `severity`: always the highest, because a fault has no answer.
    #[must_use]
    pub fn severity(&self) -> &'static str {
        "FATAL"
    }

    /// Whether the fault has a `detail`. SOAP 1.1, section 4.4 reserves it for faults that the body
    /// causes.
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
    fn every_sentence_is_unique_and_fits_its_type() {
        let rows: Vec<_> = Fault::table().collect();
        let sentences: HashSet<_> = rows.iter().map(|row| row.sentence).collect();
        assert_eq!(sentences.len(), rows.len());
        // What software must act upon has a code of its own; these differ in what a person does.
        let codes: HashSet<_> = rows.iter().map(FaultRow::code).collect();
        let of_caller = rows.iter().filter(|row| row.outcome == OutcomeCode::UnknownCaller).count();
        assert_eq!((of_caller, codes.len()), (4, rows.len() - 3));
        assert!(rows.iter().all(|row| row.code().len() <= 16 && row.sentence.ends_with('.')));
    }

    #[test]
    fn every_outcome_is_a_status_or_a_fault() {
        let faults: HashSet<_> = Fault::table().map(|row| row.outcome).collect();
        assert!(OutcomeCode::ALL.into_iter().all(|outcome| outcome.status().is_some() != faults.contains(&outcome)));
    }
}
