//! What each consumer has used up. Kept beside what is in force, so that a reload gives nobody a new quota.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ehealth_core::model::{EnterpriseNumber, Status, Timestamp};
use ehealth_core::policy::{Consumer, RateLimiter, Throttle};

/// The rate_limits of every consumer that has asked something; only registered ones ever get one.
#[derive(Debug, Default)]
pub(super) struct RateLimits(Mutex<HashMap<EnterpriseNumber, RateLimiter>>);

impl RateLimits {
    /// Takes one question out of the consumer's quota.
    ///
    /// # Errors
    /// How long until there is one again.
    pub fn take(&self, consumer: &Consumer, now: Timestamp) -> Result<(), Duration> {
        self.with(consumer, now, |meter| meter.take(consumer.quota, now))
    }

    /// Counts an answer; whether it is given at once. The operator is told when a consumer begins to be slowed.
    pub fn note(&self, consumer: &Consumer, status: Status, now: Timestamp) -> Throttle {
        let pace = self.with(consumer, now, |meter| meter.note(consumer.quota, status, now));
        if pace == Throttle::SlowedFromNow {
            let (organisation, name) = (consumer.organisation, consumer.name.as_str());
            tracing::warn!(%organisation, name, "slowed: most of its questions find no relation or nothing");
        }
        pace
    }

    fn with<T>(&self, consumer: &Consumer, now: Timestamp, use_meter: impl FnOnce(&mut RateLimiter) -> T) -> T {
        // Nobody can panic while holding the lock: a meter counts with saturating numbers.
        let mut rate_limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_meter(rate_limits.entry(consumer.organisation).or_insert_with(|| RateLimiter::new(consumer.quota, now)))
    }
}
