//! The end user of a question: the person at the caller for whom its software asks
//! (`docs/reference/contract.md` "End user").

use std::fmt;

/// The person at the caller for whom its software asks, as the caller names them. Opaque to the
/// service: recorded encrypted, never checked.
///
/// `Debug` shows no content: an identifier may be an SSIN.
#[derive(Clone, PartialEq, Eq)]
pub struct EndUser {
    id: String,
    quality: String,
    consent_reference: Option<String>,
}

/// The text is empty, longer than [`EndUser::MAX_CHARS`], or has a control character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters, none of them a control character")]
pub struct EndUserError;

impl EndUser {
    /// Maximum length of each text, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Creates an end user: an identifier of the caller's choice, the quality in which the person
    /// asks (`ADVISORY_PHYSICIAN`, say), and a reference to a consent, never the consent itself.
    ///
    /// # Errors
    /// [`EndUserError`] if one of the texts breaks its rule.
    pub fn new(id: String, quality: String, consent_reference: Option<String>) -> Result<Self, EndUserError> {
        let is_valid = Self::is_text(&id) && Self::is_text(&quality);
        let is_valid = is_valid && consent_reference.as_deref().is_none_or(Self::is_text);
        if is_valid { Ok(Self { id, quality, consent_reference }) } else { Err(EndUserError) }
    }

    /// Whether a text may be one of the three.
    #[must_use]
    pub fn is_text(text: &str) -> bool {
        !text.is_empty() && text.chars().count() <= Self::MAX_CHARS && !text.chars().any(char::is_control)
    }

    /// Identifier at the caller.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Quality in which the person asks.
    #[must_use]
    pub fn quality(&self) -> &str {
        &self.quality
    }

    /// Reference to a consent, at the caller.
    #[must_use]
    pub fn consent_reference(&self) -> Option<&str> {
        self.consent_reference.as_deref()
    }
}

impl fmt::Debug for EndUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndUser(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_1_to_64_characters() {
        let longest = "é".repeat(EndUser::MAX_CHARS);
        let new = |id: &str, quality: &str, consent: Option<&str>| {
            EndUser::new(id.to_owned(), quality.to_owned(), consent.map(str::to_owned)).map(|user| format!("{user:?}"))
        };
        assert_eq!(new("85.07.30-999.32", &longest, Some(&longest)), Ok("EndUser(..)".to_owned()));
        for wrong in ["", "a\nb", "\u{85}", &"é".repeat(EndUser::MAX_CHARS + 1)] {
            assert_eq!(new(wrong, "Q", None), Err(EndUserError), "{wrong:?}");
            assert_eq!(new("I", wrong, None), Err(EndUserError), "{wrong:?}");
            assert_eq!(new("I", "Q", Some(wrong)), Err(EndUserError), "{wrong:?}");
        }
    }
}
