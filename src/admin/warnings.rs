//! Warnings: problems that do not stop the service yet. Something will expire soon, or a check is
//! switched off.
//!
//! For the page only; the alert rules compute the same from the metrics, with the same limits.
//! Present failures are in
//! [`super::health`].

use std::fmt;
use std::time::Duration;

use super::cluster::warnings::{ClusterWarning, find_cluster_warnings};
use super::health::Rounded;
use super::report::{AuthorityReport, CertificateReport, ConsumerReport, CrlReport, DatasetReport, Report};
use super::warning_code::WarningCode;
use ehealth_core::model::{Dataset, Freshness, Timestamp};
use ehealth_core::policy::{ConsumerId, ContextProblem, PolicyProblem, PolicyWarning};

/// A certificate with less time left gives a warning: enough time to get another one.
pub(super) const CERTIFICATE_WARNING: Duration = Duration::from_secs(30 * 86_400);
/// A CRL with less time left gives a warning. A CRL is often valid for a week or less.
pub(super) const CRL_WARNING: Duration = Duration::from_secs(86_400);
/// The audit log is verified every night; one night may fail.
const VERIFICATION_WARNING: Duration = Duration::from_secs(2 * 86_400);
/// A checkpoint is made every second.
const UNSIGNED_WARNING: Duration = Duration::from_secs(30);
/// The copy follows within a second.
const UNCOPIED_WARNING: Duration = Duration::from_secs(60);
/// With less free space, the audit log has weeks left, not months.
const FREE_BYTES_WARNING: u64 = 1 << 30;

/// A problem that needs attention. Its text is for people; nothing depends on it.
#[derive(Debug, Clone)]
pub(super) enum Warning<'a> {
    /// The last reload was rejected, with these errors; the previous configuration is active.
    ReloadRejected(Timestamp, &'a str),
    /// Number of log lines that were dropped since the start.
    LogLinesDropped(u64),
    /// The last verification of the audit log failed.
    VerificationFailed,
    /// The last verification of the audit log is this old; `None`: there was none.
    NotVerified(Option<Duration>),
    /// Number of checkpoints that one of their files did not get.
    CheckpointsFailed(u64),
    /// Records that no checkpoint signs, and the age of the oldest.
    Unsigned(u64, Duration),
    /// The copy of the checkpoint is behind by this time.
    CopyBehind(Duration),
    /// Free bytes on the disk of the audit log.
    DiskFilling(u64),
    /// Free bytes on the disk of the audit log, less than its reserve.
    ReserveUsed(u64),
    /// The dataset becomes stale after this time.
    DatasetAgeing(Dataset, Duration),
    /// The certificate expires after this time; zero: it has expired, and only operators are
    /// affected.
    CertificateExpiring(&'a CertificateReport, Duration),
    /// The CRL of this issuer expires after this time.
    CrlExpiring(&'a str, Duration),
    /// Revocation of this issuer's certificates is not checked.
    RevocationNotChecked(&'a str),
    /// None of the CAs issued the CRL in this file.
    CrlUnused(&'a str),
    /// This consumer is slowed.
    ConsumerSlowed(ConsumerId),
    /// Questions of this consumer were refused since the start, because of too many days about one
    /// person.
    DatesRefused(ConsumerId, u64),
    /// A part of the policy has no effect, or soon has none.
    Policy(&'a PolicyWarning),
    /// A problem of the cluster.
    Cluster(ClusterWarning<'a>),
}

impl Warning<'_> {
    /// Code of the warning.
    pub fn code(&self) -> WarningCode {
        match self {
            Self::ReloadRejected(..) => WarningCode::ReloadRejected,
            Self::LogLinesDropped(_) => WarningCode::LogLinesDropped,
            Self::VerificationFailed => WarningCode::VerificationFailed,
            Self::NotVerified(_) => WarningCode::NotVerified,
            Self::CheckpointsFailed(_) => WarningCode::CheckpointsFailed,
            Self::Unsigned(..) => WarningCode::Unsigned,
            Self::CopyBehind(_) => WarningCode::CopyBehind,
            Self::DiskFilling(_) => WarningCode::DiskFilling,
            Self::ReserveUsed(_) => WarningCode::ReserveUsed,
            Self::DatasetAgeing(..) => WarningCode::DatasetAgeing,
            Self::CertificateExpiring(..) => WarningCode::CertificateExpiring,
            Self::CrlExpiring(..) => WarningCode::CrlExpiring,
            Self::RevocationNotChecked(_) => WarningCode::RevocationNotChecked,
            Self::CrlUnused(_) => WarningCode::CrlUnused,
            Self::ConsumerSlowed(_) => WarningCode::ConsumerSlowed,
            Self::DatesRefused(..) => WarningCode::DatesRefused,
            Self::Policy(warning) => code_of_policy(warning),
            Self::Cluster(warning) => warning.code(),
        }
    }
}

fn code_of_policy(warning: &PolicyWarning) -> WarningCode {
    match warning {
        PolicyWarning::BuiltInContexts => WarningCode::BuiltInContexts,
        PolicyWarning::Context { .. } => WarningCode::ContextEnds,
        PolicyWarning::Consumer { problem, .. } => match problem {
            PolicyProblem::GrantEnded { .. } | PolicyProblem::GrantEnds { .. } => WarningCode::GrantEnds,
            PolicyProblem::NoGrant | PolicyProblem::RevokedSigners | PolicyProblem::NoQuota => {
                WarningCode::ConsumerPolicy
            }
        },
    }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReloadRejected(at, errors) => write!(
                f,
                "The reload at {at} was rejected; the previous policy, certificates and CRLs stay active: {errors}"
            ),
            Self::LogLinesDropped(lines) => {
                write!(f, "{lines} log lines were dropped since the start: standard error is not read fast enough.")
            }
            Self::VerificationFailed => write!(
                f,
                "The audit log differs from what was signed. Change nothing; see the log of the verification."
            ),
            Self::NotVerified(Some(age)) => write!(f, "The audit log was last verified {} ago.", Rounded(*age)),
            Self::NotVerified(None) => write!(f, "The audit log was not verified yet: there is no report."),
            Self::CheckpointsFailed(times) => {
                write!(f, "A checkpoint could not be written to one of its files, {times} times since the start.")
            }
            Self::Unsigned(records, age) => {
                write!(f, "{records} records of the audit log are not signed for {}.", Rounded(*age))
            }
            Self::CopyBehind(age) => write!(f, "The copy of the checkpoint is {} behind.", Rounded(*age)),
            Self::DiskFilling(bytes) => write!(f, "Only {} MiB are free for the audit log.", bytes >> 20),
            Self::ReserveUsed(bytes) => write!(
                f,
                "Only {} MiB are free for the audit log, less than audit_log.reserve: only registered consumers are \
                 answered.",
                bytes >> 20
            ),
            Self::DatasetAgeing(dataset, left) => {
                write!(f, "Dataset {} becomes stale in {}.", dataset.code(), Rounded(*left))
            }
            Self::CertificateExpiring(certificate, Duration::ZERO) => {
                write!(f, "The {} certificate of {} has expired.", certificate.role.code(), certificate.subject)
            }
            Self::CertificateExpiring(certificate, left) => {
                let CertificateReport { role, subject, .. } = certificate;
                write!(f, "The {} certificate of {subject} expires in {}.", role.code(), Rounded(*left))
            }
            Self::CrlExpiring(issuer, left) => {
                write!(f, "The CRL of {issuer} expires in {}; its clients are refused then.", Rounded(*left))
            }
            Self::CrlUnused(file) => write!(f, "No configured CA issued the CRL {file}: it has no effect."),
            Self::ConsumerSlowed(consumer) => {
                write!(f, "Consumer {consumer} is slowed: it asks about too many people of whom it gets nothing.")
            }
            Self::DatesRefused(consumer, questions) => write!(
                f,
                "{questions} questions of consumer {consumer} were refused since the start: too many days about one person."
            ),
            Self::Policy(warning) => write!(f, "Policy: {warning}."),
            Self::Cluster(warning) => warning.fmt(f),
            Self::RevocationNotChecked(issuer) => write!(f, "Revoked certificates of {issuer} are accepted."),
        }
    }
}

/// Returns all warnings, the most serious first.
pub(super) fn find_warnings(report: &Report) -> Vec<Warning<'_>> {
    let now = report.now;
    let mut warnings = Vec::new();
    let rejected = report.reload.errors.as_deref();
    warnings.extend(rejected.map(|errors| Warning::ReloadRejected(report.reload.at, errors)));
    warnings.extend(of_audit_log(report));
    let cluster = report.cluster.iter().flat_map(|cluster| find_cluster_warnings(cluster, &report.datasets, now));
    warnings.extend(cluster.map(Warning::Cluster));
    let dropped = Some(report.dropped_log_lines).filter(|lines| *lines > 0);
    warnings.extend(dropped.map(Warning::LogLinesDropped));
    warnings.extend(report.traffic.consumers.iter().flat_map(of_consumer));
    warnings.extend(report.policy.warnings.iter().filter(|warning| is_urgent(warning)).map(Warning::Policy));
    warnings.extend(report.datasets.iter().filter_map(|dataset| ageing(dataset, now)));
    let authorities = || report.authorities.iter();
    let for_consumers = report.certificates.iter().chain(authorities().map(|authority| &authority.certificate));
    // One that has expired is a reason not to be ready.
    let not_expired = for_consumers.filter(|certificate| now <= certificate.not_after);
    warnings.extend(not_expired.chain(&report.for_operators).filter_map(|certificate| expiring(certificate, now)));
    warnings.extend(authorities().filter_map(|authority| of_crl(authority, now)));
    warnings.extend(report.unused_crls.iter().map(|file| Warning::CrlUnused(file)));
    warnings
}

/// A legal context that no consumer uses is in the table, and no warning here: a new service has three.
fn is_urgent(warning: &PolicyWarning) -> bool {
    match warning {
        PolicyWarning::Context { problem: ContextProblem::Unused, .. } => false,
        PolicyWarning::BuiltInContexts | PolicyWarning::Context { .. } | PolicyWarning::Consumer { .. } => true,
    }
}

fn of_consumer(consumer: &ConsumerReport) -> impl Iterator<Item = Warning<'_>> {
    let refused = consumer.refused_dates;
    let slowed = consumer.id.filter(|_| consumer.is_slowed).map(Warning::ConsumerSlowed);
    let dates = consumer.id.filter(|_| refused > 0);
    slowed.into_iter().chain(dates.map(|id| Warning::DatesRefused(id, refused)))
}

fn of_audit_log<'a>(report: &Report) -> Vec<Warning<'a>> {
    let audit_log = &report.audit_log;
    let mut warnings = Vec::new();
    match audit_log.verified {
        Some(verified) if !verified.is_sound => warnings.push(Warning::VerificationFailed),
        Some(verified) => {
            let age = report.now.since(verified.at);
            warnings.extend((age > VERIFICATION_WARNING).then_some(Warning::NotVerified(Some(age))));
        }
        None => warnings.push(Warning::NotVerified(None)),
    }
    let failures = audit_log.counters.checkpoint_failures;
    warnings.extend((failures > 0).then_some(Warning::CheckpointsFailed(failures)));
    let age = |since: Option<Timestamp>| since.map(|since| report.now.since(since)).unwrap_or_default();
    let counters = &audit_log.counters;
    let (unsigned, uncopied) = (age(counters.unsigned_since), age(counters.uncopied_since));
    let records = counters.sequence.saturating_sub(counters.signed);
    warnings.extend((unsigned > UNSIGNED_WARNING).then_some(Warning::Unsigned(records, unsigned)));
    warnings.extend((uncopied > UNCOPIED_WARNING).then_some(Warning::CopyBehind(uncopied)));
    let free = audit_log.free_bytes;
    warnings.extend(free.filter(|free| *free < audit_log.reserve_bytes).map(Warning::ReserveUsed));
    warnings.extend(free.filter(|free| *free < FREE_BYTES_WARNING).map(Warning::DiskFilling));
    warnings
}

/// A warning after four fifths of the maximum age.
fn ageing(dataset: &DatasetReport, now: Timestamp) -> Option<Warning<'static>> {
    let is_fresh = dataset.freshness(now) == Some(Freshness::Fresh);
    let age = dataset.age(now).filter(|age| is_fresh && *age > dataset.limit / 5 * 4)?;
    Some(Warning::DatasetAgeing(dataset.dataset, dataset.limit.saturating_sub(age)))
}

fn expiring(certificate: &CertificateReport, now: Timestamp) -> Option<Warning<'_>> {
    let left = certificate.not_after.since(now);
    (left < CERTIFICATE_WARNING).then_some(Warning::CertificateExpiring(certificate, left))
}

fn of_crl(authority: &AuthorityReport, now: Timestamp) -> Option<Warning<'_>> {
    let issuer = authority.certificate.subject.as_str();
    match authority.crl {
        CrlReport::NotChecked => Some(Warning::RevocationNotChecked(issuer)),
        CrlReport::Current { next_update, .. } => {
            let left = next_update.since(now);
            (left < CRL_WARNING).then_some(Warning::CrlExpiring(issuer, left))
        }
        // A reason not to be ready.
        CrlReport::Unusable { .. } => None,
    }
}
