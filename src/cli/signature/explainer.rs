//! What a simulation says of a signature that it refuses: the words of `signature check`.

use super::service_checks;
use crate::server::SignatureExplainer;
use certificates::Facts;
use ehealth_core::model::Timestamp;
use soap::Charset;
use soap::signature::diagnosis::{Context, Fault, examine};
use soap::signature::{MessageKind, Problem, TimeRule};

/// Explains refused signatures at the time of a simulation.
pub(in crate::cli) struct Explainer {
    /// The fixed time.
    pub now: Timestamp,
}

impl SignatureExplainer for Explainer {
    fn explain(&self, message: &[u8], charset: Option<Charset>, problem: &Problem) -> String {
        let context = Context {
            now: self.now,
            rule: TimeRule::default(),
            service: &|block| service_checks::check(block, None, self.now),
            public_key: &|certificate| Facts::from_der(certificate).ok().map(|facts| facts.public_key),
            other_keys: &[],
        };
        let report = examine(message, charset, MessageKind::Request, &context).ok();
        let same = report.iter().flat_map(|report| &report.findings).flat_map(|finding| finding.outcome.faults());
        let fault = same.into_iter().find(|fault| fault.problem.error == problem.error).cloned();
        describe(&fault.unwrap_or_else(|| Fault::new(problem.clone())))
    }
}

/// A fault on one line.
fn describe(fault: &Fault) -> String {
    let Fault { problem, explanation, remedy } = fault;
    let cause = explanation.as_ref().map(|explanation| format!(" Cause: {}", explanation.sentence()));
    let (check, code) = (problem.error.check().code(), problem.error.code());
    format!("Check {check}, {code}: {problem}.{} What to do: {remedy}", cause.unwrap_or_default())
}
