//! The languages in which people are addressed, and a text in each of them.

crate::closed_enum! {
    /// Language of a text for people. The code is that of ISO 639-1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Language {
        /// Dutch.
        Dutch => "nl",
        /// French.
        French => "fr",
        /// German.
        German => "de",
        /// English.
        English => "en",
    }
}

/// A text in every language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The text in Dutch.
    pub dutch: String,
    /// The text in French.
    pub french: String,
    /// The text in German.
    pub german: String,
    /// The text in English.
    pub english: String,
}

impl Translated {
    /// The text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Dutch => &self.dutch,
            Language::French => &self.french,
            Language::German => &self.german,
            Language::English => &self.english,
        }
    }
}
