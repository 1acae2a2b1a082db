//! The last rejected reloads.

use maud::{Markup, html};

use super::super::report::Report;
use super::format::{Tone, tag, timestamp};

/// Shows the result of the last reload, and the errors of the rejected ones.
pub(super) fn show(report: &Report) -> Markup {
    let rejected = &report.rejected_reloads;
    html! {
        section #reloads data-live aria-labelledby="reloads-title" {
            h2 #reloads-title { "Reloads" }
            p {
                "Last: " (timestamp(report.reload.at)) " "
                @if report.reload.errors.is_none() { (tag(Tone::Good, "accepted")) } @else { (tag(Tone::Bad, "rejected")) }
            }
            @if rejected.is_empty() {
                p .quiet { "No reload was rejected since the start." }
            } @else {
                p .quiet { "The last " (rejected.len()) " rejected reloads since the start, the latest first." }
                @for (index, reload) in rejected.iter().enumerate() {
                    details id={ "reload-" (reload.at.as_millis()) "-" (rejected.len() - index) } {
                        summary { "Rejected " (timestamp(reload.at)) }
                        div .scroll role="region" tabindex="0" aria-label={ "Errors of the reload " (reload.at) } {
                            pre { (reload.errors.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}
