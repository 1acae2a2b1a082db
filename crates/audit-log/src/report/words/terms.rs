//! What a language has to say: the compiler asks for every word, status and field.

use ehealth_core::model::{Field, StatusCode};

use crate::format::outcome::StoredOutcome;
use crate::query::search::SearchError;
use crate::storage::keys::KeyError;

/// The words of a report in one language: labels, values, sentences.
#[derive(Debug)]
pub struct Words {
    /// Title of the report.
    pub title: &'static str,
    /// What the report is.
    pub introduction: &'static str,
    /// What separates a label from its value.
    pub colon: &'static str,
    /// What separates the items of a list in a sentence.
    pub separator: &'static str,
    /// Label: when the report was made.
    pub made: &'static str,
    /// Label: days that the report covers.
    pub days: &'static str,
    /// Value: the report covers all days on record.
    pub all_days: &'static str,
    /// Label: number of exchanges that were answered.
    pub count: &'static str,
    /// Label: number of attempts that were refused or failed.
    pub refused_count: &'static str,
    /// Heading of the attempts that were refused or failed.
    pub refused: &'static str,
    /// Heading of the reasons why the report may be incomplete.
    pub gaps: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_without_key: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_unreadable: &'static str,
    /// `{year}` stands for the year.
    pub(in crate::report) year_of_another_key: &'static str,
    pub(in crate::report) unreadable_part: &'static str,
    /// Label: time of the question.
    pub received: &'static str,
    /// Label: organisation that asked.
    pub caller: &'static str,
    /// Label: its application.
    pub application: &'static str,
    /// Label: capacity of the end user.
    pub quality: &'static str,
    /// Label: organisation for which it asked.
    pub organisation: &'static str,
    /// Label: organisation that brought the message.
    pub relay: &'static str,
    /// Label: legal context.
    pub ground: &'static str,
    /// Label: deliberation.
    pub deliberation: &'static str,
    /// Label: days in the question.
    pub window: &'static str,
    /// Label: fields that were disclosed.
    pub fields: &'static str,
    /// Value: the SSIN was disclosed that replaces the one in the question.
    pub new_ssin: &'static str,
    /// Label: organisations that were disclosed.
    pub disclosed: &'static str,
    /// Label: status or fault.
    pub outcome: &'static str,
    /// Label: `ticketCBSS`.
    pub ticket: &'static str,
    /// Value: without one.
    pub none: &'static str,
    /// Value: no field was disclosed.
    pub nothing: &'static str,
    /// Value: not known.
    pub unknown: &'static str,
    /// Value: the key of the month was destroyed.
    pub destroyed: &'static str,
    /// Value: the key of the month is missing.
    pub key_missing: &'static str,
    /// Value: the detail cannot be decrypted.
    pub unreadable: &'static str,
    /// All faults mean the same to the person: no data were disclosed.
    pub(super) failed: &'static str,
    /// What became of a question that ended with this status.
    pub(super) status: fn(StatusCode) -> &'static str,
    /// Name of a field.
    pub(super) field: fn(Field) -> &'static str,
}

impl Words {
    /// What became of a question that ended with this code.
    #[must_use]
    pub fn outcome(&self, outcome: &StoredOutcome) -> &'static str {
        let status = match outcome {
            StoredOutcome::Known(code) => code.status(),
            StoredOutcome::Unknown(_) => None,
        };
        status.map_or(self.failed, self.status)
    }

    /// Sentence that says why a part of the report is missing.
    #[must_use]
    pub fn gap(&self, gap: &SearchError) -> String {
        let of_year = |text: &str, year: u16| text.replace("{year}", &year.to_string());
        match gap {
            SearchError::Year { year, error: KeyError::Missing(_) } => of_year(self.year_without_key, *year),
            SearchError::Year { year, .. } => of_year(self.year_unreadable, *year),
            SearchError::OtherKey(year) => of_year(self.year_of_another_key, *year),
            SearchError::Read(_) | SearchError::Copy { .. } => self.unreadable_part.to_owned(),
        }
    }

    /// Name of a field.
    #[must_use]
    pub fn field(&self, field: Field) -> &'static str {
        (self.field)(field)
    }
}
