//! The tables of consumers and of outcomes.

use maud::{Markup, html};

use super::super::report::{ConsumerReport, RefusalReport, Report, Traffic};
use super::chart::draw;
use super::format::{grouped, number_cell};

/// Shows the exchanges of each consumer in the last hour.
pub(super) fn show_consumers(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let per_minute = |minute: &[u64; 4]| minute.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let minutes = traffic.consumers.iter().flat_map(|consumer| &consumer.hour);
    let most = minutes.map(per_minute).max().unwrap_or(0);
    let is_shown = |consumer: &&ConsumerReport| consumer.id.is_some() || since_start(consumer) > 0;
    html! {
        section aria-labelledby="consumers" {
            h2 #consumers { "Consumers, last hour" }
            table {
                thead { tr {
                    th scope="col" { "Consumer" }
                    th scope="col" { "One bar per minute; the highest is " (grouped(most)) }
                    @for (index, kind) in traffic.kinds.iter().enumerate() {
                        th .number scope="col" {
                            svg .key width="10" height="10" aria-hidden="true" {
                                rect class={ "kind-" (index) } width="10" height="10" rx="2" {}
                            }
                            (kind)
                        }
                    }
                } }
                tbody { @for consumer in traffic.consumers.iter().filter(is_shown) { (row(consumer, traffic, most)) } }
            }
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
            td { (draw(&consumer.hour, most, "Exchanges per minute; the next columns have the numbers")) }
            @for index in 0..traffic.kinds.len() { (number_cell(last_hour(consumer, index))) }
        }
    }
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
    html! {
        section aria-labelledby="outcomes" {
            h2 #outcomes { "Outcomes since the start" }
            @if occurred.is_empty() && refused.is_empty() {
                p .quiet { "No requests yet." }
            } @else {
                table {
                    thead { tr {
                        th scope="col" { "Operation" }
                        th scope="col" { "Outcome" }
                        th scope="col" { "Text in the response" }
                        th .number scope="col" { "Count" }
                    } }
                    tbody {
                        @for outcome in &occurred {
                            tr {
                                th scope="row" { (outcome.operation) }
                                td .code { (outcome.code) }
                                td { (outcome.sentence.unwrap_or("–")) }
                                td .number { (grouped(outcome.count)) }
                            }
                        }
                        @for RefusalReport { status, reason, count } in refused {
                            tr {
                                th scope="row" { "refused before SOAP" }
                                td .code { "HTTP " (status) " " (reason) }
                                td { "–" }
                                td .number { (grouped(*count)) }
                            }
                        }
                    }
                }
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
