//! The plan and the seen requests as JSON, with the keys of a scenario file.

use serde_json::{Map, Value, json};

use crate::cli::simulate::plan::{CurrentPlan, Planned, Seen, SeenKind};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{Dataset, DatasetSet};
use testkit::{AnswerFailure, Effect, HandshakeFailure, RequestKind};

/// The plan, with the number of times that each failure happened.
pub(super) fn plan(plan: &CurrentPlan) -> Value {
    let failures: Vec<_> = plan.failures.iter().map(failure).collect();
    json!({ "failure": failures, "outage": { "missing": codes(plan.missing), "stale": codes(plan.stale) } })
}

/// Requests, and connections that met a failure.
pub(super) fn requests(seen: &[Seen]) -> Value {
    let requests: Vec<_> = seen
        .iter()
        .map(|seen| {
            let request = match seen.what {
                SeenKind::Handshake => "handshake",
                SeenKind::Message(Operation::ConsultAttributes) => RequestKind::Consult.code(),
                SeenKind::Message(Operation::SendTestMessage) => RequestKind::Test.code(),
                SeenKind::Document => RequestKind::Document.code(),
            };
            let failure = seen.failure.map(|effect| effect.kind().code());
            json!({ "number": seen.number, "request": request, "failure": failure, "status": seen.status })
        })
        .collect();
    json!({ "requests": requests })
}

fn codes(datasets: DatasetSet) -> Vec<&'static str> {
    datasets.iter().map(Dataset::code).collect()
}

fn failure(planned: &Planned) -> Value {
    let effect = &planned.failure.effect;
    let mut keys = Map::new();
    let mut add = |key: &str, value: Value| {
        if !value.is_null() {
            keys.insert(key.to_owned(), value);
        }
    };
    add("kind", json!(effect.kind().code()));
    match effect {
        Effect::Handshake(HandshakeFailure::ServerCertificate(problem)) => add("problem", json!(problem.code())),
        Effect::Handshake(HandshakeFailure::ClientRefused(problem)) => add("problem", json!(problem.code())),
        Effect::Handshake(HandshakeFailure::Closed) => {}
        Effect::Answer(answer, scope) => {
            add_answer(&mut add, answer);
            add("ssin", json!(scope.ssin.map(|ssin| String::from_utf8_lossy(&ssin.digits()).into_owned())));
            add("request", json!(scope.request.code()));
        }
    }
    add("times", json!(planned.failure.times));
    add("used", json!(planned.used));
    Value::Object(keys)
}

fn add_answer(add: &mut impl FnMut(&str, Value), answer: &AnswerFailure) {
    match answer {
        AnswerFailure::None | AnswerFailure::Silent => {}
        AnswerFailure::Http { status, retry_after } => {
            add("status", json!(status));
            add("retry_after", json!(retry_after));
        }
        AnswerFailure::Fault { code, retry_after } => {
            add("code", json!(code.code()));
            add("retry_after", json!(retry_after));
        }
        AnswerFailure::BrokenXml(breakage) => add("problem", json!(breakage.code())),
        AnswerFailure::Reset { after_bytes } | AnswerFailure::Cut { after_bytes } => {
            add("after_bytes", json!(after_bytes));
        }
        AnswerFailure::Slow { delay, bytes_per_second } => {
            add("delay_millis", json!(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)));
            add("bytes_per_second", json!(bytes_per_second));
        }
    }
}
