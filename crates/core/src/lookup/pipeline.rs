//! The states of an exchange as types. Each step consumes the state before it; none can be left
//! out.
//!
//! This file reads no data and writes no record itself. Its types ensure that the code that does
//! cannot do so out of order.

use std::sync::Arc;

use super::exchange::Exchange;
use super::exchange_record::{ExchangeRecord, Operation};
use super::freshness_limits::FreshnessLimits;
use super::message_signature::MessageSignature;
use super::ports::{Directory, DirectoryError};
use super::recording::{Recordable, Recorded};
use super::resolve::{Resolution, resolve};
use crate::model::{
    Criteria, CriteriaDates, Customer, DatasetStates, Date, Digest, Disclosure, EnterpriseNumber, FieldSet,
    OutcomeCode, Question, Sources, Ssin, Status, Ticket, Timestamp, WrongDates,
};
use crate::policy::{
    Consumer, ContextDefinition, Denied, EndUserFault, Finding, Grant, NotIdentified, Permit, Refusal, Register, Rule,
    decide,
};

/// A well-formed question, by the holder of a certificate that may name any organisation.
#[derive(Debug)]
pub struct Presented {
    exchange: Exchange,
    question: Question,
    /// Definition of its legal context, if the policy has one.
    context: Option<Arc<ContextDefinition>>,
    /// SHA-256 of the policy file under which it is decided.
    policy: Option<Digest>,
    /// The caller's signature of the message.
    signature: Option<Arc<MessageSignature>>,
}

impl Presented {
    /// Creates the first state, from a question that was read. This register decides it.
    #[must_use]
    pub fn new(exchange: Exchange, question: Question, register: &Register) -> Self {
        let context = register.contexts().find(&question.legal_context).map(Arc::clone);
        Self { exchange, question, context, policy: register.policy(), signature: None }
    }

    /// The same question, with the caller's verified signature of its message.
    #[must_use]
    pub fn signed(self, signature: Option<Arc<MessageSignature>>) -> Self {
        Self { signature, ..self }
    }

    /// Finds the consumer, and the organisation on whose behalf it asks.
    ///
    /// # Errors
    /// [`NotIdentified`], with the question: the fault returns its customer.
    pub fn identify(self, register: &Register) -> Result<Identified, Box<(NotIdentified, Self)>> {
        match register.identify(self.exchange.caller.certified, self.question.customer.id) {
            Ok((consumer, organisation)) => Ok(Identified { presented: self, consumer, organisation }),
            Err(refused) => Err(Box::new((refused, self))),
        }
    }

    /// Returns the record of an exchange that ends here with this outcome, by this rule.
    #[must_use]
    pub fn to_record(&self, outcome: OutcomeCode, rule: Rule) -> ExchangeRecord {
        ExchangeRecord {
            context: self.context.as_ref().map(|definition| definition.context),
            rule: Some(rule),
            policy: self.policy,
            subject: self.question.criteria.ssin.ok(),
            end_user: self.question.end_user.clone(),
            customer_ticket: self.question.customer.ticket.clone(),
            signature: self.signature.clone(),
            ..self.exchange.to_record(Operation::ConsultAttributes, outcome)
        }
    }

    /// `informationCustomer`, which a fault returns.
    #[must_use]
    pub fn customer(&self) -> &Customer {
        &self.question.customer
    }

    /// The same, at the end of the exchange.
    #[must_use]
    pub fn into_customer(self) -> Customer {
        self.question.customer
    }
}

/// A question by a known consumer, on behalf of an organisation that it may ask for.
#[derive(Debug)]
pub struct Identified {
    presented: Presented,
    consumer: Arc<Consumer>,
    organisation: EnterpriseNumber,
}

/// The decision of the policy.
#[derive(Debug)]
pub enum Permission {
    /// The question may be looked up.
    Permitted(Permitted),
    /// It may not. The answer is a status; the rule is for the operator.
    Refused(Resolved, Refusal),
    /// It may not: its end user is wrong. The exchange ends with a Client fault.
    EndUser(Presented, EndUserFault),
}

impl Identified {
    /// The consumer that calls.
    #[must_use]
    pub fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    /// Returns the question as it was presented: for a refusal that policy does not decide.
    #[must_use]
    pub fn into_presented(self) -> Presented {
        self.presented
    }

    /// Decides whether the question may be looked up.
    #[must_use]
    pub fn permit(self) -> Permission {
        let Presented { exchange, question, context, .. } = &self.presented;
        let today = exchange.received.brussels_day();
        match decide(&self.consumer, self.organisation, question, context.as_deref(), today) {
            Ok(permit) => Permission::Permitted(Permitted { asked: self, permit }),
            Err(Denied::Refused { refusal, grant }) => {
                Permission::Refused(Resolved::refused(self, refusal, grant), refusal)
            }
            Err(Denied::EndUser(fault)) => Permission::EndUser(self.presented, fault),
        }
    }
}

/// A question that may be looked up.
#[derive(Debug)]
pub struct Permitted {
    asked: Identified,
    permit: Permit,
}

/// The look-up failed; the exchange ends with a Server fault.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct LookupError {
    /// The dataset that cannot be read, and why: for the log only.
    #[source]
    pub reason: DirectoryError,
    /// The question, for the record. The caller of `resolve` knows the fault's code and completes
    /// it.
    pub presented: Presented,
}

impl Permitted {
    /// The person asked about.
    #[must_use]
    pub fn subject(&self) -> Ssin {
        self.permit.criteria().ssin
    }

    /// The days asked about.
    #[must_use]
    pub fn dates(&self) -> CriteriaDates {
        self.permit.criteria().dates
    }

    /// Day of the question, in Europe/Brussels.
    #[must_use]
    pub fn today(&self) -> Date {
        self.permit.today()
    }

    /// The consumer that asks.
    #[must_use]
    pub fn consumer(&self) -> &Arc<Consumer> {
        self.asked.consumer()
    }

    /// Refuses the question, because the consumer asked about too many days of this person.
    #[must_use]
    pub fn refuse_dates(self, dates: WrongDates) -> (Resolved, Refusal) {
        let refusal = Refusal::TooManyDates(dates);
        (Resolved::refused(self.asked, refusal, Some(self.permit.into_grant())), refusal)
    }

    /// Looks the question up. The only access to the data.
    ///
    /// # Errors
    /// [`LookupError`] if a loaded dataset cannot be read; the same question may succeed once it is
    /// repaired.
    pub fn resolve(
        self,
        directory: &mut impl Directory,
        limits: &FreshnessLimits,
    ) -> Result<Resolved, Box<LookupError>> {
        let received = self.asked.presented.exchange.received;
        match resolve(&self.permit, directory, limits, received) {
            Ok(resolution) => Ok(Resolved { asked: self.asked, ground: Ground::Permitted(self.permit), resolution }),
            Err(reason) => Err(Box::new(LookupError { reason, presented: self.asked.into_presented() })),
        }
    }
}

/// The outcome, complete but not yet recorded: it can be recorded ([`record`](super::record)), not
/// disclosed.
#[derive(Debug)]
pub struct Resolved {
    asked: Identified,
    ground: Ground,
    resolution: Resolution,
}

/// The decision on which the outcome rests.
#[derive(Debug)]
enum Ground {
    /// The question was looked up under this permit.
    Permitted(Permit),
    /// It was not looked up, by this rule; the grant, if one was found.
    Denied(Rule, Option<Arc<Grant>>),
}

impl Ground {
    fn permit(&self) -> Option<&Permit> {
        match self {
            Self::Permitted(permit) => Some(permit),
            Self::Denied(..) => None,
        }
    }

    fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Permitted(permit) => Some(permit.grant()),
            Self::Denied(_, grant) => grant.as_deref(),
        }
    }

    /// The rule that decided an exchange with this status.
    fn rule(&self, status: Status) -> Rule {
        match (self, status) {
            (Self::Denied(rule, _), _) => *rule,
            (Self::Permitted(_), Status::NoRelation { .. }) => Rule::NoRelation,
            (Self::Permitted(_), _) => Rule::Granted,
        }
    }
}

impl Recordable for Resolved {
    fn to_record(&self) -> ExchangeRecord {
        let Self { asked, ground, resolution } = self;
        let disclosure = resolution.disclosure.as_ref();
        ExchangeRecord {
            organisation: Some(asked.organisation),
            deliberation: ground.grant().map(|grant| grant.deliberation.clone()),
            replaced_by: match resolution.status {
                Status::Replaced { by } => Some(by),
                Status::NoGrant
                | Status::NotAnSsin
                | Status::WrongDates(_)
                | Status::NoRelation { .. }
                | Status::Incomplete(_)
                | Status::DataFound
                | Status::NoDataFound => resolution.replaced_by,
            },
            window: ground.permit().map(|permit| permit.criteria().window()),
            fields: disclosure.map_or(FieldSet::EMPTY, Disclosure::fields),
            disclosed: disclosure.map_or_else(Vec::new, |disclosure| disclosure.numbers().collect()),
            datasets: resolution.states,
            ..asked.presented.to_record(resolution.status.outcome(), self.rule())
        }
    }
}

impl Resolved {
    /// The outcome of a question that policy refuses before it is looked up.
    fn refused(asked: Identified, refusal: Refusal, grant: Option<Arc<Grant>>) -> Self {
        let resolution = Resolution::no_result(refusal.status(), DatasetStates::default());
        Self { asked, ground: Ground::Denied(refusal.into(), grant), resolution }
    }

    /// The person asked about, if the SSIN is valid.
    #[must_use]
    pub fn subject(&self) -> Option<Ssin> {
        self.asked.presented.question.criteria.ssin.ok()
    }

    /// What the answer shows of the person: for the limit on empty answers.
    #[must_use]
    pub fn finding(&self) -> Finding {
        self.resolution.finding()
    }

    /// The status with which the exchange ends.
    #[must_use]
    pub fn status(&self) -> Status {
        self.resolution.status
    }

    /// The rule that decided it.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.ground.rule(self.resolution.status)
    }

    /// The consumer that asked.
    #[must_use]
    pub fn consumer(&self) -> &Consumer {
        &self.asked.consumer
    }

    /// Returns the customer, where the outcome cannot be recorded and a fault is sent in its place.
    #[must_use]
    pub fn into_customer(self) -> Customer {
        self.asked.presented.question.customer
    }
}

/// A recorded outcome, which may be disclosed.
pub type Answer = Recorded<Resolved>;

impl Recorded<Resolved> {
    /// `ticketCBSS`.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.outcome().asked.presented.exchange.ticket
    }

    /// `timestampReceive`.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        self.outcome().asked.presented.exchange.received
    }

    /// `informationCustomer`, as received.
    #[must_use]
    pub fn customer(&self) -> &Customer {
        &self.outcome().asked.presented.question.customer
    }

    /// `legalContext`, as received.
    #[must_use]
    pub fn legal_context(&self) -> &str {
        &self.outcome().asked.presented.question.legal_context
    }

    /// `criteria` as understood; `None` where policy refused before they were validated (MSG00013,
    /// MSG00011, MSG00008).
    #[must_use]
    pub fn criteria(&self) -> Option<Criteria> {
        self.outcome().ground.permit().map(Permit::criteria)
    }

    /// `status`.
    #[must_use]
    pub fn status(&self) -> Status {
        self.outcome().resolution.status
    }

    /// `ssin`: the SSIN asked about and the one that replaced it; `None` where the element is absent.
    #[must_use]
    pub fn replaced_ssin(&self) -> Option<(Ssin, Ssin)> {
        let by = self.outcome().resolution.replaced_by?;
        Some((self.criteria()?.ssin, by))
    }

    /// `sources`: the status of each source of the grant; empty where the element is absent.
    #[must_use]
    pub fn sources(&self) -> Sources {
        self.outcome().resolution.sources
    }

    /// `dataFilters`: the fields left out by policy; empty where the element is omitted.
    #[must_use]
    pub fn filtered(&self) -> FieldSet {
        self.outcome().resolution.filtered
    }

    /// `result`, where there is one.
    #[must_use]
    pub fn disclosure(&self) -> Option<&Disclosure> {
        self.outcome().resolution.disclosure.as_ref()
    }
}
