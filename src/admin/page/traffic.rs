//! The tables of consumers and of outcomes.

use maud::{Markup, html};

use super::super::report::{ConsumerReport, RefusalReport, Report, Traffic};
use super::format::{grouped, number_cell};
use super::frame::{column, more, number_column, table};
use super::plot::draw_minutes;

/// Consumers that are shown: the busiest.
const CONSUMERS: usize = 100;

/// Shows the exchanges of each consumer in the last hour.
pub(super) fn show_consumers(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let is_shown = |consumer: &&ConsumerReport| consumer.id.is_some() || since_start(consumer) > 0;
    let mut consumers: Vec<_> = traffic.consumers.iter().filter(is_shown).collect();
    let all = consumers.len();
    if all > CONSUMERS {
        consumers.sort_by_key(|consumer| std::cmp::Reverse((in_last_hour(consumer), since_start(consumer))));
        consumers.truncate(CONSUMERS);
        consumers.sort_by_key(|consumer| (consumer.id.is_none(), consumer.id));
    }
    let per_minute = |minute: &[u64; 4]| minute.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let most = consumers.iter().flat_map(|consumer| &consumer.hour).map(per_minute).max().unwrap_or(0);
    let head = html! {
        (column("Consumer"))
        th scope="col" { "One bar per minute; the highest is " (grouped(most)) }
        @for (index, kind) in traffic.kinds.iter().enumerate() {
            th .number scope="col" {
                svg .key width="10" height="10" aria-hidden="true" {
                    rect class={ "kind-" (index) } width="10" height="10" rx="2" {}
                }
                (kind)
            }
        }
    };
    let body = html! { @for consumer in &consumers { (row(consumer, traffic, most)) } };
    html! {
        section #consumers data-live aria-labelledby="consumers-title" {
            h2 #consumers-title { "Consumers, last hour" }
            (table("consumers-table", "Exchanges of each consumer in the last hour, by kind", &head, &body))
            (more(CONSUMERS, all, "less busy consumers; the metrics have all of them."))
        }
    }
}

fn row(consumer: &ConsumerReport, traffic: &Traffic, most: u64) -> Markup {
    html! {
        tr {
            th scope="row" {
                (consumer.name.as_deref().unwrap_or("Not registered"))
                @if let Some(number) = consumer.id { span .quiet { (number) } }
            }
            td { (draw_minutes(&consumer.hour, most, "Exchanges per minute; the next columns have the numbers")) }
            @for index in 0..traffic.kinds.len() { (number_cell(last_hour(consumer, index))) }
        }
    }
}

fn in_last_hour(consumer: &ConsumerReport) -> u64 {
    consumer.hour.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))
}

fn last_hour(consumer: &ConsumerReport, kind: usize) -> u64 {
    let counts = consumer.hour.iter().filter_map(|minute| minute.get(kind));
    counts.fold(0, |sum, count| sum.saturating_add(*count))
}

fn since_start(consumer: &ConsumerReport) -> u64 {
    consumer.kinds.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

/// Shows every outcome that occurred since the start.
pub(super) fn show_outcomes(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let occurred: Vec<_> = traffic.outcomes.iter().filter(|outcome| outcome.count > 0).collect();
    let refused: Vec<_> = traffic.refusals.iter().filter(|refusal| refusal.count > 0).collect();
    let head = html! {
        (column("Operation"))
        (column("Outcome"))
        (column("Text in the response"))
        (number_column("Count"))
    };
    let body = html! {
        @for outcome in &occurred {
            tr {
                th scope="row" { (outcome.operation) }
                td .code { (outcome.code) }
                td { (outcome.sentence.unwrap_or("–")) }
                td .number { (grouped(outcome.count)) }
            }
        }
        @for RefusalReport { status, reason, count } in &refused {
            tr {
                th scope="row" { "refused before SOAP" }
                td .code { "HTTP " (status) " " (reason) }
                td { "–" }
                td .number { (grouped(*count)) }
            }
        }
    };
    html! {
        section #outcomes data-live aria-labelledby="outcomes-title" {
            h2 #outcomes-title { "Outcomes since the start" }
            @if occurred.is_empty() && refused.is_empty() {
                p .quiet { "No requests yet." }
            } @else {
                (table("outcomes-table", "Outcomes by operation", &head, &body))
            }
            p .quiet {
                "TLS handshakes: "
                @for (index, (outcome, count)) in traffic.handshakes.iter().enumerate() {
                    @if index > 0 { ", " }
                    (grouped(*count)) " " (outcome)
                }
                "."
            }
        }
    }
}
