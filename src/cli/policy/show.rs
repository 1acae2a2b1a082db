//! `policy show`: who may ask what, a row for each grant.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ShowFormat;
use ehealth_core::model::{Application, Date, Digest, Field, Language};
use ehealth_core::policy::{Consumer, ContextDefinition, Grant, Register, SignatureRule, Signatures};

/// Columns of the table and of the CSV.
const COLUMNS: [&str; 19] = [
    "organisation",
    "applications",
    "name",
    "legal_context",
    "fields",
    "relation",
    "valid_from",
    "valid_to",
    "state",
    "look_back_years",
    "look_ahead_days",
    "deliberation",
    "end_user",
    "dates",
    "quota_per_minute",
    "quota_per_day",
    "replaced_ssin",
    "pinned",
    "message_signature",
];

/// Writes the policy as it is on `day`.
pub(super) fn show(register: &Register, day: Date, format: ShowFormat) -> String {
    let consumers = register.in_order();
    let rows = || {
        consumers.iter().flat_map(|consumer| {
            let grants = consumer.grants.iter().map(|grant| row(consumer, Some(grant), day));
            let bare = consumer.grants.is_empty().then(|| row(consumer, None, day));
            grants.chain(bare).collect::<Vec<_>>()
        })
    };
    match format {
        ShowFormat::Table => table(&rows().collect::<Vec<_>>()),
        ShowFormat::Csv => csv_text(rows()),
        ShowFormat::Json => {
            let consumers: Vec<_> = consumers.iter().map(|consumer| consumer_json(consumer, day)).collect();
            let contexts: Vec<_> = register.contexts().iter().map(|context| context_json(context, day)).collect();
            let policy = register.policy().map(|policy| policy.to_string());
            let shown = json!({
                "on": day.to_string(), "policySha256": policy, "legalContexts": contexts, "consumers": consumers
            });
            format!("{shown:#}\n")
        }
    }
}

fn state(grant: &Grant, day: Date) -> &'static str {
    match grant.last_day() {
        Some(end) if end < day => "ended",
        _ if !grant.is_valid_on(day) => "not begun",
        _ => "valid",
    }
}

fn applications(consumer: &Consumer) -> Vec<&str> {
    consumer.applications.iter().map(Application::as_str).collect()
}

fn pinned(consumer: &Consumer) -> &'static str {
    match (consumer.pins.keys.is_empty(), consumer.pins.issuers.is_empty()) {
        (true, true) => "",
        (false, true) => "keys",
        (true, false) => "issuers",
        (false, false) => "keys and issuers",
    }
}

/// The rule for signatures, unless it is off; then the organisations whose messages it may bring.
fn signature(consumer: &Consumer) -> String {
    let Signatures { rule, signers, sign_responses } = &consumer.signatures;
    let rule = (*rule != SignatureRule::Off).then(|| rule.code().to_owned());
    let responses = sign_responses.then(|| "responses".to_owned());
    let signers = signers.iter().map(ToString::to_string);
    rule.into_iter().chain(responses).chain(signers).collect::<Vec<_>>().join(" ")
}

fn row(consumer: &Consumer, grant: Option<&Grant>, day: Date) -> [String; COLUMNS.len()] {
    let of_grant = |text: &dyn Fn(&Grant) -> String| grant.map(text).unwrap_or_default();
    [
        consumer.organisation.to_string(),
        applications(consumer).join(", "),
        consumer.name.clone(),
        of_grant(&|grant| grant.context.code().to_owned()),
        of_grant(&|grant| grant.fields.numbers(" ")),
        of_grant(&|grant| grant.relation.code().to_owned()),
        of_grant(&|grant| grant.valid.begin().to_string()),
        of_grant(&|grant| grant.valid.end().map(|end| end.to_string()).unwrap_or_default()),
        of_grant(&|grant| state(grant, day).to_owned()),
        of_grant(&|grant| grant.reach.back_years.to_string()),
        of_grant(&|grant| grant.reach.ahead_days.to_string()),
        of_grant(&|grant| grant.deliberation.as_str().to_owned()),
        of_grant(&|grant| grant.context.end_user.code().to_owned()),
        of_grant(&|grant| grant.context.dates.code().to_owned()),
        consumer.quota.per_minute.to_string(),
        consumer.quota.per_day.to_string(),
        consumer.replaced_ssin.code().to_owned(),
        pinned(consumer).to_owned(),
        signature(consumer),
    ]
}

/// Columns as wide as their widest cell, two blanks between them; columns that are empty in every
/// row are left out.
fn table(rows: &[[String; COLUMNS.len()]]) -> String {
    let widths: Vec<_> = COLUMNS
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let cells = rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count());
            cells.max().filter(|widest| *widest > 0).map(|widest| widest.max(name.len()))
        })
        .collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut written = String::new();
        for (cell, width) in cells.zip(&widths) {
            // Writing to a String cannot fail.
            let _ = width.map(|width| write!(written, "{cell:<width$}  "));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    };
    line(&mut COLUMNS.into_iter());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

/// RFC 4180: a name may contain a comma or a quote.
fn csv_text(rows: impl Iterator<Item = [String; COLUMNS.len()]>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a Vec cannot fail, and every row has the same number of cells.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn context_json(context: &ContextDefinition, day: Date) -> Value {
    let purpose = Language::ALL.map(|language| (language.code().to_owned(), json!(context.purpose.text(language))));
    json!({
        "code": context.code(),
        "deliberation": context.deliberation.as_str(),
        "fields": context.fields.iter().map(Field::number).collect::<Vec<_>>(),
        "relations": context.relations.iter().map(|relation| relation.code()).collect::<Vec<_>>(),
        "validFrom": context.valid.begin().to_string(),
        "validTo": context.valid.end().map(|end| end.to_string()),
        "isValid": context.valid.covers(day),
        "purpose": Value::Object(purpose.into_iter().collect()),
        "endUser": context.end_user.code(),
        "dates": context.dates.code(),
    })
}

fn consumer_json(consumer: &Consumer, day: Date) -> Value {
    let texts = |digests: &[Digest]| digests.iter().map(ToString::to_string).collect::<Vec<_>>();
    let grant = |grant: &Arc<Grant>| {
        json!({
            "legalContext": grant.context.code(),
            "fields": grant.fields.iter().map(Field::number).collect::<Vec<_>>(),
            "relation": grant.relation.code(),
            "validFrom": grant.valid.begin().to_string(),
            "validTo": grant.valid.end().map(|end| end.to_string()),
            "state": state(grant, day),
            "lookBackYears": grant.reach.back_years,
            "lookAheadDays": grant.reach.ahead_days,
            "deliberation": grant.deliberation.as_str(),
        })
    };
    json!({
        "organisation": consumer.organisation.to_string(),
        "applications": applications(consumer),
        "name": consumer.name,
        "quotaPerMinute": consumer.quota.per_minute,
        "quotaPerDay": consumer.quota.per_day,
        "replacedSsin": consumer.replaced_ssin.code(),
        "messageSignature": consumer.signatures.rule.code(),
        "signers": consumer.signatures.signers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "signResponses": consumer.signatures.sign_responses,
        "pinnedKeys": texts(&consumer.pins.keys),
        "pinnedIssuers": texts(&consumer.pins.issuers),
        "grants": consumer.grants.iter().map(grant).collect::<Vec<_>>(),
    })
}
