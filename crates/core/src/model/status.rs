//! How an allowed, well-formed exchange ended: contract.md's status table as a closed enum.

use super::{Dataset, DatasetSet, EnterpriseNumber, Ssin};

/// The status of an answer, in the order in which contract.md decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// MSG00013: this caller has no valid grant for this legal context.
    NoGrant,
    /// MSG00011: the SSIN is no SSIN.
    NotAnSsin,
    /// MSG00008: a date is none, or lies outside what the grant reaches.
    WrongDates(WrongDates),
    /// MSG00012: the caller has no relation to this person; the same whether or not we know the person.
    NoRelation {
        /// The number asked about.
        ssin: Ssin,
        /// The organisation for which was asked.
        organisation: EnterpriseNumber,
    },
    /// MSG00006: this SSIN was replaced by another.
    Replaced {
        /// The last number of the chain.
        by: Ssin,
    },
    /// HAN20200: these datasets are missing or over-age; what is there is given.
    Incomplete(DatasetSet),
    /// MSG00000: something was found and may be told.
    DataFound,
    /// MSG00100: the question was allowed and well-formed; nothing found.
    NoDataFound,
}

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

impl WrongDates {
    /// The names told in `information`, in the order of the message.
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

/// One `information` of a status: a name and perhaps a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Information {
    /// A wrong date's element name, without its value.
    Name(&'static str),
    /// `ssin`: the number asked about.
    Ssin(Ssin),
    /// `cbeNumber`: the organisation for which was asked.
    CbeNumber(EnterpriseNumber),
    /// `newSSIN`: the number that replaced the one asked about.
    NewSsin(Ssin),
    /// `source`: a dataset that is missing or over-age.
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

const NO_GRANT: &str = "This organisation has no valid grant for this legal context.";
const NOT_AN_SSIN: &str = "The SSIN is not a valid social-security identification number.";
const WRONG_DATES: &str = "A date is not valid or lies outside the period that the grant allows.";
const NO_RELATION: &str = "The organisation has no relation to this person that allows the question.";
const REPLACED: &str = "This SSIN was replaced; ask again with the new number.";
const INCOMPLETE: &str = "A source is missing or out of date; the answer may be incomplete.";
const DATA_FOUND: &str = "Data were found.";
const NO_DATA_FOUND: &str = "No data were found.";

impl Status {
    /// `value`: the class of the outcome.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::NoGrant | Self::NotAnSsin | Self::WrongDates(_) | Self::NoRelation { .. } | Self::Replaced { .. } => {
                "NO_RESULT"
            }
            Self::Incomplete(_) => "INCOMPLETE_DATA",
            Self::DataFound => "DATA_FOUND",
            Self::NoDataFound => "NO_DATA_FOUND",
        }
    }

    /// `code`: what software acts upon.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoGrant => "MSG00013",
            Self::NotAnSsin => "MSG00011",
            Self::WrongDates(_) => "MSG00008",
            Self::NoRelation { .. } => "MSG00012",
            Self::Replaced { .. } => "MSG00006",
            Self::Incomplete(_) => "HAN20200",
            Self::DataFound => "MSG00000",
            Self::NoDataFound => "MSG00100",
        }
    }

    /// Every code, in the order in which they are decided.
    pub const CODES: [&'static str; 8] =
        ["MSG00013", "MSG00011", "MSG00008", "MSG00012", "MSG00006", "HAN20200", "MSG00000", "MSG00100"];

    /// Every code's `description`, in the order of [`CODES`](Self::CODES).
    pub const DESCRIPTIONS: [&'static str; 8] =
        [NO_GRANT, NOT_AN_SSIN, WRONG_DATES, NO_RELATION, REPLACED, INCOMPLETE, DATA_FOUND, NO_DATA_FOUND];

    /// `description`: one fixed sentence a code, never with a value in it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::NoGrant => NO_GRANT,
            Self::NotAnSsin => NOT_AN_SSIN,
            Self::WrongDates(_) => WRONG_DATES,
            Self::NoRelation { .. } => NO_RELATION,
            Self::Replaced { .. } => REPLACED,
            Self::Incomplete(_) => INCOMPLETE,
            Self::DataFound => DATA_FOUND,
            Self::NoDataFound => NO_DATA_FOUND,
        }
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
