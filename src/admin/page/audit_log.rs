//! The state of the audit log.

use maud::{Markup, html};

use super::super::report::{AuditLogReport, Report};
use super::format::{Tone, binary_size, grouped, tag, timestamp};
use audit_log::Health;

/// Shows the health, the checkpoints, the counters and the last verification of the audit log.
pub(super) fn show(report: &Report) -> Markup {
    let AuditLogReport { health, counters, checkpoint, free_bytes, reserve_bytes, verified } = &report.audit_log;
    let health = match health {
        Health::Writable => tag(Tone::Good, "writable"),
        Health::Unwritable(trouble) => tag(Tone::Bad, &format!("not writable: {trouble}")),
        Health::Compromised(what) => tag(Tone::Bad, &format!("compromised: {what}")),
        Health::Closed => tag(Tone::Bad, "closed"),
    };
    let unsigned = counters.sequence.saturating_sub(counters.signed);
    html! {
        section #audit-log data-live aria-labelledby="audit-log-title" {
            h2 #audit-log-title { "Audit log" }
            dl {
                dt { "Health" } dd { (health) }
                dt { "Records" } dd { (grouped(counters.sequence)) }
                dt { "Last checkpoint" }
                dd {
                    "signs " (grouped(counters.signed)) " records"
                    @if let Some(at) = checkpoint { ", " (timestamp(*at)) }
                    "; " (grouped(unsigned)) " records are not signed yet"
                    @if let Some(copied) = counters.copied { "; the copy signs " (grouped(copied)) }
                    @if counters.checkpoint_failures > 0 {
                        " " (tag(Tone::Bad, &format!("{} write failures", grouped(counters.checkpoint_failures))))
                    }
                }
                dt { "Since the start" }
                dd {
                    (grouped(counters.recorded)) " records written in " (grouped(counters.batches)) " batches, "
                    (grouped(counters.unwritable)) " refused because the log was not writable, "
                    (grouped(counters.overloaded)) " because of overload"
                }
                dt { "Last verification" }
                dd {
                    @match verified {
                        Some(verified) => {
                            (grouped(verified.records)) " records, " (timestamp(verified.at)) " "
                            @if verified.is_sound { (tag(Tone::Good, "passed")) } @else { (tag(Tone::Bad, "failed")) }
                        }
                        None => { (tag(Tone::Warn, "not verified yet")) }
                    }
                }
                dt { "Free disk space" }
                dd {
                    @if let Some(free) = free_bytes { (binary_size(*free)) } @else { "unknown" }
                    @if free_bytes.is_some_and(|free| free < *reserve_bytes) {
                        " " (tag(Tone::Warn, "only registered consumers are answered"))
                    }
                }
            }
        }
    }
}
