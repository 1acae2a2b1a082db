//! The metrics: a closed list. A new [`Metric`] does not compile until it has a name, a type, a help text and samples.
//!
//! Label values come from closed lists and from the operator's own files.

use std::fmt::Display;

use super::exposition::{Exposition, Labels, MetricType, micros_as_seconds, seconds};
use super::health::{Reason, ReasonCode, not_ready_reasons};
use super::report::{
    AuditLogReport, AuthorityReport, CertificateReport, CrlReport, DatasetReport, OutcomeReport, Report, StageReport,
    Traffic,
};
use audit_log::Health;
use datasets::store::DatasetStatus;
use ehealth_core::closed_enum;
use ehealth_core::model::Timestamp;

const MILLIS_PER_DAY: i64 = 86_400_000;

closed_enum! {
    /// A metric. Its code is its name without the prefix `ehealth_attributes_`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Metric {
        /// Version of the program, as a label.
        BuildInfo => "build_info",
        /// Start of the process.
        StartTime => "start_time_seconds",
        /// Readiness.
        Ready => "ready",
        /// Reasons by code.
        NotReadyReasons => "not_ready_reasons",
        /// Exchanges by operation and outcome.
        Exchanges => "exchanges_total",
        /// Requests refused before SOAP.
        RefusedRequests => "refused_requests_total",
        /// TLS handshakes by outcome.
        TlsHandshakes => "tls_handshakes_total",
        /// Exchanges by consumer and kind.
        ConsumerExchanges => "consumer_exchanges_total",
        /// Durations of the stages.
        StageDuration => "stage_duration_seconds",
        /// Loaded serial by dataset.
        DatasetSerial => "dataset_serial",
        /// Age by dataset.
        DatasetAge => "dataset_age_seconds",
        /// Maximum age by dataset.
        DatasetMaxAge => "dataset_max_age_seconds",
        /// Number of records by dataset.
        DatasetRecords => "dataset_records",
        /// Outcome of the last run by dataset.
        FeedLastRun => "feed_last_run",
        /// Whether the audit log is writable.
        AuditLogWritable => "audit_log_writable",
        /// Records written by this process.
        AuditLogWrittenRecords => "audit_log_written_records_total",
        /// Batches written by this process.
        AuditLogBatches => "audit_log_batches_total",
        /// Records that were not written.
        AuditLogRefusedRecords => "audit_log_refused_records_total",
        /// Time spent in writes.
        AuditLogWriteDuration => "audit_log_write_seconds_total",
        /// Number of records.
        AuditLogRecords => "audit_log_records",
        /// Number of signed records.
        AuditLogSignedRecords => "audit_log_signed_records",
        /// Failures to write a checkpoint.
        AuditLogCheckpointFailures => "audit_log_checkpoint_failures_total",
        /// Time of the newest checkpoint.
        AuditLogCheckpointTime => "audit_log_checkpoint_timestamp_seconds",
        /// Age of the last verification.
        AuditLogVerificationAge => "audit_log_verification_age_seconds",
        /// Number of verified records.
        AuditLogVerifiedRecords => "audit_log_verified_records",
        /// Result of the last verification.
        AuditLogVerificationSuccess => "audit_log_verification_success",
        /// Free space for the audit log.
        AuditLogFreeBytes => "audit_log_free_bytes",
        /// Days until a certificate expires.
        CertificateDaysLeft => "certificate_days_left",
        /// Days until a CRL expires.
        CrlDaysLeft => "crl_days_left",
        /// Whether the clients of an issuer are refused.
        IssuerRefused => "issuer_refused",
    }
}

impl Metric {
    /// Type of the metric.
    #[must_use]
    pub const fn metric_type(self) -> MetricType {
        match self {
            Self::Exchanges
            | Self::RefusedRequests
            | Self::TlsHandshakes
            | Self::ConsumerExchanges
            | Self::AuditLogWrittenRecords
            | Self::AuditLogBatches
            | Self::AuditLogRefusedRecords
            | Self::AuditLogWriteDuration
            | Self::AuditLogCheckpointFailures => MetricType::Counter,
            Self::StageDuration => MetricType::Histogram,
            Self::BuildInfo
            | Self::StartTime
            | Self::Ready
            | Self::NotReadyReasons
            | Self::DatasetSerial
            | Self::DatasetAge
            | Self::DatasetMaxAge
            | Self::DatasetRecords
            | Self::FeedLastRun
            | Self::AuditLogWritable
            | Self::AuditLogRecords
            | Self::AuditLogSignedRecords
            | Self::AuditLogCheckpointTime
            | Self::AuditLogVerificationAge
            | Self::AuditLogVerifiedRecords
            | Self::AuditLogVerificationSuccess
            | Self::AuditLogFreeBytes
            | Self::CertificateDaysLeft
            | Self::CrlDaysLeft
            | Self::IssuerRefused => MetricType::Gauge,
        }
    }

    /// Help text of the exposition.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::BuildInfo => "Version of the program.",
            Self::StartTime => "Start of the process, in seconds since 1970.",
            Self::Ready => "1 if the service is ready.",
            Self::NotReadyReasons => "Number of reasons not to be ready, by code.",
            Self::Exchanges => "Exchanges, by operation and by code of the status or fault.",
            Self::RefusedRequests => "Requests refused before SOAP, by HTTP status.",
            Self::TlsHandshakes => "TLS handshakes, by outcome.",
            Self::ConsumerExchanges => "Exchanges, by organisation of the client certificate and by kind.",
            Self::StageDuration => "Duration of each stage.",
            Self::DatasetSerial => "Loaded serial; 0 if the dataset was never loaded.",
            Self::DatasetAge => "Time since the publisher created the loaded state.",
            Self::DatasetMaxAge => "Maximum age; an older dataset is stale.",
            Self::DatasetRecords => "Loaded records.",
            Self::FeedLastRun => "1 for the outcome of the feed's last run, 0 for all others.",
            Self::AuditLogWritable => "1 if records can be written.",
            Self::AuditLogWrittenRecords => "Records that became durable.",
            Self::AuditLogBatches => "Batches in which records became durable.",
            Self::AuditLogRefusedRecords => "Records refused: the log was unwritable, or its queue overloaded.",
            Self::AuditLogWriteDuration => "Time spent in successful writes and fsyncs.",
            Self::AuditLogRecords => "Records in the audit log.",
            Self::AuditLogSignedRecords => "Records that the newest checkpoint signs.",
            Self::AuditLogCheckpointFailures => "Failures to write a checkpoint to one of its files.",
            Self::AuditLogCheckpointTime => "Time of the newest checkpoint, in seconds since 1970.",
            Self::AuditLogVerificationAge => "Time since the last verification.",
            Self::AuditLogVerifiedRecords => "Records covered by the last verification.",
            Self::AuditLogVerificationSuccess => "1 if the last verification found no error.",
            Self::AuditLogFreeBytes => "Free bytes on the disk of the audit log.",
            Self::CertificateDaysLeft => "Whole days until a certificate expires; negative after that.",
            Self::CrlDaysLeft => "Whole days until the CRL of an issuer expires.",
            Self::IssuerRefused => "1 if all clients of an issuer are refused because its CRL is not usable.",
        }
    }
}

/// Writes the exposition.
#[must_use]
pub fn write_metrics(report: &Report) -> String {
    let reasons = not_ready_reasons(report);
    let mut out = Exposition::new();
    for metric in Metric::ALL {
        out.family(metric.code(), metric.metric_type(), metric.help());
        write_samples(&mut Family { out: &mut out, metric }, report, &reasons);
    }
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
    let AuditLogReport { health, counters, checkpoint, free_bytes, verified } = audit_log;
    match family.metric {
        Metric::BuildInfo => family.sample(&[("version", report.version)], 1),
        Metric::StartTime => family.sample(&[], unix_seconds(report.started)),
        Metric::Ready => family.single(u64::from(reasons.is_empty())),
        Metric::NotReadyReasons => write_reasons(family, reasons),
        Metric::Exchanges => write_exchanges(family, traffic),
        Metric::RefusedRequests => write_refusals(family, traffic),
        Metric::TlsHandshakes => write_handshakes(family, traffic),
        Metric::ConsumerExchanges => write_consumers(family, traffic),
        Metric::StageDuration => write_stages(family, traffic),
        Metric::DatasetSerial => {
            write_datasets(family, report, |_, status| Some(status.state.map_or(0, |state| state.serial)));
        }
        Metric::DatasetAge => write_datasets(family, report, |dataset, _| dataset.age(*now).map(|age| age.as_secs())),
        Metric::DatasetMaxAge => write_max_ages(family, report),
        Metric::DatasetRecords => write_datasets(family, report, |_, status| Some(status.records)),
        Metric::FeedLastRun => write_last_runs(family, report),
        Metric::AuditLogWritable => family.single(u64::from(*health == Health::Writable)),
        Metric::AuditLogWrittenRecords => family.single(counters.recorded),
        Metric::AuditLogBatches => family.single(counters.batches),
        Metric::AuditLogRefusedRecords => {
            family.sample(&[("reason", "unwritable")], counters.unwritable);
            family.sample(&[("reason", "overloaded")], counters.overloaded);
        }
        Metric::AuditLogWriteDuration => family.sample(&[], seconds(counters.writing)),
        Metric::AuditLogRecords => family.single(counters.sequence),
        Metric::AuditLogSignedRecords => family.single(counters.signed),
        Metric::AuditLogCheckpointFailures => family.single(counters.checkpoint_failures),
        Metric::AuditLogCheckpointTime => {
            checkpoint.iter().for_each(|written| family.sample(&[], unix_seconds(*written)));
        }
        Metric::AuditLogVerificationAge => family.single(verified.map(|verified| now.since(verified.at).as_secs())),
        Metric::AuditLogVerifiedRecords => family.single(verified.map(|verified| verified.records)),
        Metric::AuditLogVerificationSuccess => family.single(verified.map(|verified| u64::from(verified.is_sound))),
        Metric::AuditLogFreeBytes => family.single(*free_bytes),
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

fn write_reasons(family: &mut Family<'_>, reasons: &[Reason]) {
    for code in ReasonCode::ALL {
        let times = reasons.iter().filter(|reason| reason.code() == code).count();
        family.sample(&[("reason", code.code())], times);
    }
}

fn write_exchanges(family: &mut Family<'_>, traffic: &Traffic) {
    for OutcomeReport { operation, code, count, .. } in &traffic.outcomes {
        family.sample(&[("operation", operation), ("code", code)], count);
    }
}

fn write_refusals(family: &mut Family<'_>, traffic: &Traffic) {
    for (status, count) in &traffic.refusals {
        family.sample(&[("status", &status.to_string())], count);
    }
}

fn write_handshakes(family: &mut Family<'_>, traffic: &Traffic) {
    for (outcome, count) in &traffic.handshakes {
        family.sample(&[("outcome", outcome)], count);
    }
}

fn write_consumers(family: &mut Family<'_>, traffic: &Traffic) {
    for consumer in &traffic.consumers {
        let number = consumer.organisation.map_or("unregistered".to_owned(), |number| number.to_string());
        for (kind, count) in traffic.kinds.iter().zip(consumer.kinds) {
            family.sample(&[("consumer", &number), ("kind", kind)], count);
        }
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
        let last = status.history.first().map(|run| run.code.as_str());
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

    #[test]
    fn counters_alone_end_in_total() {
        for metric in Metric::ALL {
            assert_eq!(metric.metric_type() == MetricType::Counter, metric.code().ends_with("_total"), "{metric:?}");
        }
    }
}
