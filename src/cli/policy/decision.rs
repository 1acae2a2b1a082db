//! The decision on a question that an operator describes, by the functions of the service.

use std::sync::Arc;

use super::today;
use crate::config::{DescribedQuestion, Verdict};
use ehealth_core::model::{AskedCriteria, Customer, EndUser, FieldSet, OutcomeCode, Question};
use ehealth_core::policy::{
    Consumer, Denied, EndUserFault, NotIdentified, Permit, Refusal, Register, Relation, Rule, decide,
};

/// The decision.
pub(super) struct Decision {
    /// The consumer, if the caller is one.
    pub consumer: Option<Arc<Consumer>>,
    pub outcome: Outcome,
}

/// What becomes of the question.
pub(super) enum Outcome {
    /// It may be looked up.
    Permitted(Box<Permit>),
    /// The caller is not identified: a fault.
    NotIdentified(NotIdentified),
    /// The policy refuses it: a status.
    Refused(Refusal),
    /// Its end user is wrong: a fault.
    EndUser(EndUserFault),
}

impl Decision {
    /// Decides. Environment, pins and quotas are not considered: there is no certificate, and no question
    /// before this one.
    pub(super) fn new(register: &Register, described: &DescribedQuestion) -> Self {
        let DescribedQuestion { caller, application, customer, .. } = *described;
        let (consumer, organisation) = match register.identify_organisation(caller, application, customer) {
            Ok(identified) => identified,
            Err(refused) => return Self { consumer: None, outcome: Outcome::NotIdentified(refused) },
        };
        let end_user = || EndUser::new("end user".to_owned(), "QUALITY".to_owned(), None).ok();
        let question = Question {
            customer: Customer { ticket: None, timestamp_sent: None, id: customer },
            legal_context: described.legal_context.clone(),
            end_user: described.has_end_user.then(end_user).flatten(),
            criteria: AskedCriteria { ssin: described.ssin, dates: described.dates },
        };
        let context = register.contexts().find(&question.legal_context).map(AsRef::as_ref);
        let on = described.on.unwrap_or_else(today);
        let outcome = match decide(&consumer, organisation, &question, context, on) {
            Ok(permit) => Outcome::Permitted(Box::new(permit)),
            Err(Denied::Refused { refusal, .. }) => Outcome::Refused(refusal),
            Err(Denied::EndUser(fault)) => Outcome::EndUser(fault),
        };
        Self { consumer: Some(consumer), outcome }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.outcome {
            Outcome::Permitted(_) => Verdict::Permitted,
            Outcome::NotIdentified(_) | Outcome::Refused(_) | Outcome::EndUser(_) => Verdict::Refused,
        }
    }

    pub(super) fn rule(&self) -> Rule {
        match &self.outcome {
            Outcome::Permitted(_) => Rule::Granted,
            Outcome::NotIdentified(reason) => (*reason).into(),
            Outcome::Refused(refusal) => (*refusal).into(),
            Outcome::EndUser(fault) => (*fault).into(),
        }
    }

    /// The permit, if the question may be looked up.
    pub(super) fn permit(&self) -> Option<&Permit> {
        match &self.outcome {
            Outcome::Permitted(permit) => Some(permit),
            Outcome::NotIdentified(_) | Outcome::Refused(_) | Outcome::EndUser(_) => None,
        }
    }

    pub(super) fn fields(&self) -> Option<FieldSet> {
        self.permit().map(|permit| permit.grant().fields)
    }

    pub(super) fn relation(&self) -> Option<Relation> {
        self.permit().map(|permit| permit.grant().relation)
    }

    /// Code of the answer to a refused question.
    pub(super) fn refused_with(&self) -> Option<OutcomeCode> {
        match &self.outcome {
            Outcome::Permitted(_) => None,
            Outcome::NotIdentified(NotIdentified::ForeignCustomer) => Some(OutcomeCode::WrongIdentification),
            Outcome::NotIdentified(_) => Some(OutcomeCode::UnknownCaller),
            Outcome::Refused(refusal) => Some(refusal.status().outcome()),
            Outcome::EndUser(EndUserFault::Missing) => Some(OutcomeCode::EndUserMissing),
            Outcome::EndUser(EndUserFault::Refused) => Some(OutcomeCode::EndUserRefused),
        }
    }

    /// Why it is refused, as a sentence; empty for a permitted question.
    pub(super) fn reason(&self) -> String {
        match &self.outcome {
            Outcome::Permitted(_) => String::new(),
            Outcome::NotIdentified(reason) => reason.to_string(),
            Outcome::Refused(refusal) => refusal.to_string(),
            Outcome::EndUser(fault) => fault.to_string(),
        }
    }
}
