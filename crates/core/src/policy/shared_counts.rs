//! The counts of one consumer that all nodes of a cluster share, and the leases that they give.
//! Arithmetic only: the caller passes in the row and the database's time, and writes the row back
//! before another node reads it.
//!
//! A *lease* is questions that a node may ask without another exchange. It is counted as asked when
//! it is granted, and ends [`LIFETIME`] later, or with its hour. The node returns what it did not
//! use with its next exchange.
//!
//! # Bounds
//! In no 60 s do all nodes together ask more than `per_minute`, and in no 24 h more than `per_day`:
//!
//! 1. A lease that is granted at the time `T` is used in `[T, T + LIFETIME]`: the node measures the
//!    lifetime from the moment before it sent the request, which is not after `T`.
//! 2. The lease is counted in the second of `T`, and leaves the count when the second 62 seconds
//!    later begins: after `T + 61 s`, so at least 60 s after each of its uses. The lease ends with
//!    its hour at the latest, and leaves the day's count when the hour 25 hours later begins: at
//!    least 24 h after each of its uses.
//! 3. Take the questions of any 60 s, and of their leases the one that was granted last. It was
//!    granted less than 60 s after the first of these questions, so each of their leases is still
//!    counted then. A grant never brings the count above the quota. Only what was not asked is
//!    returned. So the questions are at most the quota. The same holds for 24 h.
//!
//! The row's time never goes back: while the database's clock says an earlier time than the row,
//! the row's time stands still, and no question leaves the counts. A clock that jumps forward frees
//! what it jumps over, as an hour that passes does. A node that is killed loses its leases, at most
//! a sixteenth of the quota each, until they leave the counts. A request whose outcome is unknown
//! loses what it returned, in the same way.

use std::time::Duration;

use super::day_count::{HOURS, HourCounts};
use super::guard_score::{EMPTY_SLOTS, GuardChange, GuardScore, GuardTotals};
use super::quota::Quota;
use super::sliding_count::SlidingCount;

/// Seconds that are counted: the one that has begun, 60, and one for the lifetime of a lease.
pub const MINUTE_SLOTS: usize = 62;

/// Longest time for which a lease may be used.
const LIFETIME: Duration = Duration::from_secs(1);

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// The largest lease is this part of what is left of the quota.
const LARGEST_PART: u64 = 16;

/// The row of one consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCounts {
    /// Time of the newest exchange, since the Unix epoch, by the database's clock.
    pub at: Duration,
    /// Questions by second, oldest first; the last one is the second of `at`.
    pub minute: [u32; MINUTE_SLOTS],
    /// Questions by hour, oldest first; the last one is the hour of `at`.
    pub day: HourCounts,
    /// State of the guard against trawling, at `at`.
    pub guard: GuardTotals,
    /// Time up to which the guard's score has decayed.
    pub decayed: Duration,
}

impl Default for SharedCounts {
    /// The row of a consumer that has asked nothing.
    fn default() -> Self {
        Self {
            at: Duration::ZERO,
            minute: [0; MINUTE_SLOTS],
            day: [0; HOURS],
            guard: GuardTotals { points: 0, empties: [0; EMPTY_SLOTS] },
            decayed: Duration::ZERO,
        }
    }
}

/// What a node asks for one consumer, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Text of the consumer's [`ConsumerId`](super::ConsumerId).
    pub consumer: String,
    /// Quota by this node's policy.
    pub quota: Quota,
    /// Questions that the node can use.
    pub wanted: u32,
    /// Parts of leases that ended unused.
    pub returned: Vec<ReturnedLease>,
    /// Questions that the node asked without leases, while the database could not be reached.
    pub unleased: Unleased,
    /// What changed in the guard against trawling.
    pub guard: GuardChange,
    /// Node's time before the request was sent. It comes back with the lease.
    pub requested: Duration,
}

/// Part of a lease that was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnedLease {
    /// [`Lease::granted_at`].
    pub granted_at: Duration,
    /// Questions.
    pub questions: u32,
}

/// Questions that were asked without a lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unleased {
    /// Those of the last minute.
    pub minute: u32,
    /// All of them.
    pub day: u32,
}

/// Questions of one consumer that a node may ask, and the state of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// [`LeaseRequest::consumer`].
    pub consumer: String,
    /// Questions: 0 if the quota is spent.
    pub questions: u32,
    /// Row's time of the grant. It identifies the lease when it is returned.
    pub granted_at: Duration,
    /// Time for which the lease may be used, from [`requested`](Self::requested) on.
    pub lifetime: Duration,
    /// Time until the quota allows another question; zero if it allows one.
    pub wait: Duration,
    /// State of the guard against trawling, with the change of the request.
    pub guard: GuardTotals,
    /// [`LeaseRequest::requested`].
    pub requested: Duration,
}

/// Applies a request to the consumer's row, at this time of the database's clock. Write the row
/// before the lease is used.
#[must_use]
pub fn exchange(shared: &mut SharedCounts, request: &LeaseRequest, clock: Duration) -> Lease {
    let now = clock.max(shared.at);
    let mut minute = SlidingCount::from_counts(SECOND, shared.at, shared.minute);
    let mut day = SlidingCount::from_counts(HOUR, shared.at, shared.day);
    minute.advance(now);
    day.advance(now);
    for part in &request.returned {
        minute.remove_at(part.granted_at, part.questions);
        day.remove_at(part.granted_at, part.questions);
    }
    minute.add(request.unleased.minute);
    day.add(request.unleased.day);

    let (per_minute, per_day) = (u64::from(request.quota.per_minute), u64::from(request.quota.per_day));
    let left = per_minute.saturating_sub(minute.sum()).min(per_day.saturating_sub(day.sum()));
    let largest = left.div_ceil(LARGEST_PART).min(u64::from(request.wanted));
    let questions = u32::try_from(largest).unwrap_or(u32::MAX);
    let wait_for = |is_spent: bool, wait: Duration| if is_spent { wait } else { Duration::ZERO };
    let wait = wait_for(minute.sum() >= per_minute, minute.wait_for(per_minute, now))
        .max(wait_for(day.sum() >= per_day, day.wait_for(per_day, now)));
    minute.add(questions);
    day.add(questions);

    let mut guard = GuardScore::from_totals(&shared.guard, shared.decayed, shared.at);
    guard.advance(now);
    guard.add(request.guard);
    *shared = SharedCounts {
        at: now,
        minute: minute.counts(),
        day: day.counts(),
        guard: guard.totals(),
        decayed: guard.decayed(),
    };
    Lease {
        consumer: request.consumer.clone(),
        questions,
        granted_at: now,
        lifetime: LIFETIME.min(rest_of_hour(now)),
        wait,
        guard: shared.guard,
        requested: request.requested,
    }
}

/// Time until the next hour begins.
fn rest_of_hour(now: Duration) -> Duration {
    let hour = HOUR.as_millis();
    let passed = u64::try_from(now.as_millis() % hour).unwrap_or(0);
    HOUR.saturating_sub(Duration::from_millis(passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { per_minute: 160, per_day: 1_000, ..Quota::USUAL };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(1_800_000_000_000 + millis)
    }

    fn want(wanted: u32) -> LeaseRequest {
        LeaseRequest {
            consumer: "0202239951".to_owned(),
            quota: QUOTA,
            wanted,
            returned: Vec::new(),
            unleased: Unleased::default(),
            guard: GuardChange::NONE,
            requested: Duration::ZERO,
        }
    }

    #[test]
    fn leases_shrink_as_the_quota_runs_out() {
        let mut row = SharedCounts::default();
        let grants: Vec<_> = std::iter::repeat_with(|| exchange(&mut row, &want(1_000), at(0)).questions)
            .take_while(|questions| *questions > 0)
            .collect();
        assert_eq!(grants.iter().take(3).collect::<Vec<_>>(), [&10, &10, &9]);
        assert_eq!((grants.last(), grants.iter().sum::<u32>()), (Some(&1), 160));
        let spent = exchange(&mut row, &want(1), at(500));
        assert_eq!((spent.questions, spent.wait), (0, Duration::from_millis(61_500)));
        assert_eq!(exchange(&mut row, &want(1), at(61_999)).questions, 0);
        assert_eq!(exchange(&mut row, &want(1), at(62_000)).questions, 1);
    }

    #[test]
    fn what_is_returned_is_granted_once_more() {
        let mut row = SharedCounts::default();
        while exchange(&mut row, &want(1_000), at(0)).questions > 0 {}
        let mut back = want(7);
        back.returned = vec![ReturnedLease { granted_at: at(0), questions: 7 }];
        assert_eq!(exchange(&mut row, &back, at(1_000)).questions, 1);
        let rest = std::iter::repeat_with(|| exchange(&mut row, &want(7), at(1_000)).questions);
        assert_eq!(rest.take_while(|questions| *questions > 0).sum::<u32>(), 6);
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let mut row = SharedCounts::default();
        while exchange(&mut row, &want(1_000), at(100_000)).questions > 0 {}
        for clock in [0, 50_000, 99_999, 100_000, 161_999] {
            assert_eq!(exchange(&mut row, &want(1), at(clock)).questions, 0, "at {clock}");
            assert!(row.at >= at(100_000));
        }
        assert_eq!(exchange(&mut row, &want(1), at(162_000)).questions, 1);
    }

    #[test]
    fn a_day_is_any_24_hours_and_a_lease_ends_with_its_hour() {
        let mut row = SharedCounts::default();
        let late = 3_600_000 - 300;
        assert_eq!(exchange(&mut row, &want(1), at(late)).lifetime, Duration::from_millis(300));
        assert_eq!(exchange(&mut row, &want(1), at(3_600_000)).lifetime, Duration::from_secs(1));
        let mut minutes = 0;
        let mut taken = 2;
        while taken < 1_000 {
            minutes += 1;
            taken += exchange(&mut row, &want(1_000), at(3_600_000 + minutes * 63_000)).questions;
        }
        let wait = exchange(&mut row, &want(1), at(25 * 3_600_000 - 1)).wait;
        assert_eq!(wait, Duration::from_millis(1), "the first hour's question leaves");
        assert_eq!(exchange(&mut row, &want(2), at(25 * 3_600_000)).questions, 1);
    }

    #[test]
    fn questions_without_a_lease_are_counted_later() {
        let mut row = SharedCounts::default();
        let mut late = want(0);
        late.unleased = Unleased { minute: 150, day: 5_000 };
        assert_eq!(exchange(&mut row, &late, at(0)).questions, 0);
        assert_eq!((row.minute.iter().sum::<u32>(), row.day.iter().sum::<u32>()), (150, 5_000));
        assert_eq!(exchange(&mut row, &want(1), at(1)).questions, 0, "the day is spent");
    }
}
