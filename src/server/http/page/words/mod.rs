//! The words of the pages in each language. Names, codes and the texts that the service sends stay as
//! they are on the wire.

mod dutch;
mod english;
mod french;
mod terms;

use super::language::PageLanguage;

pub(super) use terms::{Explanation, Words};

/// Returns the words of a language.
pub(super) fn of(language: PageLanguage) -> &'static Words {
    match language {
        PageLanguage::English => &english::WORDS,
        PageLanguage::Dutch => &dutch::WORDS,
        PageLanguage::French => &french::WORDS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ehealth_core::lookup::Operation;
    use ehealth_core::model::StatusCode;
    use soap::ExchangeFault;

    use super::*;

    /// Every text of a language. A new word does not compile until it is listed here.
    fn all(words: &Words) -> Vec<&'static str> {
        let Words {
            skip,
            navigation,
            services,
            services_about,
            provenance,
            first,
            first_test,
            first_generate,
            first_ask,
            first_codes,
            operations,
            purpose,
            address,
            post_to,
            post_end,
            contract,
            wsdl,
            single_wsdl,
            example,
            select,
            fictitious,
            save_as,
            command,
            codes,
            codes_about,
            statuses,
            statuses_about,
            status,
            faults,
            faults_about,
            fault,
            message_faults,
            message_faults_about,
            refusals,
            refusals_about,
            code,
            text,
        } = words;
        let single = [
            skip,
            navigation,
            services,
            services_about,
            provenance,
            first,
            first_test,
            first_generate,
            first_ask,
            first_codes,
            operations,
            address,
            post_to,
            post_end,
            contract,
            wsdl,
            single_wsdl,
            example,
            select,
            fictitious,
            save_as,
            command,
            codes,
            codes_about,
            statuses,
            statuses_about,
            faults,
            faults_about,
            message_faults,
            message_faults_about,
            refusals,
            refusals_about,
            code,
            text,
        ];
        let both = |explanation: Explanation| [explanation.meaning, explanation.remedy];
        let purposes = Operation::ALL.into_iter().map(purpose);
        let explanations = StatusCode::ALL.into_iter().map(status).chain(ExchangeFault::ALL.into_iter().map(fault));
        single.into_iter().copied().chain(purposes).chain(explanations.flat_map(both)).collect()
    }

    /// Words that two languages share.
    const SHARED: [&str; 5] = ["Services", "WSDL", "Code", "Operations", "Codes"];

    #[test]
    fn every_language_has_every_word() {
        let english = all(of(PageLanguage::English));
        for language in PageLanguage::ALL {
            let words = all(of(language));
            assert_eq!(words.len(), english.len());
            for (word, in_english) in words.iter().zip(&english) {
                assert!(!word.trim().is_empty(), "{}: {in_english}", language.code());
                let is_translated = language == PageLanguage::English || word != in_english;
                assert!(is_translated || SHARED.contains(word), "{}: `{word}` is not translated", language.code());
                assert!(!word.contains("  ") && word.trim() == *word, "{}: `{word}`", language.code());
            }
            let headings = [of(language).services, of(language).codes, of(language).first, of(language).operations];
            assert_eq!(BTreeSet::from(headings).len(), headings.len(), "{}", language.code());
        }
    }

    #[test]
    fn french_has_a_no_break_space_before_high_punctuation() {
        for word in all(of(PageLanguage::French)) {
            for (place, mark) in word.char_indices().filter(|(_, mark)| ":;?!»".contains(*mark)) {
                assert!(word[..place].ends_with('\u{a0}'), "`{mark}` in {word}");
            }
            for (place, mark) in word.match_indices('«') {
                assert!(word[place + mark.len()..].starts_with('\u{a0}'), "{word}");
            }
            assert!(!word.contains('\''), "a straight apostrophe in {word}");
        }
    }

    #[test]
    fn no_language_but_french_has_a_no_break_space() {
        for language in [PageLanguage::English, PageLanguage::Dutch] {
            assert!(all(of(language)).iter().all(|word| !word.contains('\u{a0}')), "{}", language.code());
        }
    }
}
