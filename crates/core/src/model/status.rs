//! Status of an answer: how an allowed, well-formed exchange ended (`docs/reference/contract.md`
//! "Status").

use super::{Dataset, DatasetSet, EnterpriseNumber, OutcomeCode, Ssin, StatusCode};

/// Status of an answer, with its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// MSG00013: the caller has no valid grant for this legal context.
    NoGrant,
    /// MSG00011: the SSIN is invalid.
    NotAnSsin,
    /// MSG00008: a date is invalid or outside the reach of the grant.
    WrongDates(WrongDates),
    /// MSG00012: the caller has no relation to this person. The same whether or not the person is
    /// known.
    NoRelation {
        /// SSIN asked about.
        ssin: Ssin,
        /// Organisation on whose behalf the caller asks.
        organisation: EnterpriseNumber,
    },
    /// MSG00006: this SSIN was replaced by another.
    Replaced {
        /// Last SSIN of the replacement chain.
        by: Ssin,
    },
    /// HAN20200: these datasets are missing or stale; the answer contains what is available.
    Incomplete(DatasetSet),
    /// MSG00000: data were found and may be disclosed.
    DataFound,
    /// MSG00100: the question was allowed and well-formed; no data were found.
    NoDataFound,
}

crate::closed_enum! {
    /// Which dates are wrong (MSG00008).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum WrongDates {
        /// `referenceDate`.
        ReferenceDate,
        /// `beginDate` of the period.
        BeginDate,
        /// `endDate` of the period.
        EndDate,
        /// Both dates of the period.
        BothDates,
        /// The period ends before it begins.
        Reversed,
    }
}

impl WrongDates {
    /// Element names for `information`, in the order of the message.
    #[must_use]
    pub fn field_names(self) -> &'static [&'static str] {
        match self {
            Self::ReferenceDate => &["referenceDate"],
            Self::BeginDate => &["beginDate"],
            Self::EndDate => &["endDate"],
            Self::BothDates => &["beginDate", "endDate"],
            Self::Reversed => &["period"],
        }
    }
}

/// One `information` of a status: a name, and a value where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Information {
    /// Element name of a wrong date, without its value.
    Name(&'static str),
    /// `ssin`: SSIN asked about.
    Ssin(Ssin),
    /// `cbeNumber`: organisation on whose behalf the caller asks.
    CbeNumber(EnterpriseNumber),
    /// `newSSIN`: SSIN that replaces the one asked about.
    NewSsin(Ssin),
    /// `source`: a dataset that is missing or stale.
    Source(Dataset),
}

impl Information {
    /// `fieldName`.
    #[must_use]
    pub fn field_name(self) -> &'static str {
        match self {
            Self::Name(name) => name,
            Self::Ssin(_) => "ssin",
            Self::CbeNumber(_) => "cbeNumber",
            Self::NewSsin(_) => "newSSIN",
            Self::Source(_) => "source",
        }
    }
}

impl Status {
    /// The status without its facts.
    #[must_use]
    pub const fn status_code(self) -> StatusCode {
        match self {
            Self::NoGrant => StatusCode::NoGrant,
            Self::NotAnSsin => StatusCode::NotAnSsin,
            Self::WrongDates(_) => StatusCode::WrongDates,
            Self::NoRelation { .. } => StatusCode::NoRelation,
            Self::Replaced { .. } => StatusCode::Replaced,
            Self::Incomplete(_) => StatusCode::Incomplete,
            Self::DataFound => StatusCode::DataFound,
            Self::NoDataFound => StatusCode::NoDataFound,
        }
    }

    /// `value`: the class of the outcome.
    #[must_use]
    pub const fn value(self) -> &'static str {
        self.status_code().value()
    }

    /// `code`, typed. Recorded as the outcome of the exchange.
    #[must_use]
    pub const fn outcome(self) -> OutcomeCode {
        self.status_code().outcome()
    }

    /// `code`: what software acts upon.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.status_code().code()
    }

    /// `description`: one fixed sentence per code, without values.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.status_code().description()
    }

    /// The `information` entries, in order.
    #[must_use]
    pub fn information(self) -> Vec<Information> {
        match self {
            Self::NoGrant | Self::NotAnSsin | Self::DataFound | Self::NoDataFound => Vec::new(),
            Self::WrongDates(dates) => dates.field_names().iter().copied().map(Information::Name).collect(),
            Self::NoRelation { ssin, organisation } => {
                vec![Information::Ssin(ssin), Information::CbeNumber(organisation)]
            }
            Self::Replaced { by } => vec![Information::NewSsin(by)],
            Self::Incomplete(datasets) => datasets.iter().map(Information::Source).collect(),
        }
    }
}
