//! The policy as a matrix: which consumer may ask in which legal context, for which fields, until when.

use maud::{Markup, html};

use super::super::report::{ContextReport, GrantReport, GrantsReport, PolicyReport};
use super::format::{Tone, tag, until};
use super::frame::{more, table};
use ehealth_core::model::FieldSet;

/// Consumers that are shown.
const CONSUMERS: usize = 100;
/// Legal contexts that are shown.
const CONTEXTS: usize = 12;

/// Shows the matrix.
pub(super) fn show(policy: &PolicyReport) -> Markup {
    let contexts = policy.contexts.get(..CONTEXTS).unwrap_or(&policy.contexts);
    let head = html! {
        th scope="col" { "Consumer" }
        @for context in contexts { th scope="col" { (context.context) } }
    };
    let body = html! { @for consumer in policy.consumers.iter().take(CONSUMERS) { (row(consumer, contexts)) } };
    html! {
        h3 { "Grants" }
        @if policy.consumers.is_empty() {
            p .quiet { "The policy has no consumer." }
        } @else {
            p .quiet {
                "Each cell has the numbers of the fields that may be disclosed, and the end of the grant; – means that every \
                 question is refused."
            }
            (table("matrix", "Grants by consumer and legal context", &head, &body))
            (more(CONSUMERS, policy.consumers.len(), "run `policy show`."))
            (more(CONTEXTS, policy.contexts.len(), "run `policy show` for the other legal contexts."))
        }
    }
}

fn row(consumer: &GrantsReport, contexts: &[ContextReport]) -> Markup {
    html! {
        tr {
            th scope="row" { (consumer.name) span .quiet { (consumer.consumer) } }
            @for context in contexts {
                @let grants = consumer.grants.iter().filter(|grant| grant.context == context.context);
                td .runs { (cell(grants)) }
            }
        }
    }
}

fn cell<'a>(grants: impl Iterator<Item = &'a GrantReport>) -> Markup {
    let grants: Vec<_> = grants.collect();
    html! {
        @if grants.is_empty() { "–" }
        @for grant in grants {
            div {
                @if grant.fields == FieldSet::ALL { "all fields" } @else { "fields " (grant.fields.numbers(" ")) }
                " "
                @match (grant.is_valid, grant.end) {
                    (true, None) => (tag(Tone::Good, "no end")),
                    (false, None) => { (tag(Tone::Bad, "not begun")) span .quiet { "from " (grant.begin) } },
                    (is_valid, Some((end, days))) => (until(is_valid, end, days)),
                }
            }
        }
    }
}
