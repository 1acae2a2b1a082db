//! Writes a report in one of its formats.

use ehealth_core::model::Language;

use super::disclosures::Report;
use super::words::words;
use super::{json, text};

/// Format of a report. The letter, for people, is made of the same data elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Plain text.
    Text,
    /// JSON (RFC 8259).
    Json,
}

impl Report {
    /// Writes the report.
    #[must_use]
    pub fn render(&self, format: Format, language: Language) -> String {
        let words = words(language);
        match format {
            Format::Text => text::render(self, words, language),
            Format::Json => json::render(self, words, language),
        }
    }

    /// Writes every exchange, answered or refused, as a JSON object on a line of its own, oldest first.
    #[must_use]
    pub fn render_lines(&self) -> String {
        let words = words(Language::English);
        self.exchanges().into_iter().map(|one| json::disclosure(one, words, Language::English) + "\n").collect()
    }
}
