//! Rate limit state of each consumer. Kept outside the active configuration, so that a reload does
//! not reset a quota.

use std::collections::HashMap;
use std::time::Duration;

use ehealth_core::model::{Status, Timestamp};
use ehealth_core::policy::{Consumer, ConsumerId, RateLimiter, Throttle};
use parking_lot::Mutex;

use crate::peer_event;
use crate::peer_log::PeerLog;

/// Rate limiters of the consumers that have sent a question. Only registered consumers get one.
#[derive(Debug, Default)]
pub(crate) struct RateLimits(Mutex<HashMap<ConsumerId, RateLimiter>>);

impl RateLimits {
    /// Takes one question from the consumer's quota.
    ///
    /// # Errors
    /// The time until the quota allows another question.
    pub fn take(&self, consumer: &Consumer, now: Timestamp) -> Result<(), Duration> {
        self.with(consumer, now, |limiter| limiter.take(consumer.quota, now))
    }

    /// Counts an answer; returns whether the consumer is throttled. Logs the moment when throttling
    /// begins.
    pub fn note(&self, consumer: &Consumer, status: Status, now: Timestamp, log: &PeerLog) -> Throttle {
        let throttle = self.with(consumer, now, |limiter| limiter.note(consumer.quota, status, now));
        if throttle == Throttle::SlowedFromNow {
            let (consumer, name) = (consumer.id(), consumer.name.as_str());
            peer_event!(log, WARN, "consumer throttled: most of its questions find no relation or no data", "throttled",
                consumer; organisation = %consumer.organisation(),
                application = consumer.application().map(tracing::field::display), name);
        }
        throttle
    }

    fn with<T>(&self, consumer: &Consumer, now: Timestamp, apply: impl FnOnce(&mut RateLimiter) -> T) -> T {
        let mut limiters = self.0.lock();
        apply(limiters.entry(consumer.id()).or_insert_with(|| RateLimiter::new(consumer.quota, now)))
    }
}
