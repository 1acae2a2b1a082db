//! Quotas that the nodes of a cluster share: what the task calls that exchanges leases with the
//! database.
//!
//! The task is in the application. It repeats: await a request or an interval, plan, exchange, note
//! the leases, or note that the database cannot be reached. One exchange is under way at a time. No
//! lock is held while a question waits for one.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::consumer_limits::{ConsumerLimits, LeasePurpose};
use super::rate_limits::RateLimits;
use super::shared_leases::SharedLeases;
use ehealth_core::policy::{ConsumerId, Lease, LeaseRequest, LeaseSource};

/// The shared quotas. Their task calls these.
impl RateLimits {
    /// Takes all questions from leases from now on. Call it before the first question, and not
    /// together with [`RateLimits::keep_counts`].
    pub fn share_counts(&self) {
        // Fails only if this is called twice: then nothing changes.
        let _ = self.shared.set(SharedLeases::default());
    }

    /// Waits until leases are needed, and at most this long. An interval of at most 1 s returns
    /// unused leases to the other nodes soon.
    pub async fn await_lease_request(&self, interval: Duration) {
        match self.shared.get() {
            // Both outcomes call for an exchange.
            Some(shared) => drop(timeout(interval, shared.requested().notified()).await),
            None => tokio::time::sleep(interval).await,
        }
    }

    /// The requests of the next exchange, in the order of the consumers; empty if none is needed.
    ///
    /// Plan again only after the last exchange has ended. What it returned and reported is planned
    /// once more only where that is safe.
    pub fn plan_leases(&self) -> Vec<LeaseRequest> {
        self.plan_all(LeasePurpose::NextQuestions)
    }

    /// The requests that return all leases when the service has ended.
    pub fn plan_lease_end(&self) -> Vec<LeaseRequest> {
        self.plan_all(LeasePurpose::End)
    }

    fn plan_all(&self, purpose: LeasePurpose) -> Vec<LeaseRequest> {
        let now = self.clock.uptime();
        let mut requests: Vec<_> = self
            .known()
            .into_iter()
            .filter_map(|(consumer, limits)| limits.plan_lease(consumer, purpose, now))
            .collect();
        requests.sort_unstable_by(|one, other| one.consumer.cmp(&other.consumer));
        requests
    }

    /// The exchange succeeded: the questions that wait for it go on. Call it also if nothing was
    /// planned, and the database is known to be reachable.
    pub fn note_leases(&self, leases: &[Lease]) {
        let Some(shared) = self.shared.get() else { return };
        let now = self.clock.uptime();
        let known: HashMap<_, _> =
            self.known().into_iter().map(|(consumer, limits)| (consumer.to_string(), limits)).collect();
        for lease in leases {
            if let Some(limits) = known.get(&lease.consumer) {
                limits.note_lease(lease, now);
            }
        }
        shared.note(LeaseSource::Exchange);
    }

    /// The exchange failed, or its outcome is unknown. Leases that are held may be used until they
    /// end.
    ///
    /// `fallback_share` is the number of nodes among which each quota is divided while this node is
    /// cut off: at least 1 question a minute is this node's. Give the number of live nodes at the
    /// last exchange if questions are to be answered all the same. The quotas then hold if every
    /// node is cut off with the same number; in the minute in which that begins, all nodes together
    /// may exceed `per_minute`, and in that day `per_day`, by less than the quota. With `None`,
    /// questions get the fault of an exchange that cannot be recorded.
    pub fn note_unreachable(&self, fallback_share: Option<NonZeroU32>) {
        let Some(shared) = self.shared.get() else { return };
        shared.note(fallback_share.map_or(LeaseSource::Unavailable, LeaseSource::OwnShare));
    }

    fn known(&self) -> Vec<(ConsumerId, Arc<ConsumerLimits>)> {
        self.consumers.lock().iter().map(|(consumer, limits)| (*consumer, Arc::clone(limits))).collect()
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use ehealth_core::model::{Clock, EnterpriseNumber, FixedClock, Timestamp};
    use ehealth_core::policy::{Consumer, Quota, SharedCounts, exchange};
    use tokio::task::JoinSet;

    use super::super::consumer_limits::NotTaken;
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(500);
    const NOW: Duration = Duration::from_secs(1_800_000_100);

    fn consumer() -> Arc<Consumer> {
        Arc::new(Consumer::new(EnterpriseNumber::parse("0999010126").expect("a number"), "Fund"))
    }

    fn node() -> (Arc<FixedClock>, Arc<RateLimits>) {
        let clock = Arc::new(FixedClock::new(Timestamp::parse("2027-01-15T08:00:00Z").expect("a moment")));
        let limits = RateLimits::new(Arc::clone(&clock) as Arc<dyn Clock>);
        limits.share_counts();
        (clock, Arc::new(limits))
    }

    fn answer(rows: &Mutex<HashMap<String, SharedCounts>>, requests: &[LeaseRequest]) -> Vec<Lease> {
        let mut rows = rows.lock();
        let lease = |request: &LeaseRequest| exchange(rows.entry(request.consumer.clone()).or_default(), request, NOW);
        requests.iter().map(lease).collect()
    }

    #[tokio::test]
    async fn three_nodes_share_a_minute() {
        let rows = Arc::new(Mutex::new(HashMap::new()));
        let (mut tasks, mut questions) = (JoinSet::new(), JoinSet::new());
        for _ in 0..3 {
            let (_, limits) = node();
            let (rows, node) = (Arc::clone(&rows), Arc::clone(&limits));
            tasks.spawn(async move {
                loop {
                    node.await_lease_request(INTERVAL).await;
                    let requests = node.plan_leases();
                    tokio::task::yield_now().await;
                    node.note_leases(&answer(&rows, &requests));
                }
            });
            for _ in 0..50 {
                let (limits, consumer) = (Arc::clone(&limits), consumer());
                questions.spawn(async move {
                    let mut taken = 0;
                    for _ in 0..67 {
                        if let Ok(question) = limits.take(&consumer).await {
                            question.spend();
                            taken += 1;
                        }
                    }
                    taken
                });
            }
        }
        let taken: usize = questions.join_all().await.into_iter().sum();
        assert!((570..=600).contains(&taken), "{taken} of 600");
    }

    #[tokio::test]
    async fn a_question_that_was_not_asked_is_returned_at_the_end() {
        let rows = Mutex::new(HashMap::new());
        let (_, limits) = node();
        let consumer = consumer();
        let (question, ()) = tokio::join!(limits.take(&consumer), async {
            limits.await_lease_request(INTERVAL).await;
            limits.note_leases(&answer(&rows, &limits.plan_leases()));
        });
        drop(question.expect("a lease"));
        let end = limits.plan_lease_end();
        let _ = answer(&rows, &end);
        let counted: u32 = rows.lock().values().flat_map(|row| row.minute).sum();
        assert_eq!((end.len(), counted), (1, 0));
        assert_eq!(limits.plan_lease_end(), [], "nothing is left");
    }

    #[tokio::test]
    async fn without_the_database_questions_are_refused_or_use_the_own_share() {
        let (clock, limits) = node();
        let consumer = consumer();
        let (waited, ()) = tokio::join!(limits.take(&consumer), async {
            limits.await_lease_request(INTERVAL).await;
            limits.note_unreachable(None);
        });
        assert_eq!(waited.expect_err("refused"), NotTaken::Unknown, "at once");
        limits.note_unreachable(NonZeroU32::new(3));
        for _ in 0..Quota::USUAL.per_minute / 3 {
            limits.take(&consumer).await.expect("the own share").spend();
        }
        assert!(limits.take(&consumer).await.is_err());
        let rows = Mutex::new(HashMap::new());
        clock.advance(Duration::from_secs(2));
        limits.note_leases(&answer(&rows, &limits.plan_leases()));
        let counted: u32 = rows.lock().values().flat_map(|row| row.day).sum();
        assert!(counted >= 200, "{counted}");
    }

    #[test]
    fn limits_that_are_not_shared_plan_nothing() {
        let limits = RateLimits::new(Arc::new(FixedClock::new(Timestamp::from_millis(0))));
        limits.note_unreachable(None);
        limits.note_leases(&[]);
        assert_eq!(limits.plan_leases(), []);
    }
}
