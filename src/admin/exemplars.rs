//! Exemplars of the durations: for each bucket of a stage, the newest exchange that has a trace ID.
//!
//! `prometheus-client` writes exemplars of its own histograms alone, which take a lock at each
//! observation. The server counts with atomics instead, so the exemplars are put behind the
//! buckets that the library has written: ` # {trace_id="…"} SECONDS TIME` (OpenMetrics 1.0,
//! "Exemplars").

use std::fmt::Write;

use super::metrics::Metric;
use super::report::{ExemplarReport, Traffic};

/// Puts the exemplars behind the buckets of an exposition in OpenMetrics. The buckets are in the
/// order in which the report has them.
pub(super) fn add_exemplars(exposition: &str, prefix: &str, traffic: &Traffic) -> String {
    let buckets = format!("{prefix}_{}_bucket{{", Metric::StageDuration.code());
    let mut exemplars = traffic.stages.iter().flat_map(|stage| &stage.exemplars);
    let mut text = String::with_capacity(exposition.len());
    for line in exposition.lines() {
        text.push_str(line);
        if line.starts_with(&buckets)
            && let Some(Some(exemplar)) = exemplars.next()
        {
            write_exemplar(&mut text, exemplar);
        }
        text.push('\n');
    }
    text
}

fn write_exemplar(text: &mut String, exemplar: &ExemplarReport) {
    let ExemplarReport { trace_id, took, at } = exemplar;
    let millis = at.as_millis();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        " # {{trace_id=\"{trace_id}\"}} {}.{:09} {}.{:03}",
        took.as_secs(),
        took.subsec_nanos(),
        millis.div_euclid(1_000),
        millis.rem_euclid(1_000)
    );
}
