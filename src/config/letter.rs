//! Settings of the letters of `audit report`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ehealth_core::model::Language;

/// Settings of the letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LetterSettings {
    /// PNG file.
    pub logo: Option<PathBuf>,
    /// Folder of own templates.
    pub templates: Option<PathBuf>,
    /// Texts, by the code of their language and their key: `fr.name`.
    pub(super) texts: BTreeMap<String, String>,
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
