//! The metrics: a closed list. A new [`Metric`] does not compile until it has a name, a type, a
//! help text and samples.
//!
//! The metrics of a node of a cluster are in [`super::cluster`], those of the process in
//! [`super::process_metrics`]. Names follow the conventions of Prometheus: base units, moments as
//! `_timestamp_seconds`, so that a rule computes an age with `time()`. Label values come from closed lists and from the operator's own files.

use prometheus_client::metrics::MetricType;

use super::exposition::Description;
use ehealth_core::closed_enum;

closed_enum! {
    /// A metric. Its code is its name without the prefix `ehealth_attributes_`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Metric {
        /// Version of the program, as a label.
        BuildInfo => "build_info",
        /// Readiness.
        Ready => "ready",
        /// Reasons by code.
        NotReadyReasons => "not_ready_reasons",
        /// Whether the last reload was accepted.
        ReloadSuccessful => "config_last_reload_successful",
        /// Time of the last reload.
        ReloadTime => "config_last_reload_timestamp_seconds",
        /// Log lines that were dropped.
        LogLinesDropped => "log_lines_dropped_total",
        /// Time of the observed state.
        StateTime => "observed_state_timestamp_seconds",
        /// Exchanges by operation and outcome.
        Exchanges => "exchanges_total",
        /// Requests refused before SOAP.
        RefusedRequests => "refused_requests_total",
        /// Requests answered 503 by limit.
        Overloads => "overloads_total",
        /// Questions whose caller was not identified, by reason.
        UnidentifiedCallers => "unidentified_callers_total",
        /// Signed messages by result.
        MessageSignatures => "message_signatures_total",
        /// TLS handshakes by outcome.
        TlsHandshakes => "tls_handshakes_total",
        /// Exchanges by consumer and kind.
        ConsumerExchanges => "consumer_exchanges_total",
        /// Whether a consumer is slowed.
        ConsumerSlowed => "consumer_slowed",
        /// Questions refused for too many days about one person.
        ConsumerRefusedDates => "consumer_refused_dates_total",
        /// End of a legal context.
        LegalContextExpiry => "legal_context_expiry_timestamp_seconds",
        /// End of a consumer's last grant for a legal context.
        GrantExpiry => "grant_expiry_timestamp_seconds",
        /// Durations of the stages.
        StageDuration => "stage_duration_seconds",
        /// Loaded serial by dataset.
        DatasetSerial => "dataset_serial",
        /// Time of the loaded state by dataset.
        DatasetCreated => "dataset_created_timestamp_seconds",
        /// Maximum age by dataset.
        DatasetMaxAge => "dataset_max_age_seconds",
        /// Number of records by dataset.
        DatasetRecords => "dataset_records",
        /// Outcome of the last run by dataset.
        FeedLastRun => "feed_last_run",
        /// Whether the audit log is writable.
        AuditLogWritable => "audit_log_writable",
        /// Whether evidence was destroyed or contradicted.
        AuditLogCompromised => "audit_log_compromised",
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
        /// Age of the oldest record that is not signed.
        AuditLogUnsignedSeconds => "audit_log_unsigned_seconds",
        /// Number of records that the copy of the checkpoint signs.
        AuditLogCopiedRecords => "audit_log_copied_records",
        /// Age of the oldest checkpoint that is not in the copy.
        AuditLogUncopiedSeconds => "audit_log_uncopied_seconds",
        /// Failures to write a checkpoint.
        AuditLogCheckpointFailures => "audit_log_checkpoint_failures_total",
        /// Time of the newest checkpoint.
        AuditLogCheckpointTime => "audit_log_checkpoint_timestamp_seconds",
        /// Time of the last verification.
        AuditLogVerificationTime => "audit_log_verification_timestamp_seconds",
        /// Number of verified records.
        AuditLogVerifiedRecords => "audit_log_verified_records",
        /// Result of the last verification.
        AuditLogVerificationSuccess => "audit_log_verification_success",
        /// Free space for the audit log.
        AuditLogFreeBytes => "audit_log_free_bytes",
        /// Reserve of registered consumers.
        AuditLogReserveBytes => "audit_log_reserve_bytes",
        /// End of the validity of a certificate.
        CertificateExpiry => "certificate_expiry_timestamp_seconds",
        /// Time of the next update of a CRL.
        CrlExpiry => "crl_expiry_timestamp_seconds",
        /// Whether the clients of an issuer are refused.
        IssuerRefused => "issuer_refused",
    }
}

impl Metric {
    /// What the metric is announced with.
    pub(super) fn description(self) -> Description {
        Description { name: self.code(), metric_type: self.metric_type(), help: self.help() }
    }

    /// Type of the metric.
    #[must_use]
    pub const fn metric_type(self) -> MetricType {
        match self {
            Self::LogLinesDropped
            | Self::Exchanges
            | Self::RefusedRequests
            | Self::Overloads
            | Self::UnidentifiedCallers
            | Self::MessageSignatures
            | Self::TlsHandshakes
            | Self::ConsumerExchanges
            | Self::ConsumerRefusedDates
            | Self::AuditLogWrittenRecords
            | Self::AuditLogBatches
            | Self::AuditLogRefusedRecords
            | Self::AuditLogWriteDuration
            | Self::AuditLogCheckpointFailures => MetricType::Counter,
            Self::StageDuration => MetricType::Histogram,
            Self::BuildInfo => MetricType::Info,
            Self::Ready
            | Self::NotReadyReasons
            | Self::ReloadSuccessful
            | Self::ReloadTime
            | Self::StateTime
            | Self::ConsumerSlowed
            | Self::LegalContextExpiry
            | Self::GrantExpiry
            | Self::DatasetSerial
            | Self::DatasetCreated
            | Self::DatasetMaxAge
            | Self::DatasetRecords
            | Self::FeedLastRun
            | Self::AuditLogWritable
            | Self::AuditLogCompromised
            | Self::AuditLogRecords
            | Self::AuditLogSignedRecords
            | Self::AuditLogUnsignedSeconds
            | Self::AuditLogCopiedRecords
            | Self::AuditLogUncopiedSeconds
            | Self::AuditLogCheckpointTime
            | Self::AuditLogVerificationTime
            | Self::AuditLogVerifiedRecords
            | Self::AuditLogVerificationSuccess
            | Self::AuditLogFreeBytes
            | Self::AuditLogReserveBytes
            | Self::CertificateExpiry
            | Self::CrlExpiry
            | Self::IssuerRefused => MetricType::Gauge,
        }
    }

    /// Help text of the exposition.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::BuildInfo => "Version of the program.",
            Self::Ready => "1 if the service is ready.",
            Self::NotReadyReasons => "Number of reasons not to be ready, by code.",
            Self::ReloadSuccessful => "1 if the last reload of policy, certificates and CRLs was accepted.",
            Self::ReloadTime => {
                "Time of the last reload, accepted or rejected, in seconds since 1970; at first, of the start."
            }
            Self::LogLinesDropped => "Log lines dropped because standard error was not read in time.",
            Self::StateTime => "Time at which the state of disks and files was read, in seconds since 1970.",
            Self::Exchanges => "Exchanges, by operation and by code of the status or fault.",
            Self::RefusedRequests => "Requests refused before SOAP, by HTTP status and reason.",
            Self::Overloads => "Requests answered 503, by the limit that they exceeded.",
            Self::UnidentifiedCallers => "Questions whose caller was not identified, by reason.",
            Self::MessageSignatures => "Signed messages, by result: verified, or why the signature is not accepted.",
            Self::TlsHandshakes => "TLS handshakes, by outcome.",
            Self::ConsumerExchanges => "Exchanges, by consumer of the policy and by kind.",
            Self::ConsumerSlowed => "1 if the consumer is slowed, because it gets too many empty answers.",
            Self::ConsumerRefusedDates => {
                "Questions refused because the consumer asked about too many days of one person."
            }
            Self::LegalContextExpiry => "End of the last day of a legal context that ends, in seconds since 1970.",
            Self::GrantExpiry => {
                "End of the last day of a consumer's last grant for a legal context, in seconds since 1970."
            }
            Self::StageDuration => "Duration of each stage.",
            Self::DatasetSerial => "Loaded serial; 0 if the dataset was never loaded.",
            Self::DatasetCreated => "Time at which the publisher created the loaded state, in seconds since 1970.",
            Self::DatasetMaxAge => "Maximum age; an older dataset is stale.",
            Self::DatasetRecords => "Loaded records.",
            Self::FeedLastRun => "1 for the outcome of the feed's last run, 0 for all others.",
            Self::AuditLogWritable => "1 if records can be written.",
            Self::AuditLogCompromised => {
                "1 if signed records were changed, or the copy of the checkpoint contradicts the log."
            }
            Self::AuditLogWrittenRecords => "Records that became durable.",
            Self::AuditLogBatches => "Batches in which records became durable.",
            Self::AuditLogRefusedRecords => "Records refused: the log was unwritable, or its queue overloaded.",
            Self::AuditLogWriteDuration => "Time spent in successful writes and fsyncs.",
            Self::AuditLogRecords => "Records in the audit log.",
            Self::AuditLogSignedRecords => "Records that the newest checkpoint signs.",
            Self::AuditLogUnsignedSeconds => "Age of the oldest record that no checkpoint signs; 0 without one.",
            Self::AuditLogCopiedRecords => "Records that the copy of the checkpoint signs.",
            Self::AuditLogUncopiedSeconds => "Age of the oldest checkpoint that is not in the copy; 0 without one.",
            Self::AuditLogCheckpointFailures => "Failures to write a checkpoint to one of its files.",
            Self::AuditLogCheckpointTime => "Time of the newest checkpoint, in seconds since 1970.",
            Self::AuditLogVerificationTime => "End of the last verification, in seconds since 1970.",
            Self::AuditLogVerifiedRecords => "Records covered by the last verification.",
            Self::AuditLogVerificationSuccess => "1 if the last verification found no error.",
            Self::AuditLogFreeBytes => "Free bytes on the disk of the audit log.",
            Self::AuditLogReserveBytes => "Free bytes below which only registered consumers are answered.",
            Self::CertificateExpiry => "End of the validity of a certificate, in seconds since 1970.",
            Self::CrlExpiry => "Time after which the CRL of an issuer is not accepted, in seconds since 1970.",
            Self::IssuerRefused => "1 if all clients of an issuer are refused because its CRL is not usable.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_alone_end_in_total() {
        for metric in Metric::ALL {
            assert_eq!(metric.metric_type() == MetricType::Counter, metric.code().ends_with("_total"), "{metric:?}");
        }
    }
}
