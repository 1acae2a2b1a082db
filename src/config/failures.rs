//! Reads failures on demand: `[[failure]]` and `[outage]` of a scenario file, and the same keys as JSON
//! in the control API of a running simulation.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use super::document::{Section, parse};
use super::origin::Problems;
use super::value::Value;
use ehealth_core::model::{Dataset, DatasetSet, OutcomeCode, Ssin};
use soap::ExchangeFault;
use testkit::{
    AnswerFailure, Breakage, ClientProblem, Effect, Failure, FailureKind, FailurePlan, HandshakeFailure, RequestKind,
    Scope, ServerProblem,
};

/// Maximum delay: longer than the timeout of any caller.
pub(super) const MAX_DELAY_MILLIS: u64 = 600_000;
/// Maximum number of failures in a plan.
const MAX_FAILURES: usize = 1_000;
/// Maximum `times`.
const MAX_TIMES: u64 = 1_000_000;
/// Maximum bytes before a connection ends, and maximum bytes per second.
const MAX_BYTES: u64 = 1_000_000;
/// Maximum `retry_after`, in seconds.
const MAX_RETRY_AFTER: u64 = 3_600;
/// Default bytes of a response before it is cut: within its head.
const CUT_AFTER_BYTES: u32 = 100;

/// Parses a plan that the control API received.
///
/// # Errors
/// Every error of the text: syntax errors of JSON, else every value that is not allowed.
pub fn parse_plan(json: &[u8]) -> Result<FailurePlan, String> {
    let value: serde_json::Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    // JSON and TOML have the same values but for null. The lines of this text mean nothing to the caller.
    let text = toml::to_string(&value).map_err(|error| format!("{error}; leave out what has no value"))?;
    let read = parse(Path::new("body"), &text, |root| Some(read_plan(root)));
    read.map_err(|Problems(problems)| {
        let lines = problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.text));
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// Reads `[[failure]]` and `[outage]`.
pub(super) fn read_plan(root: &mut Section<'_>) -> FailurePlan {
    let sections = root.sections("failure");
    if sections.len() > MAX_FAILURES {
        root.report(format!("has more than {MAX_FAILURES} failures"));
    }
    let failures = sections.into_iter().filter_map(read_failure).collect();
    let mut outage = root.optional_section("outage");
    let mut datasets = |key| outage.as_mut().and_then(|section| section.optional(key, read_datasets));
    let (missing, stale) = (datasets("missing").unwrap_or_default(), datasets("stale").unwrap_or_default());
    if let Some(outage) = outage {
        outage.finish();
    }
    FailurePlan { failures, missing, stale }
}

fn read_failure(mut section: Section<'_>) -> Option<Failure> {
    let codes = FailureKind::ALL.map(FailureKind::code);
    let kind = section.required("kind", |value| one_of(value, FailureKind::parse, &codes));
    let times = section.optional("times", |value| Ok(NonZeroU32::new(number(value, 1, MAX_TIMES)?)));
    let effect = kind.and_then(|kind| read_effect(&mut section, kind));
    if kind.is_some() {
        // Without its kind, nothing is known of the other keys.
        section.finish();
    }
    Some(Failure { effect: effect?, times: times.flatten() })
}

fn read_effect(section: &mut Section<'_>, kind: FailureKind) -> Option<Effect> {
    let answer = match kind {
        FailureKind::ServerCertificate => {
            let codes = ServerProblem::ALL.map(ServerProblem::code);
            let problem = section.required("problem", |value| one_of(value, ServerProblem::parse, &codes));
            return problem.map(|problem| Effect::Handshake(HandshakeFailure::ServerCertificate(problem)));
        }
        FailureKind::ClientRefused => {
            let codes = ClientProblem::ALL.map(ClientProblem::code);
            let problem = section.required("problem", |value| one_of(value, ClientProblem::parse, &codes));
            return problem.map(|problem| Effect::Handshake(HandshakeFailure::ClientRefused(problem)));
        }
        FailureKind::HandshakeClosed => return Some(Effect::Handshake(HandshakeFailure::Closed)),
        FailureKind::None => Some(AnswerFailure::None),
        FailureKind::Silent => Some(AnswerFailure::Silent),
        FailureKind::Http => read_http(section),
        FailureKind::Fault => read_fault(section),
        FailureKind::BrokenXml => {
            let codes = Breakage::ALL.map(Breakage::code);
            section.required("problem", |value| one_of(value, Breakage::parse, &codes)).map(AnswerFailure::BrokenXml)
        }
        FailureKind::Reset => {
            let after_bytes = section.optional("after_bytes", |value| number(value, 0, MAX_BYTES)).unwrap_or_default();
            Some(AnswerFailure::Reset { after_bytes })
        }
        FailureKind::Cut => {
            let after_bytes = section.optional("after_bytes", |value| number(value, 0, MAX_BYTES));
            Some(AnswerFailure::Cut { after_bytes: after_bytes.unwrap_or(CUT_AFTER_BYTES) })
        }
        FailureKind::Slow => Some(read_slow(section)),
    };
    let scope = read_scope(section);
    if kind == FailureKind::Fault && scope.request == RequestKind::Document {
        section.report("a GET gets no fault: leave out request");
    }
    answer.map(|answer| Effect::Answer(answer, scope))
}

fn read_scope(section: &mut Section<'_>) -> Scope {
    let ssin = section.optional("ssin", read_ssin);
    let codes = RequestKind::ALL.map(RequestKind::code);
    let request = section.optional("request", |value| one_of(value, RequestKind::parse, &codes)).unwrap_or_default();
    if ssin.is_some() && matches!(request, RequestKind::Test | RequestKind::Document) {
        section.report("only a question is about a person: leave out ssin, or request");
    }
    Scope { ssin, request }
}

fn read_retry_after(section: &mut Section<'_>) -> Option<u16> {
    section.optional("retry_after", |value| number(value, 0, MAX_RETRY_AFTER))
}

fn read_http(section: &mut Section<'_>) -> Option<AnswerFailure> {
    let status = section.required("status", |value| number(value, 400, 599));
    let retry_after = read_retry_after(section);
    Some(AnswerFailure::Http { status: status?, retry_after })
}

fn read_fault(section: &mut Section<'_>) -> Option<AnswerFailure> {
    let codes = fault_codes();
    let names: Vec<_> = codes.iter().map(|code| code.code()).collect();
    let parse = |text: &str| OutcomeCode::parse(text).filter(|code| codes.contains(code));
    let code = section.required("code", |value| one_of(value, parse, &names));
    let retry_after = read_retry_after(section);
    Some(AnswerFailure::Fault { code: code?, retry_after })
}

fn read_slow(section: &mut Section<'_>) -> AnswerFailure {
    let delay = section.optional("delay_millis", |value| value.integer(0, MAX_DELAY_MILLIS));
    let rate = section.optional("bytes_per_second", |value| number(value, 1, MAX_BYTES));
    if delay.is_none() && rate.is_none() {
        section.report("needs delay_millis, bytes_per_second or both");
    }
    let delay = Duration::from_millis(delay.unwrap_or_default());
    AnswerFailure::Slow { delay, bytes_per_second: rate.and_then(NonZeroU32::new) }
}

/// Codes of the faults that a simulation can return whatever the message is.
fn fault_codes() -> Vec<OutcomeCode> {
    let mut codes: Vec<_> = ExchangeFault::ALL.map(ExchangeFault::outcome).to_vec();
    codes.dedup();
    codes
}

fn one_of<T>(value: Value<'_>, parse: impl Fn(&str) -> Option<T>, codes: &[&str]) -> Result<T, String> {
    parse(value.text()?).ok_or_else(|| format!("must be one of {}", codes.join(", ")))
}

fn number<T: TryFrom<u64>>(value: Value<'_>, least: u64, most: u64) -> Result<T, String> {
    let number = value.integer(least, most)?;
    T::try_from(number).map_err(|_| format!("must be an integer from {least} to {most}"))
}

pub(super) fn read_ssin(value: Value<'_>) -> Result<Ssin, String> {
    Ssin::parse(value.text()?).map_err(|error| error.to_string())
}

fn read_datasets(value: Value<'_>) -> Result<DatasetSet, String> {
    let datasets = value.list(|item| one_of(item, Dataset::parse, &Dataset::ALL.map(Dataset::code)))?;
    Ok(datasets.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_json() {
        let plan = parse_plan(
            br#"{"failure": [{"kind": "http", "status": 503, "retry_after": 2, "times": 1},
                {"kind": "cut", "ssin": "85073099932", "request": "consultAttributes"},
                {"kind": "server-certificate", "problem": "expired"}],
                "outage": {"stale": ["coprev"]}}"#,
        )
        .expect("a valid plan");
        assert_eq!(plan.stale, DatasetSet::EMPTY.with(Dataset::Coprev));
        let [first, second, third] = plan.failures.as_slice() else { panic!("{plan:?}") };
        let answer = AnswerFailure::Http { status: 503, retry_after: Some(2) };
        assert_eq!(*first, Failure { effect: Effect::Answer(answer, Scope::default()), times: NonZeroU32::new(1) });
        let scope = Scope { ssin: Ssin::parse("85073099932").ok(), request: RequestKind::Consult };
        assert_eq!(second.effect, Effect::Answer(AnswerFailure::Cut { after_bytes: CUT_AFTER_BYTES }, scope));
        assert_eq!(third.effect, Effect::Handshake(HandshakeFailure::ServerCertificate(ServerProblem::Expired)));
    }

    #[test]
    fn every_error_of_a_plan_names_its_key() {
        let error = parse_plan(
            br#"{"failure": [{"kind": "http", "status": 200}, {"kind": "late"}, {"kind": "slow"}, {"times": 0},
                {"kind": "fault", "code": "MSG00000"}, {"kind": "reset", "after": 1},
                {"kind": "none", "ssin": "85073099932", "request": "document"}], "outage": {"stale": ["co-prev"]}, "x": 1}"#,
        )
        .expect_err("errors");
        for part in [
            "failure[1].status: must be an integer from 400 to 599",
            "failure[2].kind: must be one of none, http, fault,",
            "failure[3]: needs delay_millis, bytes_per_second or both",
            "failure[4].kind: is missing",
            "failure[4].times: must be an integer from 1 to 1000000",
            "failure[5].code: must be one of MSG00003, SOA-01001,",
            "failure[6].after: unknown key; valid keys: after_bytes, kind, request, ssin, times",
            "failure[7]: only a question is about a person",
            "outage.stale: must be one of dimona",
            "x: unknown key; valid keys: failure, outage",
        ] {
            assert!(error.contains(part), "{part}\nis not in\n{error}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for (text, part) in [
            ("", "EOF while parsing"),
            ("[]", ""),
            ("7", ""),
            ("{\"failure\": null}", "leave out what has no value"),
            ("{\"failure\": {}}", "must be an array of tables"),
        ] {
            let error = parse_plan(text.as_bytes()).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
