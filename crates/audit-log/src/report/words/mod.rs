//! The words of a report in four languages. KSZ's own terms come first. Nothing here is a legal
//! text.

mod dutch;
mod english;
mod french;
mod german;
mod terms;

use super::language::Language;

pub(super) use terms::Words;

/// Returns the words of a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::Dutch => &dutch::WORDS,
        Language::French => &french::WORDS,
        Language::German => &german::WORDS,
        Language::English => &english::WORDS,
    }
}
