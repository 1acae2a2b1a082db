//! A record as facts in words: what `audit verify-proof` shows of the record that it proves, and
//! `audit events` of each record that is no exchange.

use std::fmt::Display;

use audit_log::{Event, Exchange, InterruptionCause};
use ehealth_core::model::Field;
use ehealth_core::policy::Deliberation;

/// Name and value of a fact.
pub(super) type Fact = (&'static str, String);

/// Describes a record, a fact a line. The encrypted detail stays encrypted.
pub(super) fn describe(event: &Event) -> String {
    facts(event).iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// Facts of a record; the first says what it records.
pub(super) fn facts(event: &Event) -> Vec<Fact> {
    match event {
        Event::SegmentBegun(begun) => vec![
            ("record", "begin of a segment".to_owned()),
            ("month", begun.month.to_string()),
            ("records before it", begun.tree.size().to_string()),
        ],
        Event::Exchange(exchange) => describe_exchange(exchange),
        Event::Interruption(interruption) => vec![
            ("record", "the audit log could not be written".to_owned()),
            ("since", interruption.since.to_string()),
            ("refused exchanges", interruption.refused.to_string()),
            ("cause", cause(interruption.cause).to_owned()),
        ],
        Event::Pruning(pruning) => {
            let months: Vec<_> = pruning.segments.iter().map(|segment| segment.month.to_string()).collect();
            vec![
                ("record", "months past retention are removed".to_owned()),
                ("first record that stays", pruning.until.to_string()),
                ("months", months.join(", ")),
            ]
        }
        Event::Vouched(vouched) => vec![
            ("record", "the operator vouched for the records before it, which no checkpoint protected".to_owned()),
            ("records before it", vouched.records.to_string()),
        ],
        Event::Suppressed(requests) => vec![
            ("record", "requests that a limit refused before they were read".to_owned()),
            ("asked by", or_none(requests.caller)),
            ("certificate (SHA-256) of the last", requests.fingerprint.to_string()),
            ("first", requests.since.to_string()),
            ("last", requests.until.to_string()),
            ("requests", requests.count.to_string()),
        ],
    }
}

fn describe_exchange(exchange: &Exchange) -> Vec<Fact> {
    let fields: Vec<_> = exchange.fields.iter().map(Field::path).collect();
    let days = exchange.window.map(|window| format!("{} to {}", window.from(), window.to()));
    vec![
        ("record", "exchange".to_owned()),
        ("received", exchange.received.to_string()),
        ("ticket", exchange.ticket.to_string()),
        ("operation", exchange.operation.code().to_owned()),
        ("certificate (SHA-256)", exchange.fingerprint.to_string()),
        ("asked by", or_none(exchange.caller)),
        ("application", or_none(exchange.application)),
        ("brought by", or_none(exchange.relay.map(|relay| relay.organisation))),
        ("message signature", if exchange.is_signed { "verified, encrypted" } else { "none" }.to_owned()),
        (
            "replicated",
            if exchange.is_unreplicated { "not before the answer" } else { "before the answer, if a cluster is set" }
                .to_owned(),
        ),
        ("on behalf of", or_none(exchange.organisation)),
        ("legal context", or_none(exchange.context)),
        ("deliberation", or_none(exchange.deliberation.as_ref().map(Deliberation::as_str))),
        ("rule", or_none(exchange.rule.as_ref())),
        ("policy (SHA-256)", or_none(exchange.policy)),
        ("end user", if exchange.end_user().is_some() { "named, encrypted" } else { "none" }.to_owned()),
        ("days asked about", or_none(days)),
        ("disclosed fields", or_none((!fields.is_empty()).then(|| fields.join(", ")))),
        ("outcome", exchange.outcome.to_string()),
    ]
}

fn cause(cause: InterruptionCause) -> &'static str {
    match cause {
        InterruptionCause::DiskFull => "no space was left",
        InterruptionCause::Io => "the disk failed",
        InterruptionCause::Key => "a key was missing or unusable",
        InterruptionCause::NotReplicated => "records could not be replicated",
    }
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
