//! What does not keep the service from its work, and yet wants somebody: what will soon run out, and what was left open.
//!
//! For the page alone; the alert rules say the same of the metrics, with the same limits. What is wrong now is
//! [`super::health`]'s affair.

use std::fmt;
use std::time::Duration;

use super::health::Span;
use super::report::{CertificateReport, DatasetReport, ListReport, Report};
use ehealth_core::model::{Dataset, Freshness, Timestamp};

/// With fewer days left a certificate is told of: time enough to get another.
pub(super) const FEW_DAYS: Duration = Duration::from_secs(30 * 86_400);
/// A revocation list is often made for a week or less: told of on its last day.
pub(super) const FEW_HOURS: Duration = Duration::from_secs(86_400);
/// The trail is verified every night; one night may fail.
const TWO_NIGHTS: Duration = Duration::from_secs(2 * 86_400);
/// With less on its disk the trail has weeks left, not months.
const LITTLE_ROOM_BYTES: u64 = 1 << 30;

/// Something to look at. Sentences are for people; nothing acts upon them.
#[derive(Debug, Clone)]
pub(super) enum Caution<'a> {
    /// The last verification found the trail changed.
    TrailNotSound,
    /// The trail was not verified, so long.
    TrailUnverified(Option<Duration>),
    /// So many checkpoints could not be kept in one of their places.
    CheckpointsNotKept(u64),
    /// So many bytes are left on the trail's disk.
    DiskFilling(u64),
    /// A dataset will be over-age after this time.
    DatasetAgeing(Dataset, Duration),
    /// A certificate has this time left; none: it has run out, and only operators notice.
    CertificateExpiring(&'a CertificateReport, Duration),
    /// An issuer's next list is due after this time.
    ListDue(&'a str, Duration),
    /// Nobody asks whether this issuer's certificates were revoked.
    RevokedLetIn(&'a str),
}

impl fmt::Display for Caution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailNotSound => {
                write!(f, "The trail is not what was signed. Change nothing; the log of its verification tells where.")
            }
            Self::TrailUnverified(Some(age)) => write!(f, "The trail was last verified {} ago.", Span(*age)),
            Self::TrailUnverified(None) => write!(f, "The trail was not verified yet, as far as is known here."),
            Self::CheckpointsNotKept(times) => {
                write!(f, "Checkpoints could not be kept in one of their places, {times} times since the start.")
            }
            Self::DiskFilling(bytes) => write!(f, "Only {} MiB are left for evidence.", bytes >> 20),
            Self::DatasetAgeing(dataset, left) => {
                write!(f, "Dataset {} will be over-age in {}.", dataset.code(), Span(*left))
            }
            Self::CertificateExpiring(certificate, Duration::ZERO) => {
                write!(f, "The {} certificate of {} has run out.", certificate.role.code(), certificate.subject)
            }
            Self::CertificateExpiring(certificate, left) => {
                let CertificateReport { role, subject, .. } = certificate;
                write!(f, "The {} certificate of {subject} has {} left.", role.code(), Span(*left))
            }
            Self::ListDue(issuer, left) => {
                write!(f, "The revocation list of {issuer} runs out in {}; its callers are refused then.", Span(*left))
            }
            Self::RevokedLetIn(issuer) => write!(f, "Revoked certificates of {issuer} are let in."),
        }
    }
}

/// Everything to look at, the gravest first.
pub(super) fn look_ahead(report: &Report) -> Vec<Caution<'_>> {
    let now = report.now;
    let trail = &report.trail;
    let mut cautions = Vec::new();
    match trail.verified {
        Some(verified) if !verified.is_sound => cautions.push(Caution::TrailNotSound),
        Some(verified) => {
            let age = now.since(verified.at);
            cautions.extend((age > TWO_NIGHTS).then_some(Caution::TrailUnverified(Some(age))));
        }
        None => cautions.push(Caution::TrailUnverified(None)),
    }
    if trail.counters.checkpoint_failures > 0 {
        cautions.push(Caution::CheckpointsNotKept(trail.counters.checkpoint_failures));
    }
    let free = trail.free_bytes.filter(|free| *free < LITTLE_ROOM_BYTES);
    cautions.extend(free.map(Caution::DiskFilling));
    cautions.extend(report.datasets.iter().filter_map(|dataset| ageing(dataset, now)));
    let authorities = || report.authorities.iter();
    let of_callers = report.certificates.iter().chain(authorities().map(|authority| &authority.certificate));
    // One of these that has run out is a reason not to be ready.
    cautions.extend(of_callers.filter(|certificate| now <= certificate.not_after).filter_map(|one| expiring(one, now)));
    cautions.extend(report.for_operators.iter().filter_map(|certificate| expiring(certificate, now)));
    cautions.extend(authorities().filter_map(|authority| {
        let issuer = authority.certificate.subject.as_str();
        match authority.list {
            ListReport::Ignored => Some(Caution::RevokedLetIn(issuer)),
            ListReport::Open { next_update, .. } => {
                let left = next_update.since(now);
                (left < FEW_HOURS).then_some(Caution::ListDue(issuer, left))
            }
            // A reason not to be ready.
            ListReport::Closed { .. } => None,
        }
    }));
    cautions
}

/// After four fifths of its time.
fn ageing(dataset: &DatasetReport, now: Timestamp) -> Option<Caution<'static>> {
    let is_fresh = dataset.freshness(now) == Some(Freshness::Fresh);
    let age = dataset.age(now).filter(|age| is_fresh && *age > dataset.limit / 5 * 4)?;
    Some(Caution::DatasetAgeing(dataset.dataset, dataset.limit.saturating_sub(age)))
}

fn expiring(certificate: &CertificateReport, now: Timestamp) -> Option<Caution<'_>> {
    let left = certificate.not_after.since(now);
    (left < FEW_DAYS).then_some(Caution::CertificateExpiring(certificate, left))
}
