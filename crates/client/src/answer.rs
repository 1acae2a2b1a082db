//! The answer to a question.
//!
//! The numbers, days and periods of an answer are valid, its status and its result are consistent,
//! and it answers the question that was asked. [`super::verdict`] derives the competent service and
//! the fund. `Debug` shows no SSIN.

use std::fmt;

use super::ticket::CbssTicket;
use ehealth_core::model::{
    Criteria, Customer, DatasetSet, EnterpriseNumber, FieldSet, Period, ServiceKind, Sources, Ssin, StatusCode,
    Timestamp,
};
pub use ehealth_core::model::{WrongDate, WrongDates};

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `informationCustomer`, as sent.
    pub customer: Customer,
    /// `ticketCBSS`: quote it to the operator of the service, who finds the audit record by it.
    pub ticket: CbssTicket,
    /// `timestampReceive`.
    pub received: Timestamp,
    /// `timestampReply`.
    pub replied: Timestamp,
    /// `legalContext`, as sent.
    pub legal_context: String,
    /// `criteria` as the service read them; absent if it did not read them, or one of them is
    /// invalid.
    pub criteria: Option<Criteria>,
    /// `status`.
    pub status: Status,
    /// `replacedBy` of `ssin`: the SSIN of the question was replaced by this one, and the answer is for both.
    pub replaced_by: Option<Ssin>,
    /// `sources`: the status of each source that carries a field of the grant; empty if the question
    /// was not answered.
    pub sources: Sources,
    /// `dataFilters`: the fields that the grant excludes. They are never disclosed, whether or not
    /// they have a value.
    pub filtered: FieldSet,
    /// `result`: only with [`Outcome::DataFound`] and [`Outcome::Incomplete`].
    pub result: Option<Findings>,
}

impl Answer {
    /// Outcome of the question.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.status.outcome
    }
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `value` and `code`, with the values of `information`.
    pub outcome: Outcome,
    /// `description`, for people; SSINs are masked.
    pub description: Option<String>,
    /// `information` as received.
    pub information: Vec<Information>,
}

/// One `information` of a status. `Debug` shows only the name: the value can be an SSIN.
#[derive(Clone, PartialEq, Eq)]
pub struct Information {
    /// `fieldName`.
    pub name: String,
    /// `fieldValue`.
    pub value: Option<String>,
}

impl fmt::Debug for Information {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Information").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Outcome of a question: one variant for each code of `docs/reference/contract.md` "Status".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// MSG00000: data were found and disclosed.
    DataFound,
    /// MSG00100: the service read all datasets and found nothing.
    NoDataFound,
    /// HAN20200: these datasets were missing or stale; the data of the others are disclosed.
    Incomplete(DatasetSet),
    /// MSG00006: the SSIN was replaced; ask with the new one.
    Replaced {
        /// The SSIN that replaces it.
        by: Ssin,
    },
    /// MSG00008: these dates are invalid, or outside the permitted range.
    WrongDates(WrongDates),
    /// MSG00011: the SSIN is invalid.
    NotAnSsin,
    /// MSG00012: the organisation has no relation to this person. This does not reveal whether the
    /// person is known.
    NoRelation,
    /// MSG00013: the organisation has no valid grant for this legal context.
    NoGrant,
}

impl Outcome {
    /// The status, without its facts.
    #[must_use]
    pub const fn status_code(self) -> StatusCode {
        match self {
            Self::DataFound => StatusCode::DataFound,
            Self::NoDataFound => StatusCode::NoDataFound,
            Self::Incomplete(_) => StatusCode::Incomplete,
            Self::Replaced { .. } => StatusCode::Replaced,
            Self::WrongDates(_) => StatusCode::WrongDates,
            Self::NotAnSsin => StatusCode::NotAnSsin,
            Self::NoRelation => StatusCode::NoRelation,
            Self::NoGrant => StatusCode::NoGrant,
        }
    }

    /// Whether the service looked the person up. If not, the status says why, and there is no result.
    #[must_use]
    pub const fn is_answered(self) -> bool {
        match self {
            Self::DataFound | Self::NoDataFound | Self::Incomplete(_) => true,
            Self::Replaced { .. } | Self::WrongDates(_) | Self::NotAnSsin | Self::NoRelation | Self::NoGrant => false,
        }
    }

    /// Datasets that were missing or stale.
    #[must_use]
    pub const fn missing(self) -> DatasetSet {
        match self {
            Self::Incomplete(missing) => missing,
            Self::DataFound
            | Self::NoDataFound
            | Self::Replaced { .. }
            | Self::WrongDates(_)
            | Self::NotAnSsin
            | Self::NoRelation
            | Self::NoGrant => DatasetSet::EMPTY,
        }
    }

    /// `value` on the wire.
    #[must_use]
    pub const fn value(self) -> &'static str {
        self.status_code().value()
    }

    /// `code` on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.status_code().code()
    }
}

/// `result`: the disclosed data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Field 1.
    pub ssin: Option<Ssin>,
    /// Fields 2 to 8, by begin date (newest first), then by enterprise number.
    pub employments: Vec<Employment>,
    /// Field 9. [`Answer::fund`] says what its absence means.
    pub fund: Option<EnterpriseNumber>,
}

/// `employment`; excluded fields are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employment {
    /// Field 2.
    pub employer: Option<EnterpriseNumber>,
    /// Fields 3 and 4.
    pub period: Option<Period>,
    /// Fields 5 to 8: internal before external, then newest first.
    pub services: Vec<PreventionService>,
}

/// `preventionService`; excluded fields are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreventionService {
    /// Field 5.
    pub number: Option<EnterpriseNumber>,
    /// Field 6.
    pub kind: Option<ServiceKind>,
    /// Fields 7 and 8.
    pub affiliation: Option<Period>,
}

/// The answer to `sendTestMessage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReply {
    /// `ticketCBSS`.
    pub ticket: CbssTicket,
    /// `timestampReceive`.
    pub received: Timestamp,
    /// `timestampReply`.
    pub replied: Timestamp,
    /// `sslCertificate`: subject of the caller's certificate as the service sees it; SSINs are
    /// masked.
    pub ssl_certificate: String,
    /// `X-Consumer`: name under which the caller's organisation is registered; `None` if it is not
    /// registered, or not with this certificate. SSINs are masked.
    pub consumer: Option<String>,
}
