//! Reads `[letter]`: what the letters of `audit report` say of the institution, in each language.

use std::collections::BTreeMap;

use super::document::Section;
use super::letter::LetterSettings;
use super::readers::PathReader;
use super::value::Value;
use ehealth_core::model::Language;

/// Longest text of a setting, in characters.
const MAX_CHARS: usize = 500;

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
