//! The charts of the history, and their values as a table.

use std::time::Duration;

use maud::{Markup, html};

use super::super::health::Rounded;
use super::super::history::{BUCKETS, Point, Range, Slot, quantile};
use super::super::report::Report;
use super::format::{grouped, latency, latency_of, rate, timestamp};
use super::frame::{column, number_column, table};
use super::plot::{Line, draw_bars, draw_lines};
use ehealth_core::model::Dataset;

/// The points of a range, with what all charts need.
struct Shown<'a> {
    points: Vec<Point>,
    gaps: Vec<bool>,
    ends: [u64; BUCKETS - 1],
    kinds: &'a [&'static str; 4],
    range: Range,
}

/// Shows a range of the history.
pub(super) fn show(report: &Report, range: Range) -> Markup {
    let (points, ends) = report.history.with(|history| (history.points(range, report.now), *history.ends()));
    let gaps = points.iter().map(|point| point.slot.is_none()).collect();
    let shown = Shown { points, gaps, ends, kinds: &report.traffic.kinds, range };
    html! {
        section #history data-live aria-labelledby="history-title" {
            h2 #history-title { "History: " (range.label()) }
            nav aria-label="Range of the history" {
                ul .links {
                    @for other in Range::ALL {
                        li {
                            a href={ "/?range=" (other.code()) "#history" } aria-current=[(other == range).then_some("true")] {
                                (other.label())
                            }
                        }
                    }
                }
            }
            p .quiet { "One point each " (range.step_label()) ". Shaded: no data, because the service did not run or its clock changed." }
            div .charts {
                (shown.latency())
                (shown.rate())
                (shown.outcomes())
                (shown.overloads())
                (shown.audit_log())
                (shown.feeds())
            }
            details #history-values {
                summary { "Values of the charts as a table" }
                (shown.values())
            }
        }
    }
}

impl Shown<'_> {
    fn values_of(&self, value: impl Fn(&Slot) -> Option<u64>) -> Vec<Option<u64>> {
        self.points.iter().map(|point| point.slot.as_ref().and_then(&value)).collect()
    }

    fn micros(&self, slot: &Slot, thousandths: u64) -> Option<u64> {
        quantile(&self.ends, &slot.durations, thousandths).map(|estimate| estimate.micros)
    }

    fn latency(&self) -> Markup {
        let of = |thousandths| self.values_of(|slot| self.micros(slot, thousandths));
        let lines = [Line { name: "p50", values: of(500) }, Line { name: "p99", values: of(990) }];
        self.figure("latency", "Latency of an exchange (estimate)", &lines, &latency)
    }

    fn rate(&self) -> Markup {
        let lines = [Line { name: "exchanges", values: self.values_of(Slot::rate_per_1000_s) }];
        self.figure("rate", "Rate", &lines, &rate)
    }

    fn overloads(&self) -> Markup {
        let lines = [Line { name: "responses 503", values: self.values_of(|slot| Some(u64::from(slot.overloads))) }];
        self.figure("overloads", "Responses 503", &lines, &grouped)
    }

    fn audit_log(&self) -> Markup {
        let lines = [
            Line { name: "not signed", values: self.values_of(|slot| Some(u64::from(slot.unsigned))) },
            Line { name: "not copied", values: self.values_of(|slot| Some(u64::from(slot.uncopied))) },
        ];
        self.figure("audit-lag", "Lag of the audit log", &lines, &seconds)
    }

    fn feeds(&self) -> Markup {
        let line = |(index, dataset): (usize, Dataset)| Line {
            name: dataset.code(),
            values: self.values_of(|slot| slot.ages().get(index).copied().flatten()),
        };
        let lines: Vec<_> = Dataset::ALL.into_iter().enumerate().map(line).collect();
        self.figure("feed-lag", "Age of the datasets", &lines, &seconds)
    }

    fn figure(&self, id: &str, title: &str, lines: &[Line], form: &dyn Fn(u64) -> String) -> Markup {
        let most = lines.iter().flat_map(|line| line.values.iter().flatten()).copied().max();
        let newest = |line: &Line| line.values.iter().rev().flatten().next().map(|value| form(*value));
        let label = match most {
            Some(most) => format!("{title}, {}: highest value {}", self.range.label(), form(most)),
            None => format!("{title}, {}: no data", self.range.label()),
        };
        html! {
            figure aria-labelledby=(id) {
                figcaption id=(id) { (title) }
                ul .legend {
                    @for (index, line) in lines.iter().enumerate() {
                        li {
                            svg .key width="18" height="10" aria-hidden="true" {
                                path class={ "line line-" (index) } d="M0 5h18" {}
                            }
                            (line.name) " " @if let Some(newest) = newest(line) { b { (newest) } } @else { "–" }
                        }
                    }
                }
                p .scale { "Top: " (most.map_or_else(|| "–".to_owned(), form)) }
                (draw_lines(lines, &self.gaps, most.unwrap_or(0), &label))
                (self.axis())
            }
        }
    }

    fn outcomes(&self) -> Markup {
        let counts = |point: &Point| point.slot.map(|slot| slot.kinds.map(u64::from)).unwrap_or_default();
        let counts: Vec<_> = self.points.iter().map(counts).collect();
        let most = counts.iter().map(|kinds| kinds.iter().sum::<u64>()).max().unwrap_or(0);
        let of_kind = |kind: usize| counts.iter().filter_map(|kinds| kinds.get(kind)).sum::<u64>();
        let label =
            format!("Outcomes, {}: at most {most} exchanges in {}", self.range.label(), self.range.step_label());
        html! {
            figure aria-labelledby="outcomes-over-time" {
                figcaption #outcomes-over-time { "Outcomes" }
                ul .legend {
                    @for (kind, name) in self.kinds.iter().enumerate() {
                        li {
                            svg .key width="10" height="10" aria-hidden="true" {
                                rect class={ "kind-" (kind) } width="10" height="10" rx="2" {}
                            }
                            (name) " " b { (grouped(of_kind(kind))) }
                        }
                    }
                }
                p .scale { "Top: " (grouped(most)) }
                (draw_bars(&counts, &self.gaps, most, &label))
                (self.axis())
            }
        }
    }

    fn axis(&self) -> Markup {
        html! {
            p .axis-labels {
                @if let Some(first) = self.points.first() { (timestamp(first.begin)) }
                span { "now" }
            }
        }
    }

    fn values(&self) -> Markup {
        let head = html! {
            (column("From"))
            (number_column("Rate"))
            (number_column("p50"))
            (number_column("p99"))
            @for kind in self.kinds { (number_column(kind)) }
            (number_column("503"))
            (number_column("Not signed"))
            (number_column("Not copied"))
            @for dataset in Dataset::ALL { (number_column(dataset.code())) }
        };
        let columns = 7_usize.saturating_add(self.kinds.len()).saturating_add(Dataset::ALL.len()).saturating_sub(1);
        let body = html! {
            @for point in self.points.iter().rev() {
                tr {
                    th scope="row" { (timestamp(point.begin)) }
                    @match &point.slot {
                        Some(slot) => (self.cells(slot)),
                        None => td .quiet colspan=(columns) { "no data" },
                    }
                }
            }
        };
        html! {
            p .quiet {
                "p50 and p99 are estimates: a duration is interpolated inside its bucket. A slowed consumer's delay is not \
                 counted. Lag and age are the highest of each time."
            }
            (table("history-table", "Values, the latest first", &head, &body))
        }
    }

    fn cells(&self, slot: &Slot) -> Markup {
        let of_quantile = |thousandths| quantile(&self.ends, &slot.durations, thousandths);
        html! {
            td .number { (slot.rate_per_1000_s().map(rate).unwrap_or_default()) }
            td .number { (of_quantile(500).map_or_else(|| "–".to_owned(), latency_of)) }
            td .number { (of_quantile(990).map_or_else(|| "–".to_owned(), latency_of)) }
            @for count in slot.kinds { td .number { (grouped(u64::from(count))) } }
            td .number { (grouped(u64::from(slot.overloads))) }
            td .number { (seconds(u64::from(slot.unsigned))) }
            td .number { (seconds(u64::from(slot.uncopied))) }
            @for age in slot.ages() { td .number { (age.map_or_else(|| "–".to_owned(), seconds)) } }
        }
    }
}

fn seconds(seconds: u64) -> String {
    Rounded(Duration::from_secs(seconds)).to_string()
}
