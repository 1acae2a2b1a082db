//! A report as JSON (RFC 8259): codes for programs, and beside them the words for people.

use ehealth_core::model::{EnterpriseNumber, Window};

use super::words::Words;
use super::{Disclosed, Institution, Language, Report, Told};

pub(super) fn render(report: &Report, words: &Words, language: Language) -> String {
    let disclosures = report.disclosures.iter().map(|one| disclosed(one, words));
    let report = object([
        ("title", text(words.title)),
        ("language", text(language.code())),
        ("made", text(&report.made.to_string())),
        ("days", report.days.map_or("null".to_owned(), days)),
        ("complete", report.gaps.is_empty().to_string()),
        ("gaps", array(report.gaps.iter().map(|gap| text(&gap.to_string())))),
        ("disclosures", array(disclosures)),
    ]);
    report + "\n"
}

fn disclosed(disclosed: &Disclosed, words: &Words) -> String {
    let context = |context: ehealth_core::model::LegalContext| {
        object([("code", text(context.code())), ("name", text(words.context(context)))])
    };
    let field =
        |field: ehealth_core::model::Field| object([("path", text(field.path())), ("name", text(words.field(field)))]);
    let (state, told) = match &disclosed.told {
        Told::Institutions(told) => ("readable", array(told.iter().map(institution))),
        Told::Destroyed => ("keyDestroyed", "null".to_owned()),
        Told::Unreadable => ("unreadable", "null".to_owned()),
    };
    object([
        ("sequence", disclosed.sequence.to_string()),
        ("received", text(&disclosed.received.to_string())),
        ("ticketCBSS", text(&disclosed.ticket.to_string())),
        ("operation", text(disclosed.operation.code())),
        ("caller", or_null(disclosed.caller.as_ref().map(institution))),
        ("organisation", or_null(disclosed.organisation.as_ref().map(institution))),
        ("legalContext", or_null(disclosed.context.map(context))),
        ("deliberation", or_null(disclosed.deliberation.as_deref().map(text))),
        ("daysAsked", or_null(disclosed.window.map(days))),
        ("fields", array(disclosed.fields.iter().map(field))),
        (
            "outcome",
            object([("code", text(disclosed.outcome.as_str())), ("name", text(words.outcome(&disclosed.outcome)))]),
        ),
        ("detail", text(state)),
        ("organisationsTold", told),
    ])
}

fn institution(institution: &Institution) -> String {
    let number = |number: EnterpriseNumber| text(&number.to_string());
    object([("cbeNumber", number(institution.number)), ("name", or_null(institution.name.as_deref().map(text)))])
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
