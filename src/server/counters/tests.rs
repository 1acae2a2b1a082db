//! What is counted under which label.

use std::collections::HashSet;

use super::*;

fn at_minute(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000 + 1)
}

fn count(counters: &Counters, outcome: OutcomeCode, caller: Option<ConsumerId>, now: Timestamp) {
    let stopwatch = Stopwatch::start();
    stopwatch.lap(Stage::Read);
    let operation = Operation::ConsultAttributes;
    counters.count_exchange(Exchange { operation, outcome, caller, now, trace: None, stopwatch: &stopwatch });
}

#[test]
fn every_outcome_has_a_counter_of_its_own() {
    let counters = Counters::default();
    let codes = OutcomeCode::ALL;
    for code in codes {
        count(&counters, code, None, at_minute(0));
    }
    let counted = counters.read(at_minute(0));
    let reached: Vec<_> = counted.outcomes.iter().filter(|(.., times)| *times == 1).collect();
    assert_eq!(reached.len(), codes.len());
    assert!(reached.iter().all(|(operation, ..)| *operation == Operation::ConsultAttributes));
    assert_eq!(counted.outcomes.len(), 2 * codes.len());
}

#[test]
fn totals_are_the_sums_of_all_outcomes() {
    let counters = Counters::default();
    for code in OutcomeCode::ALL {
        count(&counters, code, None, at_minute(0));
    }
    counters.count_overload(Overload::Rate);
    counters.count_overload(Overload::Messages);
    let Totals { kinds, overloads, durations } = counters.totals();
    let all = OutcomeCode::ALL.len() as u64;
    assert_eq!((kinds.iter().sum::<u64>(), overloads, durations.iter().sum::<u64>()), (all, 2, all));
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

#[test]
fn minutes_older_than_an_hour_are_dropped() {
    let counters = Counters::default();
    for minute in [1_000, 1_000, 1_030, 1_059] {
        count(&counters, OutcomeCode::DataFound, None, at_minute(minute));
    }
    let hour_at = |minute| {
        let counted = counters.read(at_minute(minute));
        let [(None, of_all)] = counted.consumers.as_slice() else { panic!("{counted:?}") };
        assert_eq!(of_all.kinds, [4, 0, 0, 0]);
        of_all.hour.map(|kinds| kinds[Kind::Answered as usize])
    };
    let hour = hour_at(1_059);
    assert_eq!((hour[0], hour[30], hour[59], hour.iter().sum()), (2, 1, 1, 4_u64));
    assert_eq!(hour_at(1_060).iter().sum::<u64>(), 2);
    assert_eq!(hour_at(1_118)[0], 1);
    assert_eq!(hour_at(1_119).iter().sum::<u64>(), 0);
    assert_eq!(hour_at(5_000).iter().sum::<u64>(), 0);
}

#[test]
fn each_refusal_and_each_stage_is_counted_under_its_own_label() {
    let counters = Counters::default();
    for (times, refusal) in HttpRefusal::ALL.into_iter().enumerate() {
        (0..times).for_each(|_| counters.count_refusal(refusal));
    }
    for (times, outcome) in HandshakeOutcome::ALL.into_iter().enumerate() {
        (0..times).for_each(|_| counters.count_handshake(outcome, Duration::ZERO));
    }
    let counted = counters.read(at_minute(0));
    assert!(counted.refusals.iter().map(|(_, times)| *times).eq(0..HttpRefusal::ALL.len() as u64));
    assert!(counted.handshakes.iter().map(|(_, times)| *times).eq(0..HandshakeOutcome::ALL.len() as u64));
    let codes: HashSet<_> = Stage::ALL.map(Stage::code).into_iter().collect();
    assert_eq!(codes.len(), Stage::ALL.len());
}
