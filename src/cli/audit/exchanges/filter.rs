//! The arguments, compared with one record.

use super::args::FilterArguments;
use super::outcome_class::OutcomeClass;
use audit_log::{ExchangeView, Month};
use ehealth_core::model::Timestamp;

impl FilterArguments {
    /// Whether `--from` is after `--to`.
    pub(super) fn is_reversed(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from > to)
    }

    /// First and last month of the records that are asked for.
    pub(super) fn months(&self) -> (Option<Month>, Option<Month>) {
        (self.from.map(Month::new), self.to.map(Month::new))
    }

    /// Whether a filter needs the encrypted detail.
    pub(super) fn needs_detail(&self) -> bool {
        !self.quality.is_empty()
    }

    /// Whether an exchange is asked for, by all that is in the clear: it decides without a key.
    pub(super) fn matches(&self, recorded: Timestamp, exchange: &ExchangeView<'_>) -> bool {
        let is_in_time = self.from.is_none_or(|from| recorded >= from) && self.to.is_none_or(|to| recorded <= to);
        is_in_time
            && is_one_of(&self.caller, exchange.caller.as_ref())
            && is_one_of(&self.organisation, exchange.organisation.as_ref())
            && is_one_of(&self.relay, exchange.relay.as_ref().map(|relay| &relay.organisation))
            && is_one_of(&self.application, exchange.application.as_ref())
            && is_one_of(&self.legal_context, exchange.context.as_ref())
            && (self.code.is_empty() || self.code.iter().any(|code| code.code() == exchange.outcome))
            && (self.outcome.is_empty() || self.outcome.contains(&OutcomeClass::of(exchange)))
            && (self.quality.is_empty() || exchange.names_end_user())
    }
}

/// Whether a value is one of those that are asked for; none: every one is.
fn is_one_of<T: PartialEq>(asked: &[T], value: Option<&T>) -> bool {
    asked.is_empty() || value.is_some_and(|value| asked.contains(value))
}
