//! A report as JSON (RFC 8259): codes for programs, and the words for people beside them.

use ehealth_core::model::{EnterpriseNumber, Language, Window};

use super::disclosures::{DisclosedOrganisations, Disclosure, Ground, Organisation, Report};
use super::lines::with_spaces;
use super::words::Words;

pub(super) fn render(report: &Report, words: &Words, language: Language) -> String {
    let list = |disclosures: &[Disclosure]| array(disclosures.iter().map(|one| disclosure(one, words, language)));
    let report = object([
        ("title", text(words.title)),
        ("language", text(language.code())),
        ("made", text(&report.made.to_string())),
        ("days", report.days.map_or("null".to_owned(), days)),
        ("complete", report.gaps.is_empty().to_string()),
        ("gaps", array(report.gaps.iter().map(|one| text(&words.gap(one))))),
        ("disclosures", list(&report.disclosures)),
        ("refusedAttempts", list(&report.refused)),
    ]);
    report + "\n"
}

pub(super) fn disclosure(disclosure: &Disclosure, words: &Words, language: Language) -> String {
    let ground = |ground: &Ground| {
        let purpose = ground.purpose.as_ref().map(|purpose| text(&with_spaces(purpose.text(language), language)));
        object([("code", text(ground.context.code())), ("name", or_null(purpose))])
    };
    let field =
        |field: ehealth_core::model::Field| object([("path", text(field.path())), ("name", text(words.field(field)))]);
    let (state, disclosed) = match &disclosure.disclosed {
        DisclosedOrganisations::Readable(organisations) => ("readable", array(organisations.iter().map(organisation))),
        DisclosedOrganisations::KeyDestroyed => ("keyDestroyed", "null".to_owned()),
        DisclosedOrganisations::KeyMissing => ("keyMissing", "null".to_owned()),
        DisclosedOrganisations::Unreadable => ("unreadable", "null".to_owned()),
    };
    object([
        ("sequence", disclosure.sequence.to_string()),
        ("received", text(&disclosure.received.to_string())),
        ("ticketCBSS", text(&disclosure.ticket.to_string())),
        ("operation", text(disclosure.operation.code())),
        ("caller", or_null(disclosure.caller.as_ref().map(organisation))),
        ("application", or_null(disclosure.application.map(|application| text(application.as_str())))),
        ("applicationName", or_null(disclosure.application_name.as_deref().map(text))),
        ("relay", or_null(disclosure.relay.as_ref().map(organisation))),
        ("signed", disclosure.is_signed.to_string()),
        ("quality", or_null(disclosure.quality.as_deref().map(text))),
        ("organisation", or_null(disclosure.organisation.as_ref().map(organisation))),
        ("legalContext", or_null(disclosure.ground.as_ref().map(ground))),
        ("deliberation", or_null(disclosure.deliberation.as_deref().map(text))),
        ("rule", or_null(disclosure.rule.as_ref().map(|rule| text(rule.as_str())))),
        ("policySha256", or_null(disclosure.policy.map(|policy| text(&policy.to_string())))),
        ("daysAsked", or_null(disclosure.window.map(days))),
        ("fields", array(disclosure.fields.iter().map(field))),
        ("newSsinDisclosed", disclosure.discloses_new_ssin.to_string()),
        (
            "outcome",
            object([("code", text(disclosure.outcome.as_str())), ("name", text(words.outcome(&disclosure.outcome)))]),
        ),
        ("detail", text(state)),
        ("organisationsDisclosed", disclosed),
    ])
}

fn organisation(organisation: &Organisation) -> String {
    let number = |number: EnterpriseNumber| text(&number.to_string());
    object([("cbeNumber", number(organisation.number)), ("name", or_null(organisation.name.as_deref().map(text)))])
}

fn days(window: Window) -> String {
    object([("from", text(&window.from().to_string())), ("to", text(&window.to().to_string()))])
}

fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".to_owned())
}

fn object<const N: usize>(members: [(&str, String); N]) -> String {
    let members = members.map(|(name, value)| format!("{}:{value}", text(name)));
    format!("{{{}}}", members.join(","))
}

fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
