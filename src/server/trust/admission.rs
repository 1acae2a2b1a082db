//! For how long a caller is let in: a span of time, to be asked again for every request on an open connection.

use super::refused::PathFlaw;
use crate::certificates::{Profile, RevocationList};
use ehealth_core::model::Timestamp;

/// For how long a caller stays let in, as far as its path and the lists are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    from: Timestamp,
    /// The first moment at which it no longer holds.
    end: Timestamp,
}

impl Admission {
    /// Whether the caller is still let in at the moment `now`.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.end
    }

    /// The first moment at which the caller is no longer let in.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// As long as the certificate is valid: its last second counts whole (RFC 5280, 4.1.2.5).
    pub(super) fn of_certificate(profile: &Profile) -> Self {
        let last = profile.not_after.as_millis();
        Self { from: profile.not_before, end: Timestamp::from_millis(last.saturating_add(1_000)) }
    }

    /// As long as the list can be relied upon.
    pub(super) fn of_list(list: &RevocationList) -> Self {
        Self { from: list.this_update(), end: list.next_update() }
    }

    /// The span in which both hold.
    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), end: self.end.min(other.end) }
    }

    /// What is wrong with a certificate that is valid as long as this, at the moment `now`.
    pub(super) fn flaw(self, now: Timestamp) -> Option<PathFlaw> {
        if now < self.from {
            Some(PathFlaw::NotValidYet)
        } else if now >= self.end {
            Some(PathFlaw::Expired)
        } else {
            None
        }
    }
}
