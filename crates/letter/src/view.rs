//! What a template sees of a report.

use std::collections::BTreeMap;

use audit_log::report::{
    Disclosure, Organisation, Report, Words, application, covered, disclosed, fields, purpose, show, show_day,
    show_days, show_time, words,
};
use ehealth_core::model::Language;
use minijinja::Value;

use crate::{Addressed, Institution};

/// The values of a template. Absent texts are `none`.
pub(crate) fn values(report: &Report, institution: &Institution, addressed: &Addressed) -> Value {
    let language = addressed.language;
    let words = words(language);
    let exchanges = |list: &[Disclosure]| {
        let exchanges = (1_u64..).zip(list).map(|(number, one)| exchange(number, one, words, language));
        exchanges.collect::<Vec<_>>()
    };
    Value::from_pairs([
        ("institution", institution_of(institution)),
        (
            "letter",
            Value::from_pairs([
                ("date", Value::from(show_day(report.made.brussels_day(), language))),
                ("period", Value::from(covered(report, words, language))),
                ("reference", Value::from(addressed.reference.clone())),
                ("addressee", Value::from_iter(addressed.addressee.clone())),
                ("language", Value::from(language.code())),
            ]),
        ),
        (
            "report",
            Value::from_pairs([
                ("count", Value::from(report.disclosures.len())),
                ("refused_count", Value::from(report.refused.len())),
                ("gaps", report.gaps.iter().map(|gap| words.gap(gap)).collect()),
            ]),
        ),
        ("label", labels(words)),
        ("recipients", Value::from_iter(recipients(report))),
        ("grounds", Value::from_iter(grounds(report, words, language))),
        ("exchanges", Value::from_iter(exchanges(&report.disclosures))),
        ("refused", Value::from_iter(exchanges(&report.refused))),
    ])
}

fn institution_of(institution: &Institution) -> Value {
    let Institution { name, address, controller, dpo, retention, logo } = institution;
    Value::from_pairs([
        ("name", Value::from(name)),
        ("address", Value::from_iter(address.clone())),
        ("controller", Value::from(controller)),
        ("dpo", Value::from(dpo)),
        ("retention", Value::from(retention)),
        ("logo", Value::from(logo.is_some())),
    ])
}

fn labels(words: &Words) -> Value {
    Value::from_pairs([
        ("days", words.days),
        ("count", words.count),
        ("refused_count", words.refused_count),
        ("refused", words.refused),
        ("received", words.received),
        ("caller", words.caller),
        ("relay", words.relay),
        ("application", words.application),
        ("quality", words.quality),
        ("organisation", words.organisation),
        ("ground", words.ground),
        ("deliberation", words.deliberation),
        ("window", words.window),
        ("fields", words.fields),
        ("disclosed", words.disclosed),
        ("outcome", words.outcome),
        ("ticket", words.ticket),
    ])
}

fn exchange(number: u64, one: &Disclosure, words: &Words, language: Language) -> Value {
    let organisation = |known: &Option<Organisation>| known.as_ref().map_or(words.unknown.to_owned(), show);
    let ground = one.ground.as_ref().map(|ground| purpose(ground, language));
    let fields = fields(one, words);
    let organisations = match disclosed(one, words) {
        Ok(organisations) if organisations.is_empty() => vec![words.none.to_owned()],
        Ok(organisations) => organisations,
        Err(reason) => vec![reason.to_owned()],
    };
    Value::from_pairs([
        ("number", Value::from(number)),
        ("time", Value::from(show_time(one.received, language))),
        ("caller", Value::from(organisation(&one.caller))),
        ("relay", Value::from(one.relay.as_ref().map(show))),
        ("application", Value::from(application(one))),
        ("quality", Value::from(one.quality.clone())),
        ("organisation", Value::from(organisation(&one.organisation))),
        ("ground", Value::from(ground.unwrap_or_else(|| words.unknown.to_owned()))),
        ("deliberation", Value::from(one.deliberation.clone().unwrap_or_else(|| words.none.to_owned()))),
        ("period", Value::from(one.window.map_or(words.none.to_owned(), |window| show_days(window, language)))),
        ("fields", Value::from_iter(if fields.is_empty() { vec![words.nothing] } else { fields })),
        ("organisations", Value::from_iter(organisations)),
        ("outcome", Value::from(words.outcome(&one.outcome))),
        ("code", Value::from(one.outcome.as_str())),
        ("ticket", Value::from(one.ticket.to_string())),
    ])
}

/// The organisations that received an answer, by number: those that asked, and those for which they asked.
fn recipients(report: &Report) -> Vec<Value> {
    let mut counts: BTreeMap<_, (String, u64)> = BTreeMap::new();
    for one in &report.disclosures {
        let organisation = one
            .organisation
            .as_ref()
            .filter(|other| one.caller.as_ref().is_none_or(|caller| caller.number != other.number));
        for recipient in one.caller.iter().chain(organisation).chain(&one.relay) {
            // A name of today or of a later policy comes last, and stays.
            let (name, count) = counts.entry(recipient.number).or_default();
            *name = show(recipient);
            *count += 1;
        }
    }
    let counted =
        |(name, count): (String, u64)| Value::from_pairs([("name", Value::from(name)), ("count", Value::from(count))]);
    counts.into_values().map(counted).collect()
}

/// The legal contexts of the answers, each with its deliberation.
fn grounds(report: &Report, words: &Words, language: Language) -> Vec<Value> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for one in &report.disclosures {
        let ground = one.ground.as_ref().map_or(words.unknown.to_owned(), |ground| purpose(ground, language));
        let deliberation = one.deliberation.clone().unwrap_or_else(|| words.none.to_owned());
        *counts.entry((ground, deliberation)).or_default() += 1;
    }
    let counted = |((purpose, deliberation), count): ((String, String), u64)| {
        Value::from_pairs([
            ("purpose", Value::from(purpose)),
            ("deliberation", Value::from(deliberation)),
            ("count", Value::from(count)),
        ])
    };
    counts.into_iter().map(counted).collect()
}
