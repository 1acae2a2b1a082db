//! Refusals for lack of a relation (MSG00012) take equal time.
//!
//! The look-up of a refusal does equal work whether or not the person is known
//! (`docs/reference/domain.md` "Relations"). Equal work is not equal time: a replaced number or many
//! employments differ by 2 to 3 µs, which a caller sees in the mean of a thousand questions. So such
//! a look-up ends at the next multiple of [`QUANTUM`] after its begin.
//!
//! The thread spins: it neither sleeps nor yields. A sleep of less than 50 µs takes 50 to 60 µs more
//! than it says (the timer slack of Linux), the timers of tokio have a resolution of 1 ms, and to
//! yield would let the other messages of this thread decide when the look-up ends. The cost is
//! bounded: less than 50 µs of one processor for a refusal. At the usual quota of 600 questions a
//! minute a consumer uses at most 0.05 % of a processor for it.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use ehealth_core::lookup::Resolved;
use ehealth_core::model::Status;

/// Granularity of a refusal's duration. A look-up with warm caches takes less.
const QUANTUM: Duration = Duration::from_micros(50);

/// Waits for the end of a refusal's time, if this outcome is such a refusal.
pub(super) fn equalise(resolved: &Resolved, began: Instant) {
    match resolved.status() {
        Status::NoRelation { .. } => spin_until(began, end_of(began.elapsed())),
        Status::NoGrant
        | Status::NotAnSsin
        | Status::WrongDates(_)
        | Status::Replaced { .. }
        | Status::Incomplete(_)
        | Status::DataFound
        | Status::NoDataFound => {}
    }
}

/// The next multiple of the quantum after this duration.
fn end_of(elapsed: Duration) -> Duration {
    let quanta = elapsed.as_nanos() / QUANTUM.as_nanos() + 1;
    QUANTUM.saturating_mul(u32::try_from(quanta).unwrap_or(u32::MAX))
}

fn spin_until(began: Instant, end: Duration) {
    while began.elapsed() < end {
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_ends_at_the_next_multiple() {
        let micros = Duration::from_micros;
        assert_eq!(end_of(Duration::ZERO), micros(50));
        assert_eq!(end_of(Duration::from_nanos(49_999)), micros(50));
        assert_eq!(end_of(micros(50)), micros(100));
        assert_eq!(end_of(micros(5_001)), micros(5_050));
        let began = Instant::now();
        spin_until(began, micros(50));
        assert!(began.elapsed() >= micros(50));
    }
}
