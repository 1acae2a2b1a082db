//! The table of datasets.

use maud::{Markup, html};

use super::super::health::Rounded;
use super::super::report::{DatasetReport, Report};
use super::format::{Tone, grouped, tag, timestamp};
use datasets::sync::Outcome;
use ehealth_core::model::{Freshness, Timestamp};

/// Shows the five datasets, each with the last runs of its feed.
pub(super) fn show(report: &Report) -> Markup {
    html! {
        section aria-labelledby="datasets" {
            h2 #datasets { "Datasets" }
            table {
                thead { tr {
                    th scope="col" { "Dataset" }
                    th scope="col" { "State" }
                    th scope="col" { "Age" }
                    th .number scope="col" { "Serial" }
                    th .number scope="col" { "Records" }
                    th scope="col" { "Last runs of the feed" }
                } }
                tbody { @for dataset in &report.datasets { (row(dataset, report.now)) } }
            }
        }
    }
}

fn row(dataset: &DatasetReport, now: Timestamp) -> Markup {
    let state = match dataset.freshness(now) {
        Some(Freshness::Fresh) => tag(Tone::Good, "fresh"),
        Some(Freshness::Stale) => tag(Tone::Bad, "stale"),
        Some(Freshness::Missing) => tag(Tone::Bad, "missing"),
        None => tag(Tone::Bad, "unreadable"),
    };
    let status = dataset.status.as_ref();
    html! {
        tr {
            th scope="row" { (dataset.dataset.code()) }
            td { (state) }
            td {
                @if let Some(age) = dataset.age(now) { (Rounded(age)) } @else { "–" }
                span .quiet { "at most " (Rounded(dataset.limit)) }
            }
            td .number {
                @if let Some(state) = status.and_then(|status| status.state) { (state.serial) } @else { "–" }
            }
            td .number { @if let Some(status) = status { (grouped(status.records)) } @else { "–" } }
            td .runs {
                @for run in status.map(|status| status.history.as_slice()).unwrap_or_default() {
                    div {
                        span .code { (run.outcome.map_or("unknown", Outcome::code)) }
                        @if run.times > 1 { ", " (grouped(run.times)) " times" }
                        @if run.rejected > 0 { ", " (grouped(run.rejected)) " rejected" }
                        span .quiet { (timestamp(run.last)) }
                    }
                }
            }
        }
    }
}
