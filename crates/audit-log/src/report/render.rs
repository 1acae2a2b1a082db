//! Writes a report in one of its formats.

use ehealth_core::model::Language;

use super::disclosures::Report;
use super::{html, json, text, words};

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Plain text.
    Text,
    /// JSON (RFC 8259).
    Json,
    /// A self-contained HTML page.
    Html,
}

impl Report {
    /// Writes the report.
    #[must_use]
    pub fn render(&self, format: Format, language: Language) -> String {
        let words = words::of(language);
        match format {
            Format::Text => text::render(self, words, language),
            Format::Json => json::render(self, words, language),
            Format::Html => html::render(self, words, language),
        }
    }

    /// Writes every exchange, answered or refused, as a JSON object on a line of its own, oldest first.
    #[must_use]
    pub fn render_lines(&self) -> String {
        let words = words::of(Language::English);
        self.exchanges().into_iter().map(|one| json::disclosure(one, words, Language::English) + "\n").collect()
    }
}
