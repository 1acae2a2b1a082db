//! The active policy: legal contexts, and the matrix of grants.

use maud::{Markup, html};

use super::super::report::{ContextReport, GrantEnd, Report};
use super::format::{Tone, grouped, tag, until};
use super::frame::{column, more, number_column, table};
use super::matrix;

/// Legal contexts that are shown.
const CONTEXTS: usize = 100;
/// Ends of grants that are shown for each context.
const ENDS: usize = 10;

/// Shows the active policy: its legal contexts, and its grants.
pub(super) fn show(report: &Report) -> Markup {
    let policy = &report.policy;
    let head = html! {
        (column("Legal context"))
        (column("Deliberation"))
        (column("Valid"))
        (column("End user"))
        (column("Days"))
        (number_column("Grants"))
        (column("Grants that end"))
    };
    let body = html! { @for context in policy.contexts.iter().take(CONTEXTS) { (row(context, &policy.grant_ends)) } };
    html! {
        section #policy data-live aria-labelledby="policy-title" {
            h2 #policy-title { "Policy" }
            p .quiet {
                "SHA-256 of the active file: "
                code .digest { (policy.sha256.map_or_else(|| "–".to_owned(), |sha256| sha256.to_string())) }
            }
            (table("contexts-table", "Legal contexts", &head, &body))
            (more(CONTEXTS, policy.contexts.len(), "run `policy show`."))
            (matrix::show(policy))
        }
    }
}

fn row(context: &ContextReport, grant_ends: &[GrantEnd]) -> Markup {
    let ends: Vec<_> = grant_ends.iter().filter(|grant| grant.context == context.context).collect();
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
                @for GrantEnd { consumer, end, days, .. } in ends.iter().take(ENDS) {
                    div { (consumer) " " (until(*days >= 0, *end, *days)) }
                }
                (more(ENDS, ends.len(), "run `policy show`."))
            }
        }
    }
}
