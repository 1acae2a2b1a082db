//! The facts of one message, known before its question is read.

use super::exchange_record::{ExchangeRecord, Operation};
use super::message_signature::Relay;
use crate::model::{Application, DatasetStates, Digest, EnterpriseNumber, FieldSet, OutcomeCode, Ticket, Timestamp};
use crate::policy::Certified;

/// The caller, as its certificate shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Facts of the certificate, if it names an organisation.
    pub certified: Option<Certified>,
    /// SHA-256 of the certificate (DER).
    pub fingerprint: Digest,
}

impl Caller {
    /// The organisation that the certificate names, if it names one.
    #[must_use]
    pub fn organisation(&self) -> Option<EnterpriseNumber> {
        self.certified.map(|certified| certified.organisation)
    }

    /// The application that the certificate names, if it names one.
    #[must_use]
    pub fn application(&self) -> Option<Application> {
        self.certified.and_then(|certified| certified.application)
    }
}

/// The facts of one message, which every state of the pipeline carries along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Ticket of the exchange (`ticketCBSS`).
    pub ticket: Ticket,
    /// Time at which the message was received.
    pub received: Timestamp,
    /// The caller: the signer, if a relay brought the message.
    pub caller: Caller,
    /// The relay that brought the message, if it is not the caller itself.
    pub relay: Option<Relay>,
}

impl Exchange {
    /// Returns the record of a message that ends here with this outcome: nothing was looked up.
    #[must_use]
    pub fn to_record(&self, operation: Operation, outcome: OutcomeCode) -> ExchangeRecord {
        ExchangeRecord {
            ticket: self.ticket,
            received: self.received,
            caller: self.caller.organisation(),
            application: self.caller.application(),
            fingerprint: self.caller.fingerprint,
            operation,
            organisation: None,
            context: None,
            rule: None,
            policy: None,
            deliberation: None,
            subject: None,
            end_user: None,
            replaced_by: None,
            window: None,
            fields: FieldSet::EMPTY,
            disclosed: Vec::new(),
            datasets: DatasetStates::default(),
            outcome,
            customer_ticket: None,
            relay: self.relay,
            signature: None,
        }
    }
}
