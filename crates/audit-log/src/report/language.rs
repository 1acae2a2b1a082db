//! The languages of a report.

ehealth_core::closed_enum! {
    /// Language of a report. The code is that of ISO 639-1.
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

impl Language {
    /// Returns the language with this code (`nl`, `fr`, `de`, `en`); `None` for any other text.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}
