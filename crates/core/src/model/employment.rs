//! A person at work: single Dimona periods, and the employments that they make together.

use super::{EnterpriseNumber, Period};

/// One Dimona period: a person declared with an employer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmploymentPeriod {
    /// Who employs.
    pub employer: EnterpriseNumber,
    /// From when to when; open while the declaration stands.
    pub period: Period,
}

/// What a person has with an employer: Dimona periods merged where they overlap or follow without a day between
/// (domain.md, rule 2). A worker on daily contracts has one, not hundreds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Employment {
    /// Who employs.
    pub employer: EnterpriseNumber,
    /// The merged span.
    pub period: Period,
}
