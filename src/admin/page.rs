//! The page for people: one look says whether the service is healthy, and why not; the rest is there to read on.
//!
//! Made on the server, whole, for every request; no script, no asset but its own style sheet. It refreshes itself.
//! Whatever comes from a file or a certificate is escaped by the templates.

use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::caution::{FEW_DAYS, FEW_HOURS, look_ahead};
use super::chart::draw;
use super::health::{Span, judge};
use super::report::{CertificateReport, CertificateRole, ConsumerReport, DatasetReport, ListReport, Report};
use audit_log::Health;
use datasets::sync::Outcome;
use ehealth_core::model::{Freshness, Timestamp};

/// The style sheet, served beside the page.
pub(super) const STYLE: &str = include_str!("style.css");

/// Seconds after which a browser asks again.
const REFRESH_SECONDS: u32 = 10;

/// Writes the page.
pub(super) fn write_page(report: &Report) -> String {
    let (reasons, cautions) = (judge(report), look_ahead(report));
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
                        "Version " (report.version) ", up for " (Span(report.now.since(report.started)))
                        ". As of " (moment(report.now)) "."
                    }
                }
                main {
                    section .health .bad[!reasons.is_empty()] role="status" aria-labelledby="health" {
                        h2 #health { (title) }
                        @if reasons.is_empty() {
                            p .quiet { "Datasets are fresh, evidence can be written, no issuer is closed." }
                        } @else {
                            ul { @for reason in &reasons { li { (reason) " " code { (reason.code()) } } } }
                        }
                    }
                    @if !cautions.is_empty() {
                        section .health .care aria-labelledby="care" {
                            h2 #care { "To look at" }
                            ul { @for caution in &cautions { li { (caution) } } }
                        }
                    }
                    (datasets(report))
                    (consumers(report))
                    (outcomes(report))
                    (certificates(report))
                    (trail(report))
                    (configuration(report))
                }
                footer { "Refreshes every " (REFRESH_SECONDS) " seconds. Times are UTC." }
            }
        }
    };
    page.into_string()
}

/// To the second: `2026-11-22 05:19:00`.
fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    let shown = text.get(..19).unwrap_or(&text).replace('T', " ");
    html! { time datetime=(text) { (shown) } }
}

/// Thousands apart, so that a number can be read: by a no-break space.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push('\u{a0}');
        }
        shown.push(digit);
    }
    shown
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    Good,
    Warn,
    Bad,
}

fn tag(tone: Tone, text: &str) -> Markup {
    let class = match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    html! { span .tag .(class) { (text) } }
}

fn datasets(report: &Report) -> Markup {
    html! {
        section aria-labelledby="datasets" {
            h2 #datasets { "Datasets" }
            table {
                thead { tr {
                    th scope="col" { "Dataset" }
                    th scope="col" { "State" }
                    th scope="col" { "Age" }
                    th .number scope="col" { "Serial" }
                    th .number scope="col" { "Records" }
                    th scope="col" { "Last runs of the feed" }
                } }
                tbody { @for dataset in &report.datasets { (dataset_row(dataset, report.now)) } }
            }
        }
    }
}

fn dataset_row(dataset: &DatasetReport, now: Timestamp) -> Markup {
    let state = match dataset.freshness(now) {
        Some(Freshness::Fresh) => tag(Tone::Good, "fresh"),
        Some(Freshness::Stale) => tag(Tone::Bad, "over-age"),
        Some(Freshness::Missing) => tag(Tone::Bad, "missing"),
        None => tag(Tone::Bad, "unreadable"),
    };
    let account = dataset.account.as_ref();
    html! {
        tr {
            th scope="row" { (dataset.dataset.code()) }
            td { (state) }
            td {
                @if let Some(age) = dataset.age(now) { (Span(age)) } @else { "–" }
                span .quiet { "at most " (Span(dataset.limit)) }
            }
            td .number {
                @if let Some(state) = account.and_then(|account| account.state) { (state.serial) } @else { "–" }
            }
            td .number { @if let Some(account) = account { (grouped(account.records)) } @else { "–" } }
            td .runs {
                @for run in account.map(|account| account.history.as_slice()).unwrap_or_default() {
                    div {
                        span .code { (run.outcome.map_or("unknown", Outcome::code)) }
                        @if run.times > 1 { ", " (grouped(run.times)) " times" }
                        @if run.rejected > 0 { ", " (grouped(run.rejected)) " rejected" }
                        span .quiet { (moment(run.last)) }
                    }
                }
            }
        }
    }
}

fn consumers(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let minute_of = |minute: &[u64; 4]| minute.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let minutes = traffic.consumers.iter().flat_map(|consumer| &consumer.hour);
    let most = minutes.map(minute_of).max().unwrap_or(0);
    let rows = || traffic.consumers.iter().filter(|consumer| consumer.organisation.is_some() || asked(consumer) > 0);
    html! {
        section aria-labelledby="consumers" {
            h2 #consumers { "Consumers, the last hour" }
            table {
                thead { tr {
                    th scope="col" { "Consumer" }
                    th scope="col" { "60 minutes, a bar each; the highest is " (grouped(most)) }
                    @for (place, kind) in traffic.kinds.iter().enumerate() {
                        th .number scope="col" {
                            svg .key width="10" height="10" aria-hidden="true" {
                                rect class={ "kind-" (place) } width="10" height="10" rx="2" {}
                            }
                            (kind)
                        }
                    }
                } }
                tbody {
                    @for consumer in rows() {
                        tr {
                            th scope="row" {
                                (consumer.name.as_deref().unwrap_or("Not registered"))
                                @if let Some(number) = consumer.organisation { span .quiet { (number) } }
                            }
                            td { (draw(&consumer.hour, most, "Exchanges a minute; the numbers are beside")) }
                            @for place in 0..traffic.kinds.len() {
                                (count(in_the_hour(consumer, place)))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell with a number; where there is nothing to see the eye is let pass.
fn count(number: u64) -> Markup {
    html! { td .number .quiet[number == 0] { (grouped(number)) } }
}

fn in_the_hour(consumer: &ConsumerReport, kind: usize) -> u64 {
    let counts = consumer.hour.iter().filter_map(|minute| minute.get(kind));
    counts.fold(0, |sum, count| sum.saturating_add(*count))
}

fn asked(consumer: &ConsumerReport) -> u64 {
    consumer.kinds.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

fn outcomes(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let met = traffic.outcomes.iter().filter(|outcome| outcome.count > 0);
    let met: Vec<_> = met.collect();
    let refused: Vec<_> = traffic.refusals.iter().filter(|(_, count)| *count > 0).collect();
    html! {
        section aria-labelledby="outcomes" {
            h2 #outcomes { "Outcomes since the start" }
            @if met.is_empty() && refused.is_empty() {
                p .quiet { "Nothing was asked yet." }
            } @else {
                table {
                    thead { tr {
                        th scope="col" { "Operation" }
                        th scope="col" { "Outcome" }
                        th scope="col" { "What callers are told" }
                        th .number scope="col" { "Times" }
                    } }
                    tbody {
                        @for outcome in &met {
                            tr {
                                th scope="row" { (outcome.operation) }
                                td .code { (outcome.code) }
                                td { (outcome.sentence.unwrap_or("–")) }
                                td .number { (grouped(outcome.count)) }
                            }
                        }
                        @for (status, count) in &refused {
                            tr {
                                th scope="row" { "refused below SOAP" }
                                td .code { "HTTP " (status) }
                                td { "–" }
                                td .number { (grouped(*count)) }
                            }
                        }
                    }
                }
            }
            p .quiet {
                "Handshakes: "
                @for (place, (ended, count)) in traffic.handshakes.iter().enumerate() {
                    @if place > 0 { ", " }
                    (grouped(*count)) " " (ended)
                }
                "."
            }
        }
    }
}

/// How long something lasts, marked when there is little left.
fn left(end: Timestamp, now: Timestamp, little: Duration) -> Markup {
    let left = end.since(now);
    let text = format!("{} left", Span(left));
    if now > end {
        tag(Tone::Bad, &format!("ran out {} ago", Span(now.since(end))))
    } else if left < little {
        tag(Tone::Warn, &text)
    } else {
        tag(Tone::Good, &text)
    }
}

fn certificates(report: &Report) -> Markup {
    let now = report.now;
    let row = |certificate: &CertificateReport, list: Markup| {
        html! {
            tr {
                th scope="row" { (certificate.subject) }
                td { (purpose(certificate.role)) span .quiet { (certificate.role.code()) } }
                td {
                    @if now < certificate.not_before { (tag(Tone::Bad, "not valid yet")) }
                    @else { (left(certificate.not_after, now, FEW_DAYS)) }
                    span .quiet { "until " (moment(certificate.not_after)) }
                }
                td { (list) }
            }
        }
    };
    html! {
        section aria-labelledby="certificates" {
            h2 #certificates { "Certificates and revocation lists" }
            table {
                thead { tr {
                    th scope="col" { "Certificate" }
                    th scope="col" { "For" }
                    th scope="col" { "Valid" }
                    th scope="col" { "Revocation list" }
                } }
                tbody {
                    @for certificate in &report.certificates { (row(certificate, PreEscaped("–".to_owned()))) }
                    @for authority in &report.authorities { (row(&authority.certificate, list(authority.list, now))) }
                    @for certificate in &report.for_operators { (row(certificate, PreEscaped("–".to_owned()))) }
                }
            }
        }
    }
}

/// What a certificate is there for, in words; its code is the one of the metrics.
fn purpose(role: CertificateRole) -> &'static str {
    match role {
        CertificateRole::Service => "shown to callers",
        CertificateRole::ServiceIssuer => "sent behind it",
        CertificateRole::ClientAuthority => "lets callers in",
        CertificateRole::Operators => "shown to operators",
        CertificateRole::OperatorsIssuer => "sent behind it",
        CertificateRole::OperatorAuthority => "lets operators in",
    }
}

fn list(list: ListReport, now: Timestamp) -> Markup {
    match list {
        ListReport::Ignored => tag(Tone::Warn, "none: revoked certificates are let in"),
        ListReport::Closed { code } => tag(Tone::Bad, &format!("closed: {code}")),
        ListReport::Open { next_update, revoked } => html! {
            (left(next_update, now, FEW_HOURS))
            span .quiet { (grouped(u64::try_from(revoked).unwrap_or(u64::MAX))) " revoked" }
        },
    }
}

fn trail(report: &Report) -> Markup {
    let trail = &report.trail;
    let counters = &trail.counters;
    let health = match trail.health {
        Health::Writable => tag(Tone::Good, "writable"),
        Health::Unwritable(trouble) => tag(Tone::Bad, &format!("not writable: {trouble}")),
        Health::Closed => tag(Tone::Bad, "closed"),
    };
    let unsigned = counters.sequence.saturating_sub(counters.signed);
    html! {
        section aria-labelledby="trail" {
            h2 #trail { "AuditLog" }
            dl {
                dt { "Health" } dd { (health) }
                dt { "Records" } dd { (grouped(counters.sequence)) }
                dt { "Last checkpoint" }
                dd {
                    "up to record " (grouped(counters.signed))
                    @if let Some(at) = trail.checkpoint { ", " (moment(at)) }
                    "; " (grouped(unsigned)) " wait for the next"
                    @if counters.checkpoint_failures > 0 {
                        " " (tag(Tone::Bad, &format!("{} not kept", grouped(counters.checkpoint_failures))))
                    }
                }
                dt { "Since the start" }
                dd {
                    (grouped(counters.recorded)) " recorded in " (grouped(counters.batches)) " writes, "
                    (grouped(counters.unwritable)) " refused as unwritable, "
                    (grouped(counters.overloaded)) " as too many"
                }
                dt { "Verified up to" }
                dd {
                    @match trail.verified {
                        Some(verified) => {
                            (grouped(verified.records)) " records, " (moment(verified.at)) " "
                            @if verified.is_sound { (tag(Tone::Good, "sound")) } @else { (tag(Tone::Bad, "not sound")) }
                        }
                        None => { (tag(Tone::Warn, "not verified yet")) }
                    }
                }
                dt { "Free on its disk" }
                dd { @if let Some(free) = trail.free_bytes { (mebibytes(free)) } @else { "cannot be told" } }
            }
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    match bytes >> 20 {
        small if small < 10_240 => format!("{} MiB", grouped(small)),
        large => format!("{} GiB", grouped(large >> 10)),
    }
}

fn configuration(report: &Report) -> Markup {
    html! {
        section aria-labelledby="configuration" {
            h2 #configuration { "Configuration in force" }
            dl {
                @for setting in &report.configuration {
                    dt { (setting.key) }
                    dd { (setting.value) " " span .quiet { (setting.origin) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([grouped(0), grouped(999), grouped(1_000)], ["0", "999", "1\u{a0}000"]);
        assert_eq!(grouped(12_345_678), "12\u{a0}345\u{a0}678");
        assert_eq!([mebibytes(1 << 20), mebibytes(20 << 30)], ["1 MiB", "20 GiB"]);
    }

    #[test]
    fn what_has_run_out_is_marked_as_bad() {
        let at = Timestamp::from_millis;
        let marked = |end, now| left(at(end), at(now), FEW_DAYS).into_string();
        assert!(marked(0, 1).contains("tag bad") && marked(1, 0).contains("tag warn"));
        assert!(marked(86_400_000 * 31, 0).contains("tag good"));
    }
}
