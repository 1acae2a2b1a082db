//! Affiliations of employers to prevention services, and memberships of persons in health-insurance
//! funds.

use super::{EnterpriseNumber, Period};

crate::closed_enum! {
    /// Whether a prevention service is the employer's own or a contracted one, in the order of the
    /// answer.
    ///
    /// The code is the text on the wire (`docs/reference/contract.md` "Nine fields", field 6).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ServiceKind {
        /// The employer's own service (often under the employer's number), from `federated`. The
        /// competent service where there is one.
        Internal => "INTERNAL",
        /// One of the ten or so services that Co-Prev represents, from `coprev`.
        External => "EXTERNAL",
    }
}

/// Affiliation of an employer to a prevention service. The employer is the one that was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Affiliation {
    /// The prevention service.
    pub service: EnterpriseNumber,
    /// Days of the affiliation; open while it lasts.
    pub period: Period,
}

/// Membership of a person in a health-insurance fund. The person is the one that was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Membership {
    /// The fund.
    pub fund: EnterpriseNumber,
    /// Days of the membership; open while it lasts.
    pub period: Period,
}
