//! Writes the samples of each metric from a report.

use std::fmt::Display;

use super::cluster::metrics::write_cluster_metrics;
use super::exposition::{Exposition, Labels, micros_as_seconds, seconds};
use super::health::{Reason, ReasonCode, not_ready_reasons};
use super::metrics::Metric;
use super::report::{
    AuditLogReport, AuthorityReport, CertificateReport, CrlReport, DatasetReport, GrantEnd, OutcomeReport,
    PolicyReport, RefusalReport, Report, StageReport, Traffic,
};
use audit_log::{Counters, Health};
use datasets::store::DatasetStatus;
use datasets::sync::Outcome;
use ehealth_core::model::Timestamp;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Writes the exposition.
#[must_use]
pub fn write_metrics(report: &Report) -> String {
    let reasons = not_ready_reasons(report);
    let mut out = Exposition::new();
    for metric in Metric::ALL {
        out.family(metric.code(), metric.metric_type(), metric.help());
        write_samples(&mut Family { out: &mut out, metric }, report, &reasons);
    }
    write_cluster_metrics(&mut out, report.cluster.as_ref());
    out.into_text()
}

/// The family that is being written.
struct Family<'a> {
    out: &'a mut Exposition,
    metric: Metric,
}

impl Family<'_> {
    fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.out.sample(self.metric.code(), labels, value);
    }

    /// The only sample of a metric without labels, if there is a value.
    fn single(&mut self, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.sample(&[], value);
        }
    }
}

/// Writes the samples of one metric.
fn write_samples(family: &mut Family<'_>, report: &Report, reasons: &[Reason]) {
    let Report { now, traffic, audit_log, .. } = report;
    let AuditLogReport { health, counters, checkpoint, free_bytes, reserve_bytes, verified } = audit_log;
    match family.metric {
        Metric::BuildInfo => family.sample(&[("version", report.version)], 1),
        Metric::StartTime => family.sample(&[], unix_seconds(report.started)),
        Metric::Ready => family.single(u64::from(reasons.is_empty())),
        Metric::NotReadyReasons => write_reasons(family, reasons),
        Metric::ReloadSuccessful | Metric::ReloadTime => write_reload(family, report),
        Metric::LogLinesDropped => family.single(report.dropped_log_lines),
        Metric::StateAge => family.single(report.observed.map(|age| age.as_secs())),
        Metric::Exchanges => write_exchanges(family, traffic),
        Metric::RefusedRequests => write_refusals(family, traffic),
        Metric::Overloads => write_counts(family, "limit", &traffic.overloads),
        Metric::UnidentifiedCallers => write_counts(family, "reason", &traffic.not_identified),
        Metric::MessageSignatures => write_counts(family, "result", &traffic.signatures),
        Metric::TlsHandshakes => write_counts(family, "outcome", &traffic.handshakes),
        Metric::ConsumerExchanges => write_consumers(family, traffic),
        Metric::ConsumerSlowed | Metric::ConsumerRefusedDates => write_limits(family, traffic),
        Metric::LegalContextDaysLeft | Metric::GrantDaysLeft => write_policy_ends(family, &report.policy),
        Metric::StageDuration => write_stages(family, traffic),
        Metric::DatasetSerial => write_serials(family, report),
        Metric::DatasetAge => write_datasets(family, report, |dataset, _| dataset.age(*now).map(|age| age.as_secs())),
        Metric::DatasetMaxAge => write_max_ages(family, report),
        Metric::DatasetRecords => write_datasets(family, report, |_, status| Some(status.records)),
        Metric::FeedLastRun => write_last_runs(family, report),
        Metric::AuditLogWritable => family.single(u64::from(is_writable(*health))),
        Metric::AuditLogCompromised => family.single(u64::from(matches!(health, Health::Compromised(_)))),
        Metric::AuditLogWrittenRecords => family.single(counters.recorded),
        Metric::AuditLogBatches => family.single(counters.batches),
        Metric::AuditLogRefusedRecords => write_refused_records(family, counters),
        Metric::AuditLogWriteDuration => family.sample(&[], seconds(counters.writing)),
        Metric::AuditLogRecords => family.single(counters.sequence),
        Metric::AuditLogSignedRecords => family.single(counters.signed),
        Metric::AuditLogUnsignedSeconds => family.single(age(counters.unsigned_since, *now)),
        Metric::AuditLogCopiedRecords => family.single(counters.copied),
        Metric::AuditLogUncopiedSeconds => {
            family.single(counters.copied.map(|_| age(counters.uncopied_since, *now)));
        }
        Metric::AuditLogCheckpointFailures => family.single(counters.checkpoint_failures),
        Metric::AuditLogCheckpointTime => {
            checkpoint.iter().for_each(|written| family.sample(&[], unix_seconds(*written)));
        }
        Metric::AuditLogVerificationAge => family.single(verified.map(|verified| now.since(verified.at).as_secs())),
        Metric::AuditLogVerifiedRecords => family.single(verified.map(|verified| verified.records)),
        Metric::AuditLogVerificationSuccess => family.single(verified.map(|verified| u64::from(verified.is_sound))),
        Metric::AuditLogFreeBytes => family.single(*free_bytes),
        Metric::AuditLogReserveBytes => family.single(*reserve_bytes),
        Metric::CertificateDaysLeft => write_certificates(family, report),
        Metric::CrlDaysLeft => write_issuers(family, report, |authority| match authority.crl {
            CrlReport::Current { next_update, .. } => Some(days_until(next_update, *now)),
            CrlReport::NotChecked | CrlReport::Unusable { .. } => None,
        }),
        Metric::IssuerRefused => write_issuers(family, report, |authority| match authority.crl {
            CrlReport::NotChecked | CrlReport::Current { .. } => Some(0),
            CrlReport::Unusable { .. } => Some(1),
        }),
    }
}

fn write_serials(family: &mut Family<'_>, report: &Report) {
    write_datasets(family, report, |_, status| Some(status.state.map_or(0, |state| state.serial)));
}

fn write_refused_records(family: &mut Family<'_>, counters: &Counters) {
    family.sample(&[("reason", "unwritable")], counters.unwritable);
    family.sample(&[("reason", "overloaded")], counters.overloaded);
}

/// Whether records can be written. Compromised evidence does not stop that.
fn is_writable(health: Health) -> bool {
    match health {
        Health::Writable | Health::Compromised(_) => true,
        Health::Unwritable(_) | Health::Closed => false,
    }
}

/// Seconds since this moment; 0 without one.
fn age(since: Option<Timestamp>, now: Timestamp) -> u64 {
    since.map_or(0, |since| now.since(since).as_secs())
}

fn write_reasons(family: &mut Family<'_>, reasons: &[Reason]) {
    for code in ReasonCode::ALL {
        let times = reasons.iter().filter(|reason| reason.code() == code).count();
        family.sample(&[("reason", code.code())], times);
    }
}

fn write_exchanges(family: &mut Family<'_>, traffic: &Traffic) {
    for OutcomeReport { operation, code, count, .. } in &traffic.outcomes {
        family.sample(&[("operation", operation), ("code", code.code())], count);
    }
}

fn write_refusals(family: &mut Family<'_>, traffic: &Traffic) {
    for RefusalReport { status, reason, count } in &traffic.refusals {
        family.sample(&[("status", &status.to_string()), ("reason", reason)], count);
    }
}

/// A sample for each value of a label.
fn write_counts(family: &mut Family<'_>, label: &str, counts: &[(&str, u64)]) {
    for (value, count) in counts {
        family.sample(&[(label, value)], count);
    }
}

fn write_reload(family: &mut Family<'_>, report: &Report) {
    if family.metric == Metric::ReloadSuccessful {
        family.single(u64::from(report.reload.errors.is_none()));
    } else {
        family.sample(&[], unix_seconds(report.reload.at));
    }
}

fn write_consumers(family: &mut Family<'_>, traffic: &Traffic) {
    for consumer in &traffic.consumers {
        let id = consumer.id.map_or("unregistered".to_owned(), |id| id.to_string());
        for (kind, count) in traffic.kinds.iter().zip(consumer.kinds) {
            family.sample(&[("consumer", &id), ("kind", kind)], count);
        }
    }
}

/// A sample for each registered consumer.
fn write_limits(family: &mut Family<'_>, traffic: &Traffic) {
    for consumer in &traffic.consumers {
        let Some(id) = consumer.id else { continue };
        let is_slowed = family.metric == Metric::ConsumerSlowed;
        let value = if is_slowed { u64::from(consumer.is_slowed) } else { consumer.refused_dates };
        family.sample(&[("consumer", &id.to_string())], value);
    }
}

/// A sample for each legal context, or for each last grant, that ends.
fn write_policy_ends(family: &mut Family<'_>, policy: &PolicyReport) {
    if family.metric == Metric::LegalContextDaysLeft {
        for context in &policy.contexts {
            context.end.iter().for_each(|(_, days)| family.sample(&[("context", context.context.code())], days));
        }
        return;
    }
    for GrantEnd { consumer, context, days, .. } in &policy.grant_ends {
        family.sample(&[("consumer", &consumer.to_string()), ("context", context.code())], days);
    }
}

fn write_stages(family: &mut Family<'_>, traffic: &Traffic) {
    let name = family.metric.code();
    let (bucket, sum, count) = (format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count"));
    let ends: Vec<_> = traffic.bucket_ends_micros.iter().map(|end| micros_as_seconds(*end)).collect();
    for StageReport { stage, buckets, total } in &traffic.stages {
        let mut at_most: u64 = 0;
        for (end, observed) in ends.iter().map(String::as_str).chain(["+Inf"]).zip(buckets) {
            at_most = at_most.saturating_add(*observed);
            family.out.sample(&bucket, &[("stage", stage), ("le", end)], at_most);
        }
        family.out.sample(&sum, &[("stage", stage)], seconds(*total));
        family.out.sample(&count, &[("stage", stage)], at_most);
    }
}

/// A sample for each dataset that can be read and has a value.
fn write_datasets(
    family: &mut Family<'_>,
    report: &Report,
    value: impl Fn(&DatasetReport, &DatasetStatus) -> Option<u64>,
) {
    for dataset in &report.datasets {
        if let Some(value) = dataset.status.as_ref().and_then(|status| value(dataset, status)) {
            family.sample(&[("dataset", dataset.dataset.code())], value);
        }
    }
}

fn write_max_ages(family: &mut Family<'_>, report: &Report) {
    for dataset in &report.datasets {
        family.sample(&[("dataset", dataset.dataset.code())], dataset.limit.as_secs());
    }
}

fn write_last_runs(family: &mut Family<'_>, report: &Report) {
    let readable = report.datasets.iter().filter_map(|dataset| Some((dataset.dataset, dataset.status.as_ref()?)));
    for (dataset, status) in readable {
        let last = status.history.first().and_then(|run| run.outcome).map(Outcome::code);
        for code in &report.run_codes {
            family.sample(&[("dataset", dataset.code()), ("outcome", code)], u8::from(last == Some(*code)));
        }
    }
}

/// Two certificates may have the same subject: the number keeps their samples apart.
fn write_certificates(family: &mut Family<'_>, report: &Report) {
    let authorities = report.authorities.iter().map(|authority| &authority.certificate);
    let certificates = report.certificates.iter().chain(authorities).chain(&report.for_operators);
    for (certificate, number) in certificates.zip(1_u32..) {
        let CertificateReport { role, subject, not_after, .. } = certificate;
        let labels = [("number", &*number.to_string()), ("role", role.code()), ("subject", subject)];
        family.sample(&labels, days_until(*not_after, report.now));
    }
}

/// A sample for each issuer that has a value.
fn write_issuers(family: &mut Family<'_>, report: &Report, value: impl Fn(&AuthorityReport) -> Option<i64>) {
    for (authority, number) in report.authorities.iter().zip(1_u32..) {
        if let Some(value) = value(authority) {
            let subject = authority.certificate.subject.as_str();
            family.sample(&[("number", &number.to_string()), ("issuer", subject)], value);
        }
    }
}

fn unix_seconds(at: Timestamp) -> i64 {
    at.as_millis() / 1_000
}

/// Whole days, rounded down: negative from the first moment after `end`.
fn days_until(end: Timestamp, now: Timestamp) -> i64 {
    end.as_millis().saturating_sub(now.as_millis()).div_euclid(MILLIS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_left_are_negative_from_the_first_moment_after() {
        let at = Timestamp::from_millis;
        assert_eq!(days_until(at(MILLIS_PER_DAY), at(1)), 0);
        assert_eq!(days_until(at(0), at(1)), -1);
    }
}
