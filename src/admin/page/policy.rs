//! The table of legal contexts, and of grants that end.

use maud::{Markup, html};

use super::super::report::{ContextReport, GrantEnd, Report};
use super::format::{Tone, grouped, tag};
use ehealth_core::model::Date;
use ehealth_core::policy::EXPIRY_WARNING_DAYS;

/// Shows every legal context of the active policy, with the grants that end.
pub(super) fn show(report: &Report) -> Markup {
    let policy = &report.policy;
    html! {
        section aria-labelledby="policy" {
            h2 #policy { "Policy" }
            p .quiet {
                "SHA-256 of the active file: " code { (policy.sha256.map_or_else(|| "–".to_owned(), |sha256| sha256.to_string())) }
            }
            table {
                thead { tr {
                    th scope="col" { "Legal context" }
                    th scope="col" { "Deliberation" }
                    th scope="col" { "Valid" }
                    th scope="col" { "End user" }
                    th scope="col" { "Days" }
                    th .number scope="col" { "Grants" }
                    th scope="col" { "Grants that end" }
                } }
                tbody { @for context in &policy.contexts { (row(context, &policy.grant_ends)) } }
            }
        }
    }
}

fn row(context: &ContextReport, grant_ends: &[GrantEnd]) -> Markup {
    let ends = grant_ends.iter().filter(|grant| grant.context == context.context);
    html! {
        tr {
            th scope="row" { code { (context.context) } }
            td { (context.deliberation) }
            td {
                @match (context.is_valid, context.end) {
                    (false, None) => (tag(Tone::Bad, "not begun")),
                    (true, None) => (tag(Tone::Good, "until withdrawn")),
                    (is_valid, Some((end, days))) => (until(is_valid, end, days)),
                }
            }
            td { (context.end_user.code()) }
            td { (context.dates.code()) }
            td .number { (grouped(context.grants)) }
            td .runs {
                @for GrantEnd { consumer, end, days, .. } in ends {
                    div { (consumer) " " (until(*days >= 0, *end, *days)) }
                }
            }
        }
    }
}

fn until(is_valid: bool, end: Date, days: i32) -> Markup {
    let (tone, left) = match days {
        days if days < 0 => (Tone::Bad, "ended".to_owned()),
        days if !is_valid => (Tone::Bad, format!("not begun; {days} d left")),
        days if days <= EXPIRY_WARNING_DAYS => (Tone::Warn, format!("{days} d left")),
        days => (Tone::Good, format!("{days} d left")),
    };
    html! { (tag(tone, &left)) span .quiet { "until " (end) } }
}
