//! The admin page and the guide. The first screen of the page says whether all is well and what needs an
//! operator. The rest has the details.
//!
//! The server renders everything for each request. The pages load nothing but our own style sheet and, on
//! the admin page, a small script that refreshes it; without scripts everything works. The templates escape
//! every value that comes from a file or a certificate, and every list has a bound.

mod attention;
mod audit_log;
mod certificates;
mod cluster;
mod datasets;
mod format;
mod frame;
mod guide;
mod history;
mod matrix;
mod plot;
mod policy;
mod reloads;
mod traffic;

use maud::{Markup, html};

use super::attention::{Attention, Verdict};
use super::health::Rounded;
use super::history::Range;
use super::report::Report;
use format::timestamp;
pub(super) use guide::{write_guide_page, write_index};

/// The style sheet, served at `/style.css`.
pub(super) const STYLE: &str = include_str!("style.css");

/// The script, served at `/page.js`.
pub(super) const SCRIPT: &str = include_str!("page.js");

/// Sections of the page: id and name.
const SECTIONS: [(&str, &str); 9] = [
    ("history", "History"),
    ("datasets", "Datasets"),
    ("consumers", "Consumers"),
    ("outcomes", "Outcomes"),
    ("policy", "Policy"),
    ("certificates", "Certificates"),
    ("audit-log", "Audit log"),
    ("reloads", "Reloads"),
    ("configuration", "Settings"),
];

/// Writes the page, with this range of the history.
pub(super) fn write_page(report: &Report, range: Range) -> String {
    let attention = Attention::find(report);
    let title = match attention.verdict() {
        Verdict::Healthy | Verdict::Attention => "Healthy",
        Verdict::NotReady => "Not ready",
    };
    let head = html! { script src="/page.js" defer {} };
    let main = html! {
        (attention::show(&attention))
        (history::show(report, range))
        (datasets::show(report))
        (traffic::show_consumers(report))
        (traffic::show_outcomes(report))
        (policy::show(report))
        (certificates::show(report))
        (audit_log::show(report))
        (reloads::show(report))
        @if let Some(cluster) = &report.cluster { (cluster::show(cluster)) }
        (configuration(report))
    };
    let footer = html! {
        "Refreshes every 10 s while its tab is visible, except where you work. Times are UTC. As JSON: the same address with " code { "Accept: application/json" } ". Metrics: "
        a href="/metrics" { "/metrics" } "."
    };
    frame::page(title, &head, &header(report, range), &main, &footer)
}

fn header(report: &Report, range: Range) -> Markup {
    html! {
        h1 { "ehealth-attributes" }
        p #as-of data-live {
            "Version " (report.version) ", up for " (Rounded(report.now.since(report.started)))
            ". As of " (timestamp(report.now)) "."
        }
        p { a href={ "/?range=" (range.code()) } { "Reload" } " " span #refresh {} }
        p #announcement .hidden role="status" {}
        nav aria-label="Sections" {
            ul .links {
                li { a href="/guide/" { "Guide" } }
                @for (id, name) in SECTIONS { li { a href={ "#" (id) } { (name) } } }
                @if report.cluster.is_some() { li { a href="#cluster" { "Cluster" } } }
            }
        }
    }
}

fn configuration(report: &Report) -> Markup {
    html! {
        section #configuration aria-labelledby="configuration-title" {
            h2 #configuration-title { "Active configuration" }
            details #settings {
                summary { (report.configuration.len()) " settings, with their values and origins" }
                dl {
                    @for setting in &report.configuration {
                        dt { (setting.key) }
                        dd { (setting.value) " " span .quiet { (setting.origin) } }
                    }
                }
            }
        }
    }
}
