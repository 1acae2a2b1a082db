//! Readiness: whether the service can do its work, and every reason why not.
//!
//! The result depends on a [`Report`] only. A reason has a code from a closed list; its text is for
//! people.

use std::fmt;
use std::time::Duration;

use super::report::{CertificateReport, CertificateRole, CrlReport, Phase, ReloadReport, Report};
use audit_log::{Compromise, Health, WriteFailure};
use ehealth_core::closed_enum;
use ehealth_core::model::{Dataset, Freshness, Timestamp};

/// Age of the observed state from which a disk counts as unresponsive. The state is read once a
/// second.
const UNRESPONSIVE: Duration = Duration::from_secs(15);

closed_enum! {
    /// Code of a [`Reason`], for metrics, alerts and scripts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ReasonCode {
        /// The service is shutting down.
        Stopping => "stopping",
        /// A dataset was never loaded.
        DatasetMissing => "dataset-missing",
        /// A dataset is older than its limit.
        DatasetStale => "dataset-stale",
        /// A dataset cannot be read.
        DatasetUnreadable => "dataset-unreadable",
        /// The audit log is not writable.
        AuditLogUnwritable => "audit-log-unwritable",
        /// Evidence in the audit log was destroyed or contradicted.
        AuditLogCompromised => "audit-log-compromised",
        /// The audit log is closed.
        AuditLogClosed => "audit-log-closed",
        /// Records are not replicated to a second machine.
        NotReplicated => "not-replicated",
        /// A disk does not respond.
        DiskUnresponsive => "disk-unresponsive",
        /// All clients of an issuer are refused.
        IssuerRefused => "issuer-refused",
        /// A certificate has expired.
        CertificateExpired => "certificate-expired",
        /// A certificate is not valid yet.
        CertificateNotYetValid => "certificate-not-yet-valid",
    }
}

/// Why the service is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The service is shutting down.
    Stopping,
    /// A dataset was never loaded.
    DatasetMissing(Dataset),
    /// A dataset is older than its limit, by this duration.
    DatasetStale(Dataset, Duration),
    /// A dataset is loaded but cannot be read.
    DatasetUnreadable(Dataset),
    /// No record can be written, so no request is answered.
    AuditLogUnwritable(WriteFailure),
    /// Signed records were changed or removed, or the copy of the checkpoint signs another log.
    AuditLogCompromised(Compromise),
    /// The audit log is closed.
    AuditLogClosed,
    /// Records are not replicated to a second machine, for this reason, so no request is answered.
    NotReplicated(String),
    /// The state of disks and files could not be read for this time; `None`: it was never read.
    DiskUnresponsive(Option<Duration>),
    /// All clients of this issuer are refused.
    IssuerRefused {
        /// Distinguished name of the issuer.
        issuer: String,
        /// Code of the cause.
        why: &'static str,
    },
    /// The certificate with this subject has expired.
    CertificateExpired(CertificateRole, String),
    /// The certificate with this subject is not valid yet.
    CertificateNotYetValid(CertificateRole, String),
}

impl Reason {
    /// Code of the reason.
    #[must_use]
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::Stopping => ReasonCode::Stopping,
            Self::DatasetMissing(_) => ReasonCode::DatasetMissing,
            Self::DatasetStale(..) => ReasonCode::DatasetStale,
            Self::DatasetUnreadable(_) => ReasonCode::DatasetUnreadable,
            Self::AuditLogUnwritable(_) => ReasonCode::AuditLogUnwritable,
            Self::AuditLogCompromised(_) => ReasonCode::AuditLogCompromised,
            Self::AuditLogClosed => ReasonCode::AuditLogClosed,
            Self::NotReplicated(_) => ReasonCode::NotReplicated,
            Self::DiskUnresponsive(_) => ReasonCode::DiskUnresponsive,
            Self::IssuerRefused { .. } => ReasonCode::IssuerRefused,
            Self::CertificateExpired(..) => ReasonCode::CertificateExpired,
            Self::CertificateNotYetValid(..) => ReasonCode::CertificateNotYetValid,
        }
    }

    /// Subject of the reason: a dataset, an issuer, a certificate; empty for a part that exists
    /// once.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::Stopping
            | Self::AuditLogUnwritable(_)
            | Self::AuditLogCompromised(_)
            | Self::AuditLogClosed
            | Self::NotReplicated(_)
            | Self::DiskUnresponsive(_) => "",
            Self::DatasetMissing(dataset) | Self::DatasetStale(dataset, _) | Self::DatasetUnreadable(dataset) => {
                dataset.code()
            }
            Self::IssuerRefused { issuer, .. } => issuer,
            Self::CertificateExpired(_, subject) | Self::CertificateNotYetValid(_, subject) => subject,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => write!(f, "The service is shutting down and finishes open requests."),
            Self::DatasetMissing(dataset) => write!(f, "Dataset {} was never loaded.", dataset.code()),
            Self::DatasetStale(dataset, over) => {
                write!(f, "Dataset {} is stale: {} older than its limit.", dataset.code(), Rounded(*over))
            }
            Self::DatasetUnreadable(dataset) => {
                write!(f, "Dataset {} cannot be read; see the log for the cause.", dataset.code())
            }
            Self::AuditLogUnwritable(trouble) => {
                write!(f, "The audit log is not writable, so no request is answered: {trouble}.")
            }
            Self::AuditLogCompromised(what) => {
                write!(
                    f,
                    "The evidence in the audit log is compromised: {what}. Change nothing; see the operations guide, \"A damaged audit log\"."
                )
            }
            Self::AuditLogClosed => write!(f, "The audit log is closed, so no request is answered."),
            Self::NotReplicated(reason) => {
                write!(f, "Records have no second copy, so no request is answered: {reason}.")
            }
            Self::DiskUnresponsive(Some(age)) => {
                write!(f, "A disk does not respond: the state of datasets and audit log is {} old.", Rounded(*age))
            }
            Self::DiskUnresponsive(None) => {
                write!(f, "A disk does not respond: the state of datasets and audit log is not known yet.")
            }
            Self::IssuerRefused { issuer, why } => write!(f, "Clients of issuer {issuer} are refused: {why}."),
            Self::CertificateExpired(role, subject) => {
                write!(f, "The {} certificate of {subject} has expired.", role.code())
            }
            Self::CertificateNotYetValid(role, subject) => {
                write!(f, "The {} certificate of {subject} is not valid yet.", role.code())
            }
        }
    }
}

/// Returns every reason why the service is not ready; empty if it is ready.
#[must_use]
pub fn not_ready_reasons(report: &Report) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match report.phase {
        Phase::Serving => {}
        Phase::Stopping => reasons.push(Reason::Stopping),
    }
    match report.observed {
        Some(age) if age < UNRESPONSIVE => {}
        age => reasons.push(Reason::DiskUnresponsive(age)),
    }
    for dataset in &report.datasets {
        match dataset.freshness(report.now) {
            None => reasons.push(Reason::DatasetUnreadable(dataset.dataset)),
            Some(Freshness::Missing) => reasons.push(Reason::DatasetMissing(dataset.dataset)),
            Some(Freshness::Stale) => {
                let over = dataset.age(report.now).unwrap_or_default().saturating_sub(dataset.limit);
                reasons.push(Reason::DatasetStale(dataset.dataset, over));
            }
            Some(Freshness::Fresh) => {}
        }
    }
    match report.audit_log.health {
        Health::Writable => {}
        Health::Unwritable(trouble) => reasons.push(Reason::AuditLogUnwritable(trouble)),
        Health::Compromised(what) => reasons.push(Reason::AuditLogCompromised(what)),
        Health::Closed => reasons.push(Reason::AuditLogClosed),
    }
    if let Some(cluster) = report.cluster.as_ref().filter(|cluster| !cluster.is_answering) {
        let reason = cluster.reason.clone().unwrap_or_else(|| "the database is brought up to date".to_owned());
        reasons.push(Reason::NotReplicated(reason));
    }
    for authority in &report.authorities {
        match authority.crl {
            CrlReport::NotChecked | CrlReport::Current { .. } => {}
            CrlReport::Unusable { code } => {
                let issuer = authority.certificate.subject.clone();
                reasons.push(Reason::IssuerRefused { issuer, why: code });
            }
        }
    }
    let authorities = report.authorities.iter().map(|authority| &authority.certificate);
    let certificates = report.certificates.iter().chain(authorities);
    reasons.extend(certificates.filter_map(|certificate| check_validity(certificate, report.now)));
    reasons
}

fn check_validity(certificate: &CertificateReport, now: Timestamp) -> Option<Reason> {
    let subject = || certificate.subject.clone();
    if now > certificate.not_after {
        Some(Reason::CertificateExpired(certificate.role, subject()))
    } else if now < certificate.not_before {
        Some(Reason::CertificateNotYetValid(certificate.role, subject()))
    } else {
        None
    }
}

/// Code of a warning: a CRL that has no effect. The service is ready all the same.
const CRL_UNUSED: &str = "crl-unused";

/// Writes the reasons, the files of CRLs that have no effect, and the last reload, as JSON
/// (RFC 8259): `{"ready":false,"reasons":[{"code":…,"about":…,"text":…}],"warnings":[…],
/// "reload":{"accepted":true,"at":…}}`.
pub(super) fn write_json(reasons: &[Reason], unused_crls: &[String], reload: &ReloadReport) -> String {
    let item = |code: &str, about: &str, text: &str| {
        let (about, text) = (escape(about), escape(text));
        format!("{{\"code\":\"{code}\",\"about\":\"{about}\",\"text\":\"{text}\"}}")
    };
    let reason = |reason: &Reason| item(reason.code().code(), reason.about(), &reason.to_string());
    let unused = |file: &String| item(CRL_UNUSED, file, &format!("No configured CA issued the CRL {file}."));
    let items = reasons.iter().map(reason).collect::<Vec<_>>().join(",");
    let warnings = unused_crls.iter().map(unused).collect::<Vec<_>>().join(",");
    let errors =
        reload.errors.as_deref().map_or_else(String::new, |errors| format!(",\"errors\":\"{}\"", escape(errors)));
    let reload = format!("{{\"accepted\":{},\"at\":\"{}\"{errors}}}", reload.errors.is_none(), reload.at);
    let is_ready = reasons.is_empty();
    format!("{{\"ready\":{is_ready},\"reasons\":[{items}],\"warnings\":[{warnings}],\"reload\":{reload}}}\n")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            control if control < ' ' => escaped.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A duration for people, in its two largest units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounded(pub Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds} s"),
            (0, 0, _) => write!(f, "{minutes} min"),
            (0, _, 0) => write!(f, "{hours} h"),
            (0, _, _) => write!(f, "{hours} h {minutes} min"),
            (_, 0, _) => write!(f, "{days} d"),
            (1..=13, _, _) => write!(f, "{days} d {hours} h"),
            _ => write!(f, "{days} d"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_escapes_quotes_and_control_characters() {
        let reason = Reason::IssuerRefused { issuer: "CN=\"A\\B\"\n".to_owned(), why: "crl-stale" };
        let mut reload = ReloadReport { at: Timestamp::from_millis(0), errors: None };
        assert!(write_json(&[reason], &[], &reload).contains(r#""about":"CN=\"A\\B\"\u000a""#));
        let ready = |warnings: &str| {
            format!(
                "{{\"ready\":true,\"reasons\":[],\"warnings\":[{warnings}],\"reload\":{{\"accepted\":true,\"at\":\"1970-01-01T00:00:00.000Z\"}}}}\n"
            )
        };
        assert_eq!(write_json(&[], &[], &reload), ready(""));
        let unused = "{\"code\":\"crl-unused\",\"about\":\"a\",\"text\":\"No configured CA issued the CRL a.\"}";
        assert_eq!(write_json(&[], &["a".to_owned()], &reload), ready(unused));
        reload.errors = Some("policy.toml:1: \"a\"\nb".to_owned());
        assert!(
            write_json(&[], &[], &reload).contains(
                r#""accepted":false,"at":"1970-01-01T00:00:00.000Z","errors":"policy.toml:1: \"a\"\u000ab"}"#
            )
        );
    }

    #[test]
    fn a_duration_has_its_two_largest_units() {
        let rounded = |seconds| Rounded(Duration::from_secs(seconds)).to_string();
        assert_eq!(
            [rounded(59), rounded(60), rounded(3_660), rounded(90_000), rounded(86_400 * 400)],
            ["59 s", "1 min", "1 h 1 min", "1 d 1 h", "400 d"]
        );
    }
}
