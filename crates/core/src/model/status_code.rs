//! Status of an answer without its facts (`docs/reference/contract.md` "Status").

crate::closed_enum! {
    /// Status without its facts, in the order in which the statuses are decided.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum StatusCode {
        /// MSG00013.
        NoGrant,
        /// MSG00011.
        NotAnSsin,
        /// MSG00008.
        WrongDates,
        /// MSG00012.
        NoRelation,
        /// MSG00006.
        Replaced,
        /// HAN20200.
        Incomplete,
        /// MSG00000.
        DataFound,
        /// MSG00100.
        NoDataFound,
    }
}

impl StatusCode {
    /// `value`: the class of the outcome.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Self::NoGrant | Self::NotAnSsin | Self::WrongDates | Self::NoRelation | Self::Replaced => "NO_RESULT",
            Self::Incomplete => "INCOMPLETE_DATA",
            Self::DataFound => "DATA_FOUND",
            Self::NoDataFound => "NO_DATA_FOUND",
        }
    }

    /// `description`: one fixed sentence per code, without values.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NoGrant => "This organisation has no valid grant for this legal context.",
            Self::NotAnSsin => "The SSIN is not a valid social-security identification number.",
            Self::WrongDates => "A date is not valid or lies outside the period that the grant allows.",
            Self::NoRelation => "The organisation has no relation to this person that allows the question.",
            Self::Replaced => "This SSIN was replaced; ask again with the new number.",
            Self::Incomplete => "A source is missing or out of date; the answer may be incomplete.",
            Self::DataFound => "Data were found.",
            Self::NoDataFound => "No data were found.",
        }
    }
}
