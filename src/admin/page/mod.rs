//! The admin page: its first lines say whether the service is healthy, and why not. The rest has
//! the details.
//!
//! The server renders the whole page for every request. It has no script and no asset but its own
//! style sheet, and refreshes itself. The templates escape every value that comes from a file or a
//! certificate.

mod audit_log;
mod certificates;
mod chart;
mod cluster;
mod datasets;
mod format;
mod policy;
mod traffic;

use maud::{DOCTYPE, Markup, html};

use super::health::{Rounded, not_ready_reasons};
use super::report::Report;
use super::warnings::find_warnings;
use format::timestamp;

/// The style sheet, served at `/style.css`.
pub(super) const STYLE: &str = include_str!("style.css");

/// Interval after which a browser reloads the page, in seconds.
const REFRESH_SECONDS: u32 = 10;

/// Writes the page.
pub(super) fn write_page(report: &Report) -> String {
    let (reasons, warnings) = (not_ready_reasons(report), find_warnings(report));
    let title = if reasons.is_empty() { "Healthy" } else { "Not ready" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(REFRESH_SECONDS);
                title { (title) " · ehealth-attributes" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    h1 { "ehealth-attributes" }
                    p {
                        "Version " (report.version) ", up for " (Rounded(report.now.since(report.started)))
                        ". As of " (timestamp(report.now)) "."
                    }
                }
                main {
                    section .health .bad[!reasons.is_empty()] role="status" aria-labelledby="health" {
                        h2 #health { (title) }
                        @if reasons.is_empty() {
                            p .quiet { "All datasets are fresh, the audit log is writable, and no issuer is refused." }
                        } @else {
                            ul { @for reason in &reasons { li { (reason) " " code { (reason.code().code()) } } } }
                        }
                    }
                    @if !warnings.is_empty() {
                        section .health .warning aria-labelledby="warnings" {
                            h2 #warnings { "Warnings" }
                            ul { @for warning in &warnings { li { (warning) } } }
                        }
                    }
                    (datasets::show(report))
                    (traffic::show_consumers(report))
                    (traffic::show_outcomes(report))
                    (policy::show(report))
                    (certificates::show(report))
                    (audit_log::show(report))
                    @if let Some(cluster) = &report.cluster { (cluster::show(cluster)) }
                    (configuration(report))
                }
                footer { "Refreshes every " (REFRESH_SECONDS) " seconds. Times are UTC." }
            }
        }
    };
    page.into_string()
}

fn configuration(report: &Report) -> Markup {
    html! {
        section aria-labelledby="configuration" {
            h2 #configuration { "Active configuration" }
            dl {
                @for setting in &report.configuration {
                    dt { (setting.key) }
                    dd { (setting.value) " " span .quiet { (setting.origin) } }
                }
            }
        }
    }
}
