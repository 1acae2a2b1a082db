//! Counters of the server: atomics behind closed lists, so that no client can create a metric
//! label.
//!
//! An exchange costs a dozen atomic additions and no lock but the read side of one, whose write
//! side is taken when a registered consumer sends its first question. Nothing here decides
//! anything, and no personal data enters.

// The closed lists by which is counted, and a value for each of their variants.
mod lists;
mod per_variant;

// What is counted, and how long it took.
mod consumer;
mod histogram;
mod stopwatch;

pub use consumer::{ConsumerCount, MINUTES};
pub use histogram::{BUCKETS_MICROS, Exemplar, HistogramSnapshot};
pub use lists::{HandshakeOutcome, Kind, Overload, Stage};
pub(super) use stopwatch::Stopwatch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::http::refusal::HttpRefusal;
use super::http::trace::TraceId;
use consumer::{ConsumerCounters, minute_of};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{OutcomeCode, Timestamp};
use ehealth_core::policy::{ConsumerId, NotIdentified};
use histogram::Histogram;
use per_variant::PerVariant;
use soap::signature::SignatureError;

/// One counter for each code of a status or fault.
type OutcomeCounters = PerVariant<OutcomeCode, AtomicU64, { OutcomeCode::ALL.len() }>;

/// Everything that the server counts.
#[derive(Debug, Default)]
pub struct Counters {
    outcomes: PerVariant<Operation, OutcomeCounters, { Operation::ALL.len() }>,
    refusals: PerVariant<HttpRefusal, AtomicU64, { HttpRefusal::ALL.len() }>,
    overloads: PerVariant<Overload, AtomicU64, { Overload::ALL.len() }>,
    handshakes: PerVariant<HandshakeOutcome, AtomicU64, { HandshakeOutcome::ALL.len() }>,
    stages: PerVariant<Stage, Histogram, { Stage::ALL.len() }>,
    /// Exchanges, all stages together.
    durations: Histogram,
    /// By registered caller; `None`: all other callers together.
    consumers: RwLock<BTreeMap<Option<ConsumerId>, Arc<ConsumerCounters>>>,
    not_identified: PerVariant<NotIdentified, AtomicU64, { NotIdentified::ALL.len() }>,
    verified_signatures: AtomicU64,
    refused_signatures: PerVariant<SignatureError, AtomicU64, { SignatureError::ALL.len() }>,
}

impl Counters {
    /// Counts an answered exchange. Only a registered consumer has a label: another caller must not
    /// create one.
    pub(super) fn count_exchange(&self, counted: Exchange<'_>) {
        let counters = self.outcomes.get(counted.operation);
        if let Some(cell) = counters.and_then(|counters| counters.get(counted.outcome)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        let mut whole = Duration::ZERO;
        for (stage, took) in counted.stopwatch.laps() {
            if let Some(histogram) = self.stages.get(stage) {
                histogram.observe_traced(took, counted.trace, counted.now);
            }
            whole = whole.saturating_add(took);
        }
        self.durations.observe(whole);
        self.consumer(counted.caller).count(Kind::of(counted.outcome), minute_of(counted.now));
    }

    /// Counts a request that was refused below SOAP.
    pub(super) fn count_refusal(&self, refusal: HttpRefusal) {
        if let Some(cell) = self.refusals.get(refusal) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a question whose caller is not identified.
    pub(super) fn count_not_identified(&self, reason: NotIdentified) {
        if let Some(cell) = self.not_identified.get(reason) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a message whose signature was verified.
    pub(super) fn count_verified_signature(&self) {
        self.verified_signatures.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message whose signature is not accepted.
    pub(super) fn count_refused_signature(&self, error: SignatureError) {
        if let Some(cell) = self.refused_signatures.get(error) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a request that is answered `503`, by the limit that it exceeds.
    pub(super) fn count_overload(&self, overload: Overload) {
        if let Some(cell) = self.overloads.get(overload) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a handshake.
    pub(super) fn count_handshake(&self, outcome: HandshakeOutcome, took: Duration) {
        if let Some(cell) = self.handshakes.get(outcome) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(histogram) = self.stages.get(Stage::Handshake) {
            histogram.observe(took);
        }
    }

    fn consumer(&self, caller: Option<ConsumerId>) -> Arc<ConsumerCounters> {
        let known = self.consumers.read().get(&caller).map(Arc::clone);
        known.unwrap_or_else(|| Arc::clone(self.consumers.write().entry(caller).or_default()))
    }

    /// Sums over all callers and operations.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut kinds = [0_u64; Kind::ALL.len()];
        for (outcome, cell) in self.outcomes.iter().flat_map(|(_, counters)| counters.iter()) {
            if let Some(kind) = kinds.get_mut(Kind::of(outcome) as usize) {
                *kind = kind.saturating_add(load(cell));
            }
        }
        let overloads = self.overloads.iter().fold(0, |sum: u64, (_, cell)| sum.saturating_add(load(cell)));
        Totals { kinds, overloads, durations: self.durations.read().buckets }
    }

    /// Values of all counters at `now`.
    #[must_use]
    pub fn read(&self, now: Timestamp) -> CountersSnapshot {
        let outcomes = self.outcomes.iter().flat_map(|(operation, counters)| {
            counters.iter().map(move |(outcome, cell)| (operation, outcome, load(cell)))
        });
        let consumers = self.consumers.read();
        let minute = minute_of(now);
        CountersSnapshot {
            outcomes: outcomes.collect(),
            refusals: self.refusals.iter().map(|(refusal, cell)| (refusal, load(cell))).collect(),
            overloads: self.overloads.iter().map(|(overload, cell)| (overload, load(cell))).collect(),
            handshakes: self.handshakes.iter().map(|(outcome, cell)| (outcome, load(cell))).collect(),
            stages: self.stages.iter().map(|(stage, histogram)| (stage, histogram.read())).collect(),
            not_identified: self.not_identified.iter().map(|(reason, cell)| (reason, load(cell))).collect(),
            verified_signatures: load(&self.verified_signatures),
            refused_signatures: self.refused_signatures.iter().map(|(error, cell)| (error, load(cell))).collect(),
            consumers: consumers.iter().map(|(caller, counted)| (*caller, counted.read(minute))).collect(),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// An exchange to be counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub operation: Operation,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
    /// The consumer, if it is registered.
    pub caller: Option<ConsumerId>,
    pub now: Timestamp,
    /// Trace ID of the request.
    pub trace: Option<TraceId>,
    pub stopwatch: &'a Stopwatch,
}

/// Sums over all callers and operations at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Exchanges in the order of [`Kind::ALL`].
    pub kinds: [u64; Kind::ALL.len()],
    /// Requests answered `503`.
    pub overloads: u64,
    /// Exchanges by duration: of all stages together, without the time for which a consumer was
    /// throttled.
    pub durations: [u64; BUCKETS_MICROS.len() + 1],
}

/// Values of all counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountersSnapshot {
    /// Exchanges by operation and code, for every code, zeros included.
    pub outcomes: Vec<(Operation, OutcomeCode, u64)>,
    /// Requests refused below SOAP.
    pub refusals: Vec<(HttpRefusal, u64)>,
    /// Requests answered `503`, by the limit that they exceeded.
    pub overloads: Vec<(Overload, u64)>,
    /// Handshakes.
    pub handshakes: Vec<(HandshakeOutcome, u64)>,
    /// Duration of each stage.
    pub stages: Vec<(Stage, HistogramSnapshot)>,
    /// Questions whose caller was not identified, by reason.
    pub not_identified: Vec<(NotIdentified, u64)>,
    /// Messages whose signature was verified.
    pub verified_signatures: u64,
    /// Messages whose signature was not accepted, by reason.
    pub refused_signatures: Vec<(SignatureError, u64)>,
    /// By consumer, in the order of enterprise numbers; `None`: callers that are not registered.
    pub consumers: Vec<(Option<ConsumerId>, ConsumerCount)>,
}

#[cfg(test)]
mod tests;
