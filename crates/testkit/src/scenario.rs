//! The scenario of a simulation: invented people, the sources' records about them, delays, faults
//! and outages.
//!
//! These are the values. The gateway reads them from a TOML file (`fixtures/scenario.toml` shows
//! every key).

use std::time::Duration;

use crate::failure::FailurePlan;
use ehealth_core::model::{
    Affiliation, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin, Ticket, Timestamp,
};
use ehealth_core::policy::SignatureRule;

/// A scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Time of the fixed clock.
    pub now: Timestamp,
    /// Ticket of every answer; `None`: a random one each.
    pub ticket: Option<Ticket>,
    /// People in addition to the catalogue, or more records about people of the catalogue.
    pub people: Vec<Person>,
    /// Affiliations in addition to the catalogue.
    pub affiliations: Vec<EmployerAffiliation>,
    /// Failures and outages at the start.
    pub plan: FailurePlan,
    /// Message signatures.
    pub signatures: SimulatedSignatures,
}

/// Message signatures of every consumer of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SimulatedSignatures {
    /// Whether messages are signed.
    pub rule: SignatureRule,
    /// Whether responses are signed.
    pub sign_responses: bool,
    /// Whether a message that comes again is refused. With a fixed clock, a recorded message may come
    /// many times.
    pub refuse_replays: bool,
}

/// Records about a person, and the delay and fault of answers about them. `Debug` prints no SSIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// SSIN of the person.
    pub ssin: Ssin,
    /// SSIN that replaced it.
    pub replaced_by: Option<Ssin>,
    /// Whether the register cancelled the SSIN.
    pub is_cancelled: bool,
    /// Dimona periods.
    pub employments: Vec<EmploymentPeriod>,
    /// Memberships of health-insurance funds.
    pub memberships: Vec<Membership>,
    /// Delay of the answer.
    pub delay: Duration,
    /// Fault that is returned instead of an answer.
    pub fault: Option<InjectedFault>,
}

/// An employer's affiliation to a prevention service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmployerAffiliation {
    /// Employer that is affiliated.
    pub employer: EnterpriseNumber,
    /// Whether the service is internal or external: the dataset `federated` or `coprev`.
    pub kind: ServiceKind,
    /// Prevention service and period.
    pub affiliation: Affiliation,
}

ehealth_core::closed_enum! {
    /// A Server fault that a scenario injects. Its code is the `reasonCode` of the fault.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum InjectedFault {
        /// A dataset cannot be read.
        DataUnreadable => "MSG00003",
        /// The exchange cannot be recorded in the audit log.
        AuditLogUnwritable => "MSG90053",
    }
}
