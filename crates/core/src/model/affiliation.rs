//! Who an employer's prevention service is, and which fund a person is insured with.

use super::{EnterpriseNumber, Period};

/// Whether a prevention service is the employer's own or a contracted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// The employer's own service (often under its own number), from `federated`. The competent one where there is one.
    Internal,
    /// One of the ten or so services that Co-Prev counts, from `coprev`.
    External,
}

impl ServiceKind {
    /// The word on the wire (contract.md, field 6).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::External => "EXTERNAL",
        }
    }
}

/// An employer's affiliation to a prevention service. The employer is the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Affiliation {
    /// The prevention service.
    pub service: EnterpriseNumber,
    /// From when to when; open while it lasts.
    pub period: Period,
}

/// A person's membership of a health-insurance fund. The person is the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Membership {
    /// The fund.
    pub fund: EnterpriseNumber,
    /// From when to when; open while it lasts.
    pub period: Period,
}
