//! The data of the page, of the metrics and of the health checks: a snapshot of one moment, passed
//! in by the caller.
//!
//! Every value that becomes a label of a metric is `&'static str`, a number, or comes from the
//! operator's own files; none comes from a message.

use std::time::Duration;

use super::cluster::ClusterReport;
use super::history::SharedHistory;
use super::process_metrics::ProcessReport;
use datasets::store::DatasetStatus;
use ehealth_core::closed_enum;
use ehealth_core::model::{Dataset, Date, Digest, FieldSet, Freshness, LegalContext, OutcomeCode, Timestamp};
use ehealth_core::policy::{ConsumerId, DateRule, EndUserRule, PolicyWarning};

/// A snapshot of the service.
#[derive(Debug, Clone)]
pub struct Report {
    /// Time of the snapshot.
    pub now: Timestamp,
    /// Start of the service.
    pub started: Timestamp,
    /// Version of the program.
    pub version: &'static str,
    /// Whether the service accepts requests.
    pub phase: Phase,
    /// The five datasets, in the order of [`Dataset::ALL`].
    pub datasets: Vec<DatasetReport>,
    /// Every outcome code of a feed's run.
    pub run_codes: Vec<&'static str>,
    /// The audit log.
    pub audit_log: AuditLogReport,
    /// The cluster; `None`: the service is one machine.
    pub cluster: Option<ClusterReport>,
    /// Time since the state of disks and files was read; `None`: it was never read.
    pub observed: Option<Duration>,
    /// The last reload.
    pub reload: ReloadReport,
    /// Log lines that were dropped since the start, because the log was not read.
    pub dropped_log_lines: u64,
    /// Certificates that the service presents to consumers, the leaf first.
    pub certificates: Vec<CertificateReport>,
    /// CAs whose clients are accepted.
    pub authorities: Vec<AuthorityReport>,
    /// Files of CRLs that have no effect: none of the CAs issued them.
    pub unused_crls: Vec<String>,
    /// Certificates and CAs of the listeners for operators and scrapers, if they use mutual TLS.
    /// Consumers do not depend on them.
    pub for_operators: Vec<CertificateReport>,
    /// The active policy.
    pub policy: PolicyReport,
    /// Requests and their outcomes.
    pub traffic: Traffic,
    /// What the system says about the process.
    pub process: ProcessReport,
    /// Active settings.
    pub configuration: Vec<Setting>,
    /// The last rejected reloads, the latest first; at most a few.
    pub rejected_reloads: Vec<ReloadReport>,
    /// What the service did in the last hour, day and month.
    pub history: SharedHistory,
}

/// Whether the service accepts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It accepts requests.
    Serving,
    /// It is shutting down and finishes open requests.
    Stopping,
}

/// A dataset.
#[derive(Debug, Clone)]
pub struct DatasetReport {
    /// Which of the five.
    pub dataset: Dataset,
    /// Maximum age.
    pub limit: Duration,
    /// Loaded state and the last runs of its feed; `None` if the dataset cannot be read (the log
    /// has the reason).
    pub status: Option<DatasetStatus>,
}

impl DatasetReport {
    /// Freshness at `now`; `None` if the dataset cannot be read.
    #[must_use]
    pub fn freshness(&self, now: Timestamp) -> Option<Freshness> {
        self.status.as_ref().map(|status| Freshness::new(status.state, now, self.limit))
    }

    /// Time since the publisher created the loaded state.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.status.as_ref()?.state.map(|state| now.since(state.created))
    }
}

/// The last reload of policy, certificates and CRLs; at first, the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadReport {
    /// Time of the reload.
    pub at: Timestamp,
    /// Every error, if it was rejected; the previous configuration is active then.
    pub errors: Option<String>,
}

/// The active policy.
#[derive(Debug, Clone)]
pub struct PolicyReport {
    /// SHA-256 of its file.
    pub sha256: Option<Digest>,
    /// Its legal contexts, in the order of the file.
    pub contexts: Vec<ContextReport>,
    /// Grants that end before their context, and that no other grant continues.
    pub grant_ends: Vec<GrantEnd>,
    /// What it probably does not mean.
    pub warnings: Vec<PolicyWarning>,
    /// Its consumers, in the order of the file.
    pub consumers: Vec<GrantsReport>,
}

/// The grants of a consumer.
#[derive(Debug, Clone)]
pub struct GrantsReport {
    /// The consumer.
    pub consumer: ConsumerId,
    /// Its name.
    pub name: String,
    /// Its grants, in the order of the file.
    pub grants: Vec<GrantReport>,
}

/// A grant.
#[derive(Debug, Clone, Copy)]
pub struct GrantReport {
    /// The context.
    pub context: LegalContext,
    /// Fields that may be disclosed.
    pub fields: FieldSet,
    /// First day.
    pub begin: Date,
    /// Last day, and the days from today to it, if it ends: the earlier one of the grant and its context.
    pub end: Option<(Date, i32)>,
    /// Whether grant and context are valid today.
    pub is_valid: bool,
}

/// A legal context of the policy.
#[derive(Debug, Clone)]
pub struct ContextReport {
    /// Code on the wire.
    pub context: LegalContext,
    /// Number of its deliberation.
    pub deliberation: String,
    /// Whether it is valid today, in Brussels.
    pub is_valid: bool,
    /// Its last day, and the days from today to it, if it ends.
    pub end: Option<(Date, i32)>,
    /// Whether a question names its end user.
    pub end_user: EndUserRule,
    /// Days that may be asked about.
    pub dates: DateRule,
    /// Number of grants for it, of all consumers.
    pub grants: u64,
}

/// The end of a consumer's last grant for a legal context.
#[derive(Debug, Clone, Copy)]
pub struct GrantEnd {
    /// The consumer.
    pub consumer: ConsumerId,
    /// The context.
    pub context: LegalContext,
    /// Last day.
    pub end: Date,
    /// Days from today to the last day; negative after it.
    pub days: i32,
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditLogReport {
    /// Whether it is writable.
    pub health: audit_log::Health,
    /// Counters since it was opened.
    pub counters: audit_log::Counters,
    /// Time of the newest checkpoint, if its file can be read.
    pub checkpoint: Option<Timestamp>,
    /// Free bytes on its disk, if the system reports them.
    pub free_bytes: Option<u64>,
    /// Free bytes below which only registered consumers are answered.
    pub reserve_bytes: u64,
    /// Result of the last verification; `None` if there is no readable report.
    pub verified: Option<Verification>,
}

/// Result of a verification of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// End of the verification.
    pub at: Timestamp,
    /// Number of verified records.
    pub records: u64,
    /// Whether the verification found no error.
    pub is_sound: bool,
}

closed_enum! {
    /// Use of a certificate.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CertificateRole {
        /// Server certificate for consumers.
        Service => "service",
        /// Intermediate certificate sent with [`Self::Service`].
        ServiceIssuer => "service-issuer",
        /// CA whose clients are accepted.
        ClientAuthority => "client-authority",
        /// Server certificate for operators.
        Operators => "operators",
        /// Intermediate certificate sent with [`Self::Operators`].
        OperatorsIssuer => "operators-issuer",
        /// CA whose operators are accepted.
        OperatorAuthority => "operator-authority",
    }
}

/// A certificate.
#[derive(Debug, Clone)]
pub struct CertificateReport {
    /// Use of the certificate.
    pub role: CertificateRole,
    /// Distinguished name of the subject.
    pub subject: String,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
}

/// A CA whose clients are accepted.
#[derive(Debug, Clone)]
pub struct AuthorityReport {
    /// Certificate of the CA.
    pub certificate: CertificateReport,
    /// State of its CRL.
    pub crl: CrlReport,
}

/// State of a CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlReport {
    /// Revocation is not checked: revoked certificates are accepted.
    NotChecked,
    /// Valid until the next update is due.
    Current {
        /// `nextUpdate` of the CRL.
        next_update: Timestamp,
        /// Number of revoked certificates.
        revoked: usize,
    },
    /// Not usable: all clients of this CA are refused.
    Unusable {
        /// Code of the reason.
        code: &'static str,
    },
}

/// How often requests were refused below SOAP for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalReport {
    /// HTTP status.
    pub status: u16,
    /// Code of the reason.
    pub reason: &'static str,
    /// Number since the start.
    pub count: u64,
}

/// Requests and their outcomes since the start.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Exchanges by outcome, zeros included.
    pub outcomes: Vec<OutcomeReport>,
    /// Requests refused before SOAP, by reason, zeros included.
    pub refusals: Vec<RefusalReport>,
    /// Requests answered `503`, by code of the limit that they exceeded.
    pub overloads: Vec<(&'static str, u64)>,
    /// Questions whose caller was not identified, by code of the reason, zeros included.
    pub not_identified: Vec<(&'static str, u64)>,
    /// Signed messages by result: `verified`, or the code of the error.
    pub signatures: Vec<(&'static str, u64)>,
    /// TLS handshakes, by outcome.
    pub handshakes: Vec<(&'static str, u64)>,
    /// Upper bounds of the histograms' buckets, in microseconds.
    pub bucket_ends_micros: &'static [u64],
    /// Durations of each stage.
    pub stages: Vec<StageReport>,
    /// Codes of the four kinds by which consumers' exchanges are counted.
    pub kinds: [&'static str; 4],
    /// Every registered consumer, and one entry for all others.
    pub consumers: Vec<ConsumerReport>,
}

/// Number of exchanges with one outcome.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeReport {
    /// Requested operation.
    pub operation: &'static str,
    /// Code of the status or of the fault.
    pub code: OutcomeCode,
    /// Text that consumers get with the code, if any.
    pub sentence: Option<&'static str>,
    /// Number of exchanges.
    pub count: u64,
}

/// Histogram of a stage.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// Name of the stage.
    pub stage: &'static str,
    /// Count of each bucket; the last one is for longer durations.
    pub buckets: Vec<u64>,
    /// Sum of all durations.
    pub total: Duration,
    /// The newest exchange of each bucket that has a trace ID.
    pub exemplars: Vec<Option<ExemplarReport>>,
}

/// An exchange that is an example of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemplarReport {
    /// Its trace ID: 32 hexadecimal digits, in which there is no SSIN.
    pub trace_id: String,
    /// Duration of the stage.
    pub took: Duration,
    /// Time of the response.
    pub at: Timestamp,
}

/// Exchanges of a consumer.
#[derive(Debug, Clone)]
pub struct ConsumerReport {
    /// Identity in the policy; `None`: consumers that are not registered.
    pub id: Option<ConsumerId>,
    /// Name in the policy.
    pub name: Option<String>,
    /// Exchanges since the start, by kind.
    pub kinds: [u64; 4],
    /// Exchanges in each of the last 60 minutes, by kind, oldest minute first.
    pub hour: Vec<[u64; 4]>,
    /// Whether its answers are delayed, because too many are empty.
    pub is_slowed: bool,
    /// Questions refused since the start, because of too many days about one person.
    pub refused_dates: u64,
}

/// An active setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Key in the settings file.
    pub key: String,
    /// Value; for a secret, the path of its file.
    pub value: String,
    /// Where the value was set.
    pub origin: String,
}
