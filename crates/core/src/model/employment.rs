//! Dimona periods of a person, and the employments into which they merge.

use super::{EnterpriseNumber, Period};

/// One Dimona period: a person declared with an employer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmploymentPeriod {
    /// The employer.
    pub employer: EnterpriseNumber,
    /// Days of the declaration; open while it is in effect.
    pub period: Period,
}

/// Employment of a person with an employer: Dimona periods merged where they overlap or follow each
/// other without a day between (`docs/reference/domain.md` "How the answer is found", rule 2). A
/// worker on daily contracts has one employment, not hundreds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Employment {
    /// The employer.
    pub employer: EnterpriseNumber,
    /// The merged period.
    pub period: Period,
}
