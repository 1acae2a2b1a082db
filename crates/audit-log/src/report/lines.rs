//! The parts of a report that the text and the letter share.

use ehealth_core::model::Language;

use super::dates::{show_days, show_time};
use super::disclosures::{DisclosedOrganisations, Disclosure, Ground, Organisation, Report};
use super::words::Words;

/// Returns the lines of one disclosure in their order: a label and its value.
pub(super) fn lines(disclosure: &Disclosure, words: &Words, language: Language) -> Vec<(&'static str, String)> {
    let organisation = |known: &Option<Organisation>| known.as_ref().map_or(words.unknown.to_owned(), show);
    let fields = fields(disclosure, words);
    let disclosed = match disclosed(disclosure, words) {
        Ok(organisations) if organisations.is_empty() => words.none.to_owned(),
        Ok(organisations) => organisations.join(words.separator),
        Err(reason) => reason.to_owned(),
    };
    let window = disclosure.window.map(|window| show_days(window, language));
    let ground = disclosure.ground.as_ref().map(|ground| purpose(ground, language));
    let application = application(disclosure).map(|application| (words.application, application));
    let quality = disclosure.quality.clone().map(|quality| (words.quality, quality));
    let relay = disclosure.relay.as_ref().map(|relay| (words.relay, show(relay)));
    let received = show_time(disclosure.received, language);
    let who = [(words.received, received), (words.caller, organisation(&disclosure.caller))];
    let what = [
        (words.organisation, organisation(&disclosure.organisation)),
        (words.ground, ground.unwrap_or_else(|| words.unknown.to_owned())),
        (words.deliberation, disclosure.deliberation.clone().unwrap_or_else(|| words.none.to_owned())),
        (words.window, window.unwrap_or_else(|| words.none.to_owned())),
        (words.fields, if fields.is_empty() { words.nothing.to_owned() } else { fields.join(words.separator) }),
        (words.disclosed, disclosed),
        (words.outcome, format!("{} ({})", words.outcome(&disclosure.outcome), disclosure.outcome)),
        (words.ticket, disclosure.ticket.to_string()),
    ];
    who.into_iter().chain(relay).chain(application).chain(quality).chain(what).collect()
}

/// Name and number of an organisation, or its number alone.
#[must_use]
pub fn show(organisation: &Organisation) -> String {
    let Organisation { number, name } = organisation;
    name.as_ref().map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

/// Days that the report covers.
#[must_use]
pub fn covered(report: &Report, words: &Words, language: Language) -> String {
    report.days.map_or(words.all_days.to_owned(), |days| show_days(days, language))
}

/// A text of others in a language: French sets a no-break space before these signs.
#[must_use]
pub fn with_spaces(text: &str, language: Language) -> String {
    match language {
        Language::French => [':', ';', '?', '!']
            .iter()
            .fold(text.to_owned(), |text, sign| text.replace(&format!(" {sign}"), &format!("\u{a0}{sign}"))),
        Language::Dutch | Language::German | Language::English => text.to_owned(),
    }
}

/// Purpose of a legal context in a language, or its code.
#[must_use]
pub fn purpose(ground: &Ground, language: Language) -> String {
    let purpose = ground.purpose.as_ref();
    purpose.map_or_else(|| ground.context.code().to_owned(), |purpose| with_spaces(purpose.text(language), language))
}

/// Names of the fields that were disclosed, in their order.
#[must_use]
pub fn fields(disclosure: &Disclosure, words: &Words) -> Vec<&'static str> {
    let new_ssin = disclosure.discloses_new_ssin.then_some(words.new_ssin);
    disclosure.fields.iter().map(|field| words.field(field)).chain(new_ssin).collect()
}

/// The organisations that were in the answer, or why they are not known.
///
/// # Errors
/// The sentence that says why they are not known.
pub fn disclosed(disclosure: &Disclosure, words: &Words) -> Result<Vec<String>, &'static str> {
    match &disclosure.disclosed {
        DisclosedOrganisations::Readable(organisations) => Ok(organisations.iter().map(show).collect()),
        DisclosedOrganisations::KeyDestroyed => Err(words.destroyed),
        DisclosedOrganisations::KeyMissing => Err(words.key_missing),
        DisclosedOrganisations::Unreadable => Err(words.unreadable),
    }
}

/// Name of the application, with the application in the certificate.
#[must_use]
pub fn application(disclosure: &Disclosure) -> Option<String> {
    let application = disclosure.application?;
    let name = disclosure.application_name.as_ref();
    Some(name.map_or_else(|| application.to_string(), |name| format!("{name} ({application})")))
}
