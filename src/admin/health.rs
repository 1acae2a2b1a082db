//! Whether the service can do its work, and every reason why not.
//!
//! Judged from a [`Report`] alone. A reason is a value with a code from a closed list; the sentence beside it is for
//! people.

use std::fmt;
use std::time::Duration;

use super::report::{CertificateReport, CertificateRole, ListReport, Phase, Report};
use audit_log::{Health, WriteFailure};
use ehealth_core::model::{Dataset, Freshness, Timestamp};

/// Why the service is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The service was told to stop.
    Stopping,
    /// A dataset was never loaded.
    DatasetMissing(Dataset),
    /// A dataset is older than it may be.
    DatasetStale(Dataset, Duration),
    /// A dataset is there but cannot be read.
    DatasetUnreadable(Dataset),
    /// No evidence can be written, so nothing is answered.
    TrailUnwritable(WriteFailure),
    /// The trail was closed.
    TrailClosed,
    /// Callers of this issuer are refused.
    IssuerClosed {
        /// The issuer's name.
        issuer: String,
        /// The word for why.
        why: &'static str,
    },
    /// A certificate has run out.
    CertificateRunOut(CertificateRole, String),
    /// A certificate is not valid yet.
    CertificateNotYetValid(CertificateRole, String),
}

impl Reason {
    /// Every code, for metrics.
    pub const CODES: [&'static str; 9] = [
        "stopping",
        "dataset-missing",
        "dataset-stale",
        "dataset-unreadable",
        "trail-unwritable",
        "trail-closed",
        "issuer-closed",
        "certificate-run-out",
        "certificate-not-yet-valid",
    ];

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::DatasetMissing(_) => "dataset-missing",
            Self::DatasetStale(..) => "dataset-stale",
            Self::DatasetUnreadable(_) => "dataset-unreadable",
            Self::TrailUnwritable(_) => "trail-unwritable",
            Self::TrailClosed => "trail-closed",
            Self::IssuerClosed { .. } => "issuer-closed",
            Self::CertificateRunOut(..) => "certificate-run-out",
            Self::CertificateNotYetValid(..) => "certificate-not-yet-valid",
        }
    }

    /// What it is about: a dataset, an issuer, a certificate's subject; empty where there is but one.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::Stopping | Self::TrailUnwritable(_) | Self::TrailClosed => "",
            Self::DatasetMissing(dataset) | Self::DatasetStale(dataset, _) | Self::DatasetUnreadable(dataset) => {
                dataset.code()
            }
            Self::IssuerClosed { issuer, .. } => issuer,
            Self::CertificateRunOut(_, subject) | Self::CertificateNotYetValid(_, subject) => subject,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => write!(f, "The service was told to stop and finishes what is in flight."),
            Self::DatasetMissing(dataset) => write!(f, "Dataset {} was never loaded.", dataset.code()),
            Self::DatasetStale(dataset, over) => {
                write!(f, "Dataset {} is over-age by {}.", dataset.code(), Span(*over))
            }
            Self::DatasetUnreadable(dataset) => {
                write!(f, "Dataset {} cannot be read; the log says why.", dataset.code())
            }
            Self::TrailUnwritable(trouble) => {
                write!(f, "The trail cannot be written, so nothing is answered: {trouble}.")
            }
            Self::TrailClosed => write!(f, "The trail is closed, so nothing is answered."),
            Self::IssuerClosed { issuer, why } => write!(f, "Callers of issuer {issuer} are refused: {why}."),
            Self::CertificateRunOut(role, subject) => {
                write!(f, "The {} certificate of {subject} has run out.", role.code())
            }
            Self::CertificateNotYetValid(role, subject) => {
                write!(f, "The {} certificate of {subject} is not valid yet.", role.code())
            }
        }
    }
}

/// Every reason why the service is not ready; none: it is.
#[must_use]
pub fn judge(report: &Report) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if report.phase == Phase::Stopping {
        reasons.push(Reason::Stopping);
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
    match report.trail.health {
        Health::Writable => {}
        Health::Unwritable(trouble) => reasons.push(Reason::TrailUnwritable(trouble)),
        Health::Closed => reasons.push(Reason::TrailClosed),
    }
    for authority in &report.authorities {
        if let ListReport::Closed { code } = authority.list {
            reasons.push(Reason::IssuerClosed { issuer: authority.certificate.subject.clone(), why: code });
        }
    }
    let authorities = report.authorities.iter().map(|authority| &authority.certificate);
    let certificates = report.certificates.iter().chain(authorities);
    reasons.extend(certificates.filter_map(|certificate| judge_certificate(certificate, report.now)));
    reasons
}

fn judge_certificate(certificate: &CertificateReport, now: Timestamp) -> Option<Reason> {
    let subject = || certificate.subject.clone();
    if now > certificate.not_after {
        Some(Reason::CertificateRunOut(certificate.role, subject()))
    } else if now < certificate.not_before {
        Some(Reason::CertificateNotYetValid(certificate.role, subject()))
    } else {
        None
    }
}

/// The reasons as JSON (RFC 8259): `{"ready":false,"reasons":[{"code":…,"about":…,"text":…}]}`.
pub(super) fn write_json(reasons: &[Reason]) -> String {
    let items: Vec<_> = reasons
        .iter()
        .map(|reason| {
            let (about, text) = (escape(reason.about()), escape(&reason.to_string()));
            format!("{{\"code\":\"{}\",\"about\":\"{about}\",\"text\":\"{text}\"}}", reason.code())
        })
        .collect();
    format!("{{\"ready\":{},\"reasons\":[{}]}}\n", reasons.is_empty(), items.join(","))
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

/// A length of time for people, in its two largest units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub Duration);

impl fmt::Display for Span {
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
    fn json_keeps_quotes_and_line_ends_inside_their_text() {
        let reason = Reason::IssuerClosed { issuer: "CN=\"A\\B\"\n".to_owned(), why: "crl-stale" };
        assert!(write_json(&[reason]).contains(r#""about":"CN=\"A\\B\"\u000a""#));
        assert_eq!(write_json(&[]), "{\"ready\":true,\"reasons\":[]}\n");
    }

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        let told = |seconds| Span(Duration::from_secs(seconds)).to_string();
        assert_eq!(
            [told(59), told(60), told(3_660), told(90_000), told(86_400 * 400)],
            ["59 s", "1 min", "1 h 1 min", "1 d 1 h", "400 d"]
        );
    }
}
