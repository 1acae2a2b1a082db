//! The four ways in which an exchange ends, for people who count.

use audit_log::ExchangeView;
use ehealth_core::model::{OutcomeCode, StatusCode};

ehealth_core::closed_enum! {
    /// How an exchange ended.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum OutcomeClass {
        /// Data were disclosed, also with a source that was missing, or the SSIN that replaced another.
        Answered => "answered",
        /// No data were found.
        Empty => "empty",
        /// The policy, a rule or the form of the question did not allow an answer.
        Refused => "refused",
        /// The service could not answer.
        Failed => "failed",
    }
}

impl OutcomeClass {
    /// The class of an exchange. A code of another version counts as answered if anything was disclosed,
    /// and as refused otherwise.
    pub(in crate::cli::audit) fn of(exchange: &ExchangeView<'_>) -> Self {
        match OutcomeCode::parse(exchange.outcome) {
            Some(code) => Self::of_code(code),
            None if exchange.fields.is_empty() && !exchange.discloses_new_ssin() => Self::Refused,
            None => Self::Answered,
        }
    }

    fn of_code(code: OutcomeCode) -> Self {
        match code.status() {
            Some(StatusCode::DataFound | StatusCode::Incomplete | StatusCode::Replaced) => Self::Answered,
            Some(StatusCode::NoDataFound) => Self::Empty,
            Some(StatusCode::NoGrant | StatusCode::NotAnSsin | StatusCode::WrongDates | StatusCode::NoRelation) => {
                Self::Refused
            }
            None if matches!(code, OutcomeCode::Internal | OutcomeCode::NotRecorded) => Self::Failed,
            None => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_the_service_count_as_failed() {
        let of = |class| OutcomeCode::ALL.into_iter().filter(move |code| OutcomeClass::of_code(*code) == class);
        let codes = |class| of(class).map(OutcomeCode::code).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(OutcomeClass::Answered), "HAN20200 MSG00000 MSG00006");
        assert_eq!(codes(OutcomeClass::Empty), "MSG00100");
        assert_eq!(codes(OutcomeClass::Failed), "MSG00003 MSG90053");
        assert_eq!(of(OutcomeClass::Refused).count(), OutcomeCode::ALL.len() - 6);
    }
}
