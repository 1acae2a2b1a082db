//! The lines of a report that text and page share.

use ehealth_core::model::Window;

use super::disclosures::{Disclosed, Institution, Report, Told};
use super::words::Words;

/// The lines of one disclosure, in the order in which they are told: what each is called, and what it says.
pub(super) fn lines(disclosed: &Disclosed, words: &Words) -> Vec<(&'static str, String)> {
    let institution = |known: &Option<Institution>| known.as_ref().map_or(words.unknown.to_owned(), show);
    let fields: Vec<_> = disclosed.fields.iter().map(|field| words.field(field)).collect();
    let told = match &disclosed.told {
        Told::Institutions(told) if told.is_empty() => words.none.to_owned(),
        Told::Institutions(told) => told.iter().map(show).collect::<Vec<_>>().join("; "),
        Told::Destroyed => words.destroyed.to_owned(),
        Told::Unreadable => words.unreadable.to_owned(),
    };
    let window = disclosed.window.map(days);
    vec![
        (words.received, disclosed.received.to_string()),
        (words.caller, institution(&disclosed.caller)),
        (words.organisation, institution(&disclosed.organisation)),
        (words.ground, disclosed.context.map_or(words.unknown, |context| words.context(context)).to_owned()),
        (words.deliberation, disclosed.deliberation.clone().unwrap_or_else(|| words.none.to_owned())),
        (words.window, window.unwrap_or_else(|| words.none.to_owned())),
        (words.fields, if fields.is_empty() { words.nothing.to_owned() } else { fields.join("; ") }),
        (words.told, told),
        (words.outcome, format!("{} ({})", words.outcome(&disclosed.outcome), disclosed.outcome)),
        (words.ticket, disclosed.ticket.to_string()),
    ]
}

fn show(institution: &Institution) -> String {
    let Institution { number, name } = institution;
    name.as_ref().map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

pub(super) fn covered(report: &Report, words: &Words) -> String {
    report.days.map_or(words.all_days.to_owned(), days)
}

/// The first and the last day, or the only one.
fn days(window: Window) -> String {
    match (window.from(), window.to()) {
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from} \u{2013} {to}"),
    }
}
