//! The plan of failures while a simulation runs: what is left of it, and what was seen.
//!
//! A connection takes the first failure of the handshake that is left. A request takes the first
//! failure of an answer that is left and that affects it; the person of a question is known after
//! the service has answered it. The control API replaces the plan.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use ehealth_core::lookup::Operation;
use ehealth_core::model::{DatasetSet, Ssin};
use testkit::{AnswerFailure, Effect, Failure, FailurePlan, HandshakeFailure};

/// Number of seen requests that are kept; the oldest are dropped.
const KEPT_REQUESTS: usize = 1_000;

/// Time that a new plan waits until idle connections are closed.
const CLOSING: Duration = Duration::from_secs(1);

/// What a simulation did with a request or a connection. Holds no SSIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Number since the start, from 1.
    pub number: u64,
    /// What arrived.
    pub what: SeenKind,
    /// Failure that it met.
    pub failure: Option<Effect>,
    /// HTTP status that was sent; `None`: none, or another one than the service's.
    pub status: Option<u16>,
}

/// What arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeenKind {
    /// A connection, before its handshake. Only those that meet a failure are kept.
    Handshake,
    /// A message to this operation.
    Message(Operation),
    /// A GET.
    Document,
}

/// A failure and how often it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub failure: Failure,
    pub used: u32,
}

impl Planned {
    /// Whether it happens again.
    pub fn is_left(&self) -> bool {
        self.failure.times.is_none_or(|times| self.used < times.get())
    }
}

/// The plan at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CurrentPlan {
    pub failures: Vec<Planned>,
    pub missing: DatasetSet,
    pub stale: DatasetSet,
}

impl CurrentPlan {
    fn new(plan: &FailurePlan) -> Self {
        let failures = plan.failures.iter().map(|failure| Planned { failure: *failure, used: 0 }).collect();
        Self { failures, missing: plan.missing, stale: plan.stale }
    }

    fn fails_handshakes(&self) -> bool {
        self.failures.iter().any(|planned| matches!(planned.failure.effect, Effect::Handshake(_)) && planned.is_left())
    }
}

/// The plan that connections and requests take their failures from.
pub(super) struct LivePlan {
    initial: FailurePlan,
    state: Mutex<State>,
    /// Changes when idle connections have to close, and when one has closed.
    closing: watch::Sender<u64>,
    closed: watch::Sender<u64>,
}

struct State {
    current: CurrentPlan,
    seen: VecDeque<Seen>,
    next_number: u64,
    open: BTreeSet<u64>,
    next_connection: u64,
}

impl LivePlan {
    /// The plan at the start.
    pub fn new(initial: FailurePlan) -> Self {
        let state = State {
            current: CurrentPlan::new(&initial),
            seen: VecDeque::new(),
            next_number: 1,
            open: BTreeSet::new(),
            next_connection: 0,
        };
        Self { initial, state: Mutex::new(state), closing: watch::Sender::new(0), closed: watch::Sender::new(0) }
    }

    /// The plan as it is now.
    pub fn current(&self) -> CurrentPlan {
        self.state.lock().current.clone()
    }

    /// Datasets that are treated as missing, and as stale.
    pub fn outage(&self) -> (DatasetSet, DatasetSet) {
        let state = self.state.lock();
        (state.current.missing, state.current.stale)
    }

    /// Replaces the plan. If handshakes fail from now on, closes idle connections first, so that no
    /// client goes round the failure with a connection that it kept.
    pub async fn replace(&self, plan: &FailurePlan) {
        let open = {
            let mut state = self.state.lock();
            state.current = CurrentPlan::new(plan);
            if !state.current.fails_handshakes() {
                return;
            }
            state.open.clone()
        };
        self.closing.send_modify(|version| *version += 1);
        let mut closed = self.closed.subscribe();
        let all_closed = async {
            while self.state.lock().open.intersection(&open).next().is_some() {
                if closed.changed().await.is_err() {
                    return;
                }
            }
        };
        // A connection with a request in progress closes after its response.
        let _ = timeout(CLOSING, all_closed).await;
    }

    /// Returns to the plan of the scenario file.
    pub async fn reset(&self) {
        self.replace(&self.initial).await;
    }

    /// Takes the failure of the next handshake.
    pub fn take_handshake(&self) -> Option<HandshakeFailure> {
        let mut state = self.state.lock();
        let taken = state.take(|effect| matches!(effect, Effect::Handshake(_)))?;
        let Effect::Handshake(failure) = taken else { return None };
        state.see(SeenKind::Handshake, Some(taken), None);
        Some(failure)
    }

    /// Takes the failure of the answer to a message, or to a GET (`None`). `status` is that of the
    /// service's own answer.
    pub fn take_answer(&self, operation: Option<Operation>, subject: Option<Ssin>, status: u16) -> AnswerFailure {
        let mut state = self.state.lock();
        let taken = state.take(|effect| match effect {
            Effect::Handshake(_) => false,
            Effect::Answer(_, scope) => {
                scope.request.includes(operation) && (scope.ssin.is_none() || scope.ssin == subject)
            }
        });
        let failure = match taken {
            Some(Effect::Answer(failure, _)) => failure,
            Some(Effect::Handshake(_)) | None => AnswerFailure::None,
        };
        let sent = match failure {
            AnswerFailure::None | AnswerFailure::BrokenXml(_) | AnswerFailure::Slow { .. } => Some(status),
            AnswerFailure::Http { status, .. } => Some(status),
            AnswerFailure::Fault { .. } => Some(500),
            AnswerFailure::Reset { .. } | AnswerFailure::Cut { .. } | AnswerFailure::Silent => None,
        };
        let what = operation.map_or(SeenKind::Document, SeenKind::Message);
        state.see(what, taken.filter(|_| failure != AnswerFailure::None), sent);
        failure
    }

    /// Whether connections must not be kept, because a handshake is to fail.
    pub fn fails_handshakes(&self) -> bool {
        self.state.lock().current.fails_handshakes()
    }

    /// Requests, and connections that met a failure: the last thousand.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().seen.iter().copied().collect()
    }

    /// Forgets the requests that were seen. Their numbers go on.
    pub fn forget_seen(&self) {
        self.state.lock().seen.clear();
    }

    /// Counts an open connection: its number, and the signal by which it learns that it has to close.
    pub fn open_connection(&self) -> (u64, watch::Receiver<u64>) {
        let closing = self.closing.subscribe();
        let mut state = self.state.lock();
        state.next_connection += 1;
        let number = state.next_connection;
        state.open.insert(number);
        (number, closing)
    }

    /// Counts a connection no longer.
    pub fn close_connection(&self, number: u64) {
        self.state.lock().open.remove(&number);
        self.closed.send_modify(|version| *version = version.wrapping_add(1));
    }
}

impl State {
    /// Takes the first failure that is left and that `affects` accepts.
    fn take(&mut self, affects: impl Fn(&Effect) -> bool) -> Option<Effect> {
        let mut left = self.current.failures.iter_mut().filter(|planned| planned.is_left());
        let planned = left.find(|planned| affects(&planned.failure.effect))?;
        planned.used = planned.used.saturating_add(1);
        Some(planned.failure.effect)
    }

    fn see(&mut self, what: SeenKind, failure: Option<Effect>, status: Option<u16>) {
        if self.seen.len() >= KEPT_REQUESTS {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { number: self.next_number, what, failure, status });
        self.next_number = self.next_number.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use testkit::Scope;

    fn http(status: u16, times: u32) -> Failure {
        let effect = Effect::Answer(AnswerFailure::Http { status, retry_after: None }, Scope::default());
        Failure { effect, times: NonZeroU32::new(times) }
    }

    fn taken(plan: &LivePlan) -> AnswerFailure {
        plan.take_answer(Some(Operation::ConsultAttributes), None, 200)
    }

    #[test]
    fn a_sequence_is_used_up_in_order() {
        let failures = vec![http(503, 2), http(502, 1)];
        let plan = LivePlan::new(FailurePlan { failures, ..FailurePlan::default() });
        let statuses: Vec<_> = (0..4).map(|_| taken(&plan)).collect();
        let failed = |status| AnswerFailure::Http { status, retry_after: None };
        assert_eq!(statuses, [failed(503), failed(503), failed(502), AnswerFailure::None]);
        assert_eq!(plan.take_answer(None, None, 200), AnswerFailure::None, "a GET is no message");
        let seen: Vec<_> = plan.seen().iter().map(|seen| (seen.number, seen.status)).collect();
        assert_eq!(seen, [(1, Some(503)), (2, Some(503)), (3, Some(502)), (4, Some(200)), (5, Some(200))]);
    }

    #[test]
    fn a_failure_about_a_person_leaves_others_alone() {
        let ssin = Ssin::parse("85073099932").ok();
        let scope = Scope { ssin, ..Scope::default() };
        let failures = vec![Failure { effect: Effect::Answer(AnswerFailure::Silent, scope), times: None }];
        let plan = LivePlan::new(FailurePlan { failures, ..FailurePlan::default() });
        assert_eq!(taken(&plan), AnswerFailure::None);
        assert_eq!(plan.take_answer(Some(Operation::ConsultAttributes), ssin, 200), AnswerFailure::Silent);
        assert!(plan.take_handshake().is_none() && !plan.fails_handshakes());
    }

    #[test]
    fn the_oldest_requests_are_forgotten() {
        let plan = LivePlan::new(FailurePlan::default());
        (0..KEPT_REQUESTS + 5).for_each(|_| assert_eq!(taken(&plan), AnswerFailure::None));
        let seen = plan.seen();
        assert_eq!((seen.len(), seen[0].number), (KEPT_REQUESTS, 6));
    }
}
