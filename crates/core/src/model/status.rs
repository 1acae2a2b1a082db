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
    /// Why a date is wrong. The code is its text in `fieldValue`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum WrongDate {
        /// It is no day of the calendar, or empty.
        NotADate => "NOT_A_DATE",
        /// It is outside the reach of the grant.
        OutsideGrant => "OUTSIDE_GRANT",
    }
}

/// Which dates are wrong, and why (MSG00008).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongDates {
    /// `referenceDate`.
    ReferenceDate(WrongDate),
    /// `beginDate` of the period.
    BeginDate(WrongDate),
    /// `endDate` of the period.
    EndDate(WrongDate),
    /// Both dates of the period.
    BothDates {
        /// Why `beginDate` is wrong.
        begin: WrongDate,
        /// Why `endDate` is wrong.
        end: WrongDate,
    },
    /// The period ends before it begins.
    Reversed,
}

impl WrongDates {
    /// Names and reasons for `information`, in the order of the message.
    pub fn fields(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let reference = |why: WrongDate| ("referenceDate", why.code());
        let begins = |why: WrongDate| ("beginDate", why.code());
        let ends = |why: WrongDate| ("endDate", why.code());
        let (first, second) = match self {
            Self::ReferenceDate(why) => (reference(why), None),
            Self::BeginDate(why) => (begins(why), None),
            Self::EndDate(why) => (ends(why), None),
            Self::BothDates { begin, end } => (begins(begin), Some(ends(end))),
            Self::Reversed => (("period", "REVERSED"), None),
        };
        [Some(first), second].into_iter().flatten()
    }

    /// Whether one of the dates is outside the reach of the grant.
    #[must_use]
    pub fn is_outside_grant(self) -> bool {
        self.fields().any(|(_, why)| why == WrongDate::OutsideGrant.code())
    }

    /// Every value.
    pub fn all() -> impl Iterator<Item = Self> {
        let one = |why| [Self::ReferenceDate(why), Self::BeginDate(why), Self::EndDate(why)];
        let both = |begin| WrongDate::ALL.map(|end| Self::BothDates { begin, end });
        let one = WrongDate::ALL.into_iter().flat_map(one);
        one.chain(WrongDate::ALL.into_iter().flat_map(both)).chain([Self::Reversed])
    }
}

/// One `information` of a status: a name and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Information {
    /// A wrong date: its element's name, and the reason in place of its value.
    WrongDate(&'static str, &'static str),
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
            Self::WrongDate(name, _) => name,
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
            Self::WrongDates(dates) => dates.fields().map(|(name, why)| Information::WrongDate(name, why)).collect(),
            Self::NoRelation { ssin, organisation } => {
                vec![Information::Ssin(ssin), Information::CbeNumber(organisation)]
            }
            Self::Replaced { by } => vec![Information::NewSsin(by)],
            Self::Incomplete(datasets) => datasets.iter().map(Information::Source).collect(),
        }
    }
}
