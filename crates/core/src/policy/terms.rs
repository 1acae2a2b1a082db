//! The terms that legal contexts and grants have in common: deliberation, relation, reach.

use std::fmt;
use std::sync::Arc;

use crate::model::{Dataset, DatasetSet};

/// Number of a deliberation, for example `16/108`. Shared, because every record of the audit log
/// carries it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Deliberation(Arc<str>);

/// The text is not the number of a deliberation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a deliberation has the form year/number, for example 16/108")]
pub struct DeliberationError;

impl Deliberation {
    /// Parses the number of a deliberation: digits, a slash, digits; at most 16 characters.
    ///
    /// # Errors
    /// [`DeliberationError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, DeliberationError> {
        if Self::is_number(text) { Ok(Self(text.into())) } else { Err(DeliberationError) }
    }

    /// Whether the text is the number of a deliberation.
    #[must_use]
    pub fn is_number(text: &str) -> bool {
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.len() <= 16 && text.split_once('/').is_some_and(|(year, number)| is_part(year) && is_part(number))
    }

    /// The number as text, as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Deliberation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::closed_enum! {
    /// Relation that must hold between the person and the organisation on whose behalf the caller
    /// asks (`docs/reference/domain.md` "Relations").
    ///
    /// The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Relation {
        /// No relation: the caller checks its own users.
        None => "none",
        /// The person is insured with the organisation today, or was on a day of the window.
        Insured => "insured",
        /// The employer of an employment that touches the window is affiliated to the organisation,
        /// and the affiliation touches both the window and the employment.
        AffiliatedEmployer => "affiliated-employer",
    }
}

impl Relation {
    /// The datasets without which the relation can neither be shown nor denied.
    #[must_use]
    pub fn proof(self) -> DatasetSet {
        match self {
            Self::None => DatasetSet::EMPTY,
            Self::Insured => DatasetSet::EMPTY.with(Dataset::Insurance),
            Self::AffiliatedEmployer => [Dataset::Dimona, Dataset::Coprev, Dataset::Federated].into_iter().collect(),
        }
    }
}

/// How far from today the dates of a question may be; both limits are inclusive calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Calendar years before today.
    pub back_years: u16,
    /// Days after today.
    pub ahead_days: u16,
}

impl Default for Reach {
    /// Five years back, ninety days ahead (`docs/reference/contract.md` "Status", MSG00008).
    fn default() -> Self {
        Self { back_years: 5, ahead_days: 90 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deliberation_is_year_slash_number() {
        assert!(Deliberation::parse("16/108").is_ok());
        for text in ["", "16", "16/", "/108", "16/1a", "16/108/2", "12345678/12345678"] {
            assert_eq!(Deliberation::parse(text), Err(DeliberationError), "{text}");
        }
    }
}
