//! Quotas hold over all nodes of a cluster: simulated nodes that ask at random, crash, lose messages
//! and wait for slow exchanges, with a database whose clock goes back.

use std::num::NonZeroU32;
use std::time::Duration;

use ehealth_core::policy::{
    GuardChange, Lease, LeaseRequest, LeaseSource, LeasedQuota, NoQuestion, PlannedLease, Quota, SharedCounts, exchange,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// The database's clock at the start.
const EPOCH: u64 = 1_800_000_123_456;

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn is_one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }
}

/// Frequencies of faults: one in this number of cases; 0 for never.
#[derive(Clone, Copy)]
struct Faults {
    crash: u64,
    loss: u64,
    clock: u64,
    /// Longest delay of a message, in ms.
    delay: u64,
}

const SOUND: Faults = Faults { crash: 0, loss: 0, clock: 0, delay: 4 };

struct Cluster {
    quota: Quota,
    faults: Faults,
    random: Random,
    row: SharedCounts,
    /// Difference of the database's clock from true time, in ms.
    skew: i64,
    nodes: Vec<Node>,
    /// Moments of all questions.
    asked: Vec<u64>,
    refused: usize,
}

struct Node {
    /// Uptime at the start.
    uptime: u64,
    leases: LeasedQuota,
    pending: Option<Pending>,
    planned: u64,
}

/// An exchange under way.
struct Pending {
    request: LeaseRequest,
    arrives: u64,
    lease: Option<Lease>,
    returns: u64,
    is_lost: bool,
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn request(quota: Quota, planned: PlannedLease, now: Duration) -> LeaseRequest {
    let PlannedLease { wanted, returned, unleased } = planned;
    let (consumer, guard) = ("0202239951".to_owned(), GuardChange::NONE);
    LeaseRequest { consumer, quota, wanted, returned, unleased, guard, requested: now }
}

impl Cluster {
    fn new(seed: u64, nodes: u64, quota: Quota, faults: Faults) -> Self {
        let node = |number| Node::new(1_000_000 * (number + 1));
        let nodes = (0..nodes).map(node).collect();
        let random = Random(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1);
        Self { quota, faults, random, row: SharedCounts::default(), skew: 0, nodes, asked: Vec::new(), refused: 0 }
    }

    /// One step of every node at this moment: each asks `questions` times.
    fn step(&mut self, now: u64, questions: impl Fn(usize, &mut Random) -> u64) {
        let Faults { crash, loss, clock, delay } = self.faults;
        if clock > 0 && self.random.is_one_in(clock) {
            // Back by up to a minute.
            self.skew -= i64::try_from(self.random.below(MINUTE)).expect("small");
        }
        let database = millis((EPOCH + now).strict_add_signed(self.skew));
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if crash > 0 && self.random.is_one_in(crash) {
                // An exchange under way may have arrived.
                if let Some(pending) = node.pending.take().filter(|_| self.random.is_one_in(2)) {
                    let _ = exchange(&mut self.row, &pending.request, database);
                }
                *node = Node::new(node.uptime + 77);
            }
            let uptime = millis(node.uptime + now);
            node.receive(&mut self.row, now, database, uptime);
            for _ in 0..questions(index, &mut self.random) {
                match node.leases.take(self.quota, LeaseSource::Exchange, uptime) {
                    // One in 50 was no question.
                    Ok(taken) if self.random.is_one_in(50) => node.leases.give_back(taken),
                    Ok(_) => self.asked.push(now),
                    Err(NoQuestion::NoLease | NoQuestion::Spent(_) | NoQuestion::Unknown) => self.refused += 1,
                }
            }
            let is_due = node.leases.is_short() || now >= node.planned + 500;
            if node.pending.is_none() && is_due {
                node.planned = now;
                let is_lost = loss > 0 && self.random.is_one_in(loss);
                let arrives = now + self.random.below(delay + 1);
                let returns = arrives + self.random.below(delay + 1);
                let planned = node.leases.plan(self.quota, uptime);
                node.pending = planned.map(|planned| {
                    let request = request(self.quota, planned, uptime);
                    Pending { request, arrives, lease: None, returns, is_lost }
                });
            }
        }
    }

    /// Most questions in any period of this length.
    fn most_in(&self, period: u64) -> usize {
        let count = |(first, begin): (usize, &u64)| {
            let end = self.asked.partition_point(|asked| *asked < begin + period);
            end - first
        };
        self.asked.iter().enumerate().map(count).max().unwrap_or(0)
    }
}

impl Node {
    fn new(uptime: u64) -> Self {
        Self { uptime, leases: LeasedQuota::new(millis(uptime)), pending: None, planned: 0 }
    }

    fn receive(&mut self, row: &mut SharedCounts, now: u64, database: Duration, uptime: Duration) {
        let Some(pending) = &mut self.pending else { return };
        if pending.lease.is_none() && now >= pending.arrives {
            pending.lease = Some(exchange(row, &pending.request, database));
        }
        if let Some(lease) = pending.lease.as_ref().filter(|_| now >= pending.returns) {
            if !pending.is_lost {
                self.leases.note_lease(lease, uptime);
            }
            self.pending = None;
        }
    }
}

fn quota(per_minute: u32, per_day: u32) -> Quota {
    Quota { per_minute, per_day, ..Quota::USUAL }
}

#[test]
fn no_minute_has_more_than_its_quota_whatever_fails() {
    for seed in 1..=30 {
        let per_minute = [1, 7, 60, 600, 3_000][usize::try_from(seed % 5).expect("small")];
        let faults = Faults {
            crash: 3_000,
            loss: 40,
            clock: 10_000,
            delay: [5, 80, 900, 3_000][usize::try_from(seed % 4).expect("small")],
        };
        let mut cluster = Cluster::new(seed, 1 + seed % 4, quota(per_minute, u32::MAX), faults);
        let mut now = 0;
        while now < 5 * MINUTE {
            now += 1 + cluster.random.below(20);
            // Bursts, silence, and a steady rate.
            let phase = now / 7_000 % 3;
            cluster.step(now, |_, random| match phase {
                0 => random.below(100),
                1 => 0,
                _ => u64::from(random.is_one_in(3)),
            });
        }
        let most = cluster.most_in(MINUTE);
        assert!(most <= per_minute as usize, "seed {seed}: {most} of {per_minute}");
        assert!(most > 0 || faults.delay > 900, "seed {seed}");
    }
}

#[test]
fn no_day_has_more_than_its_quota_whatever_fails() {
    for seed in 1..=4 {
        let faults = Faults { crash: 20_000, loss: 1_000, clock: 20_000, delay: 300 };
        let mut cluster = Cluster::new(seed, 3, quota(100_000, 5_000), faults);
        let mut now = HOUR - 2_000;
        while now < 80 * HOUR {
            // The last and the first 2 s of each hour, and moments at random.
            let rest = HOUR - (EPOCH + now) % HOUR;
            let is_busy = rest <= 2_000 || rest > HOUR - 2_000;
            let pause = 1 + cluster.random.below(if is_busy { 60 } else { 20_000 });
            now += if is_busy { pause } else { pause.min(rest - 2_000) };
            cluster.step(now, |_, random| random.below(60));
        }
        let most = cluster.most_in(24 * HOUR);
        assert!(most <= 5_000, "seed {seed}: {most}");
        assert!(most >= 2_500, "seed {seed}: {most}");
    }
}

#[test]
fn a_burst_uses_95_percent_of_the_minute() {
    for (seed, nodes) in [(1, 1), (2, 2), (3, 3), (4, 5)] {
        // 10 000 questions over the nodes within 2 s; before, one question a second at each.
        let mut cluster = Cluster::new(seed, nodes, quota(600, 100_000), SOUND);
        for now in 0..10_000 {
            cluster.step(now, |_, _| u64::from(now % 1_000 == 3));
        }
        for now in 10_000..12_000 {
            cluster.step(now, |index, _| u64::from(index == 0 || seed < 4) * 5);
        }
        let asked = cluster.asked.len();
        assert!((570..=600).contains(&asked), "{nodes} nodes: {asked}");
    }
}

#[test]
fn lasting_demand_uses_95_percent_of_every_minute() {
    for (seed, per_minute) in [(1, 60), (2, 600), (3, 6_000)] {
        let mut cluster = Cluster::new(seed, 3, quota(per_minute, u32::MAX), SOUND);
        for now in (0..20 * MINUTE).step_by(3) {
            cluster.step(now, |_, random| random.below(4));
        }
        let (asked, full) = (cluster.asked.len(), 20 * per_minute as usize);
        assert!(asked * 100 >= full * 95, "{asked} of {full}");
        assert!(cluster.most_in(MINUTE) <= per_minute as usize);
    }
}

#[test]
fn a_steady_caller_waits_for_no_exchange() {
    let mut cluster = Cluster::new(1, 1, quota(600, 100_000), SOUND);
    for now in 0..2 * MINUTE {
        cluster.step(now, |_, _| u64::from(now % 120 == 0));
    }
    assert!(cluster.refused <= 1, "{} of 1 000 came before a lease", cluster.refused);
}

#[test]
fn a_node_that_is_cut_off_uses_its_share_and_reports_it() {
    let quota = quota(600, 1_000);
    let three = NonZeroU32::new(3).expect("not zero");
    let mut leases = LeasedQuota::new(millis(0));
    let ask = |leases: &mut LeasedQuota, source, now| {
        (0..1_000).filter(|_| leases.take(quota, source, millis(now)).is_ok()).count()
    };
    assert_eq!(ask(&mut leases, LeaseSource::Unavailable, 0), 0);
    assert_eq!(ask(&mut leases, LeaseSource::OwnShare(three), 0), 200);
    assert_eq!(ask(&mut leases, LeaseSource::OwnShare(three), 60_999), 0);
    assert_eq!(ask(&mut leases, LeaseSource::OwnShare(three), 61_000), 133, "a third of the day");
    assert_eq!(ask(&mut leases, LeaseSource::OwnShare(three), 200_000), 0);
    let mut row = SharedCounts::default();
    let planned = leases.plan(quota, millis(200_000)).expect("something to report");
    assert_eq!((planned.unleased.minute, planned.unleased.day), (0, 333));
    let failed = leases.plan(quota, millis(200_001)).expect("still");
    assert_eq!(failed.unleased, planned.unleased, "reported until it is confirmed");
    let lease = exchange(&mut row, &request(quota, failed, millis(200_001)), millis(EPOCH));
    leases.note_lease(&lease, millis(200_001));
    assert_eq!(row.day.iter().sum::<u32>(), 333 + lease.questions);
    assert_eq!(leases.plan_end().map(|planned| planned.unleased.day), (lease.questions > 0).then_some(0));
}

#[test]
fn a_lease_ends_at_the_node_and_is_returned() {
    let quota = quota(1_600, 100_000);
    let (mut leases, mut row) = (LeasedQuota::new(millis(0)), SharedCounts::default());
    let none = leases.take(quota, LeaseSource::Exchange, millis(0));
    assert_eq!(none, Err(NoQuestion::NoLease));
    let planned = leases.plan(quota, millis(0)).expect("wanted");
    // The answer comes 400 ms after the request.
    let lease = exchange(&mut row, &request(quota, planned, millis(0)), millis(EPOCH + 300));
    leases.note_lease(&lease, millis(400));
    assert_eq!(lease.questions, 12, "a 128th at first");
    let taken = leases.take(quota, LeaseSource::Exchange, millis(999)).expect("in its lifetime");
    assert_eq!(leases.take(quota, LeaseSource::Exchange, millis(1_000)), Err(NoQuestion::NoLease));
    let planned = leases.plan(quota, millis(1_000)).expect("something to return");
    assert_eq!(planned.returned.iter().map(|part| part.questions).sum::<u32>(), 11);
    leases.give_back(taken);
    let last = leases.plan_end().expect("something to return");
    assert_eq!(last.returned.iter().map(|part| part.questions).sum::<u32>(), 1);
}
