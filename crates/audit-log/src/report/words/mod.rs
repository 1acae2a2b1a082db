//! The words of a report in four languages. KSZ's own terms come first. Nothing here is a legal
//! text.

mod dutch;
mod english;
mod french;
mod german;
mod terms;

use ehealth_core::model::Language;

pub use terms::Words;

/// Returns the words of a language.
#[must_use]
pub fn words(language: Language) -> &'static Words {
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
            colon: _,
            separator: _,
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
            relay,
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
            relay,
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

    /// French sets a no-break space before these signs.
    #[test]
    fn french_never_parts_a_sign_from_its_word() {
        for text in all(words(Language::French)) {
            for (at, _) in text.match_indices([':', ';', '?', '!']) {
                assert!(text[..at].ends_with('\u{a0}'), "{text}");
            }
        }
        assert_eq!(words(Language::French).colon, "\u{a0}: ");
    }

    #[test]
    fn every_language_has_every_word() {
        let english = all(words(Language::English));
        for language in Language::ALL {
            let all_words = all(words(language));
            assert_eq!(all_words.len(), english.len());
            for (number, (word, in_english)) in all_words.iter().zip(&english).enumerate() {
                assert!(!word.trim().is_empty(), "{} {number}: {in_english}", language.code());
                let is_translated = language == Language::English || word != in_english;
                assert!(is_translated, "{}: `{in_english}` is not translated", language.code());
                assert_eq!(word.contains("{year}"), in_english.contains("{year}"), "{}: {word}", language.code());
            }
            // Two things never have the same name.
            let distinct: BTreeSet<_> = all_words.iter().collect();
            assert_eq!(distinct.len(), all_words.len(), "{}", language.code());
        }
    }
}
