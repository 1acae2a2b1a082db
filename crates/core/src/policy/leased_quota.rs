//! The quota of one consumer at one node of a cluster: questions from leases, and the node's own
//! share while the database cannot be reached. [`super::shared_counts`] has the other side, and why
//! the bounds hold.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use super::day_count::{HOURS, NoQuestion};
use super::quota::Quota;
use super::shared_counts::{Lease, ReturnedLease, Unleased};
use super::sliding_count::SlidingCount;

/// Leases that are held at a time. One more is joined with the newest.
const MOST_HELD: usize = 8;

/// Remaining lifetime below which a lease that is used is renewed.
const RENEWAL: Duration = Duration::from_millis(500);

/// Time after which a node asks again if the quota was spent: another node may have returned a
/// lease.
const RECHECK: Duration = Duration::from_millis(250);

/// Share of the quota that a node asks for at first: a small one, so that a node with few questions
/// withholds little from the others.
const FIRST_PART: u32 = 128;

/// Seconds of the node's own count: the one that has begun, and 60.
const OWN_SECONDS: usize = 61;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Where the next questions come from if no lease is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeaseSource {
    /// The next exchange with the database.
    #[default]
    Exchange,
    /// This node's share: the quota divided by this number of nodes, at least 1 question. The
    /// database cannot be reached, and questions are answered all the same.
    OwnShare(NonZeroU32),
    /// None: the database cannot be reached, and questions are refused.
    Unavailable,
}

/// A question that was taken; for [`LeasedQuota::give_back`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenLease {
    /// Grant of its lease; `None` if it was the node's own.
    granted_at: Option<Duration>,
}

/// What a node asks and tells in the next exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedLease {
    /// Questions that it can use.
    pub wanted: u32,
    /// Parts of leases that ended unused.
    pub returned: Vec<ReturnedLease>,
    /// Questions that were asked without leases.
    pub unleased: Unleased,
}

/// The leases of one consumer at one node.
#[derive(Debug, Clone)]
pub struct LeasedQuota {
    /// Oldest first.
    held: VecDeque<Held>,
    returned: Vec<ReturnedLease>,
    /// Size of the newest lease.
    newest: u32,
    /// Questions since the last plan, those without a lease included.
    demand: u32,
    /// Whether a question has no lease, or the next one may have none.
    is_needed: bool,
    spent: Option<Spent>,
    own: OwnCounts,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    granted_at: Duration,
    left: u32,
    /// Node's time.
    ends: Duration,
}

/// All nodes together have spent the quota.
#[derive(Debug, Clone, Copy)]
struct Spent {
    recheck: Duration,
    until: Duration,
}

/// All questions of this node, and those without a lease that no exchange has counted yet.
#[derive(Debug, Clone)]
struct OwnCounts {
    minute: SlidingCount<OWN_SECONDS>,
    day: SlidingCount<HOURS>,
    unleased_minute: SlidingCount<OWN_SECONDS>,
    unleased_day: u32,
    /// In the request whose answer has not come.
    sent: Unleased,
}

impl LeasedQuota {
    /// Quota of a consumer without a lease.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self {
            held: VecDeque::new(),
            returned: Vec::new(),
            newest: 0,
            demand: 0,
            is_needed: false,
            spent: None,
            own: OwnCounts::new(now),
        }
    }

    /// Takes one question.
    ///
    /// # Errors
    /// [`NoQuestion`]; then nothing is taken. With [`NoQuestion::NoLease`], the next plan asks for
    /// one.
    pub fn take(&mut self, quota: Quota, source: LeaseSource, now: Duration) -> Result<TakenLease, NoQuestion> {
        self.own.advance(now);
        self.demand = self.demand.saturating_add(1);
        if let Some(held) = self.held.iter_mut().find(|held| held.left > 0 && now < held.ends) {
            held.left = held.left.saturating_sub(1);
            let granted_at = Some(held.granted_at);
            self.own.add();
            self.is_needed |= self.ends_soon(now);
            return Ok(TakenLease { granted_at });
        }
        match (source, self.spent) {
            (LeaseSource::Unavailable, _) => Err(NoQuestion::Unknown),
            (LeaseSource::OwnShare(nodes), _) => {
                self.own.take(quota, nodes, now).map(|()| TakenLease { granted_at: None })
            }
            (LeaseSource::Exchange, Some(spent)) if now < spent.recheck => {
                Err(NoQuestion::Spent(spent.until.saturating_sub(now)))
            }
            (LeaseSource::Exchange, Some(_) | None) => {
                self.is_needed = true;
                Err(NoQuestion::NoLease)
            }
        }
    }

    /// Gives a question back that was taken and not asked.
    pub fn give_back(&mut self, taken: TakenLease) {
        let Some(granted_at) = taken.granted_at else {
            self.own.remove_unleased();
            return;
        };
        self.own.remove();
        // It goes to its own lease: that of another would end later.
        match self.held.iter_mut().find(|held| held.granted_at == granted_at) {
            Some(held) => held.left = held.left.saturating_add(1),
            None => self.returned.push(ReturnedLease { granted_at, questions: 1 }),
        }
    }

    /// Whether the next exchange is to come soon: a question has no lease, or half of the newest one
    /// is used, or the last one ends soon.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.is_needed
    }

    fn ends_soon(&self, now: Duration) -> bool {
        let lasting = self.held.iter().filter(|held| held.ends > now.saturating_add(RENEWAL));
        lasting.map(|held| u64::from(held.left)).sum::<u64>() < u64::from(self.newest.div_ceil(2))
    }

    /// What to ask in the next exchange; `None` if there is nothing to ask and nothing to tell.
    ///
    /// What is returned is not returned twice: if the outcome of the exchange is unknown, it is lost
    /// until it leaves the counts.
    pub fn plan(&mut self, quota: Quota, now: Duration) -> Option<PlannedLease> {
        self.return_held(|held| held.ends <= now);
        self.own.advance(now);
        // Twice the questions since the last plan: it may be half a lifetime ago.
        let smallest = (quota.per_minute / FIRST_PART).max(1);
        let wanted = if self.is_needed { self.demand.saturating_mul(2).max(smallest) } else { 0 };
        (self.is_needed, self.demand) = (false, 0);
        self.finish_plan(wanted)
    }

    /// What to return when the node ends: no question is taken after it.
    pub fn plan_end(&mut self) -> Option<PlannedLease> {
        self.return_held(|_| true);
        self.finish_plan(0)
    }

    fn finish_plan(&mut self, wanted: u32) -> Option<PlannedLease> {
        let unleased = self.own.plan();
        let returned = std::mem::take(&mut self.returned);
        let is_empty = wanted == 0 && returned.is_empty() && unleased == Unleased::default();
        (!is_empty).then_some(PlannedLease { wanted, returned, unleased })
    }

    fn return_held(&mut self, ends: impl Fn(&Held) -> bool) {
        let ended = self.held.iter().filter(|held| held.left > 0 && ends(held));
        self.returned.extend(ended.map(|held| ReturnedLease { granted_at: held.granted_at, questions: held.left }));
        self.held.retain(|held| !ends(held));
    }

    /// The lease of the planned exchange.
    pub fn note_lease(&mut self, lease: &Lease, now: Duration) {
        self.own.note_sent();
        if lease.questions == 0 {
            if !lease.wait.is_zero() {
                let recheck = now.saturating_add(RECHECK.min(lease.wait));
                self.spent = Some(Spent { recheck, until: now.saturating_add(lease.wait) });
            }
            return;
        }
        self.spent = None;
        self.newest = lease.questions;
        self.held.retain(|held| held.left > 0);
        let ends = lease.requested.saturating_add(lease.lifetime);
        if self.held.len() >= MOST_HELD {
            self.return_held_oldest();
        }
        self.held.push_back(Held { granted_at: lease.granted_at, left: lease.questions, ends });
    }

    /// Returns the oldest lease, although it may still be used.
    fn return_held_oldest(&mut self) {
        if let Some(held) = self.held.pop_front() {
            self.returned.push(ReturnedLease { granted_at: held.granted_at, questions: held.left });
        }
    }
}

impl OwnCounts {
    fn new(now: Duration) -> Self {
        Self {
            minute: SlidingCount::new(SECOND, now),
            day: SlidingCount::new(HOUR, now),
            unleased_minute: SlidingCount::new(SECOND, now),
            unleased_day: 0,
            sent: Unleased::default(),
        }
    }

    fn advance(&mut self, now: Duration) {
        self.minute.advance(now);
        self.day.advance(now);
        self.unleased_minute.advance(now);
    }

    fn add(&mut self) {
        self.minute.add(1);
        self.day.add(1);
    }

    fn remove(&mut self) {
        self.minute.remove();
        self.day.remove();
    }

    fn remove_unleased(&mut self) {
        self.remove();
        self.unleased_minute.remove();
        self.unleased_day = self.unleased_day.saturating_sub(1);
    }

    /// Takes a question of this node's share.
    fn take(&mut self, quota: Quota, nodes: NonZeroU32, now: Duration) -> Result<(), NoQuestion> {
        let share = |of: u32| u64::from((of / nodes).max(of.min(1)));
        let (minute, day) = (share(quota.per_minute), share(quota.per_day));
        let minute_wait = (self.minute.sum() >= minute).then(|| self.minute.wait_for(minute, now));
        let day_wait = (self.day.sum() >= day).then(|| self.day.wait_for(day, now));
        if let Some(wait) = minute_wait.max(day_wait) {
            return Err(NoQuestion::Spent(wait));
        }
        self.add();
        self.unleased_minute.add(1);
        self.unleased_day = self.unleased_day.saturating_add(1);
        Ok(())
    }

    fn plan(&mut self) -> Unleased {
        let minute = u32::try_from(self.unleased_minute.sum()).unwrap_or(u32::MAX);
        self.sent = Unleased { minute, day: self.unleased_day };
        self.sent
    }

    /// The exchange has counted what was sent.
    fn note_sent(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        self.unleased_day = self.unleased_day.saturating_sub(sent.day);
        let later = self.unleased_minute.sum().saturating_sub(u64::from(sent.minute));
        if sent.minute > 0 {
            self.unleased_minute.clear();
            self.unleased_minute.add(u32::try_from(later).unwrap_or(u32::MAX));
        }
    }
}
