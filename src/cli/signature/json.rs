//! The JSON of `signature check` (`docs/reference/json.md` "Signature check").

use serde_json::{Value, json};

use super::{CheckArguments, Kind};
use ehealth_core::model::Timestamp;
use soap::signature::Check;
use soap::signature::diagnosis::{Cause, CheckFinding, Fault, Outcome, Report};

pub(super) fn report_json(arguments: &CheckArguments, now: Timestamp, report: &Report) -> Value {
    let canonical = report.canonical.iter().filter(|_| arguments.canonical);
    let canonical = canonical.map(|form| json!({ "name": form.name, "octets": String::from_utf8_lossy(&form.octets) }));
    json!({
        "file": arguments.file.display().to_string(),
        "kind": match arguments.kind { Kind::Request => "request", Kind::Response => "response" },
        "at": now.to_string(),
        "wrong": report.wrong().map(Check::code).collect::<Vec<_>>(),
        "checks": report.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "canonical": canonical.collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &CheckFinding) -> Value {
    let reason = match &finding.outcome {
        Outcome::NotChecked(reason) => Some(reason),
        Outcome::Fine(_) | Outcome::Wrong { .. } => None,
    };
    json!({
        "check": finding.check.code(),
        "outcome": finding.outcome.word(),
        "facts": finding.outcome.facts(),
        "notCheckedBecause": reason,
        "faults": finding.outcome.faults().iter().map(fault_json).collect::<Vec<_>>(),
    })
}

fn fault_json(fault: &Fault) -> Value {
    let Fault { problem, explanation, remedy } = fault;
    let cause = explanation.as_ref().map(|explanation| {
        json!({
            "code": explanation.cause.code(),
            "also": explanation.also.map(Cause::code),
            "detail": explanation.detail,
            "sentence": explanation.sentence(),
        })
    });
    json!({
        "code": problem.error.code(),
        "line": (problem.line > 0).then_some(problem.line),
        "path": (!problem.path.is_empty()).then_some(&problem.path),
        "expected": problem.expected,
        "found": problem.found,
        "cause": cause,
        "remedy": remedy,
    })
}
