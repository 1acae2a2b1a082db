//! The outcome of a stored exchange, and the rule that decided it.

use std::fmt;

use ehealth_core::model::OutcomeCode;

/// Code of the status or of the fault, as it was read from a record.
///
/// A record may have been written by another version of the program, so that its code may be
/// unknown to this one. It is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredOutcome {
    /// A code that this version knows.
    Known(OutcomeCode),
    /// Any other text, at most 255 bytes long.
    Unknown(Box<str>),
}

impl StoredOutcome {
    /// Reads the text of a record.
    pub(crate) fn from_text(code: &str) -> Self {
        OutcomeCode::parse(code).map_or_else(|| Self::Unknown(code.into()), Self::Known)
    }

    /// The code, as it was recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(code) => code.code(),
            Self::Unknown(text) => text,
        }
    }
}

impl From<OutcomeCode> for StoredOutcome {
    fn from(code: OutcomeCode) -> Self {
        Self::Known(code)
    }
}

impl fmt::Display for StoredOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Code of the rule that decided an exchange ([`Rule`](ehealth_core::policy::Rule)), as it was read from
/// a record. Another version of the program may have other rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule(Box<str>);

impl StoredRule {
    /// Reads the text of a record.
    pub(crate) fn from_text(code: &str) -> Self {
        Self(code.into())
    }

    /// The code, as it was recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoredRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_is_kept_as_it_was_recorded() {
        for code in ["", "MSG99999", "msg00000"] {
            assert_eq!(StoredOutcome::from_text(code), StoredOutcome::Unknown(code.into()));
            assert_eq!(StoredOutcome::from_text(code).to_string(), code);
        }
        for code in OutcomeCode::ALL {
            assert_eq!(StoredOutcome::from_text(code.code()), StoredOutcome::Known(code));
            assert_eq!(StoredOutcome::from(code).to_string(), code.code());
        }
    }
}
