//! The words of a report in four languages. KSZ's own terms come first. Nothing here is a legal
//! text.

mod dutch;
mod english;
mod french;
mod german;
mod terms;

use ehealth_core::model::Language;

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ehealth_core::model::{Field, StatusCode};

    use super::*;

    /// Every text of a language. A new word does not compile until it is listed here.
    fn all(words: &Words) -> Vec<&'static str> {
        let Words {
            title,
            introduction,
            made,
            days,
            all_days,
            count,
            refused_count,
            refused,
            gaps,
            year_without_key,
            year_unreadable,
            year_of_another_key,
            unreadable_part,
            received,
            caller,
            application,
            quality,
            organisation,
            ground,
            deliberation,
            window,
            fields,
            new_ssin,
            disclosed,
            outcome,
            ticket,
            none,
            nothing,
            unknown,
            destroyed,
            key_missing,
            unreadable,
            failed,
            status,
            field,
        } = words;
        let single = [
            title,
            introduction,
            made,
            days,
            all_days,
            count,
            refused_count,
            refused,
            gaps,
            year_without_key,
            year_unreadable,
            year_of_another_key,
            unreadable_part,
            received,
            caller,
            application,
            quality,
            organisation,
            ground,
            deliberation,
            window,
            fields,
            new_ssin,
            disclosed,
            outcome,
            ticket,
            none,
            nothing,
            unknown,
            destroyed,
            key_missing,
            unreadable,
            failed,
        ];
        let single = single.into_iter().copied();
        let statuses = StatusCode::ALL.into_iter().map(status);
        single.chain(statuses).chain(Field::ALL.into_iter().map(field)).collect()
    }

    #[test]
    fn every_language_has_every_word() {
        let english = all(of(Language::English));
        for language in Language::ALL {
            let words = all(of(language));
            assert_eq!(words.len(), english.len());
            for (number, (word, in_english)) in words.iter().zip(&english).enumerate() {
                assert!(!word.trim().is_empty(), "{} {number}: {in_english}", language.code());
                let is_translated = language == Language::English || word != in_english;
                assert!(is_translated, "{}: `{in_english}` is not translated", language.code());
                assert_eq!(word.contains("{year}"), in_english.contains("{year}"), "{}: {word}", language.code());
            }
            // Two things never have the same name.
            let distinct: BTreeSet<_> = words.iter().collect();
            assert_eq!(distinct.len(), words.len(), "{}", language.code());
        }
    }
}
