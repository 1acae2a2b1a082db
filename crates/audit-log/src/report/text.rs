//! A report as plain text: one paragraph for each exchange.

use ehealth_core::model::Language;

use super::dates::show_time;
use super::disclosures::{Disclosure, Report};
use super::lines::{covered, lines};
use super::words::Words;

pub(super) fn render(report: &Report, words: &Words, language: Language) -> String {
    let mut text = format!("{}\n\n{}\n\n", words.title, words.introduction);
    for (name, value) in [
        (words.made, show_time(report.made, language)),
        (words.days, covered(report, words, language)),
        (words.count, report.disclosures.len().to_string()),
        (words.refused_count, report.refused.len().to_string()),
    ] {
        text.push_str(&format!("{name}{}{value}\n", words.colon));
    }
    if !report.gaps.is_empty() {
        text.push_str(&format!("\n{}{}\n", words.gaps, words.colon.trim_end_matches(' ')));
        report.gaps.iter().for_each(|one| text.push_str(&format!("  - {}\n", words.gap(one))));
    }
    list(&mut text, &report.disclosures, words, language);
    if !report.refused.is_empty() {
        text.push_str(&format!("\n{}\n", words.refused));
        list(&mut text, &report.refused, words, language);
    }
    text
}

fn list(text: &mut String, disclosures: &[Disclosure], words: &Words, language: Language) {
    for (number, disclosure) in (1_u64..).zip(disclosures) {
        text.push_str(&format!("\n{number}.\n"));
        lines(disclosure, words, language)
            .iter()
            .for_each(|(name, value)| text.push_str(&format!("  {name}{}{value}\n", words.colon)));
    }
}
