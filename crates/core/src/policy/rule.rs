//! The rule that decided an exchange: recorded with it, so that "why was this allowed" can be
//! answered years later.

use super::certified::NotIdentified;
use super::decide::{EndUserFault, NoGrant, Refusal};

crate::closed_enum! {
    /// What decided an exchange. The code is the same in records, logs, metrics and commands.
    ///
    /// In the order in which the rules are applied. An exchange that no rule decided has none: a test
    /// message, and a message that cannot be read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Rule {
        /// The message signature is missing or not accepted.
        MessageSignature => "message-signature",
        /// The certificate names no organisation.
        NoOrganisation => "no-organisation",
        /// The certificate is for another environment.
        OtherEnvironment => "other-environment",
        /// The certificate names no environment, and one is required.
        NoEnvironment => "no-environment",
        /// The certificate names two environments.
        TwoEnvironments => "two-environments",
        /// The certificate names an environment in a malformed way.
        MalformedEnvironment => "malformed-environment",
        /// The organisation is not registered.
        NotRegistered => "not-registered",
        /// The organisation is not registered with the application.
        OtherApplication => "other-application",
        /// The certificate does not match the pins.
        NotPinned => "not-pinned",
        /// The caller may not ask on behalf of this customer.
        ForeignCustomer => "foreign-customer",
        /// The quota is exhausted.
        Quota => "quota",
        /// The policy does not define the legal context.
        UnknownContext => "unknown-context",
        /// The consumer has no grant for the legal context.
        ContextNotGranted => "context-not-granted",
        /// The legal context is not valid on this day.
        ContextNotValid => "context-not-valid",
        /// No grant for the legal context is valid on this day.
        GrantNotValid => "grant-not-valid",
        /// The legal context demands an end user, and the question names none.
        EndUserMissing => "end-user-missing",
        /// The legal context allows no end user, and the question names one.
        EndUserRefused => "end-user-refused",
        /// The SSIN is invalid.
        InvalidSsin => "invalid-ssin",
        /// A date is invalid, reversed, or outside the reach of the grant.
        WrongDates => "wrong-dates",
        /// The legal context allows the day of the question alone.
        NotToday => "not-today",
        /// The consumer asked about too many days of this person in this month.
        TooManyDates => "too-many-dates",
        /// The relation that the grant demands does not hold.
        NoRelation => "no-relation",
        /// The grant allows the question.
        Granted => "granted",
    }
}

impl From<NotIdentified> for Rule {
    fn from(reason: NotIdentified) -> Self {
        match reason {
            NotIdentified::NoOrganisation => Self::NoOrganisation,
            NotIdentified::OtherEnvironment => Self::OtherEnvironment,
            NotIdentified::NoEnvironment => Self::NoEnvironment,
            NotIdentified::TwoEnvironments => Self::TwoEnvironments,
            NotIdentified::MalformedEnvironment => Self::MalformedEnvironment,
            NotIdentified::UnknownCaller => Self::NotRegistered,
            NotIdentified::OtherApplication => Self::OtherApplication,
            NotIdentified::NotPinned => Self::NotPinned,
            NotIdentified::ForeignCustomer => Self::ForeignCustomer,
        }
    }
}

impl From<EndUserFault> for Rule {
    fn from(fault: EndUserFault) -> Self {
        match fault {
            EndUserFault::Missing => Self::EndUserMissing,
            EndUserFault::Refused => Self::EndUserRefused,
        }
    }
}

impl From<Refusal> for Rule {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoGrant(NoGrant::UnknownContext) => Self::UnknownContext,
            Refusal::NoGrant(NoGrant::ContextNotGranted) => Self::ContextNotGranted,
            Refusal::NoGrant(NoGrant::ContextNotValid) => Self::ContextNotValid,
            Refusal::NoGrant(NoGrant::NotValidToday) => Self::GrantNotValid,
            Refusal::NotAnSsin(_) => Self::InvalidSsin,
            Refusal::WrongDates(_) => Self::WrongDates,
            Refusal::NotToday(_) => Self::NotToday,
            Refusal::TooManyDates(_) => Self::TooManyDates,
        }
    }
}

impl NotIdentified {
    /// Code of the rule, in logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        Rule::from(self).code()
    }
}
