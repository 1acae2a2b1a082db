//! The traffic of a report: counters of the server, with the names of the policy.

use crate::admin::{ConsumerReport, ExemplarReport, OutcomeReport, RefusalReport, StageReport, Traffic};
use crate::server::LimitState;
use crate::server::counters::{BUCKETS_MICROS, ConsumerCount, CountersSnapshot, Exemplar, Kind, MINUTES};
use ehealth_core::lookup::Operation;
use ehealth_core::model::OutcomeCode;
use ehealth_core::policy::{ConsumerId, NotIdentified, Register};
use soap::Fault;
use soap::signature::SignatureError;

/// Reports what was counted; `register` has the consumers' names, `limits` the state of their limits.
pub(super) fn report_traffic(
    counted: CountersSnapshot,
    register: &Register,
    limits: &[(ConsumerId, LimitState)],
) -> Traffic {
    let outcomes = counted.outcomes.into_iter().map(|(operation, code, count)| OutcomeReport {
        operation: operation.code(),
        code,
        sentence: sentence(operation, code),
        count,
    });
    let refusals = counted.refusals.into_iter().map(|(refusal, count)| RefusalReport {
        status: refusal.status().as_u16(),
        reason: refusal.code(),
        count,
    });
    let overloads = counted.overloads.into_iter().map(|(overload, count)| (overload.code(), count));
    let refused = counted.refused_signatures.into_iter().map(|(error, count)| (SignatureError::code(error), count));
    let not_identified = counted.not_identified.into_iter().map(|(reason, count)| (NotIdentified::code(reason), count));
    let handshakes = counted.handshakes.into_iter().map(|(outcome, count)| (outcome.code(), count));
    let stages = counted.stages.into_iter().map(|(stage, spread)| StageReport {
        stage: stage.code(),
        buckets: spread.buckets.to_vec(),
        total: spread.total,
        exemplars: spread.exemplars.map(|exemplar| exemplar.map(report_exemplar)).into(),
    });
    Traffic {
        outcomes: outcomes.collect(),
        refusals: refusals.collect(),
        overloads: overloads.collect(),
        not_identified: not_identified.collect(),
        signatures: [("verified", counted.verified_signatures)].into_iter().chain(refused).collect(),
        handshakes: handshakes.collect(),
        bucket_ends_micros: &BUCKETS_MICROS,
        stages: stages.collect(),
        kinds: Kind::ALL.map(Kind::code),
        consumers: report_consumers(counted.consumers, register, limits),
    }
}

fn report_exemplar(Exemplar { trace, took, at }: Exemplar) -> ExemplarReport {
    ExemplarReport { trace_id: trace.to_string(), took, at }
}

/// Every registered consumer, and one entry for all others, which comes last.
///
/// The entries exist before the first request: Prometheus sees an increase only of a counter that
/// it has seen before.
fn report_consumers(
    counted: impl IntoIterator<Item = (Option<ConsumerId>, ConsumerCount)>,
    register: &Register,
    limits: &[(ConsumerId, LimitState)],
) -> Vec<ConsumerReport> {
    let unused = |id, name| {
        let (kinds, hour) = ([0; 4], vec![[0; 4]; MINUTES]);
        ConsumerReport { id, name, kinds, hour, is_slowed: false, refused_dates: 0 }
    };
    let report = |(id, count): (_, ConsumerCount)| {
        let (kinds, hour) = (count.kinds, count.hour.to_vec());
        ConsumerReport { id, name: None, kinds, hour, is_slowed: false, refused_dates: 0 }
    };
    let mut consumers: Vec<_> = counted.into_iter().map(report).collect();
    for consumer in register.consumers() {
        let (id, name) = (Some(consumer.id()), Some(consumer.name.clone()));
        match consumers.iter_mut().find(|known| known.id == id) {
            Some(known) => known.name = name,
            None => consumers.push(unused(id, name)),
        }
    }
    if !consumers.iter().any(|consumer| consumer.id.is_none()) {
        consumers.push(unused(None, None));
    }
    for consumer in &mut consumers {
        let state = limits.iter().find(|(id, _)| Some(*id) == consumer.id);
        if let Some((_, LimitState { is_slowed, refused_dates })) = state {
            (consumer.is_slowed, consumer.refused_dates) = (*is_slowed, *refused_dates);
        }
    }
    consumers.sort_by_key(|consumer| (consumer.id.is_none(), consumer.id));
    consumers
}

/// Text that a response has with a code: the description of a status, or the sentence of a fault.
/// The response of sendTestMessage has neither.
fn sentence(operation: Operation, outcome: OutcomeCode) -> Option<&'static str> {
    match (operation, outcome.status()) {
        (Operation::ConsultAttributes, Some(status)) => Some(status.description()),
        (Operation::SendTestMessage, Some(_)) => None,
        (Operation::ConsultAttributes | Operation::SendTestMessage, None) => {
            Fault::table().find(|row| row.outcome == outcome).map(|row| row.sentence)
        }
    }
}
