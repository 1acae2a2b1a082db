//! Report of a run, and its log line.

use std::error::Error;

use crate::outcome::Outcome;
use ehealth_core::model::Dataset;

/// Report of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Dataset of the feed.
    pub dataset: Dataset,
    /// Outcome of the run.
    pub outcome: Outcome,
    /// Serial that is loaded now; `None` if no data were ever loaded, or if the store cannot be
    /// read.
    pub serial: Option<u64>,
    /// Records that the run read.
    pub records: u64,
    /// Records that the run rejected.
    pub rejected: u64,
    /// Why the run did not reach the publisher's serial: the file, the line, and what is wrong there,
    /// where they are known. `None` for a run that did, or that was skipped or stopped.
    pub reason: Option<String>,
}

/// Logs a run.
pub(super) fn log(report: &Report) {
    let Report { dataset, outcome, serial, records, rejected, ref reason } = *report;
    let (dataset, outcome_code) = (dataset.code(), outcome.code());
    let error = reason.as_deref();
    match outcome {
        Outcome::Failed(_) => {
            tracing::error!(
                dataset,
                outcome = outcome_code,
                serial,
                records,
                rejected,
                error,
                "synchronisation failed"
            );
        }
        Outcome::Refused(_) => {
            tracing::warn!(
                dataset,
                outcome = outcome_code,
                serial,
                records,
                rejected,
                error,
                "publisher's data refused"
            );
        }
        Outcome::Nothing | Outcome::Deltas | Outcome::Snapshot(_) | Outcome::Skipped => {
            tracing::info!(dataset, outcome = outcome_code, serial, records, rejected, "synchronisation ended");
        }
    }
}

/// An error and its causes, in one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
