//! Reads `[letter]`: what the letters of `audit report` say of the institution, in each language.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::document::Section;
use super::readers::PathReader;
use super::value::Value;
use ehealth_core::model::Language;

/// Longest text of a setting, in characters.
const MAX_CHARS: usize = 500;

/// Settings of the letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LetterSettings {
    /// PNG file.
    pub logo: Option<PathBuf>,
    /// Folder of own templates.
    pub templates: Option<PathBuf>,
    /// Texts, by the code of their language and their key: `fr.name`.
    texts: BTreeMap<String, String>,
}

impl LetterSettings {
    /// Keys of the texts that a letter needs in its language.
    pub const TEXTS: [&str; 5] = ["name", "address", "controller", "dpo", "retention"];

    /// A text of a language, or the name of the setting that is missing.
    ///
    /// # Errors
    /// The name of the setting.
    pub fn text(&self, language: Language, key: &str) -> Result<&str, String> {
        let name = format!("{}.{key}", language.code());
        self.texts.get(&name).map(String::as_str).ok_or_else(|| format!("letter.{name}"))
    }
}

/// Reads the section, which may be absent.
pub(super) fn read_letter(mut section: Section<'_>, paths: PathReader<'_>) -> Option<LetterSettings> {
    let logo = section.optional("logo", |value| paths.path(value));
    let templates = section.optional("templates", |value| paths.path(value));
    let mut texts = BTreeMap::new();
    for language in Language::ALL {
        let mut of_language = section.implied_section(language.code())?;
        for key in LetterSettings::TEXTS {
            if let Some(text) = of_language.optional(key, read_text) {
                texts.insert(format!("{}.{key}", language.code()), text);
            }
        }
        of_language.finish();
    }
    section.finish();
    Some(LetterSettings { logo, templates, texts })
}

fn read_text(value: Value<'_>) -> Result<String, String> {
    let text = value.text()?.trim();
    let is_text = !text.is_empty() && text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
    if is_text {
        Ok(text.to_owned())
    } else {
        Err(format!("must be a text of 1 to {MAX_CHARS} characters on one line"))
    }
}
