//! Writes the samples of each metric from a report.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;

use super::exposition::{Family, Value};
use super::health::{Reason, ReasonCode, not_ready_reasons};
use super::metrics::Metric;
use super::report::{
    AuditLogReport, AuthorityReport, CertificateReport, CrlReport, DatasetReport, GrantEnd, OutcomeReport,
    PolicyReport, RefusalReport, Report, StageReport, Traffic,
};
use audit_log::{Counters, Health};
use datasets::store::DatasetStatus;
use datasets::sync::Outcome;
use ehealth_core::model::{Date, Timestamp};

/// Writes the metrics of this service.
pub(super) fn write_service_metrics(encoder: &mut DescriptorEncoder<'_>, report: &Report) -> fmt::Result {
    let reasons = not_ready_reasons(report);
    for metric in Metric::ALL {
        let mut family = Family::begin(encoder, metric.description())?;
        write_samples(&mut family, metric, report, &reasons);
        family.end()?;
    }
    Ok(())
}

/// Writes the samples of one metric.
fn write_samples(family: &mut Family<'_>, metric: Metric, report: &Report, reasons: &[Reason]) {
    let Report { now, traffic, audit_log, .. } = report;
    let AuditLogReport { health, counters, checkpoint, free_bytes, reserve_bytes, verified } = audit_log;
    match metric {
        Metric::BuildInfo => family.sample(&[("version", report.version)], true),
        Metric::Ready => family.single(reasons.is_empty()),
        Metric::NotReadyReasons => write_reasons(family, reasons),
        Metric::ReloadSuccessful | Metric::ReloadTime => write_reload(family, metric, report),
        Metric::LogLinesDropped => family.single(report.dropped_log_lines),
        Metric::StateTime => family.optional(report.observed.map(|age| now.before(age))),
        Metric::Exchanges => write_exchanges(family, traffic),
        Metric::RefusedRequests => write_refusals(family, traffic),
        Metric::Overloads => write_counts(family, "limit", &traffic.overloads),
        Metric::UnidentifiedCallers => write_counts(family, "reason", &traffic.not_identified),
        Metric::MessageSignatures => write_counts(family, "result", &traffic.signatures),
        Metric::TlsHandshakes => write_counts(family, "outcome", &traffic.handshakes),
        Metric::ConsumerExchanges => write_consumers(family, traffic),
        Metric::ConsumerSlowed | Metric::ConsumerRefusedDates => write_limits(family, metric, traffic),
        Metric::LegalContextExpiry | Metric::GrantExpiry => write_policy_ends(family, metric, &report.policy),
        Metric::StageDuration => write_stages(family, traffic),
        Metric::DatasetSerial => write_serials(family, report),
        Metric::DatasetCreated => write_datasets(family, report, |_, status| status.state.map(|state| state.created)),
        Metric::DatasetMaxAge => write_max_ages(family, report),
        Metric::DatasetRecords => write_datasets(family, report, |_, status| Some(status.records)),
        Metric::FeedLastRun => write_last_runs(family, report),
        Metric::AuditLogWritable => family.single(is_writable(*health)),
        Metric::AuditLogCompromised => family.single(matches!(health, Health::Compromised(_))),
        Metric::AuditLogWrittenRecords => family.single(counters.recorded),
        Metric::AuditLogBatches => family.single(counters.batches),
        Metric::AuditLogRefusedRecords => write_refused_records(family, counters),
        Metric::AuditLogWriteDuration => family.single(counters.writing),
        Metric::AuditLogRecords => family.single(counters.sequence),
        Metric::AuditLogSignedRecords => family.single(counters.signed),
        Metric::AuditLogUnsignedSeconds => family.single(age(counters.unsigned_since, *now)),
        Metric::AuditLogCopiedRecords => family.optional(counters.copied),
        Metric::AuditLogUncopiedSeconds => {
            family.optional(counters.copied.map(|_| age(counters.uncopied_since, *now)));
        }
        Metric::AuditLogCheckpointFailures => family.single(counters.checkpoint_failures),
        Metric::AuditLogCheckpointTime => family.optional(*checkpoint),
        Metric::AuditLogVerificationTime => family.optional(verified.map(|verified| verified.at)),
        Metric::AuditLogVerifiedRecords => family.optional(verified.map(|verified| verified.records)),
        Metric::AuditLogVerificationSuccess => family.optional(verified.map(|verified| verified.is_sound)),
        Metric::AuditLogFreeBytes => family.optional(*free_bytes),
        Metric::AuditLogReserveBytes => family.single(*reserve_bytes),
        Metric::CertificateExpiry => write_certificates(family, report),
        Metric::CrlExpiry => write_issuers(family, report, |authority| match authority.crl {
            CrlReport::Current { next_update, .. } => Some(next_update.into()),
            CrlReport::NotChecked | CrlReport::Unusable { .. } => None,
        }),
        Metric::IssuerRefused => write_issuers(family, report, |authority| match authority.crl {
            CrlReport::NotChecked | CrlReport::Current { .. } => Some(false.into()),
            CrlReport::Unusable { .. } => Some(true.into()),
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
        family.sample(&[("operation", operation), ("code", code.code())], *count);
    }
}

fn write_refusals(family: &mut Family<'_>, traffic: &Traffic) {
    for RefusalReport { status, reason, count } in &traffic.refusals {
        family.sample(&[("status", &status.to_string()), ("reason", reason)], *count);
    }
}

/// A sample for each value of a label.
fn write_counts(family: &mut Family<'_>, label: &str, counts: &[(&str, u64)]) {
    for (value, count) in counts {
        family.sample(&[(label, value)], *count);
    }
}

fn write_reload(family: &mut Family<'_>, metric: Metric, report: &Report) {
    if metric == Metric::ReloadSuccessful {
        family.single(report.reload.errors.is_none());
    } else {
        family.single(report.reload.at);
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
fn write_limits(family: &mut Family<'_>, metric: Metric, traffic: &Traffic) {
    for consumer in &traffic.consumers {
        let Some(id) = consumer.id else { continue };
        let is_slowed = metric == Metric::ConsumerSlowed;
        let value = if is_slowed { u64::from(consumer.is_slowed) } else { consumer.refused_dates };
        family.sample(&[("consumer", &id.to_string())], value);
    }
}

/// A sample for each legal context, or for each last grant, that ends.
fn write_policy_ends(family: &mut Family<'_>, metric: Metric, policy: &PolicyReport) {
    let end_of = |day: Date| Timestamp::start_of_brussels_day(day.plus_days(1));
    if metric == Metric::LegalContextExpiry {
        for context in &policy.contexts {
            context.end.iter().for_each(|(day, _)| family.sample(&[("context", context.context.code())], end_of(*day)));
        }
        return;
    }
    for GrantEnd { consumer, context, end, .. } in &policy.grant_ends {
        family.sample(&[("consumer", &consumer.to_string()), ("context", context.code())], end_of(*end));
    }
}

fn write_stages(family: &mut Family<'_>, traffic: &Traffic) {
    let ends = traffic.bucket_ends_micros.iter().map(|end| Duration::from_micros(*end).as_secs_f64());
    let ends: Vec<_> = ends.chain([f64::INFINITY]).collect();
    for StageReport { stage, buckets, total, .. } in &traffic.stages {
        let buckets: Vec<_> = ends.iter().copied().zip(buckets.iter().copied()).collect();
        family.histogram(&[("stage", stage)], *total, &buckets);
    }
}

/// A sample for each dataset that can be read and has a value.
fn write_datasets<V: Into<Value>>(
    family: &mut Family<'_>,
    report: &Report,
    value: impl Fn(&DatasetReport, &DatasetStatus) -> Option<V>,
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
            family.sample(&[("dataset", dataset.code()), ("outcome", code)], last == Some(*code));
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
        family.sample(&labels, *not_after);
    }
}

/// A sample for each issuer that has a value.
fn write_issuers(family: &mut Family<'_>, report: &Report, value: impl Fn(&AuthorityReport) -> Option<Value>) {
    for (authority, number) in report.authorities.iter().zip(1_u32..) {
        if let Some(value) = value(authority) {
            let subject = authority.certificate.subject.as_str();
            family.sample(&[("number", &number.to_string()), ("issuer", subject)], value);
        }
    }
}
