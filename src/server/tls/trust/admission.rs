//! The period for which a client is admitted, checked for every request on an open connection.

use super::refusal::PathError;
use certificates::{Profile, RevocationList};
use ehealth_core::model::Timestamp;

/// Period for which a client is admitted, as far as its path and the revocation lists are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    from: Timestamp,
    /// First moment after the period.
    end: Timestamp,
}

impl Admission {
    /// Whether the client is admitted at `now`.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.end
    }

    /// First moment at which the client is no longer admitted.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// Validity of a certificate; its last second counts in full (RFC 5280, 4.1.2.5).
    pub(super) fn of_certificate(profile: &Profile) -> Self {
        let last = profile.not_after.as_millis();
        Self { from: profile.not_before, end: Timestamp::from_millis(last.saturating_add(1_000)) }
    }

    /// Validity of a revocation list.
    pub(super) fn of_list(list: &RevocationList) -> Self {
        Self { from: list.this_update(), end: list.next_update() }
    }

    /// Intersection of two periods.
    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), end: self.end.min(other.end) }
    }

    /// Error of a certificate with this validity at `now`, if it is not valid.
    pub(super) fn error_at(self, now: Timestamp) -> Option<PathError> {
        if now < self.from {
            Some(PathError::NotValidYet)
        } else if now >= self.end {
            Some(PathError::Expired)
        } else {
            None
        }
    }
}
