//! The record of one exchange: what the audit log stores.

use std::sync::Arc;

use super::message_signature::{MessageSignature, Relay};
use crate::model::{
    Application, DatasetStates, Digest, EndUser, EnterpriseNumber, FieldSet, LegalContext, OutcomeCode, Ssin, Ticket,
    Timestamp, Window,
};
use crate::policy::{Deliberation, Rule};

crate::closed_enum! {
    /// Operation of the service. The code is its name on the wire.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Operation {
        /// Discloses the attributes of a person.
        ConsultAttributes => "consultAttributes",
        /// Echoes a text, to test the connection.
        SendTestMessage => "sendTestMessage",
    }
}

/// Who asked, when, about whom, on what ground, which fields were disclosed, and from which state
/// of the data (`docs/reference/domain.md` "Evidence of disclosure").
///
/// A fact that was not known when the exchange ended is absent: an unreadable message has no
/// subject. `Debug` omits the subject, the end user, what was disclosed, and the caller's own ticket,
/// a free text that may contain anything.
#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeRecord {
    /// Ticket of the exchange (`ticketCBSS`).
    pub ticket: Ticket,
    /// Time at which the message was received.
    pub received: Timestamp,
    /// Organisation in the caller's certificate; `None` if the certificate names none.
    pub caller: Option<EnterpriseNumber>,
    /// Application in the caller's certificate; `None` if the certificate names none.
    pub application: Option<Application>,
    /// SHA-256 of the caller's certificate (DER).
    pub fingerprint: Digest,
    /// Operation of the path that was called.
    pub operation: Operation,
    /// Organisation on whose behalf the caller asks, once it was accepted.
    pub organisation: Option<EnterpriseNumber>,
    /// Legal context, if it was read and the policy defines it.
    pub context: Option<LegalContext>,
    /// Rule that decided the exchange; `None` for a test message and for one that cannot be read.
    pub rule: Option<Rule>,
    /// SHA-256 of the policy file under which it was decided, if a rule decided it.
    pub policy: Option<Digest>,
    /// Deliberation on which the grant rests, if a grant was found.
    pub deliberation: Option<Deliberation>,
    /// Person asked about, if the SSIN is valid.
    pub subject: Option<Ssin>,
    /// Person at the caller who asks, if the question names one.
    pub end_user: Option<EndUser>,
    /// SSIN that replaces the one asked about, if the answer discloses it (MSG00006).
    pub replaced_by: Option<Ssin>,
    /// Days asked about, if they were accepted.
    pub window: Option<Window>,
    /// Fields that the answer discloses.
    pub fields: FieldSet,
    /// Enterprise numbers that the answer discloses, in its order.
    pub disclosed: Vec<EnterpriseNumber>,
    /// States of the datasets that were read; empty if none was.
    pub datasets: DatasetStates,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
    /// The caller's own ticket, if it gave one.
    pub customer_ticket: Option<String>,
    /// The relay that brought the message, if it is not the caller itself.
    pub relay: Option<Relay>,
    /// The caller's signature of the message, if it was verified.
    pub signature: Option<Arc<MessageSignature>>,
}

impl std::fmt::Debug for ExchangeRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExchangeRecord")
            .field("ticket", &self.ticket)
            .field("caller", &self.caller)
            .field("operation", &self.operation)
            .field("context", &self.context)
            .field("fields", &self.fields)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
