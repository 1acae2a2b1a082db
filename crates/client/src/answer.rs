//! An answer, typed: what became of the question and what was told.
//!
//! Plain data. An answer that exists was read whole: its numbers, days and periods were checked at birth, its status and
//! its result go together, and it answers the question that was asked. What follows from it (which service is competent,
//! which fund) is in [`super::verdict`]. `Debug` shows no SSIN.

use std::fmt;

use super::ticket::CbssTicket;
use ehealth_core::model::{
    Criteria, Customer, DatasetSet, EnterpriseNumber, FieldSet, Period, ServiceKind, Ssin, Timestamp,
};

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `informationCustomer`: as it was sent.
    pub customer: Customer,
    /// `ticketCBSS`: what to quote to the service's operator, and what the disclosure is filed under.
    pub ticket: CbssTicket,
    /// `timestampReceive`.
    pub received: Timestamp,
    /// `timestampReply`.
    pub replied: Timestamp,
    /// `legalContext`: as it was sent.
    pub legal_context: String,
    /// `criteria` as the service understood them; absent where it did not look at them or one was wrong.
    pub criteria: Option<Criteria>,
    /// `status`.
    pub status: Status,
    /// `dataFilters`: the fields that the grant leaves out. None of them is told, whether or not there was one.
    pub filtered: FieldSet,
    /// `result`: only with [`Outcome::DataFound`] and [`Outcome::Incomplete`].
    pub result: Option<Findings>,
}

impl Answer {
    /// How the question ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.status.outcome
    }
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `value`, `code` and what `information` says with them.
    pub outcome: Outcome,
    /// `description`: the service's sentence, for people; fit to be printed.
    pub description: Option<String>,
    /// `information` as it came.
    pub information: Vec<Information>,
}

/// One `information` of a status. `Debug` shows its name alone: the value can be an SSIN.
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

/// How the question ended: one variant a code of contract.md's status table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// MSG00000: something was found and may be told.
    DataFound,
    /// MSG00100: nothing was found, and the service could look.
    NoDataFound,
    /// HAN20200: these datasets were missing or too old; what was there is told.
    Incomplete(DatasetSet),
    /// MSG00006: the SSIN was replaced; ask again with this one.
    Replaced {
        /// The number that is in use now.
        by: Ssin,
    },
    /// MSG00008: these dates are none, or lie outside what may be asked.
    WrongDates(WrongDates),
    /// MSG00011: the SSIN is none.
    NotAnSsin,
    /// MSG00012: the organisation has no relation to this person. Says nothing about whether the person is known.
    NoRelation,
    /// MSG00013: the organisation has no valid grant for this legal context.
    NoGrant,
}

/// Which dates of a question are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongDates {
    /// `referenceDate`.
    ReferenceDate,
    /// `beginDate`.
    BeginDate,
    /// `endDate`.
    EndDate,
    /// `beginDate` and `endDate`.
    BothDates,
    /// The period ends before it begins.
    Reversed,
}

impl Outcome {
    /// `value` on the wire.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::DataFound => "DATA_FOUND",
            Self::NoDataFound => "NO_DATA_FOUND",
            Self::Incomplete(_) => "INCOMPLETE_DATA",
            Self::Replaced { .. } | Self::WrongDates(_) | Self::NotAnSsin | Self::NoRelation | Self::NoGrant => {
                "NO_RESULT"
            }
        }
    }

    /// `code` on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::DataFound => "MSG00000",
            Self::NoDataFound => "MSG00100",
            Self::Incomplete(_) => "HAN20200",
            Self::Replaced { .. } => "MSG00006",
            Self::WrongDates(_) => "MSG00008",
            Self::NotAnSsin => "MSG00011",
            Self::NoRelation => "MSG00012",
            Self::NoGrant => "MSG00013",
        }
    }
}

/// `result`: what was found and may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Field 1.
    pub ssin: Option<Ssin>,
    /// Fields 2 to 8: newest begin first, then by enterprise number.
    pub employments: Vec<Employment>,
    /// Field 9; see [`Answer::fund`] for what its absence means.
    pub fund: Option<EnterpriseNumber>,
}

/// `employment`, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employment {
    /// Field 2.
    pub employer: Option<EnterpriseNumber>,
    /// Fields 3 and 4.
    pub period: Option<Period>,
    /// Fields 5 to 8: internal before external, newest first.
    pub services: Vec<PreventionService>,
}

/// `preventionService`, as far as it may be told.
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
    /// `sslCertificate`: the subject of the caller's certificate as the service saw it; fit to be printed.
    pub ssl_certificate: String,
    /// `consumer`: the name under which the service knows the caller's organisation; `None` if it does not know it.
    pub consumer: Option<String>,
}
