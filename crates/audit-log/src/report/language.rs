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
