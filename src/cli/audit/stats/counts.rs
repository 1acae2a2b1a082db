//! What is counted.

use std::collections::BTreeMap;

use crate::cli::audit::exchanges::OutcomeClass;
use audit_log::ExchangeView;
use ehealth_core::model::{EnterpriseNumber, Field, LegalContext};

/// Caller and legal context of a row; `None`: unknown.
pub(super) type Key = (Option<EnterpriseNumber>, Option<LegalContext>);

/// Counts of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub answered: u64,
    pub empty: u64,
    pub refused: u64,
    pub failed: u64,
    /// Exchanges that disclosed each field, in the order of [`Field::ALL`].
    pub disclosed: [u64; Field::ALL.len()],
}

impl Counts {
    fn add(&mut self, exchange: &ExchangeView<'_>) {
        let count = match OutcomeClass::of(exchange) {
            OutcomeClass::Answered => &mut self.answered,
            OutcomeClass::Empty => &mut self.empty,
            OutcomeClass::Refused => &mut self.refused,
            OutcomeClass::Failed => &mut self.failed,
        };
        *count = count.saturating_add(1);
        for (count, field) in self.disclosed.iter_mut().zip(Field::ALL) {
            *count = count.saturating_add(u64::from(exchange.fields.contains(field)));
        }
    }

    /// Adds the counts of another row.
    pub fn add_all(&mut self, other: &Self) {
        let Self { answered, empty, refused, failed, disclosed } = other;
        for (count, more) in [
            (&mut self.answered, answered),
            (&mut self.empty, empty),
            (&mut self.refused, refused),
            (&mut self.failed, failed),
        ] {
            *count = count.saturating_add(*more);
        }
        for (count, more) in self.disclosed.iter_mut().zip(disclosed) {
            *count = count.saturating_add(*more);
        }
    }
}

/// The rows of one month.
#[derive(Debug, Default)]
pub(super) struct MonthCounts(BTreeMap<Key, Counts>);

impl MonthCounts {
    /// Counts an exchange.
    pub fn add(&mut self, exchange: &ExchangeView<'_>) {
        self.0.entry((exchange.caller, exchange.context)).or_default().add(exchange);
    }

    /// Takes the rows, by caller and legal context; afterwards there are none.
    pub fn take(&mut self) -> impl Iterator<Item = (Key, Counts)> + use<> {
        std::mem::take(&mut self.0).into_iter()
    }
}
