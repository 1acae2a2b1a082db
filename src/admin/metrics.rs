//! Metrics in the Prometheus text exposition format, version 0.0.4, written by hand: it is a line a number.
//!
//! Labels come from closed lists and from the operator's own files. Whole numbers only; seconds are written with their
//! nanoseconds behind the point.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::health::{Reason, judge};
use super::report::{AuthorityReport, CertificateReport, ListReport, OutcomeReport, Report, Traffic};
use audit_log::Health;
use datasets::sync::Outcome;
use ehealth_core::model::Timestamp;

const PREFIX: &str = "ehealth_attributes_";
const MILLIS_A_DAY: i64 = 86_400_000;

/// Writes the whole exposition.
#[must_use]
pub fn write_metrics(report: &Report) -> String {
    let mut out = Exposition(String::with_capacity(32 * 1_024));
    write_process(&mut out, report);
    write_traffic(&mut out, &report.traffic);
    write_datasets(&mut out, report);
    write_trail(&mut out, report);
    write_certificates(&mut out, report);
    out.0
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.0.push_str(&format!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(PREFIX);
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            self.0.push_str(if place == 0 { "{" } else { "," });
            // Writing into a String cannot fail.
            let _ = write!(self.0, "{label}=\"{}\"", escape(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample without labels.
    fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// A label's value: backslash, quote and line end are escaped.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos())
}

fn micros(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whole days, rounded down: below zero from the first moment after.
fn days_until(end: Timestamp, now: Timestamp) -> i64 {
    end.as_millis().saturating_sub(now.as_millis()).div_euclid(MILLIS_A_DAY)
}

fn write_process(out: &mut Exposition, report: &Report) {
    let reasons = judge(report);
    out.family("build_info", Kind::Gauge, "The program's version.");
    out.sample("build_info", &[("version", report.version)], 1);
    let started = report.started.as_millis() / 1_000;
    out.single("start_time_seconds", Kind::Gauge, "When the service started, since 1970.", started);
    out.single("ready", Kind::Gauge, "Whether the service can do its work.", u8::from(reasons.is_empty()));
    out.family("not_ready_reasons", Kind::Gauge, "How many reasons of each code it is not ready for.");
    for code in Reason::CODES {
        let times = reasons.iter().filter(|reason| reason.code() == code).count();
        out.sample("not_ready_reasons", &[("reason", code)], times);
    }
}

fn write_traffic(out: &mut Exposition, traffic: &Traffic) {
    out.family("exchanges_total", Kind::Counter, "Exchanges answered, by code of the status or fault.");
    for OutcomeReport { operation, code, count, .. } in &traffic.outcomes {
        out.sample("exchanges_total", &[("operation", operation), ("code", code)], count);
    }
    out.family("refused_requests_total", Kind::Counter, "Requests refused below SOAP, by HTTP status.");
    for (status, count) in &traffic.refusals {
        out.sample("refused_requests_total", &[("status", &status.to_string())], count);
    }
    out.family("handshakes_total", Kind::Counter, "TLS handshakes, by how they ended.");
    for (ended, count) in &traffic.handshakes {
        out.sample("handshakes_total", &[("outcome", ended)], count);
    }
    out.family("consumer_exchanges_total", Kind::Counter, "Exchanges by the organisation of the certificate.");
    for consumer in &traffic.consumers {
        let number = consumer.organisation.map_or("unregistered".to_owned(), |number| number.to_string());
        for (kind, count) in traffic.kinds.iter().zip(consumer.kinds) {
            out.sample("consumer_exchanges_total", &[("consumer", &number), ("kind", kind)], count);
        }
    }
    out.family("stage_seconds", Kind::Histogram, "How long each stage took.");
    for stage in &traffic.stages {
        let mut below: u64 = 0;
        let ends = traffic.bucket_ends_micros.iter().map(|end| micros(*end)).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(&stage.buckets) {
            below = below.saturating_add(*count);
            out.sample("stage_seconds_bucket", &[("stage", stage.stage), ("le", &end)], below);
        }
        out.sample("stage_seconds_sum", &[("stage", stage.stage)], seconds(stage.total));
        out.sample("stage_seconds_count", &[("stage", stage.stage)], below);
    }
}

fn write_datasets(out: &mut Exposition, report: &Report) {
    let loaded: Vec<_> =
        report.datasets.iter().filter_map(|dataset| Some((dataset, dataset.account.as_ref()?))).collect();
    out.family("dataset_serial", Kind::Gauge, "The publisher's serial that is loaded; 0 if none ever was.");
    for (dataset, account) in &loaded {
        let serial = account.state.map_or(0, |state| state.serial);
        out.sample("dataset_serial", &[("dataset", dataset.dataset.code())], serial);
    }
    out.family("dataset_age_seconds", Kind::Gauge, "Time since the publisher made what is loaded.");
    for (dataset, _) in &loaded {
        if let Some(age) = dataset.age(report.now) {
            out.sample("dataset_age_seconds", &[("dataset", dataset.dataset.code())], age.as_secs());
        }
    }
    out.family("dataset_limit_seconds", Kind::Gauge, "How old a dataset may be.");
    for dataset in &report.datasets {
        out.sample("dataset_limit_seconds", &[("dataset", dataset.dataset.code())], dataset.limit.as_secs());
    }
    out.family("dataset_records", Kind::Gauge, "Records that are loaded.");
    for (dataset, account) in &loaded {
        out.sample("dataset_records", &[("dataset", dataset.dataset.code())], account.records);
    }
    out.family("dataset_last_run", Kind::Gauge, "1 for the outcome of the feed's last run, 0 for the others.");
    for (dataset, account) in &loaded {
        let last = account.history.first().and_then(|run| run.outcome).map(Outcome::code);
        for code in &report.run_codes {
            let labels = [("dataset", dataset.dataset.code()), ("outcome", *code)];
            out.sample("dataset_last_run", &labels, u8::from(last == Some(*code)));
        }
    }
}

fn write_trail(out: &mut Exposition, report: &Report) {
    let trail = &report.trail;
    let counters = &trail.counters;
    let is_writable = u8::from(trail.health == Health::Writable);
    out.single("trail_writable", Kind::Gauge, "Whether evidence can be written.", is_writable);
    out.single("trail_recorded_total", Kind::Counter, "Entries that became durable.", counters.recorded);
    out.single("trail_batches_total", Kind::Counter, "Writes that made them so.", counters.batches);
    let help = "Entries refused because the trail could not be written.";
    out.single("trail_unwritable_total", Kind::Counter, help, counters.unwritable);
    out.single(
        "trail_overloaded_total",
        Kind::Counter,
        "Entries refused because too many waited.",
        counters.overloaded,
    );
    let help = "Time spent in writes that succeeded.";
    out.single("trail_writing_seconds_total", Kind::Counter, help, seconds(counters.writing));
    out.single("trail_sequence", Kind::Gauge, "Records in the trail.", counters.sequence);
    out.single("trail_signed", Kind::Gauge, "Records that the newest checkpoint signs.", counters.signed);
    let help = "Times that a checkpoint could not be kept in one of its places.";
    out.single("trail_checkpoint_failures_total", Kind::Counter, help, counters.checkpoint_failures);
    if let Some(checkpoint) = trail.checkpoint {
        let written = checkpoint.as_millis() / 1_000;
        out.single(
            "trail_checkpoint_timestamp_seconds",
            Kind::Gauge,
            "When the newest was written, since 1970.",
            written,
        );
    }
    if let Some(verified) = trail.verified {
        let age = report.now.since(verified.at).as_secs();
        out.single("trail_verified_age_seconds", Kind::Gauge, "Time since the trail was last verified.", age);
        let help = "Records that were there when the trail was last verified.";
        out.single("trail_verified_records", Kind::Gauge, help, verified.records);
        let is_sound = u8::from(verified.is_sound);
        out.single("trail_verified_sound", Kind::Gauge, "Whether the last verification found nothing wrong.", is_sound);
    }
    if let Some(free) = trail.free_bytes {
        out.single("trail_free_bytes", Kind::Gauge, "What is free on the trail's disk.", free);
    }
}

fn write_certificates(out: &mut Exposition, report: &Report) {
    // Two certificates may have one subject: the number keeps their samples apart.
    let authorities = report.authorities.iter().map(|authority| &authority.certificate);
    let certificates = report.certificates.iter().chain(authorities).chain(&report.for_operators).zip(1_u32..);
    let help = "Whole days until a certificate runs out; below zero when it has.";
    out.family("certificate_days_left", Kind::Gauge, help);
    for (certificate, number) in certificates {
        let CertificateReport { role, subject, not_after, .. } = certificate;
        let labels = [("number", &*number.to_string()), ("role", role.code()), ("subject", subject)];
        out.sample("certificate_days_left", &labels, days_until(*not_after, report.now));
    }
    let mut issuers = |name: &str, help: &str, value: fn(&AuthorityReport, Timestamp) -> Option<i64>| {
        out.family(name, Kind::Gauge, help);
        for (authority, number) in report.authorities.iter().zip(1_u32..) {
            if let Some(value) = value(authority, report.now) {
                let subject = authority.certificate.subject.as_str();
                out.sample(name, &[("number", &number.to_string()), ("issuer", subject)], value);
            }
        }
    };
    let help = "Whole days until an issuer's next revocation list is due.";
    issuers("revocation_list_days_left", help, |authority, now| match authority.list {
        ListReport::Open { next_update, .. } => Some(days_until(next_update, now)),
        ListReport::Ignored | ListReport::Closed { .. } => None,
    });
    issuers("issuer_closed", "Whether an issuer's callers are refused for want of a list.", |authority, _| {
        Some(i64::from(matches!(authority.list, ListReport::Closed { .. })))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_seconds_have_no_needless_zeros() {
        let mut out = Exposition(String::new());
        out.sample("a", &[("b", "\"\\\n"), ("c", "d")], 7);
        assert_eq!(out.0, "ehealth_attributes_a{b=\"\\\"\\\\\\n\",c=\"d\"} 7\n");
        assert_eq!(
            [micros(50), micros(1_000_000), micros(2_500_000), micros(10_000_000)],
            ["0.00005", "1", "2.5", "10"]
        );
    }

    #[test]
    fn days_left_are_below_zero_from_the_first_moment_after() {
        let at = Timestamp::from_millis;
        assert_eq!(days_until(at(MILLIS_A_DAY), at(1)), 0);
        assert_eq!(days_until(at(0), at(1)), -1);
    }
}
