//! The lines of a report that the text and the page share.

use ehealth_core::model::{Language, Window};

use super::disclosures::{DisclosedOrganisations, Disclosure, Organisation, Report};
use super::words::Words;
use crate::query::search::SearchError;
use crate::storage::keys::KeyError;

/// Returns the lines of one disclosure in their order: a label and its value.
pub(super) fn lines(disclosure: &Disclosure, words: &Words, language: Language) -> Vec<(&'static str, String)> {
    let organisation = |known: &Option<Organisation>| known.as_ref().map_or(words.unknown.to_owned(), show);
    let new_ssin = disclosure.discloses_new_ssin.then_some(words.new_ssin);
    let fields: Vec<_> = disclosure.fields.iter().map(|field| words.field(field)).chain(new_ssin).collect();
    let disclosed = match &disclosure.disclosed {
        DisclosedOrganisations::Readable(organisations) if organisations.is_empty() => words.none.to_owned(),
        DisclosedOrganisations::Readable(organisations) => {
            organisations.iter().map(show).collect::<Vec<_>>().join("; ")
        }
        DisclosedOrganisations::KeyDestroyed => words.destroyed.to_owned(),
        DisclosedOrganisations::KeyMissing => words.key_missing.to_owned(),
        DisclosedOrganisations::Unreadable => words.unreadable.to_owned(),
    };
    let window = disclosure.window.map(days);
    let ground = disclosure.ground.as_ref().map(|ground| match &ground.purpose {
        Some(purpose) => purpose.text(language),
        None => ground.context.code(),
    });
    let application = disclosure.application.map(|application| (words.application, application.to_string()));
    let quality = disclosure.quality.clone().map(|quality| (words.quality, quality));
    let who = [(words.received, disclosure.received.to_string()), (words.caller, organisation(&disclosure.caller))];
    let what = [
        (words.organisation, organisation(&disclosure.organisation)),
        (words.ground, ground.unwrap_or(words.unknown).to_owned()),
        (words.deliberation, disclosure.deliberation.clone().unwrap_or_else(|| words.none.to_owned())),
        (words.window, window.unwrap_or_else(|| words.none.to_owned())),
        (words.fields, if fields.is_empty() { words.nothing.to_owned() } else { fields.join("; ") }),
        (words.disclosed, disclosed),
        (words.outcome, format!("{} ({})", words.outcome(&disclosure.outcome), disclosure.outcome)),
        (words.ticket, disclosure.ticket.to_string()),
    ];
    who.into_iter().chain(application).chain(quality).chain(what).collect()
}

/// Says why a part of the report is missing.
pub(super) fn gap(gap: &SearchError, words: &Words) -> String {
    let of_year = |text: &str, year: u16| text.replace("{year}", &year.to_string());
    match gap {
        SearchError::Year { year, error: KeyError::Missing(_) } => of_year(words.year_without_key, *year),
        SearchError::Year { year, .. } => of_year(words.year_unreadable, *year),
        SearchError::OtherKey(year) => of_year(words.year_of_another_key, *year),
        SearchError::Read(_) | SearchError::Copy { .. } => words.unreadable_part.to_owned(),
    }
}

fn show(organisation: &Organisation) -> String {
    let Organisation { number, name } = organisation;
    name.as_ref().map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

pub(super) fn covered(report: &Report, words: &Words) -> String {
    report.days.map_or(words.all_days.to_owned(), days)
}

/// Formats the first and the last day, or the only one.
fn days(window: Window) -> String {
    match (window.from(), window.to()) {
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from} \u{2013} {to}"),
    }
}
