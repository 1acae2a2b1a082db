//! A report as plain text: one paragraph for each exchange.

use super::disclosures::Report;
use super::lines::{covered, lines};
use super::words::Words;

pub(super) fn render(report: &Report, words: &Words) -> String {
    let mut text = format!("{}\n\n{}\n\n", words.title, words.introduction);
    for (name, value) in [
        (words.made, report.made.to_string()),
        (words.days, covered(report, words)),
        (words.count, report.disclosures.len().to_string()),
    ] {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !report.gaps.is_empty() {
        text.push_str(&format!("\n{}:\n", words.gaps));
        report.gaps.iter().for_each(|gap| text.push_str(&format!("  - {gap}\n")));
    }
    for (number, disclosure) in (1_u64..).zip(&report.disclosures) {
        text.push_str(&format!("\n{number}.\n"));
        lines(disclosure, words).iter().for_each(|(name, value)| text.push_str(&format!("  {name}: {value}\n")));
    }
    text
}
