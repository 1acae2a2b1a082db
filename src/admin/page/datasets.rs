//! The table of datasets.

use maud::{Markup, html};

use super::super::health::Rounded;
use super::super::report::{DatasetReport, Report};
use super::format::{Tone, grouped, tag, timestamp};
use super::frame::{column, number_column, table};
use datasets::store::HistoryEntry;
use datasets::sync::Outcome;
use ehealth_core::model::{Freshness, Timestamp};

/// Runs that are shown at once; older ones are folded away.
const SHOWN: usize = 1;

/// Shows the five datasets, each with the last runs of its feed.
pub(super) fn show(report: &Report) -> Markup {
    let head = html! {
        (column("Dataset"))
        (column("State"))
        (column("Age"))
        (number_column("Serial"))
        (number_column("Records"))
        (column("Last runs of the feed"))
    };
    let body = html! { @for dataset in &report.datasets { (row(dataset, report.now)) } };
    html! {
        section #datasets data-live aria-labelledby="datasets-title" {
            h2 #datasets-title { "Datasets and feeds" }
            (table("datasets-table", "Loaded datasets and the runs of their feeds", &head, &body))
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
            td .runs { (runs(dataset)) }
        }
    }
}

fn runs(dataset: &DatasetReport) -> Markup {
    let history = dataset.status.as_ref().map(|status| status.history.as_slice()).unwrap_or_default();
    let (shown, older) = history.split_at(SHOWN.min(history.len()));
    html! {
        @for entry in shown { (run(entry)) }
        @if !older.is_empty() {
            details id={ "runs-" (dataset.dataset.code()) } {
                summary { "Older runs" span .hidden { " of " (dataset.dataset.code()) } }
                @for entry in older { (run(entry)) }
            }
        }
    }
}

fn run(entry: &HistoryEntry) -> Markup {
    html! {
        div {
            span .code { (entry.outcome.map_or("unknown", Outcome::code)) }
            @if entry.times > 1 { ", " (grouped(entry.times)) " times" }
            @if entry.rejected > 0 { ", " (grouped(entry.rejected)) " rejected" }
            span .quiet { (timestamp(entry.last)) }
        }
    }
}
