//! What a language has to say: the compiler asks for every word, status and field.

use ehealth_core::model::{Field, StatusCode};

use crate::format::outcome::StoredOutcome;

/// The words of a report in one language.
pub(in crate::report) struct Words {
    pub(in crate::report) title: &'static str,
    pub(in crate::report) introduction: &'static str,
    pub(in crate::report) made: &'static str,
    pub(in crate::report) days: &'static str,
    pub(in crate::report) all_days: &'static str,
    pub(in crate::report) count: &'static str,
    pub(in crate::report) refused_count: &'static str,
    pub(in crate::report) refused: &'static str,
    pub(in crate::report) gaps: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_without_key: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_unreadable: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_of_another_key: &'static str,
    pub(in crate::report) unreadable_part: &'static str,
    pub(in crate::report) received: &'static str,
    pub(in crate::report) caller: &'static str,
    pub(in crate::report) application: &'static str,
    pub(in crate::report) quality: &'static str,
    pub(in crate::report) organisation: &'static str,
    pub(in crate::report) ground: &'static str,
    pub(in crate::report) deliberation: &'static str,
    pub(in crate::report) window: &'static str,
    pub(in crate::report) fields: &'static str,
    pub(in crate::report) new_ssin: &'static str,
    pub(in crate::report) disclosed: &'static str,
    pub(in crate::report) outcome: &'static str,
    pub(in crate::report) ticket: &'static str,
    pub(in crate::report) none: &'static str,
    pub(in crate::report) nothing: &'static str,
    pub(in crate::report) unknown: &'static str,
    pub(in crate::report) destroyed: &'static str,
    pub(in crate::report) key_missing: &'static str,
    pub(in crate::report) unreadable: &'static str,
    /// All faults mean the same to the person: no data were disclosed.
    pub(super) failed: &'static str,
    /// What became of a question that ended with this status.
    pub(super) status: fn(StatusCode) -> &'static str,
    /// Name of a field.
    pub(super) field: fn(Field) -> &'static str,
}

impl Words {
    /// What became of a question that ended with this code.
    pub(in crate::report) fn outcome(&self, outcome: &StoredOutcome) -> &'static str {
        let status = match outcome {
            StoredOutcome::Known(code) => code.status(),
            StoredOutcome::Unknown(_) => None,
        };
        status.map_or(self.failed, self.status)
    }

    /// Name of a field.
    pub(in crate::report) fn field(&self, field: Field) -> &'static str {
        (self.field)(field)
    }
}
