//! The trawling guard: slows a consumer that mostly asks about people of whom it gets nothing.
//!
//! Software that routes files knows the people about whom it asks. A caller that mostly gets "no
//! relation" or "no data found" is trying numbers. Counted are *subjects*, not answers: a person
//! counts once an hour, by the first answer. So repeated questions about one person, known or not,
//! change nothing, and a known person that is asked again and again hides no trawling.
//!
//! Two limits slow a consumer (`docs/reference/policy.md` "Empty answers" has the arithmetic):
//!
//! - The *share*. A score rises by `100 - percent` for an empty subject and falls by `percent` for
//!   another one, never below zero. It is over its limit when, since any moment, there were more
//!   empty subjects than `percent` of all, and 40 more. Known people that were asked before cannot
//!   be saved up: the score does not go below zero.
//! - An absolute number of empty subjects in an hour, whatever the share.
//!
//! Memory is bounded: the last [`SUBJECTS`] subjects as keyed hashes, and a few numbers.
//!
//! The nodes of a cluster share the score and the number, so that a consumer is slowed whichever
//! nodes it asks. The remembered subjects stay with each node: a person counts once an hour and node.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::guard_score::{GuardChange, GuardScore, GuardTotals};
use super::quota::Quota;
use super::subject_hash::SubjectHash;

/// Subjects that are remembered: 8 192 of 24 bytes. A caller that asks about more people in an hour
/// has the oldest of them counted again, which neither hides nor adds a share.
pub const SUBJECTS: usize = 8_192;

/// Time for which a subject is remembered, and over which the absolute number is counted.
pub const WINDOW: Duration = Duration::from_secs(3_600);

/// What an answer showed of the person to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Something: data, or the number that replaces the one asked.
    Something,
    /// Nothing: no relation, or no data. The answer is *empty*.
    Nothing,
    /// No person was looked up: the question was refused before, or the sources were missing.
    NotLookedUp,
}

/// Whether an answer is delayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// No delay.
    AtOnce,
    /// Delayed, as the answer before.
    Slowed,
    /// Delayed from this answer on: the operator gets a log line.
    SlowedFromNow,
}

/// Interval of the answers to a slowed consumer: short for a person, long for software that tries
/// all numbers of a day's births.
pub const THROTTLE_INTERVAL: Duration = Duration::from_secs(1);

/// State of one consumer's guard.
#[derive(Debug, Clone)]
pub struct EmptyAnswers {
    recent: RecentSubjects,
    score: GuardScore,
    /// `None` if no other node has a part of the state.
    unshared: Option<UnsharedChanges>,
    is_slowed: bool,
}

/// What the other nodes do not know yet.
#[derive(Debug, Clone)]
struct UnsharedChanges {
    /// Sent; the totals with it have not come back.
    sent: GuardChange,
    /// Happened since.
    later: GuardChange,
}

impl EmptyAnswers {
    /// Guard of a consumer that has asked nothing yet.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self { recent: RecentSubjects::default(), score: GuardScore::new(now), unshared: None, is_slowed: false }
    }

    /// Guard of a consumer whose state all nodes of a cluster share.
    #[must_use]
    pub fn shared(now: Duration) -> Self {
        let unshared = UnsharedChanges { sent: GuardChange::NONE, later: GuardChange::NONE };
        Self { unshared: Some(unshared), ..Self::new(now) }
    }

    /// What changed since the last exchange. It includes what was sent and not confirmed: if that
    /// exchange succeeded unnoticed, those answers count twice, which slows a trawler earlier.
    pub fn plan_change(&mut self) -> GuardChange {
        let Some(unshared) = &mut self.unshared else { return GuardChange::NONE };
        unshared.sent = unshared.sent.then(unshared.later);
        unshared.later = GuardChange::NONE;
        unshared.sent
    }

    /// Takes the totals of all nodes, which include the planned change.
    pub fn note_totals(&mut self, totals: &GuardTotals, now: Duration) {
        let Some(unshared) = &mut self.unshared else { return };
        unshared.sent = GuardChange::NONE;
        self.score = GuardScore::from_totals(totals, now, now);
        self.score.add(unshared.later);
    }

    /// Counts an answer about this subject. Returns whether this answer is delayed.
    pub fn note(&mut self, quota: Quota, subject: SubjectHash, finding: Finding, now: Duration) -> Throttle {
        let was_slowed = self.is_slowed(quota, now);
        let change = match finding {
            Finding::NotLookedUp => None,
            Finding::Something => Some(GuardChange::known(quota.empty_percent)),
            Finding::Nothing => Some(GuardChange::empty(quota.empty_percent)),
        };
        if let Some(change) = change
            && self.recent.insert(subject, now)
        {
            self.score.add(change);
            if let Some(unshared) = &mut self.unshared {
                unshared.later = unshared.later.then(change);
            }
        }
        match (was_slowed, self.is_slowed(quota, now)) {
            (_, false) => Throttle::AtOnce,
            (true, true) => Throttle::Slowed,
            (false, true) => Throttle::SlowedFromNow,
        }
    }

    /// Whether the consumer is slowed now.
    pub fn is_slowed(&mut self, quota: Quota, now: Duration) -> bool {
        self.score.advance(now);
        self.is_slowed = self.score.is_over(quota);
        self.is_slowed
    }
}

/// The last subjects, each once.
#[derive(Debug, Clone, Default)]
struct RecentSubjects {
    known: HashSet<SubjectHash>,
    /// In the order in which they came.
    order: VecDeque<(SubjectHash, Duration)>,
}

impl RecentSubjects {
    /// Remembers a subject. Returns whether it is new.
    fn insert(&mut self, subject: SubjectHash, now: Duration) -> bool {
        while let Some((oldest, came)) = self.order.front() {
            if now.saturating_sub(*came) < WINDOW && self.order.len() < SUBJECTS {
                break;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
        let is_new = self.known.insert(subject);
        if is_new {
            self.order.push_back((subject, now));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota::USUAL;

    /// Numbers that look random and never repeat (an odd multiplier is a bijection).
    fn subject(number: u64) -> SubjectHash {
        SubjectHash::new(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Empty subjects until the guard slows a caller that pads each empty subject with findings
    /// made by `pad`; `None` if it does not within 2 000.
    fn empties_until_slowed(mut pad: impl FnMut(u64) -> Vec<u64>) -> Option<u64> {
        let mut guard = EmptyAnswers::new(Duration::ZERO);
        for number in 1..=2_000 {
            for known in pad(number) {
                let _ = guard.note(QUOTA, subject(1 << 40 | known), Finding::Something, Duration::ZERO);
            }
            if guard.note(QUOTA, subject(number), Finding::Nothing, Duration::ZERO) != Throttle::AtOnce {
                return Some(number);
            }
        }
        None
    }

    #[test]
    fn trawling_is_slowed_within_200_empty_subjects() {
        assert_eq!(empties_until_slowed(|_| vec![]), Some(62), "nothing else");
        assert_eq!(empties_until_slowed(|_| vec![7]), Some(62), "padded with one known person");
        assert_eq!(empties_until_slowed(|number| vec![number % 30, number % 7]), Some(78), "with thirty of them");
        assert_eq!(empties_until_slowed(|number| vec![number]), Some(133), "with another known person each time");
        let saved_up = |number| if number == 1 { (0..5_000).collect() } else { vec![] };
        assert_eq!(empties_until_slowed(saved_up), Some(62), "with 5 000 known persons before");
    }

    #[test]
    fn repeated_and_refused_questions_change_nothing() {
        let mut guard = EmptyAnswers::new(Duration::ZERO);
        for _ in 0..10_000 {
            assert_eq!(guard.note(QUOTA, subject(1), Finding::Nothing, Duration::ZERO), Throttle::AtOnce);
        }
        for number in 0..10_000 {
            let refused = guard.note(QUOTA, subject(number), Finding::NotLookedUp, Duration::ZERO);
            assert_eq!(refused, Throttle::AtOnce);
        }
    }

    #[test]
    fn an_honest_caller_is_never_slowed() {
        // 600 questions a minute for a day, 30 % of them empty, in a random order (xorshift).
        let (mut guard, mut state) = (EmptyAnswers::new(Duration::ZERO), 0x2545_F491_4F6C_DD1D_u64);
        for number in 0..600 * 60 * 24 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let finding = if state % 10 < 3 { Finding::Nothing } else { Finding::Something };
            let slowed = guard.note(QUOTA, subject(number), finding, Duration::from_millis(number * 100));
            assert_eq!(slowed, Throttle::AtOnce, "question {number}");
        }
    }

    #[test]
    fn a_slowed_consumer_recovers() {
        let mut guard = EmptyAnswers::new(Duration::ZERO);
        let mut now = Duration::ZERO;
        for number in 0..1_000 {
            let _ = guard.note(QUOTA, subject(number), Finding::Nothing, now);
        }
        assert!(guard.is_slowed(QUOTA, now));
        now += Duration::from_mins(39);
        assert!(guard.is_slowed(QUOTA, now), "by time, after the allowance in minutes");
        now += Duration::from_mins(1);
        assert!(!guard.is_slowed(QUOTA, now));
        for number in 1_000..1_100 {
            let _ = guard.note(QUOTA, subject(number), Finding::Nothing, now);
        }
        let known = (2_000..)
            .take_while(|number| guard.note(QUOTA, subject(*number), Finding::Something, now) != Throttle::AtOnce);
        assert_eq!(known.count(), 114, "by known people");
    }

    #[test]
    fn the_absolute_number_slows_whatever_the_share() {
        let strict = Quota { empty_per_hour: 100, empty_percent: 100, ..QUOTA };
        let mut guard = EmptyAnswers::new(Duration::ZERO);
        let mut note = |number: u64, now| guard.note(strict, subject(number), Finding::Nothing, now);
        assert!((0..100).all(|number| note(number, Duration::ZERO) == Throttle::AtOnce));
        assert_eq!(note(100, Duration::ZERO), Throttle::SlowedFromNow);
        assert_eq!(note(101, Duration::from_mins(59)), Throttle::Slowed);
        assert_eq!(note(102, Duration::from_mins(65)), Throttle::AtOnce);
    }

    #[test]
    fn a_trawler_is_slowed_by_all_nodes_together() {
        let mut guards: Vec<_> = (0..3).map(|_| EmptyAnswers::shared(Duration::ZERO)).collect();
        let mut shared = GuardScore::new(Duration::ZERO);
        for number in 1..=70 {
            for guard in &mut guards {
                shared.add(guard.plan_change());
                guard.note_totals(&shared.totals(), Duration::ZERO);
            }
            let is_slowed = guards.iter_mut().all(|guard| guard.is_slowed(QUOTA, Duration::ZERO));
            assert_eq!(is_slowed, number > 63, "at number {number}, one exchange late");
            let guard = &mut guards[usize::try_from(number % 3).expect("small")];
            let _ = guard.note(QUOTA, subject(number), Finding::Nothing, Duration::ZERO);
        }
    }

    #[test]
    fn an_exchange_that_fails_loses_no_change() {
        let mut guard = EmptyAnswers::shared(Duration::ZERO);
        let _ = guard.note(QUOTA, subject(1), Finding::Nothing, Duration::ZERO);
        let lost = guard.plan_change();
        let _ = guard.note(QUOTA, subject(2), Finding::Nothing, Duration::ZERO);
        let sent = guard.plan_change();
        assert_eq!(sent, lost.then(lost));
        let _ = guard.note(QUOTA, subject(3), Finding::Nothing, Duration::ZERO);
        let mut shared = GuardScore::new(Duration::ZERO);
        shared.add(sent);
        guard.note_totals(&shared.totals(), Duration::ZERO);
        assert_eq!((guard.score.totals().points, guard.plan_change()), (195, GuardChange::empty(35)));
    }

    #[test]
    fn a_hundred_percent_switches_the_share_off() {
        let off = Quota { empty_percent: 100, empty_per_hour: u32::MAX, ..QUOTA };
        let mut guard = EmptyAnswers::new(Duration::ZERO);
        for number in 0..20_000 {
            let noted = guard.note(off, subject(number), Finding::Nothing, Duration::ZERO);
            assert_eq!(noted, Throttle::AtOnce);
        }
        assert!(guard.recent.order.len() <= SUBJECTS && guard.recent.known.len() <= SUBJECTS);
    }
}
